//! The types of fields, and which options each of them has.

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// A decimal number.
    Number,
    /// True or false.
    Boolean,
    /// A day, `2026-11-21`.
    Date,
    /// An instant, kept in UTC: `2026-11-21T21:04:00Z`.
    Instant,
    /// One of the choices.
    Choice,
    /// Some of the choices, each once.
    Choices,
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// An address of the web, `https://…` or `http://…`.
    Url,
    /// The id of a user.
    User,
}

impl Kind {
    /// All of them, in the order of documentation.
    pub const ALL: [Self; 11] = [
        Self::Text,
        Self::Number,
        Self::Boolean,
        Self::Date,
        Self::Instant,
        Self::Choice,
        Self::Choices,
        Self::Email,
        Self::Phone,
        Self::Url,
        Self::User,
    ];

    /// The type of this name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Instant => "instant",
            Self::Choice => "choice",
            Self::Choices => "choices",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Url => "url",
            Self::User => "user",
        }
    }

    /// What conditions take it for: the types of `core.object_fields`.
    #[must_use]
    pub const fn of_conditions(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Instant => "instant",
            Self::Choices => "list",
            Self::User => "id",
            Self::Text | Self::Choice | Self::Email | Self::Phone | Self::Url => "text",
        }
    }

    /// Whether a definition of this type may have the option.
    pub(super) fn takes(self, option: &str) -> bool {
        match option {
            "type" | "label" | "description" | "required" => true,
            "default" => self != Self::User,
            "choices" => matches!(self, Self::Choice | Self::Choices),
            "min" | "max" => matches!(self, Self::Number | Self::Date | Self::Instant),
            "decimals" => self == Self::Number,
            "min_length" | "max_length" | "pattern" => self == Self::Text,
            "indexed" => !matches!(self, Self::Boolean | Self::Choices),
            "unique" => !matches!(self, Self::Boolean | Self::Choice | Self::Choices),
            _ => false,
        }
    }
}

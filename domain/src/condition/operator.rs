//! The operators: how they are written, and what kind of value each takes.

/// What a leaf asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    Between,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    IsNull,
    IsNotNull,
    Changed,
}

/// How many values an operator takes, and of which kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    None,
    Scalar,
    Ordered,
    List,
    TwoOrdered,
    Text,
    Pattern,
}

impl Operator {
    /// All of them, in the order in which people are shown them.
    pub(super) const ALL: [Self; 15] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessOrEqual,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::In,
        Self::Between,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Matches,
        Self::IsNull,
        Self::IsNotNull,
        Self::Changed,
    ];

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// As conditions have it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Between => "between",
            Self::Contains => "contains",
            Self::StartsWith => "starts_with",
            Self::EndsWith => "ends_with",
            Self::Matches => "matches",
            Self::IsNull => "is_null",
            Self::IsNotNull => "is_not_null",
            Self::Changed => "changed",
        }
    }

    pub(super) const fn operand(self) -> Operand {
        match self {
            Self::Equal | Self::NotEqual => Operand::Scalar,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => {
                Operand::Ordered
            }
            Self::In => Operand::List,
            Self::Between => Operand::TwoOrdered,
            Self::Contains | Self::StartsWith | Self::EndsWith => Operand::Text,
            Self::Matches => Operand::Pattern,
            Self::IsNull | Self::IsNotNull | Self::Changed => Operand::None,
        }
    }
}

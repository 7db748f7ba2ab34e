//! Decides what a template of a mail may be, and what comes of it with its data.
//!
//! A template is text with `{{ variable }}`, `{% if %}` and `{% for %}`, and nothing else of the
//! language of the library that runs it: [`syntax`] says what is let through, before anything is
//! parsed that could be deep. [`check`] compares it with the declared [`variables`], each of a type,
//! and [`html`] with where in a page a value may stand, so that what is saved can be sent.
//! [`value`] makes data fit the declaration, [`format`](mod@format) writes numbers and times as a
//! language does, and [`render`] brings all of it together.

mod check;
pub mod format;
mod html;
mod render;
mod syntax;
mod value;
pub mod variables;

use std::fmt;

use thiserror::Error;

pub use check::check;
pub use render::{Locale, render};

/// The longest template: a mail of more is cut off by the large providers anyway (at 102 KiB).
pub const SOURCE_BYTES_MAX: usize = 64 * 1024;
/// The longest that a template may become.
pub const OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// The longest subject in octets: a line of a mail (RFC 5322, 2.1.1).
pub const SUBJECT_BYTES_MAX: usize = 998;

/// What a template is for, and thereby how values are written into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One line of plain text.
    Subject,
    /// Plain text.
    Text,
    /// A piece of HTML, or a whole page.
    Html,
}

impl Form {
    /// All forms, by the word that names them.
    pub const ALL: [(&'static str, Self); 3] = [
        ("subject", Self::Subject),
        ("text", Self::Text),
        ("html", Self::Html),
    ];

    /// The form that `word` names.
    ///
    /// # Errors
    /// [`TemplateError::FormUnknown`].
    pub fn parse(word: &str) -> Result<Self, TemplateError> {
        Self::ALL
            .iter()
            .find(|(name, _)| *name == word)
            .map(|&(_, form)| form)
            .ok_or_else(|| TemplateError::FormUnknown(word.chars().take(50).collect()))
    }
}

/// Where in a source something stands; both are counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl Place {
    /// The place of the byte `offset`, or of the end where there is no such byte.
    fn at(source: &str, offset: usize) -> Self {
        let end = (0..=offset.min(source.len()))
            .rev()
            .find(|&end| source.is_char_boundary(end));
        let before = source.get(..end.unwrap_or(0)).unwrap_or(source);
        let line = before.rsplit('\n').next().unwrap_or(before);
        Self {
            line: 1 + before.bytes().filter(|&byte| byte == b'\n').count(),
            column: 1 + line.chars().count(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}", self.line, self.column)
    }
}

/// Why a template is none, or why nothing comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// No form of this name.
    #[error("a template is a subject, a text or html, and not {0}")]
    FormUnknown(String),
    /// The declaration of the variables is not what it has to be.
    #[error("the declaration of the variables is malformed: {0}")]
    DeclarationMalformed(String),
    /// A template longer than [`SOURCE_BYTES_MAX`].
    #[error("a template has {SOURCE_BYTES_MAX} bytes at most")]
    TooLarge,
    /// More in one tag, or more tags, than a template needs.
    #[error("{place}: this is too much for a template: {reason}")]
    TooComplex {
        /// Where it becomes too much.
        place: Place,
        /// The limit.
        reason: &'static str,
    },
    /// Something that cannot be read.
    #[error("{place}: {reason}")]
    Syntax {
        /// Where reading stopped.
        place: Place,
        /// What was expected.
        reason: String,
    },
    /// A word or sign that templates do without.
    #[error("{place}: {name} has no place in a template")]
    NotAllowed {
        /// Where it stands.
        place: Place,
        /// The word or sign.
        name: String,
    },
    /// A variable that the kind of the template does not have.
    #[error("{place}: there is no variable {name}")]
    VariableUnknown {
        /// Where it stands.
        place: Place,
        /// Its whole path.
        name: String,
    },
    /// A filter that there is not.
    #[error("{place}: there is no filter {name}")]
    FilterUnknown {
        /// Where it stands.
        place: Place,
        /// Its name.
        name: String,
    },
    /// A variable where one of its type cannot be.
    #[error("{place}: {name} {reason}")]
    TypeMismatch {
        /// Where it stands.
        place: Place,
        /// The variable or filter.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// HTML that could become something else than it looks like.
    #[error("{place}: {reason}")]
    HtmlUnsafe {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Data that are no object.
    #[error("the data of a template are an object")]
    DataMalformed,
    /// A variable that is not optional and has no value.
    #[error("the variable {name} has no value")]
    VariableMissing {
        /// Its whole path.
        name: String,
    },
    /// A value that does not fit the type of its variable.
    #[error("the variable {name} is no {wanted}")]
    VariableInvalid {
        /// Its whole path.
        name: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// No time zone of this name.
    #[error("there is no time zone {0}")]
    ZoneUnknown(String),
    /// More than [`OUTPUT_BYTES_MAX`].
    #[error("with these data the template becomes longer than {OUTPUT_BYTES_MAX} bytes")]
    OutputTooLarge,
    /// It runs for too long.
    #[error("with these data the template takes too many steps")]
    OutOfFuel,
    /// Nothing is left of the subject.
    #[error("with these data the subject is empty")]
    SubjectEmpty,
    /// What the library refuses while it runs.
    #[error("{place}: {reason}")]
    Failed {
        /// Where it stopped.
        place: Place,
        /// Why.
        reason: String,
    },
}

impl TemplateError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FormUnknown(_) => "template.form_unknown",
            Self::DeclarationMalformed(_) => "template.declaration_malformed",
            Self::TooLarge => "template.too_large",
            Self::TooComplex { .. } => "template.too_complex",
            Self::Syntax { .. } => "template.syntax_invalid",
            Self::NotAllowed { .. } => "template.not_allowed",
            Self::VariableUnknown { .. } => "template.variable_unknown",
            Self::FilterUnknown { .. } => "template.filter_unknown",
            Self::TypeMismatch { .. } => "template.type_mismatch",
            Self::HtmlUnsafe { .. } => "template.html_unsafe",
            Self::DataMalformed => "template.data_malformed",
            Self::VariableMissing { .. } => "template.variable_missing",
            Self::VariableInvalid { .. } => "template.variable_invalid",
            Self::ZoneUnknown(_) => "template.zone_unknown",
            Self::OutputTooLarge => "template.output_too_large",
            Self::OutOfFuel => "template.out_of_fuel",
            Self::SubjectEmpty => "template.subject_empty",
            Self::Failed { .. } => "template.failed",
        }
    }

    /// Where the error is in the source, if it is there.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::TooComplex { place, .. }
            | Self::Syntax { place, .. }
            | Self::NotAllowed { place, .. }
            | Self::VariableUnknown { place, .. }
            | Self::FilterUnknown { place, .. }
            | Self::TypeMismatch { place, .. }
            | Self::HtmlUnsafe { place, .. }
            | Self::Failed { place, .. } => Some(*place),
            _ => None,
        }
    }

    /// The variable, filter or word that it is about, if it is about one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::NotAllowed { name, .. }
            | Self::VariableUnknown { name, .. }
            | Self::FilterUnknown { name, .. }
            | Self::TypeMismatch { name, .. }
            | Self::VariableMissing { name }
            | Self::VariableInvalid { name, .. } => Some(name),
            _ => None,
        }
    }
}

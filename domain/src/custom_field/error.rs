//! What can be wrong with a definition, and where.

use thiserror::Error;

use super::{DEFINITION_BYTES_MAX, FIELD_CHARS_MAX};

/// What is wrong at one place of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DefinitionProblem {
    /// The name of the field is no word.
    #[error(
        "a field is named by a word of at most {FIELD_CHARS_MAX} letters a to z, digits and _, \
         which begins with a letter"
    )]
    Key,
    /// It is no object, too long, or without type or label.
    #[error(
        "expected an object of at most {DEFINITION_BYTES_MAX} bytes with at least type and label"
    )]
    Malformed,
    /// There is no such type.
    #[error(
        "expected a type: text, number, boolean, date, instant, choice, choices, email, phone, url \
         or user"
    )]
    Kind,
    /// There is no such option, or not for this type.
    #[error("a field of the type {0} has no such option")]
    OptionUnknown(&'static str),
    /// The option has another value than it can have.
    #[error("expected {0}")]
    Option(&'static str),
    /// The pattern is no regular expression, or one that is too large.
    #[error("expected a regular expression of at most 200 bytes: {0}")]
    Pattern(String),
    /// The default does not keep to what the definition says.
    #[error("the default is no value of the field: {0}")]
    Default(String),
    /// Definitions that have been stored cannot be read.
    #[error("the stored definitions of custom fields cannot be read")]
    Corrupt,
}

/// Why a definition is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("at {path:?}: {problem}")]
pub struct DefinitionError {
    /// Where, as a JSON pointer (RFC 6901): `/choices/0/value`, empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub problem: DefinitionProblem,
}

impl DefinitionError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match &self.problem {
            DefinitionProblem::Key => "field.key_invalid",
            DefinitionProblem::Malformed => "field.definition_malformed",
            DefinitionProblem::Kind => "field.type_unknown",
            DefinitionProblem::OptionUnknown(_) => "field.option_unknown",
            DefinitionProblem::Option(_) => "field.option_invalid",
            DefinitionProblem::Pattern(_) => "field.pattern_invalid",
            DefinitionProblem::Default(_) => "field.default_invalid",
            DefinitionProblem::Corrupt => "field.definitions_corrupt",
        }
    }
}

//! What can be wrong with the value of a field.

use thiserror::Error;

use super::{CUSTOM_BYTES_MAX, DIGITS_MAX};

/// What is wrong with one value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ValueProblem {
    /// The tenant has defined no such field.
    #[error("there is no such field")]
    Unknown,
    /// The field is archived: its values stay as they are.
    #[error("the field is archived, and its values stay as they are")]
    Archived,
    /// A value is required, and there is none.
    #[error("a value is required")]
    Required,
    /// It is of another type.
    #[error("expected {0}")]
    Mismatch(&'static str),
    /// It is below the least or above the greatest value, or has too many digits.
    #[error("expected {0}")]
    OutOfRange(String),
    /// It has more digits than a number may have.
    #[error("expected a number of at most {DIGITS_MAX} digits")]
    TooManyDigits,
    /// It is too short or too long.
    #[error("expected {min} to {max} characters")]
    Length {
        /// The fewest characters.
        min: usize,
        /// The most characters.
        max: usize,
    },
    /// It does not match the pattern.
    #[error("expected a text that matches {0}")]
    Pattern(String),
    /// It is none of the choices.
    #[error("expected one of the choices of the field")]
    Choice,
    /// All values together are too large, or no object.
    #[error("expected an object of at most {CUSTOM_BYTES_MAX} bytes")]
    TooLarge,
}

impl ValueProblem {
    /// The stable code of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "field.unknown",
            Self::Archived => "field.archived",
            Self::Required => "field.required",
            Self::Mismatch(_) => "field.type_mismatch",
            Self::OutOfRange(_) | Self::TooManyDigits => "field.out_of_range",
            Self::Length { .. } => "field.length_invalid",
            Self::Pattern(_) => "field.pattern_mismatch",
            Self::Choice => "field.choice_unknown",
            Self::TooLarge => "field.too_large",
        }
    }
}

/// A problem, and the field that has it; none for all values together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The name of the field.
    pub field: Option<String>,
    /// What is wrong with its value.
    pub problem: ValueProblem,
}

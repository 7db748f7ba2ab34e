//! Decides what a tenant's own fields are, and which values they take.
//!
//! A definition is a JSON object: `{"type": "choice", "label": "Colour", "choices": ["red", "blue"]}`.
//! [`Definition::parse`] checks one and says where it is wrong; [`Definitions::check`] holds the
//! values of a record against all of them, tells of every problem at once, and brings what is right
//! into its one form; [`change::Change::between`] says what a new definition takes of the values
//! that are there. A write answers for what it changes: a value that was there before, and stays,
//! is never a problem. Where definitions and values are kept, and which values are unique, is left
//! to others.

pub mod change;
mod definition;
pub mod error;
mod kind;
pub mod problem;
mod record;
mod schema;
mod value;

#[cfg(test)]
mod tests;

pub use definition::{Choice, Definition};
pub use error::{DefinitionError, DefinitionProblem};
pub use kind::Kind;
pub use problem::{Problem, ValueProblem};
pub use record::{Checked, Definitions};
pub use value::Key;

/// Characters of the name of a field.
pub const FIELD_CHARS_MAX: usize = 63;

/// Bytes of a definition as text.
pub const DEFINITION_BYTES_MAX: usize = 32_768;

/// Characters of a label, of a choice or of a choice's label.
pub const LABEL_CHARS_MAX: usize = 200;

/// Characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 2_000;

/// Choices of a field: what a person still finds in a list.
pub const CHOICES_MAX: usize = 200;

/// Characters of a text, unless its definition has fewer.
pub const TEXT_CHARS_MAX: usize = 10_000;

/// Characters of a text that is unique or indexed: of four bytes each they fit into an index.
pub const INDEXED_CHARS_MAX: usize = 500;

/// Characters of a text that has to match a pattern: as conditions, no longer ones are tried.
pub const MATCHED_CHARS_MAX: usize = 1_000;

/// Digits of a number, before and after the point together.
pub const DIGITS_MAX: usize = 38;

/// Digits after the point that a definition may ask for.
pub const DECIMALS_MAX: u32 = 20;

/// Bytes of all values of a record together, as text.
pub const CUSTOM_BYTES_MAX: usize = 65_536;

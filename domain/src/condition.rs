//! Decides whether a condition holds of a record.
//!
//! A condition is a tree in JSON: `all`, `any` and `not` over leaves such as
//! `{"field": "data.amount", "op": ">", "value": 100}`. [`Condition::parse`] checks it and says where
//! it is wrong; [`Condition::of`] is true, false or unknown of a record, and only what is true fires.
//! Whose records are asked, and what happens then, is left to others.

mod evaluate;
mod leaf;
mod number;
mod parse;
mod problem;
mod record;
mod value;

#[cfg(test)]
mod tests;

pub use evaluate::Truth;
pub use problem::{ConditionError, ConditionProblem};

use leaf::Test;

/// Bytes of a condition as text: many times what people write, and quick to read.
pub const BYTES_MAX: usize = 16_384;

/// Levels of a condition, its leaves included.
pub const DEPTH_MAX: usize = 8;

/// Nodes of a condition, its leaves included.
pub const NODES_MAX: usize = 64;

/// Names in the path of a field.
pub const FIELD_NAMES_MAX: usize = 8;

/// Bytes of the path of a field.
pub const FIELD_BYTES_MAX: usize = 200;

/// Values of a list for `in`.
pub const VALUES_MAX: usize = 100;

/// Bytes of a pattern for `matches`.
pub const PATTERN_BYTES_MAX: usize = 200;

/// Bytes that a pattern may take once it is compiled. Time to match is this times the text, so it
/// bounds what `a{1000}{1000}` may cost.
pub const PATTERN_COMPILED_BYTES_MAX: usize = 16_384;

/// Leaves with a pattern: each costs a hundred others.
pub const PATTERNS_MAX: usize = 8;

/// Bytes of a text that a pattern is tried on; of a longer one it is unknown whether it matches.
pub const MATCHED_BYTES_MAX: usize = 4_096;

/// A condition that has been checked.
#[derive(Debug)]
pub struct Condition {
    /// Each field that a leaf asks for, once; a leaf has its place here.
    fields: Vec<Field>,
    root: Node,
}

/// The path to a value of a record.
#[derive(Debug, PartialEq, Eq)]
struct Field {
    names: Vec<String>,
}

#[derive(Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Leaf { slot: usize, test: Test },
}

impl Condition {
    /// Reads a condition from JSON.
    ///
    /// # Errors
    /// [`ConditionError`] with the place of what is wrong.
    pub fn parse(json: &str) -> Result<Self, ConditionError> {
        parse::condition(json)
    }

    /// Whether the condition holds of a record, which is a JSON object as text.
    ///
    /// A field that is missing, null, or of another type than it is compared with makes its leaf
    /// unknown. Text that is no JSON makes everything unknown.
    #[must_use]
    pub fn of(&self, record: &str) -> Truth {
        match record::slots(&self.fields, record) {
            Some(slots) => evaluate::node(&self.root, &slots),
            None => Truth::Unknown,
        }
    }
}

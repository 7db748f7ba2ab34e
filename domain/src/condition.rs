//! Decides whether a condition holds of a record.
//!
//! A condition is a tree in JSON: `all`, `any` and `not` over leaves such as
//! `{"field": "data.amount", "op": ">", "value": 100}`. [`Condition::parse`] checks it and says where
//! it is wrong, [`Condition::check`] compares it with the fields that there are; it is true, false or
//! unknown of a record, and only what is true fires. It can be written in other forms: as SQL, for
//! people, in one spelling. Whose records are asked, and what happens then, is left to others.

mod canonical;
mod check;
mod evaluate;
mod fields;
mod leaf;
mod number;
mod operator;
mod parse;
mod problem;
mod prose;
mod record;
mod schema;
mod sql;
mod test;
mod time;
mod value;

#[cfg(test)]
mod tests;

use crate::time::Timestamp;

pub use evaluate::{Moment, Record, Truth};
pub use fields::{FieldType, Fields};
pub use number::Number;
pub use problem::{ConditionError, ConditionProblem};
pub use schema::schema;
pub use sql::Sql;
pub use test::Pattern;
pub use time::{Day, Relative, parse_instant};
pub use value::Value;

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
#[derive(Clone, Debug)]
pub struct Condition {
    /// Each field that a leaf asks for, once; a leaf has its place here.
    fields: Vec<Field>,
    root: Node,
}

/// The path to a value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    names: Vec<String>,
}

#[derive(Clone, Debug)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Leaf { place: usize, test: Test },
}

impl Condition {
    /// Reads a condition from JSON.
    ///
    /// # Errors
    /// [`ConditionError`] with the place of what is wrong.
    pub fn parse(json: &str) -> Result<Self, ConditionError> {
        parse::condition(json)
    }

    /// The paths of the fields that it asks for, by their places.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = &[String]> {
        self.fields.iter().map(|field| field.names.as_slice())
    }

    /// The path of the field at a place; empty where there is none.
    #[must_use]
    pub fn field(&self, place: usize) -> &[String] {
        self.fields.get(place).map_or(&[], |field| &field.names)
    }

    /// Whether the condition holds of a record, whose values are at the places of [`Self::fields`].
    ///
    /// A field that is missing, null, or of another type than it is compared with makes its leaf
    /// unknown.
    #[must_use]
    pub fn of<R: Record + ?Sized>(&self, record: &R, moment: Moment<'_, R>) -> Truth {
        evaluate::node(&self.root, record, moment)
    }

    /// Whether the condition holds of a record, which is a JSON object as text.
    #[must_use]
    pub fn of_json(&self, record: &str) -> Truth {
        self.of_json_change(record, None, None)
    }

    /// The same of a record that was another one before, at an instant. Text that is no JSON makes
    /// everything unknown.
    #[must_use]
    pub fn of_json_change(
        &self,
        record: &str,
        previous: Option<&str>,
        at: Option<Timestamp>,
    ) -> Truth {
        let Some(record) = record::values(&self.fields, record) else {
            return Truth::Unknown;
        };
        let previous = previous.and_then(|previous| record::values(&self.fields, previous));
        let previous = previous.as_ref();
        self.of(&record, Moment { previous, at })
    }

    /// The condition over values that lie elsewhere than at the places of [`Self::fields`]: `place`
    /// says where, from the path of each. None if one of them lies nowhere.
    #[must_use]
    pub fn placed(&self, place: impl FnMut(&[String]) -> Option<usize>) -> Option<SlotCondition> {
        let places: Option<Vec<_>> = self.fields().map(place).collect();
        let mut root = self.root.clone();
        root.move_leaves(&places?);
        Some(SlotCondition { root })
    }
}

/// A condition over values in a row that many conditions share, such as the latest of each metric.
#[derive(Clone, Debug)]
pub struct SlotCondition {
    root: Node,
}

impl SlotCondition {
    /// Whether the condition holds of these values. Allocates nothing.
    #[must_use]
    pub fn of<'v>(&self, slots: &[Value<'v>], moment: Moment<'_, [Value<'v>]>) -> Truth {
        evaluate::node::<[Value<'_>]>(&self.root, slots, moment)
    }
}

impl Node {
    fn move_leaves(&mut self, places: &[usize]) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                nodes.iter_mut().for_each(|node| node.move_leaves(places));
            }
            Self::Not(inner) => inner.move_leaves(places),
            Self::Leaf { place, .. } => *place = places[*place],
        }
    }
}

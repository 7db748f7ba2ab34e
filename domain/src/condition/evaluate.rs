//! Logic of three values, after Kleene: unknown is what may be true or false.

use crate::time::Timestamp;

use super::Node;
use super::value::Value;

/// What is known of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// What is known does not tell.
    Unknown,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// What a condition is asked of: values at the places of its fields.
pub trait Record {
    /// The value at a place; [`Value::Null`] where there is none.
    fn value(&self, place: usize) -> Value<'_>;

    /// Whether one of the elements of the list at a place is this text. Asked of lists only.
    fn list_has(&self, place: usize, text: &str) -> bool;

    /// Whether the list or object at a place is the same as before. Asked where both are lists, or
    /// both are objects.
    fn is_same_inside(&self, place: usize, previous: &Self) -> bool;
}

/// Values in a row, such as the latest of each metric. They have no lists and no objects.
impl Record for [Value<'_>] {
    #[inline]
    fn value(&self, place: usize) -> Value<'_> {
        self.get(place).copied().unwrap_or(Value::Null)
    }

    fn list_has(&self, _: usize, _: &str) -> bool {
        false
    }

    fn is_same_inside(&self, _: usize, _: &Self) -> bool {
        false
    }
}

/// What else a condition may ask for beside the record.
#[derive(Debug)]
pub struct Moment<'m, R: ?Sized> {
    /// The record as it was before, with which `changed` compares.
    pub previous: Option<&'m R>,
    /// The instant that relative times are relative to.
    pub at: Option<Timestamp>,
}

impl<R: ?Sized> Moment<'_, R> {
    /// No record before, and no instant: `changed` and relative times are unknown.
    pub const UNKNOWN: Self = Self {
        previous: None,
        at: None,
    };
}

impl<R: ?Sized> Clone for Moment<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R: ?Sized> Copy for Moment<'_, R> {}

/// As deep as conditions are, which is not deep.
pub(super) fn node<R: Record + ?Sized>(node: &Node, record: &R, moment: Moment<'_, R>) -> Truth {
    match node {
        Node::Leaf { place, test } => test.of(*place, record, moment),
        Node::All(nodes) => unless(Truth::False, nodes, record, moment).unwrap_or(Truth::True),
        Node::Any(nodes) => unless(Truth::True, nodes, record, moment).unwrap_or(Truth::False),
        Node::Not(inner) => match self::node(inner, record, moment) {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        },
    }
}

/// `decisive` if one of the nodes is; else unknown if one of them is; else nothing.
#[inline]
fn unless<R: Record + ?Sized>(
    decisive: Truth,
    nodes: &[Node],
    record: &R,
    moment: Moment<'_, R>,
) -> Option<Truth> {
    let mut outcome = None;
    for inner in nodes {
        let truth = match inner {
            Node::Leaf { place, test } => test.of(*place, record, moment),
            _ => node(inner, record, moment),
        };
        match truth {
            truth if truth == decisive => return Some(decisive),
            Truth::Unknown => outcome = Some(Truth::Unknown),
            Truth::True | Truth::False => {}
        }
    }
    outcome
}

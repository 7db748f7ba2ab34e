//! What a leaf asks of one value.

use std::cmp::Ordering;

use regex_lite::Regex;

use crate::time::Timestamp;

use super::MATCHED_BYTES_MAX;
use super::evaluate::{Moment, Record, Truth};
use super::operator::Operator;
use super::value::{Value, Wanted};

/// An operator with the value that it compares with.
#[derive(Clone, Debug)]
pub(super) enum Test {
    IsNull,
    IsNotNull,
    Changed,
    Compare(Comparison, Wanted),
    In(Vec<Wanted>),
    /// From the first to the second, both included.
    Between(Wanted, Wanted),
    Text(TextTest, String),
    Matches(Regex),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    #[inline]
    const fn holds(self, ordering: Ordering) -> bool {
        // The orderings at which each holds: 1 less, 2 equal, 4 greater.
        let orderings = match self {
            Self::Equal => 0b010,
            Self::NotEqual => 0b101,
            Self::Less => 0b001,
            Self::LessOrEqual => 0b011,
            Self::Greater => 0b100,
            Self::GreaterOrEqual => 0b110,
        };
        orderings >> (ordering as i8 + 1) & 1 == 1
    }

    /// What holds where this does not.
    pub(super) const fn opposite(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextTest {
    Contains,
    StartsWith,
    EndsWith,
}

impl Test {
    /// Whether it is so of the value at a place of a record.
    #[inline]
    pub(super) fn of<R: Record + ?Sized>(
        &self,
        place: usize,
        record: &R,
        moment: Moment<'_, R>,
    ) -> Truth {
        // What rules ask of sensors, without a call.
        if let Self::Compare(comparison, Wanted::Number(wanted)) = self
            && let Value::Float(found) = record.value(place)
        {
            return match wanted.compare_float(found) {
                Some(order) => comparison.holds(order).into(),
                None => Truth::Unknown,
            };
        }
        self.of_any(place, record, moment)
    }

    #[inline(never)]
    fn of_any<R: Record + ?Sized>(&self, place: usize, record: &R, moment: Moment<'_, R>) -> Truth {
        let found = record.value(place);
        let holds = match self {
            Self::Compare(comparison, wanted) => {
                let order = found.compare(wanted, moment.at);
                order.map(|order| comparison.holds(order))
            }
            Self::Between(from, to) => {
                let from = found.compare(from, moment.at).map(Ordering::is_ge);
                match (from, found.compare(to, moment.at).map(Ordering::is_le)) {
                    (Some(false), _) | (_, Some(false)) => Some(false),
                    (Some(true), Some(true)) => Some(true),
                    _ => None,
                }
            }
            Self::In(values) => is_in(&found, values, moment.at),
            Self::IsNull => Some(matches!(found, Value::Null)),
            Self::IsNotNull => Some(!matches!(found, Value::Null)),
            Self::Text(test, wanted) => match (test, found) {
                (_, Value::Text(text)) => Some(test.holds(text, wanted)),
                (TextTest::Contains, Value::List) => Some(record.list_has(place, wanted)),
                _ => None,
            },
            Self::Matches(pattern) => match found {
                Value::Text(text) => matches(pattern, text),
                _ => None,
            },
            Self::Changed => moment
                .previous
                .and_then(|previous| is_same(place, record, previous))
                .map(|same| !same),
        };
        holds.map_or(Truth::Unknown, Truth::from)
    }

    /// The operator as it is written.
    pub(super) const fn operator(&self) -> Operator {
        match self {
            Self::IsNull => Operator::IsNull,
            Self::IsNotNull => Operator::IsNotNull,
            Self::Changed => Operator::Changed,
            Self::Compare(Comparison::Equal, _) => Operator::Equal,
            Self::Compare(Comparison::NotEqual, _) => Operator::NotEqual,
            Self::Compare(Comparison::Less, _) => Operator::Less,
            Self::Compare(Comparison::LessOrEqual, _) => Operator::LessOrEqual,
            Self::Compare(Comparison::Greater, _) => Operator::Greater,
            Self::Compare(Comparison::GreaterOrEqual, _) => Operator::GreaterOrEqual,
            Self::In(_) => Operator::In,
            Self::Between(..) => Operator::Between,
            Self::Text(TextTest::Contains, _) => Operator::Contains,
            Self::Text(TextTest::StartsWith, _) => Operator::StartsWith,
            Self::Text(TextTest::EndsWith, _) => Operator::EndsWith,
            Self::Matches(_) => Operator::Matches,
        }
    }
}

impl TextTest {
    fn holds(self, text: &str, wanted: &str) -> bool {
        match self {
            Self::Contains => text.contains(wanted),
            Self::StartsWith => text.starts_with(wanted),
            Self::EndsWith => text.ends_with(wanted),
        }
    }
}

/// Whether a text matches; unknown of one that is longer than patterns are tried on.
pub(super) fn matches(pattern: &Regex, text: &str) -> Option<bool> {
    (text.len() <= MATCHED_BYTES_MAX).then(|| pattern.is_match(text))
}

/// The values are of one type: of what compares with one, all is known.
fn is_in(found: &Value<'_>, values: &[Wanted], at: Option<Timestamp>) -> Option<bool> {
    let mut is_in = None;
    for wanted in values {
        if found.compare(wanted, at)?.is_eq() {
            return Some(true);
        }
        is_in = Some(false);
    }
    is_in
}

fn is_same<R: Record + ?Sized>(place: usize, record: &R, previous: &R) -> Option<bool> {
    let (now, before) = (record.value(place), previous.value(place));
    match (now, before) {
        (Value::List, Value::List) | (Value::Object, Value::Object) => {
            Some(record.is_same_inside(place, previous))
        }
        _ => now.is_same(&before),
    }
}

//! What a leaf asks of one value.

use std::cmp::Ordering;

use regex_lite::Regex;

use super::MATCHED_BYTES_MAX;
use super::evaluate::Truth;
use super::value::{Found, Wanted};

/// An operator with the value that it compares with.
#[derive(Debug)]
pub(super) enum Test {
    IsNull,
    IsNotNull,
    Compare(Comparison, Wanted),
    In(Vec<Wanted>),
    /// From the first to the second, both included.
    Between(Wanted, Wanted),
    Text(TextTest, String),
    Matches(Regex),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) enum TextTest {
    Contains,
    StartsWith,
    EndsWith,
}

impl Test {
    /// Whether it is so of a value; none for one that is missing.
    pub(super) fn of(&self, found: Option<&Found>) -> Truth {
        let found = found.unwrap_or(&Found::Null);
        let holds = match self {
            Self::IsNull => Some(matches!(found, Found::Null)),
            Self::IsNotNull => Some(!matches!(found, Found::Null)),
            Self::Compare(comparison, wanted) => {
                found.compare(wanted).map(|order| comparison.holds(order))
            }
            // The values are of one type: of what compares with one, all is known.
            Self::In(values) => values
                .iter()
                .map(|wanted| found.compare(wanted).map(Ordering::is_eq))
                .reduce(|one, other| Some(one? || other?))
                .flatten(),
            Self::Between(from, to) => found
                .compare(from)
                .zip(found.compare(to))
                .map(|(from, to)| from.is_ge() && to.is_le()),
            Self::Text(test, wanted) => text(found).map(|text| match test {
                TextTest::Contains => text.contains(wanted),
                TextTest::StartsWith => text.starts_with(wanted),
                TextTest::EndsWith => text.ends_with(wanted),
            }),
            Self::Matches(pattern) => text(found)
                .filter(|text| text.len() <= MATCHED_BYTES_MAX)
                .map(|text| pattern.is_match(text)),
        };
        holds.map_or(Truth::Unknown, Truth::from)
    }
}

fn text(found: &Found) -> Option<&str> {
    match found {
        Found::Text(text) => Some(text),
        _ => None,
    }
}

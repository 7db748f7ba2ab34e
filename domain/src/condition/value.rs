//! What stands in a condition, what stands in a record, and how the two compare.

use std::cmp::Ordering;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::number::Number;

/// `2026-11-21T21:04Z`, the shortest date-time with an offset.
const INSTANT_BYTES_MIN: usize = 17;

/// With nine digits of a second and an offset of seconds; longer texts are not tried.
const INSTANT_BYTES_MAX: usize = 40;

/// A value that a condition compares with.
#[derive(Debug, PartialEq)]
pub(super) enum Wanted {
    Number(Number),
    Text(String),
    Boolean(bool),
    /// A text that is an ISO date-time with its offset.
    Instant(Timestamp),
}

impl Wanted {
    /// The value of a condition; none for null, lists and objects.
    pub(super) fn parse(json: &RawValue) -> Option<Self> {
        match Found::parse(json) {
            Found::Number(number) => Some(Self::Number(number)),
            Found::Boolean(boolean) => Some(Self::Boolean(boolean)),
            Found::Text(text) => Some(instant(&text).map_or(Self::Text(text), Self::Instant)),
            Found::Null | Found::Other => None,
        }
    }

    /// Whether the two can be compared with the same values.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

/// A value of a record.
#[derive(Debug)]
pub(super) enum Found {
    Null,
    Number(Number),
    Text(String),
    Boolean(bool),
    /// A list, an object, or what cannot be read.
    Other,
}

impl Found {
    /// The value that a JSON text stands for.
    pub(super) fn parse(json: &RawValue) -> Self {
        let text = json.get();
        let found = match text.as_bytes().first() {
            Some(b'n') => Some(Self::Null),
            Some(b't') => Some(Self::Boolean(true)),
            Some(b'f') => Some(Self::Boolean(false)),
            Some(b'"') => serde_json::from_str(text).ok().map(Self::Text),
            Some(b'-' | b'0'..=b'9') => Number::parse(text).map(Self::Number),
            _ => None,
        };
        found.unwrap_or(Self::Other)
    }

    /// How this compares with a value of a condition; none for values of different types.
    pub(super) fn compare(&self, wanted: &Wanted) -> Option<Ordering> {
        match (self, wanted) {
            (Self::Number(found), Wanted::Number(wanted)) => Some(found.cmp(wanted)),
            (Self::Text(found), Wanted::Text(wanted)) => Some(found.cmp(wanted)),
            (Self::Boolean(found), Wanted::Boolean(wanted)) => Some(found.cmp(wanted)),
            (Self::Text(found), Wanted::Instant(wanted)) => Some(instant(found)?.cmp(wanted)),
            _ => None,
        }
    }
}

/// The instant that an ISO date-time with an offset stands for.
fn instant(text: &str) -> Option<Timestamp> {
    let length = INSTANT_BYTES_MIN..=INSTANT_BYTES_MAX;
    let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' '));
    if !length.contains(&text.len()) || !separated || text.contains('[') {
        return None;
    }
    text.parse().ok()
}

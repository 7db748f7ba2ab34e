//! Decides the canonical form of an entry: one line of JSON, of which SHA-256 is the digest.
//!
//! The entry's id is not in it: a seal binds the digest to the id, so that two entries whose
//! contents were exchanged are told from two that were edited.

use super::Digest;
use crate::time::Timestamp;

/// An entry's columns; what is JSON is text as Postgres prints `jsonb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Whose entry it is.
    pub tenant: &'a str,
    /// When it was written.
    pub at: Timestamp,
    /// What happened: insert, update, delete, truncate, read or event.
    pub operation: &'a str,
    /// The table, with its schema.
    pub table: Option<&'a str>,
    /// The record's key, JSON.
    pub key: Option<&'a str>,
    /// What its columns held, JSON.
    pub old: Option<&'a str>,
    /// What its columns hold now, JSON.
    pub new: Option<&'a str>,
    /// The security event.
    pub event: Option<&'a str>,
    /// What else there is to say, JSON.
    pub details: Option<&'a str>,
    /// What kind of principal it was.
    pub caller_kind: &'a str,
    /// Which one.
    pub caller_id: Option<&'a str>,
    /// Where the request came from, JSON.
    pub origin: Option<&'a str>,
}

impl Entry<'_> {
    /// The canonical form, without a line break at its end.
    #[must_use]
    pub fn line(&self) -> String {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let quoted = |value: Option<&str>| value.map_or_else(|| "null".to_owned(), text);
        let json = |value: Option<&str>| value.unwrap_or("null").to_owned();
        format!(
            concat!(
                r#"{{"tenant_id":{},"at":"{}","operation":{},"table":{},"key":{},"old":{},"#,
                r#""new":{},"event":{},"details":{},"caller_kind":{},"caller_id":{},"origin":{}}}"#
            ),
            text(self.tenant),
            instant(self.at),
            text(self.operation),
            quoted(self.table),
            json(self.key),
            json(self.old),
            json(self.new),
            quoted(self.event),
            json(self.details),
            text(self.caller_kind),
            quoted(self.caller_id),
            json(self.origin),
        )
    }

    /// What seals hold of the entry.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self.line().as_bytes())
    }
}

/// The instant as RFC 3339 in UTC with six digits of a second: `2026-11-21T09:02:20.000001Z`. One
/// that no calendar has is a number of microseconds.
pub(super) fn instant(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros())
        .map_or_else(|_| at.as_micros().to_string(), |at| format!("{at:.6}"))
}

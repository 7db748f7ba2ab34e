//! Decides what a device's JSON payload says: which readings, taken when.
//!
//! A payload is a message or an array of messages. A message is a flat object of readings, or
//! `{"at" or "ts": time, "values": {…}}`; in both forms a top-level `at` or `ts` is the time, and
//! without one it is the time of receipt. Nested objects flatten with dots. One fault refuses the
//! whole payload, so that what a device sent at once is stored at once or not at all.
//!
//! Whether the device may write, and whether its metrics are known, is left to the database.

mod error;
mod instant;
mod json_text;
mod message;
mod names;
mod node;

use std::borrow::Cow;

use serde::de::DeserializeSeed as _;

use self::message::{Collector, MessageSeed};
use crate::telemetry::value::Value;
use crate::time::Timestamp;

pub use self::error::PayloadError;

/// The longest payload: what the broker lets through by default settings of ours, and enough for
/// 10,000 readings of 25 bytes.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// The most readings in a payload, so that one message cannot fill a batch alone.
pub const PAYLOAD_READINGS_MAX: usize = 10_000;

/// The most objects and arrays inside one another, counted from the message: real devices need
/// three or four, and a stack must not depend on a stranger.
pub const PAYLOAD_DEPTH_MAX: usize = 8;

/// The longest text or JSON value: readings are measurements, not documents.
pub const VALUE_BYTES_MAX: usize = 16 * 1024;

/// The longest name of a metric, flattened.
pub const METRIC_NAME_BYTES_MAX: usize = 128;

/// 2000-01-01T00:00:00Z: a device that reports an earlier time has a clock that was never set.
pub const TIME_MIN: Timestamp = Timestamp::from_micros(946_684_800_000_000);

/// How far a device's clock may run ahead of the time of receipt, in microseconds: 24 hours
/// forgive a wrong time zone and nothing worse.
pub const AHEAD_MICROS_MAX: i64 = 24 * 60 * 60 * 1_000_000;

/// What a device measured at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Message<'a> {
    /// When it was measured.
    pub at: Timestamp,
    /// Metric name and value, in the order sent; no name occurs twice.
    pub readings: Vec<(Cow<'a, str>, Value<'a>)>,
}

/// Reads the messages of `payload`, which arrived at `received_at`, in the order sent. Every
/// message has a reading.
///
/// # Errors
/// The first [`PayloadError`] found; nothing of a faulty payload is kept.
pub fn parse(payload: &[u8], received_at: Timestamp) -> Result<Vec<Message<'_>>, PayloadError> {
    read(payload, received_at, None)
}

/// Reads `payload` as [`parse`] does, passing over the top-level key `ignored` of each message.
pub(crate) fn parse_ignoring<'a>(
    payload: &'a [u8],
    received_at: Timestamp,
    ignored: &'static str,
) -> Result<Vec<Message<'a>>, PayloadError> {
    read(payload, received_at, Some(ignored))
}

fn read<'a>(
    payload: &'a [u8],
    received_at: Timestamp,
    ignored: Option<&'static str>,
) -> Result<Vec<Message<'a>>, PayloadError> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(PayloadError::TooLarge {
            bytes: payload.len(),
        });
    }
    let text = std::str::from_utf8(payload).map_err(|_| PayloadError::NotUtf8)?;
    if text.trim_ascii().is_empty() {
        return Err(PayloadError::Empty);
    }
    let mut collector = Collector::new(received_at, ignored);
    let mut json = serde_json::Deserializer::from_str(text);
    let document = MessageSeed {
        collector: &mut collector,
        may_be_array: true,
    };
    match document.deserialize(&mut json).and_then(|()| json.end()) {
        Ok(()) => Ok(collector.messages),
        Err(error) => Err(PayloadError::from_json(collector.fault, &error)),
    }
}

#[cfg(test)]
mod tests;

//! Decides which instant a device means by the `at` or `ts` of a message.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{AHEAD_MICROS_MAX, PayloadError, TIME_MIN};
use crate::time::Timestamp;

/// A number below this is seconds: as seconds it reaches the year 5138.
const SECONDS_BELOW: f64 = 1e11;

/// A number below this is milliseconds, from 1973 to the year 5138.
const MILLISECONDS_BELOW: f64 = 1e14;

/// A number below this is microseconds, from 1973 to the year 5138; none is larger.
const MICROSECONDS_BELOW: f64 = 1e17;

/// The shortest RFC 3339 text: `2026-01-01T00:00:00Z`.
const RFC_3339_BYTES_MIN: usize = 20;

/// Checks an instant against the time of receipt.
pub(super) fn check(at: Timestamp, received_at: Timestamp) -> Result<Timestamp, PayloadError> {
    let latest = received_at.as_micros().saturating_add(AHEAD_MICROS_MAX);
    if at < TIME_MIN {
        Err(PayloadError::TimeTooOld)
    } else if at.as_micros() > latest {
        Err(PayloadError::TimeTooFarAhead)
    } else {
        Ok(at)
    }
}

/// Reads the JSON value of a time; nothing when it is none.
pub(super) struct InstantSeed;

impl<'de> DeserializeSeed<'de> for InstantSeed {
    type Value = Option<Timestamp>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for InstantSeed {
    type Value = Option<Timestamp>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a time")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).ok().and_then(from_integer))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(from_integer(number))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(from_float(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(from_text(text))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        while elements.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

fn from_integer(number: i64) -> Option<Timestamp> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "only the magnitude is looked at"
    )]
    let micros_each = micros_each(number as f64)?;
    number.checked_mul(micros_each).map(Timestamp::from_micros)
}

fn from_float(number: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    let micros = number * micros_each(number)? as f64;
    #[expect(clippy::cast_possible_truncation, reason = "less than 1e17")]
    Some(Timestamp::from_micros(micros.round() as i64))
}

fn micros_each(number: f64) -> Option<i64> {
    let magnitude = number.abs();
    if magnitude < SECONDS_BELOW {
        Some(1_000_000)
    } else if magnitude < MILLISECONDS_BELOW {
        Some(1_000)
    } else if magnitude < MICROSECONDS_BELOW {
        Some(1)
    } else {
        None
    }
}

/// RFC 3339 with its offset; digits beyond microseconds are cut off.
fn from_text(text: &str) -> Option<Timestamp> {
    let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' '));
    if text.len() < RFC_3339_BYTES_MIN || !separated || text.contains('[') {
        return None;
    }
    let instant: jiff::Timestamp = text.parse().ok()?;
    let micros = instant.as_nanosecond().div_euclid(1_000);
    i64::try_from(micros).ok().map(Timestamp::from_micros)
}

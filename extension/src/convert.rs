//! Converts between the instants and intervals of Postgres and those of the domain.

use pgrx::prelude::*;
use tenon_domain::telemetry::bucket::{BucketError, BucketWidth};
use tenon_domain::time::Timestamp;

use crate::error::OrReport;

/// Postgres counts microseconds from 2000-01-01T00:00:00Z, the domain from 1970.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// The instant `at`; the infinities become the instants before and after all others.
pub(crate) fn to_timestamp(at: TimestampWithTimeZone) -> Timestamp {
    let micros = match pg_sys::TimestampTz::from(at) {
        i64::MIN => i64::MIN,
        micros => micros.saturating_add(POSTGRES_EPOCH_MICROS),
    };
    Timestamp::from_micros(micros)
}

/// The instant `at`, or an error when Postgres cannot hold it.
pub(crate) fn from_timestamp(at: Timestamp) -> TimestampWithTimeZone {
    let micros = at.as_micros().checked_sub(POSTGRES_EPOCH_MICROS);
    let at = micros.and_then(|micros| TimestampWithTimeZone::try_from(micros).ok());
    at.ok_or(BucketError::TimeOutOfRange).or_report()
}

/// The bucket width that `interval` stands for.
pub(crate) fn to_width(interval: &Interval) -> BucketWidth {
    BucketWidth::from_interval(interval.months(), interval.days(), interval.micros()).or_report()
}

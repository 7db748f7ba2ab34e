//! Decides into which bucket of a chart a reading falls.
//!
//! Buckets divide the whole time line, half-open and without overlap, on the clock and calendar of
//! a time zone. A width is a number of months, of days, or of microseconds:
//!
//! - months count from January 2000, so that 3 are a quarter and 12 a year;
//! - days count from Monday 2000-01-03, so that 7 are a week from Monday on; a bucket begins with
//!   its first local day and may have 23 or 25 hours more or less than days;
//! - microseconds count on the local clock from 2000-01-01T00:00; where clocks go back, the
//!   repeated hour is an hour of its own, and where they go forward, a bucket that would begin in
//!   the hour left out begins right after it.
//!
//! With an origin ([`Bucketing::with_origin`]), one bucket begins at it, and all others whole widths
//! of the local calendar or clock away: an origin at 06:00 makes days of shifts. Months count from
//! the origin's day of the month; where a month lacks that day (the 29th and later), its last day
//! stands in for it, and the next month has the origin's day again.
//!
//! Without an origin this agrees with Postgres' `date_trunc(unit, at, zone)` save in two cases, where its answer lies
//! after `at` or amid another bucket: where clocks go back at midnight, the day has its 25 hours
//! here, and where they go back half an hour, the hour has 90 minutes.

mod calendar;
mod clock;

use std::sync::LazyLock;

use jiff::tz::TimeZoneDatabase;
use thiserror::Error;

use crate::time::Timestamp;

use self::calendar::Calendar;
use self::clock::Clock;

/// The widest bucket, in months: a thousand years keep the arithmetic of dates in its range.
pub const WIDTH_MONTHS_MAX: i32 = 12_000;

/// The widest bucket, in days.
pub const WIDTH_DAYS_MAX: i32 = 365_000;

/// The widest bucket, in microseconds.
pub const WIDTH_MICROS_MAX: i64 = 365_000 * 24 * 60 * 60 * 1_000_000;

/// How wide the buckets of a chart are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketWidth(Width);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Months(i32),
    Days(i32),
    Micros(i64),
}

impl BucketWidth {
    /// The width that a Postgres interval of these three parts stands for.
    ///
    /// # Errors
    /// [`BucketError::WidthInvalid`] unless exactly one part is there, positive and no wider than
    /// a thousand years.
    pub const fn from_interval(months: i32, days: i32, micros: i64) -> Result<Self, BucketError> {
        match (months, days, micros) {
            (1..=WIDTH_MONTHS_MAX, 0, 0) => Ok(Self(Width::Months(months))),
            (0, 1..=WIDTH_DAYS_MAX, 0) => Ok(Self(Width::Days(days))),
            (0, 0, 1..=WIDTH_MICROS_MAX) => Ok(Self(Width::Micros(micros))),
            _ => Err(BucketError::WidthInvalid),
        }
    }
}

/// The zones built in, which are read once each.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A time zone, with its rules.
#[derive(Clone, Debug)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// The zone of this IANA name, such as `Europe/Berlin`, from the zone data built in.
    ///
    /// # Errors
    /// [`BucketError::ZoneUnknown`] when there is none.
    pub fn named(name: &str) -> Result<Self, BucketError> {
        let zone = ZONES.get(name);
        zone.map(Self).map_err(|_| BucketError::ZoneUnknown {
            name: name.chars().take(64).collect(),
        })
    }

    /// Its rules, for other calendars than that of buckets.
    pub(crate) fn into_rules(self) -> jiff::tz::TimeZone {
        self.0
    }
}

/// A span of the time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first instant.
    pub start: Timestamp,
    /// The instant after its last.
    pub end: Timestamp,
}

/// Buckets of one width in one zone.
#[derive(Clone, Debug)]
pub struct Bucketing(Grid);

#[derive(Clone, Debug)]
enum Grid {
    Calendar(Calendar),
    Clock(Clock),
}

impl Bucketing {
    /// Buckets of `width` in `zone`.
    #[must_use]
    pub fn new(width: BucketWidth, zone: &Zone) -> Self {
        let zone = zone.0.clone();
        Self(match width.0 {
            Width::Months(months) => Grid::Calendar(Calendar::months(months, zone)),
            Width::Days(days) => Grid::Calendar(Calendar::days(days, zone)),
            Width::Micros(micros) => Grid::Clock(Clock::new(micros, zone)),
        })
    }

    /// The same buckets, moved so that one begins when the local clock shows what it shows at
    /// `origin`. Days and months then begin at the origin's time of day.
    ///
    /// # Errors
    /// [`BucketError::TimeOutOfRange`] when the origin is not between the years -9999 and 9999.
    pub fn with_origin(self, origin: Timestamp) -> Result<Self, BucketError> {
        Ok(Self(match self.0 {
            Grid::Calendar(calendar) => Grid::Calendar(calendar.with_origin(origin)?),
            Grid::Clock(clock) => Grid::Clock(clock.with_origin(origin)?),
        }))
    }

    /// When the bucket that holds `at` begins.
    ///
    /// # Errors
    /// [`BucketError::TimeOutOfRange`] when the bucket is not between the years -9999 and 9999.
    pub fn bucket_start(&mut self, at: Timestamp) -> Result<Timestamp, BucketError> {
        self.bucket_part(at).map(|part| part.start)
    }

    /// When the bucket after the one that holds `at` begins.
    ///
    /// # Errors
    /// [`BucketError::TimeOutOfRange`] when that bucket is not between the years -9999 and 9999.
    pub fn next_bucket_start(&mut self, at: Timestamp) -> Result<Timestamp, BucketError> {
        let part = self.bucket_part(at)?;
        let mut next = part.end;
        // A bucket may consist of several parts.
        while self.bucket_start(next)? == part.start {
            next = self.bucket_part(next)?.end;
        }
        Ok(next)
    }

    /// A span that begins where the bucket of `at` does; every instant from `at` to before its end
    /// is in that bucket.
    ///
    /// # Errors
    /// [`BucketError::TimeOutOfRange`] as for [`Self::bucket_start`].
    pub fn bucket_part(&mut self, at: Timestamp) -> Result<Span, BucketError> {
        match &mut self.0 {
            Grid::Calendar(calendar) => calendar.bucket_part(at),
            Grid::Clock(clock) => clock.bucket_part(at),
        }
    }
}

/// Why there are no such buckets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BucketError {
    /// The width mixes units, or is not positive, or too wide.
    #[error(
        "a bucket's width is a number of months, or of days, or of hours and less: positive, not \
         mixed and at most a thousand years"
    )]
    WidthInvalid,
    /// No zone of this name.
    #[error("there is no time zone {name:?}: use an IANA name such as 'Europe/Berlin' or 'UTC'")]
    ZoneUnknown {
        /// The name, cut to 64 characters.
        name: String,
    },
    /// An instant whose bucket leaves the calendar.
    #[error("the time is not between the years -9999 and 9999")]
    TimeOutOfRange,
}

impl BucketError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::WidthInvalid => "telemetry.width_invalid",
            Self::ZoneUnknown { .. } => "telemetry.zone_unknown",
            Self::TimeOutOfRange => "telemetry.time_out_of_range",
        }
    }
}

impl From<jiff::Error> for BucketError {
    fn from(_: jiff::Error) -> Self {
        Self::TimeOutOfRange
    }
}

#[cfg(test)]
mod tests;

//! Decides where a stretch of time ends that begins at an instant and lasts an interval.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Instant};

use super::{StatisticsError, finite};
use crate::time::Timestamp;

/// A stretch of time, half-open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first instant.
    pub start: Timestamp,
    /// The instant after its last.
    pub end: Timestamp,
}

/// A Postgres interval: months of the calendar, days of 24 hours, microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Length {
    /// Months.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

const MICROS_PER_DAY: i128 = 86_400_000_000;

const INVALID: StatisticsError = StatisticsError::ArgumentInvalid {
    what: "a length is an interval that is positive, within the years -9999 and 9999",
};

impl Window {
    /// From `start`, `length` long; months count on the calendar of UTC.
    ///
    /// # Errors
    /// [`StatisticsError::TimeInfinite`]; [`StatisticsError::ArgumentInvalid`] when the length is
    /// not positive or leaves the calendar.
    pub fn new(start: Timestamp, length: Length) -> Result<Self, StatisticsError> {
        finite(start)?;
        let mut moved = start.as_micros();
        if length.months != 0 {
            let instant = Instant::from_microsecond(moved).map_err(|_| INVALID)?;
            let months = Span::new().try_months(length.months).map_err(|_| INVALID)?;
            let later = instant.to_zoned(TimeZone::UTC).checked_add(months);
            moved = later.map_err(|_| INVALID)?.timestamp().as_microsecond();
        }
        let rest = i128::from(length.days) * MICROS_PER_DAY + i128::from(length.micros);
        let end = i64::try_from(i128::from(moved) + rest).map_err(|_| INVALID)?;
        let end = finite(Timestamp::from_micros(end))?;
        if start < end {
            Ok(Self { start, end })
        } else {
            Err(INVALID)
        }
    }
}

impl Length {
    /// The length in microseconds.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] unless it is positive and without months.
    pub fn as_micros(self) -> Result<i64, StatisticsError> {
        let micros = i128::from(self.days) * MICROS_PER_DAY + i128::from(self.micros);
        let micros = i64::try_from(micros).ok().filter(|&micros| micros > 0);
        micros
            .filter(|_| self.months == 0)
            .ok_or(StatisticsError::ArgumentInvalid {
                what: "liveness is an interval that is positive, of days and less",
            })
    }
}

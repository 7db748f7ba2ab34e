//! Buckets of whole days and months on the local calendar.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp as Instant, ToSpan};

use super::{BucketError, Span};
use crate::time::Timestamp;

/// A Monday: weeks begin with it.
const DAYS_ORIGIN: Date = Date::constant(2000, 1, 3);

/// Months count from here.
const MONTHS_ORIGIN: Date = Date::constant(2000, 1, 1);

/// Buckets of days or months.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    unit: Unit,
    zone: TimeZone,
}

#[derive(Clone, Copy, Debug)]
enum Unit {
    Days(i32),
    Months(i32),
}

impl Calendar {
    pub(super) const fn days(days: i32, zone: TimeZone) -> Self {
        Self {
            unit: Unit::Days(days),
            zone,
        }
    }

    pub(super) const fn months(months: i32, zone: TimeZone) -> Self {
        Self {
            unit: Unit::Months(months),
            zone,
        }
    }

    pub(super) fn bucket_part(&self, at: Timestamp) -> Result<Span, BucketError> {
        let instant = Instant::from_microsecond(at.as_micros())?;
        let mut date = self.floor(self.zone.to_datetime(instant).date())?;
        let mut start = self.start_of(date)?;
        // Clocks that go back over midnight show the new date before it begins for good.
        let mut end = None;
        while start > instant {
            end = Some(start);
            date = self.step(date, -1)?;
            start = self.start_of(date)?;
        }
        let end = end.or_else(|| self.step(date, 1).and_then(|next| self.start_of(next)).ok());
        Ok(Span {
            start: Timestamp::from_micros(start.as_microsecond()),
            end: Timestamp::from_micros(end.map_or(i64::MAX, Instant::as_microsecond)),
        })
    }

    /// The first date of the bucket that `date` belongs to.
    fn floor(&self, date: Date) -> Result<Date, BucketError> {
        match self.unit {
            Unit::Days(width) => {
                let days = DAYS_ORIGIN.until(date)?.get_days();
                Ok(date.checked_sub(days.rem_euclid(width).days())?)
            }
            Unit::Months(width) => {
                let years = i32::from(date.year()) - i32::from(MONTHS_ORIGIN.year());
                let months = years * 12 + i32::from(date.month()) - 1;
                let first = months - months.rem_euclid(width);
                Ok(MONTHS_ORIGIN.checked_add(first.months())?)
            }
        }
    }

    fn step(&self, date: Date, buckets: i32) -> Result<Date, BucketError> {
        Ok(match self.unit {
            Unit::Days(width) => date.checked_add((width * buckets).days())?,
            Unit::Months(width) => date.checked_add((width * buckets).months())?,
        })
    }

    /// The instant from which on the local calendar shows `date` or later.
    fn start_of(&self, date: Date) -> Result<Instant, BucketError> {
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        match self.zone.to_ambiguous_timestamp(midnight).offset() {
            AmbiguousOffset::Unambiguous { offset } => Ok(offset.to_timestamp(midnight)?),
            AmbiguousOffset::Gap { before, .. } => self.transition(midnight, before),
            AmbiguousOffset::Fold { before, after } => {
                // When the clock goes back to midnight itself, the day has begun; when it goes
                // back to the evening, the day before has returned.
                let transition = self.transition(midnight, after)?;
                let repeated_from = after.to_datetime(transition);
                let offset = if repeated_from == midnight {
                    before
                } else {
                    after
                };
                Ok(offset.to_timestamp(midnight)?)
            }
        }
    }

    /// The last transition up to the instant that `local` is at `offset`.
    fn transition(&self, local: DateTime, offset: Offset) -> Result<Instant, BucketError> {
        let instant = offset.to_timestamp(local)?;
        let after = instant.checked_add(1.nanosecond())?;
        let transition = self.zone.preceding(after).next();
        Ok(transition.map_or(instant, |transition| transition.timestamp()))
    }
}

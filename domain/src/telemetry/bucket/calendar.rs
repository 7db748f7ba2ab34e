//! Buckets of whole days and months on the local calendar, each beginning at the same time of day.

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp as Instant, ToSpan};

use super::{BucketError, Span};
use crate::time::Timestamp;

/// A Monday: weeks begin with it.
const DAYS_ORIGIN: DateTime = DateTime::constant(2000, 1, 3, 0, 0, 0, 0);

/// Months count from here.
const MONTHS_ORIGIN: DateTime = DateTime::constant(2000, 1, 1, 0, 0, 0, 0);

/// Buckets of days or months, numbered from the one that begins at the origin.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    unit: Unit,
    zone: TimeZone,
    origin: DateTime,
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
            origin: DAYS_ORIGIN,
        }
    }

    pub(super) const fn months(months: i32, zone: TimeZone) -> Self {
        Self {
            unit: Unit::Months(months),
            zone,
            origin: MONTHS_ORIGIN,
        }
    }

    pub(super) fn with_origin(self, origin: Timestamp) -> Result<Self, BucketError> {
        let origin = Instant::from_microsecond(origin.as_micros())?;
        Ok(Self {
            origin: self.zone.to_datetime(origin),
            ..self
        })
    }

    pub(super) fn bucket_part(&self, at: Timestamp) -> Result<Span, BucketError> {
        let instant = Instant::from_microsecond(at.as_micros())?;
        let mut number = self.number_of(self.zone.to_datetime(instant))?;
        let mut start = self.start_of(number)?;
        // Clocks that go back over a start show what follows it before it begins for good.
        let mut end = None;
        while start > instant {
            end = Some(start);
            number -= 1;
            start = self.start_of(number)?;
        }
        let end = end.or_else(|| self.start_of(number + 1).ok());
        Ok(Span {
            start: Timestamp::from_micros(start.as_microsecond()),
            end: Timestamp::from_micros(end.map_or(i64::MAX, Instant::as_microsecond)),
        })
    }

    /// The bucket that `local` belongs to.
    fn number_of(&self, local: DateTime) -> Result<i32, BucketError> {
        let origin = self.origin.date();
        let number = match self.unit {
            Unit::Days(width) => origin.until(local.date())?.get_days().div_euclid(width),
            Unit::Months(width) => {
                let years = i32::from(local.year()) - i32::from(origin.year());
                let months = years * 12 + i32::from(local.month()) - i32::from(origin.month());
                months.div_euclid(width)
            }
        };
        // On its first day a bucket has not begun before the origin's time of day.
        let has_begun = self
            .local_start(number)
            .is_ok_and(|local_start| local_start <= local);
        Ok(if has_begun { number } else { number - 1 })
    }

    /// What the local clock shows when the bucket begins. Each counts from the origin itself, so
    /// that a day of the month that February lacks is back in March.
    fn local_start(&self, number: i32) -> Result<DateTime, BucketError> {
        let since = |width: i32| i64::from(width) * i64::from(number);
        let distance = match self.unit {
            Unit::Days(width) => jiff::Span::new().try_days(since(width))?,
            Unit::Months(width) => jiff::Span::new().try_months(since(width))?,
        };
        Ok(self.origin.checked_add(distance)?)
    }

    /// The instant from which on the local clock shows the bucket's start or later.
    fn start_of(&self, number: i32) -> Result<Instant, BucketError> {
        let local = self.local_start(number)?;
        match self.zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => Ok(offset.to_timestamp(local)?),
            AmbiguousOffset::Gap { before, .. } => self.transition(local, before),
            AmbiguousOffset::Fold { before, after } => {
                // When the clock goes back to the start itself, the bucket has begun; when it goes
                // back further, the bucket before has returned.
                let transition = self.transition(local, after)?;
                let repeated_from = after.to_datetime(transition);
                let offset = if repeated_from == local {
                    before
                } else {
                    after
                };
                Ok(offset.to_timestamp(local)?)
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

//! Decides when something is due that has to happen within so much time of business.
//!
//! Business hours are spans of the clock on each day of the week, in a time zone, without holidays.
//! Time counts whenever the clock shows a time within a span: an hour that clocks leave out does not
//! count, and one that they show twice counts twice. Without business hours all time counts.

mod hours;

#[cfg(test)]
mod tests;

use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use thiserror::Error;

use crate::time::Timestamp;

pub use hours::BusinessHours;

/// How far ahead something may be due: ten years. Hours so few that this does not suffice are a
/// mistake, and looking on would take long.
const HORIZON: SignedDuration = SignedDuration::from_hours(24 * 3_660);

/// Instants later than this, the year 3000, have no time within which something is due.
const START_MICROS_MAX: i64 = 32_503_680_000_000_000;

impl BusinessHours {
    /// When so many seconds of business have passed since `start`.
    ///
    /// # Errors
    /// [`ServiceLevelError::TooFar`] when that takes more than ten years, and
    /// [`ServiceLevelError::TimeOutOfRange`] for an instant beyond 1970 to 3000.
    pub fn due(&self, start: Timestamp, within_s: u32) -> Result<Timestamp, ServiceLevelError> {
        let start = instant(start)?;
        let mut left = SignedDuration::from_secs(within_s.into());
        if left.is_zero() {
            return Ok(Timestamp::from_micros(start.as_microsecond()));
        }
        for (from, to) in self.open_spans(start, start + HORIZON) {
            let length = from.duration_until(to);
            if length >= left {
                return Ok(Timestamp::from_micros((from + left).as_microsecond()));
            }
            left -= length;
        }
        Err(ServiceLevelError::TooFar)
    }

    /// How many microseconds of business lie between two instants; zero when `to` is not after
    /// `from`.
    ///
    /// # Errors
    /// [`ServiceLevelError::TimeOutOfRange`] for an instant beyond 1970 to 3000, and
    /// [`ServiceLevelError::TooFar`] when they are more than ten years apart.
    pub fn elapsed_micros(&self, from: Timestamp, to: Timestamp) -> Result<i64, ServiceLevelError> {
        let (from, to) = (instant(from)?, instant(to)?);
        if from.duration_until(to) > HORIZON {
            return Err(ServiceLevelError::TooFar);
        }
        let spans = self.open_spans(from, to);
        Ok(spans
            .map(|(from, to)| to.as_microsecond() - from.as_microsecond())
            .sum())
    }

    /// The spans between two instants in which time counts, in their order.
    fn open_spans(
        &self,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
    ) -> impl Iterator<Item = (jiff::Timestamp, jiff::Timestamp)> {
        // As long as the offset of the clock stays, its days are all 24 hours long.
        steady(self.zone(), from, to).flat_map(move |(from, to, offset)| {
            let last = offset.to_datetime(to).date();
            let days = std::iter::successors(Some(offset.to_datetime(from).date()), move |day| {
                day.tomorrow().ok().filter(|&next| next <= last)
            });
            days.flat_map(move |day| {
                let spans = self.of_day(day).iter();
                spans.filter_map(move |&(opens, closes)| {
                    let opens = shown(day, opens, offset)?.max(from);
                    let closes = shown(day, closes, offset)?.min(to);
                    (opens < closes).then_some((opens, closes))
                })
            })
        })
    }
}

/// The stretches between two instants in which the clock of a zone keeps its offset.
fn steady(
    zone: &TimeZone,
    from: jiff::Timestamp,
    to: jiff::Timestamp,
) -> impl Iterator<Item = (jiff::Timestamp, jiff::Timestamp, Offset)> {
    let mut next = Some(from);
    std::iter::from_fn(move || {
        let start = next.take().filter(|&start| start < to)?;
        let change = zone
            .following(start)
            .next()
            .map(|change| change.timestamp());
        let end = change.filter(|&change| change < to).unwrap_or(to);
        next = Some(end);
        Some((start, end, zone.to_offset(start)))
    })
}

/// When a clock of this offset shows so many minutes after the midnight that begins a day.
fn shown(day: Date, minutes: u16, offset: Offset) -> Option<jiff::Timestamp> {
    let midnight = offset.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
    midnight
        .checked_add(SignedDuration::from_mins(minutes.into()))
        .ok()
}

fn instant(at: Timestamp) -> Result<jiff::Timestamp, ServiceLevelError> {
    if !(0..=START_MICROS_MAX).contains(&at.as_micros()) {
        return Err(ServiceLevelError::TimeOutOfRange);
    }
    jiff::Timestamp::from_microsecond(at.as_micros()).map_err(|_| ServiceLevelError::TimeOutOfRange)
}

/// Why it cannot be said when something is due.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ServiceLevelError {
    /// The business hours are none.
    #[error("these are no business hours: {reason}")]
    HoursMalformed {
        /// What is wrong with them.
        reason: String,
    },
    /// There is no such zone.
    #[error("there is no time zone {name:?}: name one of the IANA database, as Europe/Berlin")]
    ZoneUnknown {
        /// The beginning of the name.
        name: String,
    },
    /// It is due later than anybody waits.
    #[error("with these business hours that takes more than ten years")]
    TooFar,
    /// Too early or too late to count on.
    #[error("business hours are counted from 1970 to 3000")]
    TimeOutOfRange,
}

impl ServiceLevelError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::HoursMalformed { .. } => "service_level.hours_malformed",
            Self::ZoneUnknown { .. } => "service_level.zone_unknown",
            Self::TooFar => "service_level.too_far",
            Self::TimeOutOfRange => "service_level.time_out_of_range",
        }
    }
}

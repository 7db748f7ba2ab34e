//! Decides when something that is done again and again is due next.
//!
//! A schedule is a cron expression of five fields (minute, hour, day of month, month, day of week)
//! on the clock of a time zone. Fields take numbers, names of months and weekdays, lists, ranges
//! and steps, `L` for the last day, `15W` for the weekday next to the 15th, and `MON#2` for the
//! second Monday; `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly` are whole expressions.
//! Where both day fields name days, either suffices.
//!
//! Where clocks change, what the expression means decides. One with a single minute and a single
//! hour names a time of day: it is due once on each of its days, right after the hour that is left
//! out, and in the first of two hours of one name. Any other names a rhythm: it is due whenever
//! the clock shows its times, so never in an hour that is left out, and in both hours of one name.
//!
//! What was missed is not made up for: one asks for what comes after now, so that ten missed runs
//! are followed by one.
//!
//! The crate `croner` reads the expression and says which days it means. It is not asked for the
//! next time, because a tenant may write the expression, and its search for a day that does not
//! exist takes minutes; here it ends after [`DAYS_MAX`].

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Weekday};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, ToSpan as _};
use thiserror::Error;

use crate::telemetry::bucket::Zone;
use crate::time::Timestamp;

/// The longest expression, in bytes: every minute, hour and day of a month written out is shorter.
pub const EXPRESSION_BYTES_MAX: usize = 400;

/// How many days are looked at for one that is meant: a leap day that is a Monday may be forty
/// years away, around the years 2100, 2200 and 2300.
const DAYS_MAX: usize = 41 * 366;

/// Instants later than this, the year 3000, have no next time.
const AFTER_MICROS_MAX: i64 = 32_503_680_000_000_000;

/// A rhythm on the clock of a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    hours: Vec<i8>,
    minutes: Vec<i8>,
    zone: TimeZone,
    expression: String,
}

impl Schedule {
    /// The schedule of this cron expression in the zone of this IANA name.
    ///
    /// # Errors
    /// [`ScheduleError::ExpressionInvalid`] and [`ScheduleError::ZoneUnknown`].
    pub fn parse(expression: &str, zone: &str) -> Result<Self, ScheduleError> {
        let invalid = |reason: String| ScheduleError::ExpressionInvalid {
            expression: expression.chars().take(64).collect(),
            reason,
        };
        if expression.len() > EXPRESSION_BYTES_MAX {
            return Err(invalid(format!(
                "it is longer than {EXPRESSION_BYTES_MAX} bytes"
            )));
        }
        // What the parser takes beyond this are dialects of its own.
        let foreign =
            |letter: &char| !(letter.is_ascii_alphanumeric() || " *,-/#@".contains(*letter));
        if let Some(letter) = expression.chars().find(foreign) {
            return Err(invalid(format!("it has the character {letter:?}")));
        }
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(expression)
            .map_err(|error| invalid(error.to_string()))?;
        let zone = Zone::named(zone).map_err(|_| ScheduleError::ZoneUnknown {
            name: zone.chars().take(64).collect(),
        })?;
        let pattern = &cron.pattern;
        let hours = (0..24).filter(|&hour| pattern.hour_match(hour).unwrap_or(false));
        let minutes = (0..60).filter(|&minute| pattern.minute_match(minute).unwrap_or(false));
        Ok(Self {
            hours: hours.map(|hour| hour as i8).collect(),
            minutes: minutes.map(|minute| minute as i8).collect(),
            zone: zone.into_rules(),
            expression: expression.to_owned(),
            cron,
        })
    }

    /// The first time after `after` at which it is due.
    ///
    /// # Errors
    /// [`ScheduleError::Never`] when there is none, as for a 30 February, and
    /// [`ScheduleError::TimeOutOfRange`] for an instant beyond 1970 to 3000.
    pub fn next_after(&self, after: Timestamp) -> Result<Timestamp, ScheduleError> {
        if !(0..=AFTER_MICROS_MAX).contains(&after.as_micros()) {
            return Err(ScheduleError::TimeOutOfRange);
        }
        let after = jiff::Timestamp::from_microsecond(after.as_micros())
            .map_err(|_| ScheduleError::TimeOutOfRange)?;
        // From the day before, whose last hour may be the one that clocks leave out.
        let today = self.zone.to_datetime(after).date();
        let start = today.yesterday().unwrap_or(today);
        let mut days = start
            .series(1.day())
            .take(DAYS_MAX)
            .filter(|&day| self.has_day(day))
            .peekable();
        while let Some(day) = days.next() {
            // Where clocks go back over midnight, times of two days mix.
            let tomorrow = days
                .peek()
                .filter(|&&next| day.tomorrow().is_ok_and(|tomorrow| tomorrow == next));
            let found = [Some(day), tomorrow.copied()]
                .into_iter()
                .flatten()
                .filter_map(|day| self.first_of(day, after))
                .min();
            if let Some(at) = found {
                return Ok(Timestamp::from_micros(at.as_microsecond()));
            }
        }
        Err(ScheduleError::Never {
            expression: self.expression.clone(),
        })
    }

    fn has_day(&self, day: Date) -> bool {
        let weekday = Weekday::from_days_from_sunday(day.weekday().to_sunday_zero_offset() as u32);
        let pattern = &self.cron.pattern;
        pattern.month_match(day.month() as u32).unwrap_or(false)
            && pattern
                .day_match(
                    day.year().into(),
                    day.month() as u32,
                    day.day() as u32,
                    weekday,
                )
                .unwrap_or(false)
    }

    /// The first time of a day after `after`.
    fn first_of(&self, day: Date, after: jiff::Timestamp) -> Option<jiff::Timestamp> {
        if let ([hour], [minute]) = (&*self.hours, &*self.minutes) {
            let at = self.time_of_day(day.at(*hour, *minute, 0, 0))?;
            return (at > after).then_some(at);
        }
        let shown = self.hours.iter().flat_map(|&hour| {
            let times = self.minutes.iter();
            times.map(move |&minute| day.at(hour, minute, 0, 0))
        });
        shown
            .flat_map(|time| self.occurrences(time))
            .filter(|&at| at > after)
            .min()
    }

    /// When clocks show this time first, or, when they leave it out, a later one.
    fn time_of_day(&self, time: DateTime) -> Option<jiff::Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(time);
        let is_left_out = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let at = ambiguous.compatible().ok()?;
        if is_left_out {
            // The latest change up to then, which left it out.
            let mut changes = self.zone.preceding(at + SignedDuration::from_nanos(1));
            return changes.next().map(|change| change.timestamp());
        }
        Some(at)
    }

    /// When clocks show this time: never, once or twice.
    fn occurrences(&self, time: DateTime) -> impl Iterator<Item = jiff::Timestamp> + use<> {
        let ambiguous = self.zone.to_ambiguous_timestamp(time);
        let (first, second) = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } => (ambiguous.compatible().ok(), None),
            AmbiguousOffset::Fold { .. } => (ambiguous.earlier().ok(), ambiguous.later().ok()),
            AmbiguousOffset::Gap { .. } => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// Why there is no next time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScheduleError {
    /// The expression is none.
    #[error("{expression:?} is no cron expression of five fields: {reason}")]
    ExpressionInvalid {
        /// Its beginning.
        expression: String,
        /// What is wrong with it, for people.
        reason: String,
    },
    /// There is no such zone.
    #[error("there is no time zone {name:?}: name one of the IANA database, as Europe/Berlin")]
    ZoneUnknown {
        /// The beginning of the name.
        name: String,
    },
    /// The times that it names do not exist.
    #[error("{expression:?} is never due: no date has what it names")]
    Never {
        /// The expression.
        expression: String,
    },
    /// Too early or too late to count on.
    #[error("a schedule is asked for times from 1970 to 3000")]
    TimeOutOfRange,
}

impl ScheduleError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ExpressionInvalid { .. } => "schedule.expression_invalid",
            Self::ZoneUnknown { .. } => "schedule.zone_unknown",
            Self::Never { .. } => "schedule.never",
            Self::TimeOutOfRange => "schedule.time_out_of_range",
        }
    }
}

#[cfg(test)]
mod tests;

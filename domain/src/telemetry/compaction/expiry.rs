//! Decides until when readings and the statistics of their hours are kept.
//!
//! A day of UTC ages as a whole: some days after its end its readings become statistics, and some
//! days after that these go too. Blocks end with days, so that most change once, as a whole; by the
//! hour the last block of every device would be written anew each hour.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::telemetry::block::HOUR_MICROS;
pub(super) use crate::telemetry::block::hour_of;
use crate::time::Timestamp;

/// The most days that something is kept, a hundred years; what is kept longer is kept for ever.
pub const KEPT_DAYS_MAX: i32 = 36_500;

/// A day of 24 hours: retention knows no time zone.
const DAY_MICROS: i64 = HOURS_PER_DAY * HOUR_MICROS;

const HOURS_PER_DAY: i64 = 24;

/// For how long each metric is kept.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    others: Keeping,
    metrics: BTreeMap<i32, Keeping>,
}

/// What is kept at some time.
#[derive(Clone, Copy, Debug)]
pub struct Expiry<'a> {
    as_of: Timestamp,
    policies: &'a Policies,
}

/// For how long a metric is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    /// After so many days readings become statistics of their hour; without, never.
    raw_days: Option<i32>,
    /// After so many more the statistics go; without, never.
    hourly_days: Option<i32>,
}

/// Why something cannot be kept like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeepingError {
    /// The days of readings are none.
    #[error("readings are kept for 1 to {KEPT_DAYS_MAX} days or for ever, not for {0} days")]
    RawDays(i32),
    /// The days of statistics are none.
    #[error("statistics are kept for 0 to {KEPT_DAYS_MAX} days or for ever, not for {0} days")]
    HourlyDays(i32),
    /// Statistics of readings that never become any.
    #[error("readings that are kept for ever become no statistics to be kept for {0} days")]
    HoursWithoutEnd(i32),
    /// There are not as many days as metrics.
    #[error("{metrics} metrics have {days} numbers of days")]
    Lengths {
        /// How many metrics there are.
        metrics: usize,
        /// How many days there are.
        days: usize,
    },
}

impl KeepingError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "retention.invalid"
    }
}

impl Keeping {
    /// Readings for some days, then their statistics for some more; `None` is for ever.
    ///
    /// # Errors
    /// [`KeepingError`] when the days contradict each other or are out of range.
    pub fn new(raw_days: Option<i32>, hourly_days: Option<i32>) -> Result<Self, KeepingError> {
        match (raw_days, hourly_days) {
            (Some(days), _) if !(1..=KEPT_DAYS_MAX).contains(&days) => {
                Err(KeepingError::RawDays(days))
            }
            (_, Some(days)) if !(0..=KEPT_DAYS_MAX).contains(&days) => {
                Err(KeepingError::HourlyDays(days))
            }
            (None, Some(days)) => Err(KeepingError::HoursWithoutEnd(days)),
            _ => Ok(Self {
                raw_days,
                hourly_days,
            }),
        }
    }

    fn readings_until(self, hour: i64) -> Option<Timestamp> {
        self.raw_days.map(|days| end_of(hour, i64::from(days)))
    }

    fn hour_until(self, hour: i64) -> Option<Timestamp> {
        let (raw_days, hourly_days) = (self.raw_days?, self.hourly_days?);
        Some(end_of(hour, i64::from(raw_days) + i64::from(hourly_days)))
    }
}

impl Policies {
    /// For each entry of `metrics`, which is the number of a metric or `None` for all that have no
    /// entry of their own, the days of [`Keeping::new`]. Without an entry everything is kept for
    /// ever.
    ///
    /// # Errors
    /// [`KeepingError`] when a policy is none.
    pub fn new(
        metrics: &[Option<i32>],
        raw_days: &[Option<i32>],
        hourly_days: &[Option<i32>],
    ) -> Result<Self, KeepingError> {
        for days in [raw_days.len(), hourly_days.len()] {
            if days != metrics.len() {
                let metrics = metrics.len();
                return Err(KeepingError::Lengths { metrics, days });
            }
        }
        let mut policies = Self::default();
        for ((metric, &raw_days), &hourly_days) in metrics.iter().zip(raw_days).zip(hourly_days) {
            let keeping = Keeping::new(raw_days, hourly_days)?;
            match *metric {
                Some(metric) => _ = policies.metrics.insert(metric, keeping),
                None => policies.others = keeping,
            }
        }
        Ok(policies)
    }

    /// What they keep at `as_of`.
    #[must_use]
    pub const fn at(&self, as_of: Timestamp) -> Expiry<'_> {
        Expiry {
            as_of,
            policies: self,
        }
    }

    /// Until when the readings are kept that `metric` has in an hour; for ever, when nothing.
    pub(super) fn readings_until(&self, metric: i32, hour: i64) -> Option<Timestamp> {
        self.of(metric).readings_until(hour)
    }

    /// Until when it is kept what `metric` came to in an hour; for ever, when nothing.
    pub(super) fn hour_until(&self, metric: i32, hour: i64) -> Option<Timestamp> {
        self.of(metric).hour_until(hour)
    }

    fn of(&self, metric: i32) -> Keeping {
        self.metrics.get(&metric).copied().unwrap_or(self.others)
    }
}

impl Expiry<'_> {
    /// Whether the readings that `metric` has in an hour are kept as they are.
    pub(super) fn keeps_readings(&self, metric: i32, hour: i64) -> bool {
        self.is_ahead(self.policies.readings_until(metric, hour))
    }

    /// Whether what `metric` came to in an hour is kept.
    pub(super) fn keeps_hour(&self, metric: i32, hour: i64) -> bool {
        self.is_ahead(self.policies.hour_until(metric, hour))
    }

    /// Whether anything is kept of a metric that was measured at `at`.
    #[must_use]
    pub fn keeps_any(&self, metric: i32, at: Timestamp) -> bool {
        self.keeps_hour(metric, hour_of(at))
    }

    fn is_ahead(&self, until: Option<Timestamp>) -> bool {
        until.is_none_or(|until| self.as_of < until)
    }
}

/// The instant before which everything is past its `days` at `as_of`: the beginning of a day.
#[must_use]
pub fn cutoff(as_of: Timestamp, days: i32) -> Timestamp {
    let before = as_of
        .as_micros()
        .saturating_sub(i64::from(days) * DAY_MICROS);
    Timestamp::from_micros(before.div_euclid(DAY_MICROS).saturating_mul(DAY_MICROS))
}

/// So many days after the end of the day that holds an hour.
fn end_of(hour: i64, days: i64) -> Timestamp {
    let day = hour.div_euclid(HOURS_PER_DAY);
    let end = day.saturating_add(days).saturating_add(1);
    Timestamp::from_micros(end.saturating_mul(DAY_MICROS))
}

#[cfg(test)]
mod tests;

//! Decides whether a request may go on, by the generic cell rate algorithm (ITU-T I.371, annex A).
//!
//! A bucket is one instant, its theoretical arrival time (TAT): until when it is taken up. With the
//! emission interval T of the limit and its tolerance τ = burst · T − T, a request at `now` is
//! refused when `now < TAT − τ`; else TAT = max(now, TAT) + T. In any span of time a bucket lets at
//! most `burst + span / T` through.
//!
//! All buckets of a request are asked before any is charged: a refused request costs nothing.

use super::window::Window;
use crate::time::Timestamp;

/// How far the clocks of two sessions may seem apart, because each reads its own before it waits
/// for its turn, in microseconds.
pub const CLOCK_SKEW_MICROS_MAX: i64 = 10_000_000;

/// A bucket nothing was ever put into, and one that is used up no longer: both let a burst through.
pub const EMPTY: Timestamp = Timestamp::from_micros(i64::MIN);

/// What one limit knows about one who is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    interval_micros: i64,
    refill_micros: i64,
    taken_until: Timestamp,
}

/// Whether a request may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may, and is counted in every bucket.
    Admitted {
        /// How many more may come at once, in the bucket that lets the fewest through.
        remaining: u32,
    },
    /// It may not, and is counted nowhere.
    Refused {
        /// The place of the refusing bucket; of several, the one that refuses longest.
        place: usize,
        /// In how many microseconds that bucket lets one through: 1 or more.
        retry_after_micros: i64,
    },
}

impl Bucket {
    /// The bucket of `window` that is taken up until `taken_until`, its TAT.
    #[must_use]
    pub fn new(window: &Window, taken_until: Timestamp) -> Self {
        Self {
            interval_micros: window.interval_micros(),
            refill_micros: window.refill_micros(),
            taken_until,
        }
    }

    /// The TAT.
    #[must_use]
    pub const fn taken_until(&self) -> Timestamp {
        self.taken_until
    }

    /// For how long after `now` the bucket is taken up, in microseconds.
    ///
    /// A bucket that is taken up for longer than its limit can make it was so by another limit, or
    /// by a clock that has been set back since: it begins anew, rather than refuse for as long as
    /// the clock was wrong.
    fn backlog_micros(&self, now: Timestamp) -> i64 {
        let ahead = self.taken_until.as_micros().saturating_sub(now.as_micros());
        if ahead > self.refill_micros.saturating_add(CLOCK_SKEW_MICROS_MAX) {
            0
        } else {
            ahead.max(0)
        }
    }

    /// How long one more has to wait: 0 or less when it need not.
    fn wait_micros(&self, now: Timestamp) -> i64 {
        self.backlog_micros(now) + self.interval_micros - self.refill_micros
    }

    fn charge(&mut self, now: Timestamp) -> u32 {
        let backlog = self.backlog_micros(now) + self.interval_micros;
        self.taken_until = Timestamp::from_micros(now.as_micros().saturating_add(backlog));
        let remaining = (self.refill_micros - backlog) / self.interval_micros;
        u32::try_from(remaining).unwrap_or(0)
    }
}

/// Charges all `buckets` for a request at `now`, or none of them.
///
/// A request that is counted nowhere is always admitted.
pub fn decide(now: Timestamp, buckets: &mut [Bucket]) -> Verdict {
    let longest = buckets
        .iter()
        .map(|bucket| bucket.wait_micros(now))
        .enumerate()
        .filter(|&(_, wait)| wait > 0)
        .max_by_key(|&(place, wait)| (wait, std::cmp::Reverse(place)));
    if let Some((place, retry_after_micros)) = longest {
        return Verdict::Refused {
            place,
            retry_after_micros,
        };
    }
    let remaining = buckets.iter_mut().map(|bucket| bucket.charge(now)).min();
    Verdict::Admitted {
        remaining: remaining.unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
mod tests;

//! Decides what a single limit is: so many in a period, and how many of them at once.

use std::fmt;

/// The most that a window lets through in its period, or at once: a million.
pub const COUNT_MAX: u32 = 1_000_000;

/// The longest period, 31 days: what is limited by the month.
pub const PERIOD_SECONDS_MAX: u32 = 31 * SECONDS_PER_DAY;

/// The fastest window. The time between two is kept in whole microseconds and rounded up, which at
/// this rate makes a window at most 1 % tighter than it says, and never looser.
pub const PER_SECOND_MAX: u32 = 10_000;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: u32 = 86_400;

/// The units of periods, the largest first.
pub(super) const UNITS: [(u8, u32); 4] =
    [(b'd', SECONDS_PER_DAY), (b'h', 3600), (b'm', 60), (b's', 1)];

/// `count` in `period_seconds`, of which `burst` may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    count: u32,
    period_seconds: u32,
    burst: u32,
}

impl Window {
    /// The window, or nothing when a number is zero or beyond its maximum.
    #[must_use]
    pub const fn new(count: u32, period_seconds: u32, burst: u32) -> Option<Self> {
        let whole = count >= 1 && count <= COUNT_MAX && burst >= 1 && burst <= COUNT_MAX;
        let timely = period_seconds >= 1 && period_seconds <= PERIOD_SECONDS_MAX;
        if whole && timely && count.div_ceil(PER_SECOND_MAX) <= period_seconds {
            Some(Self {
                count,
                period_seconds,
                burst,
            })
        } else {
            None
        }
    }

    /// How long the period is, in seconds: it tells the windows of a list apart.
    #[must_use]
    pub const fn period_seconds(&self) -> u32 {
        self.period_seconds
    }

    /// How many may come at once.
    #[must_use]
    pub const fn burst(&self) -> u32 {
        self.burst
    }

    /// The time after which the next one may come, in microseconds: 100 to 2.7 · 10¹².
    #[must_use]
    pub fn interval_micros(&self) -> i64 {
        let period = i64::from(self.period_seconds) * MICROS_PER_SECOND;
        let count = i64::from(self.count);
        (period + count - 1) / count
    }

    /// The time in which a used-up burst comes back, in microseconds: at most 2.7 · 10¹⁸.
    #[must_use]
    pub fn refill_micros(&self) -> i64 {
        i64::from(self.burst) * self.interval_micros()
    }
}

/// As people write it, in the largest unit that fits: `100/1m`, `1000/1h burst 20`.
impl fmt::Display for Window {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, seconds) = UNITS
            .into_iter()
            .find(|&(_, seconds)| self.period_seconds.is_multiple_of(seconds))
            .unwrap_or((b's', 1));
        let (count, period) = (self.count, self.period_seconds / seconds);
        write!(formatter, "{count}/{period}{}", char::from(unit))?;
        if self.burst == self.count {
            Ok(())
        } else {
            write!(formatter, " burst {}", self.burst)
        }
    }
}

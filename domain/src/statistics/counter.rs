//! Decides how far a counter has counted, and how a gauge has moved.
//!
//! A counter only grows, or starts again from zero: a value below the one before is a reset, and
//! what had been counted up to then is added to all values after it. A gauge may fall.
//! A value that is not finite is no measurement, and is passed over as null is.

use super::moments::{count as float, read_count, read_floats};
use super::readings::{put_at, put_f64};
use super::time_weight::read_reading;
use super::window::Window;
use super::{Reading, StatisticsError, seconds_between};
use crate::telemetry::bytes::{Malformed, Reader, put_u64};
use crate::time::Timestamp;

/// Prometheus extrapolates to an end of the window that is nearer than this many average steps.
const EXTRAPOLATED_STEPS_MAX: f64 = 1.1;

/// The course of a counter or a gauge from its first reading to its last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    resets_count: bool,
    pub(super) count: u64,
    pub(super) first: Reading,
    second: Reading,
    penultimate: Reading,
    pub(super) last: Reading,
    /// What had been counted before resets.
    lost: f64,
    resets: u64,
    changes: u64,
    line: Line,
}

/// Sums for a line of least squares through values without resets; x is seconds since the first
/// reading. Means and central moments merge as in Chan et al. 1979.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Line {
    mean_x: f64,
    mean_y: f64,
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Course {
    pub(super) const fn of(resets_count: bool, reading: Reading) -> Self {
        Self {
            resets_count,
            count: 1,
            first: reading,
            second: reading,
            penultimate: reading,
            last: reading,
            lost: 0.0,
            resets: 0,
            changes: 0,
            line: Line {
                mean_x: 0.0,
                mean_y: reading.value,
                xx: 0.0,
                yy: 0.0,
                xy: 0.0,
            },
        }
    }

    /// Takes in what came later.
    pub(super) fn append(&mut self, later: &Self) {
        if self.resets_count && later.first.value < self.last.value {
            self.lost += self.last.value;
            self.resets = self.resets.saturating_add(1);
        }
        let differs = u64::from(later.first.value != self.last.value);
        self.changes = self.changes.saturating_add(differs);
        self.merge_line(later);
        if self.count == 1 {
            self.second = later.first;
        }
        self.penultimate = if later.count == 1 {
            self.last
        } else {
            later.penultimate
        };
        self.last = later.last;
        self.lost += later.lost;
        self.resets = self.resets.saturating_add(later.resets);
        self.changes = self.changes.saturating_add(later.changes);
        self.count = self.count.saturating_add(later.count);
    }

    fn merge_line(&mut self, later: &Self) {
        let (left, right) = (float(self.count), float(later.count));
        let mean_x = later.line.mean_x + seconds_between(self.first.at, later.first.at);
        let mean_y = later.line.mean_y + self.lost;
        let (line, share) = (&mut self.line, right / (left + right));
        let (x, y) = (mean_x - line.mean_x, mean_y - line.mean_y);
        line.xx += later.line.xx + x * x * left * share;
        line.yy += later.line.yy + y * y * left * share;
        line.xy += later.line.xy + x * y * left * share;
        line.mean_x += x * share;
        line.mean_y += y * share;
    }

    /// How much it has grown (a gauge may have fallen) from the first reading to the last.
    #[must_use]
    pub fn delta(&self) -> f64 {
        self.last.value - self.first.value + self.lost
    }

    /// Seconds from the first reading to the last.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        seconds_between(self.first.at, self.last.at)
    }

    /// The growth per second from the first reading to the last; `None` for one reading.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        (self.count > 1).then(|| self.delta() / self.seconds())
    }

    /// The growth from the first reading to the second.
    #[must_use]
    pub fn delta_left(&self) -> Option<f64> {
        (self.count > 1).then(|| self.growth(self.first, self.second))
    }

    /// The growth from the last reading but one to the last.
    #[must_use]
    pub fn delta_right(&self) -> Option<f64> {
        (self.count > 1).then(|| self.growth(self.penultimate, self.last))
    }

    /// The growth per second from the first reading to the second.
    #[must_use]
    pub fn rate_left(&self) -> Option<f64> {
        let seconds = seconds_between(self.first.at, self.second.at);
        self.delta_left().map(|delta| delta / seconds)
    }

    /// The growth per second from the last reading but one to the last.
    #[must_use]
    pub fn rate_right(&self) -> Option<f64> {
        let seconds = seconds_between(self.penultimate.at, self.last.at);
        self.delta_right().map(|delta| delta / seconds)
    }

    fn growth(&self, from: Reading, to: Reading) -> f64 {
        if self.resets_count && to.value < from.value {
            to.value
        } else {
            to.value - from.value
        }
    }

    /// How often the counter started again.
    #[must_use]
    pub const fn resets(&self) -> u64 {
        self.resets
    }

    /// How often a value differed from the one before.
    #[must_use]
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// The slope per second of the line of least squares through the values without resets.
    #[must_use]
    pub fn slope(&self) -> Option<f64> {
        (self.line.xx > 0.0).then(|| self.line.xy / self.line.xx)
    }

    /// Where that line is at an instant.
    #[must_use]
    pub fn line_at(&self, at: Timestamp) -> Option<f64> {
        let x = seconds_between(self.first.at, at);
        let slope = self.slope()?;
        Some(self.line.mean_y + slope * (x - self.line.mean_x))
    }

    /// The correlation of value and time, from -1 to 1.
    #[must_use]
    pub fn correlation(&self) -> Option<f64> {
        let varies = self.line.xx > 0.0 && self.line.yy > 0.0;
        varies.then(|| self.line.xy / (self.line.xx.sqrt() * self.line.yy.sqrt()))
    }

    /// The growth over a window that holds all readings, as Prometheus' `increase` and `delta`
    /// extrapolate it: to an end of the window that is nearer than 1.1 average steps, else half a
    /// step towards it, and a counter not to before it was zero. `None` for one reading.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] when a reading is outside of the window.
    pub fn extrapolated_delta(&self, window: Window) -> Result<Option<f64>, StatisticsError> {
        if self.first.at < window.start || self.last.at > window.end {
            return Err(StatisticsError::ArgumentInvalid {
                what: "the window must hold every reading of the partial",
            });
        }
        if self.count < 2 {
            return Ok(None);
        }
        let (delta, sampled) = (self.delta(), self.seconds());
        let step = sampled / (float(self.count) - 1.0);
        let reach = |distance: f64| {
            if distance < step * EXTRAPOLATED_STEPS_MAX {
                distance
            } else {
                step / 2.0
            }
        };
        let mut to_start = reach(seconds_between(window.start, self.first.at));
        if self.resets_count && delta > 0.0 && self.first.value >= 0.0 {
            to_start = to_start.min(sampled * (self.first.value / delta));
        }
        let to_end = reach(seconds_between(self.last.at, window.end));
        Ok(Some(delta * ((to_start + sampled + to_end) / sampled)))
    }

    /// [`Self::extrapolated_delta`] per second of the window.
    ///
    /// # Errors
    /// As there.
    pub fn extrapolated_rate(&self, window: Window) -> Result<Option<f64>, StatisticsError> {
        let seconds = seconds_between(window.start, window.end);
        let delta = self.extrapolated_delta(window)?;
        Ok(delta.map(|delta| delta / seconds))
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        for number in [self.count, self.resets, self.changes] {
            put_u64(bytes, number);
        }
        for reading in [self.first, self.second, self.penultimate, self.last] {
            put_at(bytes, reading.at);
            put_f64(bytes, reading.value);
        }
        let line = &self.line;
        for number in [
            self.lost,
            line.mean_x,
            line.mean_y,
            line.xx,
            line.yy,
            line.xy,
        ] {
            put_f64(bytes, number);
        }
    }

    pub(super) fn read(resets_count: bool, reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (count, resets, changes) = (
            read_count(reader)?,
            read_count(reader)?,
            read_count(reader)?,
        );
        let (first, second) = (read_reading(reader)?, read_reading(reader)?);
        let (penultimate, last) = (read_reading(reader)?, read_reading(reader)?);
        let [lost, mean_x, mean_y, xx, yy, xy] = read_floats(reader)?;
        let in_order = match count {
            0 => false,
            1 => first.at == last.at,
            _ => {
                first.at < second.at
                    && second.at <= last.at
                    && first.at <= penultimate.at
                    && penultimate.at < last.at
            }
        };
        if !in_order {
            return Err(Malformed);
        }
        Ok(Self {
            resets_count,
            count,
            first,
            second,
            penultimate,
            last,
            lost,
            resets,
            changes,
            line: Line {
                mean_x,
                mean_y,
                xx,
                yy,
                xy,
            },
        })
    }
}

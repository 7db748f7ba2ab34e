//! Decides the average and the integral of a value over the time that it lasted.
//!
//! A value that is not finite is no measurement, and is passed over as null is.

use super::moments::read_count;
use super::readings::{put_at, put_f64, read_at, read_f64};
use super::window::Window;
use super::{MICROS_PER_SECOND, Reading, StatisticsError, fill, seconds_between};
use crate::telemetry::bytes::{Malformed, Reader, put_u64};
use crate::time::Timestamp;

/// What the value is between two readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The last observation carried forward: that of the reading before.
    Locf,
    /// On the straight line between both.
    Linear,
}

impl Method {
    /// The method that SQL names.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] when it is none.
    pub fn named(name: &str) -> Result<Self, StatisticsError> {
        match name.to_ascii_lowercase().as_str() {
            "locf" => Ok(Self::Locf),
            "linear" | "trapezoidal" => Ok(Self::Linear),
            _ => Err(StatisticsError::ArgumentInvalid {
                what: "the method of a time weight is 'locf' or 'linear'",
            }),
        }
    }

    /// Value times seconds between two readings.
    fn area(self, from: Reading, to: Reading) -> f64 {
        let height = match self {
            Self::Locf => from.value,
            Self::Linear => from.value / 2.0 + to.value / 2.0,
        };
        height * seconds_between(from.at, to.at)
    }
}

/// Seconds of the unit of time that SQL names, by which an integral is divided.
///
/// # Errors
/// [`StatisticsError::ArgumentInvalid`] when it is none.
pub fn seconds_of_unit(name: &str) -> Result<f64, StatisticsError> {
    match name.trim_end_matches('s') {
        "microsecond" => Ok(1.0 / MICROS_PER_SECOND),
        "millisecond" => Ok(0.001),
        "second" => Ok(1.0),
        "minute" => Ok(60.0),
        "hour" => Ok(3600.0),
        "day" => Ok(86_400.0),
        _ => Err(StatisticsError::ArgumentInvalid {
            what: "the unit of an integral is microsecond, millisecond, second, minute, hour or day",
        }),
    }
}

/// A value over the time from its first reading to its last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TimeWeight {
    pub(super) method: Method,
    pub(super) count: u64,
    pub(super) first: Reading,
    pub(super) last: Reading,
    /// Value times seconds.
    area: f64,
}

/// Value times seconds over some time, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Covered {
    /// Value times seconds.
    pub area: f64,
    /// How long.
    pub seconds: f64,
}

impl Covered {
    /// The average, unless no time has passed.
    #[must_use]
    pub fn average(self) -> Option<f64> {
        (self.seconds > 0.0).then(|| self.area / self.seconds)
    }
}

impl TimeWeight {
    pub(super) const fn of(method: Method, reading: Reading) -> Self {
        Self {
            method,
            count: 1,
            first: reading,
            last: reading,
            area: 0.0,
        }
    }

    /// Takes in what came later.
    pub(super) fn append(&mut self, later: &Self) {
        self.area += self.method.area(self.last, later.first) + later.area;
        self.last = later.last;
        self.count = self.count.saturating_add(later.count);
    }

    /// From the first reading to the last.
    #[must_use]
    pub fn covered(&self) -> Covered {
        Covered {
            area: self.area,
            seconds: seconds_between(self.first.at, self.last.at),
        }
    }

    /// Over a window that holds all readings: to its start, as far as the partial before tells the
    /// value, and to its end, as far as the method and the partial after do.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] when a reading is outside of the window, or the partial
    /// before or after reaches into it; [`StatisticsError::PartialsMixed`] for another method.
    pub fn over(
        &self,
        window: Window,
        before: Option<&Self>,
        after: Option<&Self>,
    ) -> Result<Covered, StatisticsError> {
        if self.first.at < window.start || self.last.at > window.end {
            return Err(StatisticsError::ArgumentInvalid {
                what: "the window must hold every reading of the partial",
            });
        }
        if before.is_some_and(|before| before.last.at > window.start)
            || after.is_some_and(|after| after.first.at < window.end)
        {
            return Err(StatisticsError::ArgumentInvalid {
                what: "the partials before and after must not reach into the window",
            });
        }
        if [before, after]
            .into_iter()
            .flatten()
            .any(|other| other.method != self.method)
        {
            return Err(StatisticsError::PartialsMixed {
                first: "time_weight",
                second: "time_weight with another method",
            });
        }
        let mut covered = self.covered();
        let mut extend = |from: Reading, to: Reading| {
            covered.area += self.method.area(from, to);
            covered.seconds += seconds_between(from.at, to.at);
        };
        if let Some(before) = before {
            extend(
                self.between(before.last, self.first, window.start),
                self.first,
            );
        }
        match (self.method, after) {
            (Method::Locf, _) => extend(
                self.last,
                Reading {
                    at: window.end,
                    ..self.last
                },
            ),
            (Method::Linear, Some(after)) => {
                extend(self.last, self.between(self.last, after.first, window.end));
            }
            (Method::Linear, None) => {}
        }
        Ok(covered)
    }

    /// The value at an instant between two readings.
    fn between(&self, from: Reading, to: Reading, at: Timestamp) -> Reading {
        let value = match self.method {
            Method::Locf => from.value,
            Method::Linear => fill::on_line((from.at, from.value), (to.at, to.value), at),
        };
        Reading { at, value }
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        bytes.push(u8::from(self.method == Method::Linear));
        put_u64(bytes, self.count);
        for reading in [self.first, self.last] {
            put_at(bytes, reading.at);
            put_f64(bytes, reading.value);
        }
        put_f64(bytes, self.area);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let method = match reader.u8()? {
            0 => Method::Locf,
            1 => Method::Linear,
            _ => return Err(Malformed),
        };
        let read = Self {
            method,
            count: read_count(reader)?,
            first: read_reading(reader)?,
            last: read_reading(reader)?,
            area: read_f64(reader)?,
        };
        let is_one = read.count == 1;
        let in_order = read.first.at < read.last.at || (is_one && read.first.at == read.last.at);
        if read.count > 0 && in_order {
            Ok(read)
        } else {
            Err(Malformed)
        }
    }
}

pub(super) fn read_reading(reader: &mut Reader<'_>) -> Result<Reading, Malformed> {
    let at = read_at(reader)?;
    let value = read_f64(reader)?;
    if value.is_finite() {
        Ok(Reading { at, value })
    } else {
        Err(Malformed)
    }
}

//! Decides how limits are written, and points at the character where they are not.
//!
//! ```text
//! limits = limit { "," limit }
//! limit  = count "/" number unit [ "burst" count ]
//! unit   = "s" | "m" | "h" | "d"
//! ```
//!
//! `count` and `number` are decimal digits without a leading zero. Blanks may stand between any two
//! of these but a number and its unit, and must stand around `burst`. Without `burst`, all that a
//! period allows may come at once. One to four limits, each of another period.

use std::fmt;

use super::LimitError;
use super::window::{COUNT_MAX, PER_SECOND_MAX, PERIOD_SECONDS_MAX, UNITS, Window};

/// The most windows in a list: by the second, the minute, the hour and the day.
pub const WINDOWS_MAX: usize = 4;

/// One to [`WINDOWS_MAX`] windows, by their periods, the shortest first. All of them hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    // In place, as a request reads several texts; what is behind the last repeats the first.
    windows: [Window; WINDOWS_MAX],
    count: usize,
}

impl Limits {
    /// Reads `text` by the grammar above.
    ///
    /// # Errors
    /// A [`LimitError`] with a position.
    pub fn parse(text: &str) -> Result<Self, LimitError> {
        let mut reader = Reader {
            bytes: text.as_bytes(),
            place: 0,
        };
        let (first, _) = reader.window()?;
        let mut limits = Self {
            windows: [first; WINDOWS_MAX],
            count: 1,
        };
        while let Some(sign) = reader.peek() {
            let place = limits.count;
            if sign != b',' {
                return Err(reader.expected("\",\" or the end"));
            } else if place == WINDOWS_MAX {
                return Err(LimitError::TooMany {
                    position: reader.place + 1,
                });
            }
            reader.place += 1;
            let (window, period_at) = reader.window()?;
            let twice = |other: &Window| other.period_seconds() == window.period_seconds();
            if limits.windows().iter().any(twice) {
                return Err(LimitError::PeriodTwice {
                    position: period_at + 1,
                });
            }
            limits.windows[place] = window;
            limits.count += 1;
        }
        limits.windows[..limits.count].sort_unstable_by_key(Window::period_seconds);
        // One way to be the same limits.
        let first = limits.windows[0];
        limits.windows[limits.count..].fill(first);
        Ok(limits)
    }

    /// The windows, by their periods, the shortest first.
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        &self.windows[..self.count]
    }
}

/// The one way in which these limits are written: [`Limits::parse`] of it gives the same.
impl fmt::Display for Limits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, window) in self.windows().iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(formatter, "{comma}{window}")?;
        }
        Ok(())
    }
}

/// All that the grammar allows is ASCII, so that up to an error characters are bytes.
struct Reader<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl Reader<'_> {
    /// A window, and where its period begins.
    fn window(&mut self) -> Result<(Window, usize), LimitError> {
        self.peek();
        let begin = self.place;
        let count = self.number(COUNT_MAX)?;
        if self.peek() != Some(b'/') {
            return Err(self.expected("\"/\" and a period"));
        }
        self.place += 1;
        self.peek();
        let period_at = self.place;
        let period_seconds = self.period()?;
        let burst = self.burst()?.unwrap_or(count);
        if count.div_ceil(PER_SECOND_MAX) > period_seconds {
            return Err(LimitError::TooFast {
                position: begin + 1,
            });
        }
        let window = Window::new(count, period_seconds, burst);
        let window = window.ok_or_else(|| self.expected("a limit within the maxima"))?;
        Ok((window, period_at))
    }

    /// A number with its unit, in seconds.
    fn period(&mut self) -> Result<u32, LimitError> {
        let position = self.place + 1;
        let number = self.number(PERIOD_SECONDS_MAX)?;
        let unit = UNITS
            .into_iter()
            .find(|&(unit, _)| self.bytes.get(self.place) == Some(&unit));
        let Some((_, seconds)) = unit else {
            return Err(self.expected("a unit, one of s, m, h and d"));
        };
        self.place += 1;
        let max = PERIOD_SECONDS_MAX / seconds;
        if number > max {
            return Err(LimitError::Number { position, max });
        }
        Ok(number * seconds)
    }

    /// The number after `burst`, where that stands.
    fn burst(&mut self) -> Result<Option<u32>, LimitError> {
        const WORD: &[u8] = b"burst";
        let end = self.place;
        if self.peek() != Some(b'b') {
            return Ok(None);
        }
        if self.place == end {
            return Err(self.expected("a blank, \",\" or the end"));
        }
        if !self
            .bytes
            .get(self.place..)
            .is_some_and(|rest| rest.starts_with(WORD))
        {
            return Err(self.expected("\"burst\", \",\" or the end"));
        }
        self.place += WORD.len();
        let end = self.place;
        self.peek();
        if self.place == end {
            return Err(self.expected("a blank and a number"));
        }
        self.number(COUNT_MAX).map(Some)
    }

    fn number(&mut self, max: u32) -> Result<u32, LimitError> {
        let position = self.place + 1;
        let mut number = 0_u32;
        while let Some(digit) = self
            .bytes
            .get(self.place)
            .filter(|byte| byte.is_ascii_digit())
        {
            number = number
                .saturating_mul(10)
                .saturating_add(u32::from(digit - b'0'));
            if number == 0 {
                break;
            }
            self.place += 1;
        }
        if (1..=max).contains(&number) {
            Ok(number)
        } else {
            Err(LimitError::Number { position, max })
        }
    }

    /// Steps over blanks, and shows what comes next.
    fn peek(&mut self) -> Option<u8> {
        while matches!(
            self.bytes.get(self.place),
            Some(b' ' | b'\t' | b'\n' | b'\r')
        ) {
            self.place += 1;
        }
        self.bytes.get(self.place).copied()
    }

    const fn expected(&self, wanted: &'static str) -> LimitError {
        LimitError::Expected {
            position: self.place + 1,
            wanted,
        }
    }
}

#[cfg(test)]
mod tests;

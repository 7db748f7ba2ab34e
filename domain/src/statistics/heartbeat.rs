//! Decides when something was alive that gives a sign of it from time to time.
//!
//! Each beat shows life for the span of the liveness; what no beat covers is dead time. Beats that
//! show life in the window count, also those before it.

use super::window::Window;
use super::{StatisticsError, finite};
use crate::telemetry::bytes::{Malformed, Reader, put_i64, put_u64, put_usize};
use crate::time::Timestamp;

/// As many stretches of life as fit a value of Postgres with ease.
const RANGES_MAX: usize = 1 << 25;

/// Beats are put in order when this many are new, or as many as there are stretches of life.
const NEW_BEATS: usize = 4096;

const TOO_LARGE: StatisticsError = StatisticsError::TooLarge {
    limit: RANGES_MAX,
    what: "separate stretches of life",
};

/// Beats over a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat {
    window: Window,
    liveness_micros: i64,
    /// Stretches of life in microseconds, in order and apart; they may reach out of the window.
    ranges: Vec<(i64, i64)>,
    /// Stretches of life that came since, in any order.
    new: Vec<(i64, i64)>,
}

impl Heartbeat {
    pub(super) const fn new(window: Window, liveness_micros: i64) -> Self {
        Self {
            window,
            liveness_micros,
            ranges: Vec::new(),
            new: Vec::new(),
        }
    }

    /// Whether the window and the liveness are these.
    pub(super) fn is_over(&self, window: Window, liveness_micros: i64) -> bool {
        self.window == window && self.liveness_micros == liveness_micros
    }

    pub(super) fn add(&mut self, at: Timestamp) -> Result<(), StatisticsError> {
        let start = finite(at)?.as_micros();
        let end = start.saturating_add(self.liveness_micros);
        if start < self.window.end.as_micros() && end > self.window.start.as_micros() {
            self.add_range((start, end))?;
        }
        Ok(())
    }

    fn add_range(&mut self, range: (i64, i64)) -> Result<(), StatisticsError> {
        if self.new.len() >= NEW_BEATS.max(self.ranges.len()) {
            self.settle();
        }
        if self.ranges.len() > RANGES_MAX || self.new.try_reserve(1).is_err() {
            return Err(TOO_LARGE);
        }
        self.new.push(range);
        Ok(())
    }

    /// Puts what is new in order.
    pub(super) fn settle(&mut self) {
        if self.new.is_empty() {
            return;
        }
        self.ranges.append(&mut self.new);
        self.ranges.sort_unstable();
        self.ranges.dedup_by(|later, earlier| {
            let joins = later.0 <= earlier.1;
            if joins {
                earlier.1 = earlier.1.max(later.1);
            }
            joins
        });
    }

    /// Takes in the beats of another of the same liveness over the window of both and what lies
    /// between; false, and nothing taken, for another liveness.
    pub(super) fn merge(&mut self, other: &Self) -> Result<bool, StatisticsError> {
        if self.liveness_micros != other.liveness_micros {
            return Ok(false);
        }
        self.window.start = self.window.start.min(other.window.start);
        self.window.end = self.window.end.max(other.window.end);
        for &range in other.ranges.iter().chain(&other.new) {
            self.add_range(range)?;
        }
        Ok(true)
    }

    /// The window.
    #[must_use]
    pub const fn window(&self) -> Window {
        self.window
    }

    /// The stretches of life in the window, in order and apart.
    pub fn live(&self) -> impl Iterator<Item = Window> + '_ {
        let (start, end) = (self.window.start.as_micros(), self.window.end.as_micros());
        let clipped = self
            .ranges
            .iter()
            .map(move |&(from, to)| (from.max(start), to.min(end)));
        clipped
            .filter(|(from, to)| from < to)
            .map(|(from, to)| Window {
                start: Timestamp::from_micros(from),
                end: Timestamp::from_micros(to),
            })
    }

    /// The stretches between those of life, in order and apart.
    #[must_use]
    pub fn dead(&self) -> Vec<Window> {
        let (mut dead, mut from) = (Vec::new(), self.window.start);
        for live in self.live() {
            if from < live.start {
                dead.push(Window {
                    start: from,
                    end: live.start,
                });
            }
            from = live.end;
        }
        if from < self.window.end {
            dead.push(Window {
                start: from,
                end: self.window.end,
            });
        }
        dead
    }

    /// Whether it was alive at an instant; `None` outside of the window.
    #[must_use]
    pub fn live_at(&self, at: Timestamp) -> Option<bool> {
        let inside = self.window.start <= at && at < self.window.end;
        let is_live = || self.live().any(|live| live.start <= at && at < live.end);
        inside.then(is_live)
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put_i64(bytes, self.window.start.as_micros());
        put_i64(bytes, self.window.end.as_micros());
        put_i64(bytes, self.liveness_micros);
        put_usize(bytes, self.ranges.len());
        let mut before = 0_i64;
        for &(from, to) in &self.ranges {
            put_i64(bytes, from.wrapping_sub(before));
            put_u64(bytes, to.wrapping_sub(from).cast_unsigned());
            before = to;
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (start, end) = (
            super::readings::read_at(reader)?,
            super::readings::read_at(reader)?,
        );
        let liveness_micros = reader.i64()?;
        let count = reader.count(2)?;
        if start >= end || liveness_micros <= 0 {
            return Err(Malformed);
        }
        let (mut ranges, mut before) = (Vec::with_capacity(count), 0_i64);
        for _ in 0..count {
            let from = before.wrapping_add(reader.i64()?);
            let to = from.wrapping_add(reader.u64()?.cast_signed());
            ranges.push((from, to));
            before = to;
        }
        let apart = ranges.is_sorted_by(|left, right| left.1 < right.0);
        if !apart || ranges.iter().any(|(from, to)| from >= to) {
            return Err(Malformed);
        }
        Ok(Self {
            window: Window { start, end },
            liveness_micros,
            ranges,
            new: Vec::new(),
        })
    }
}

/// How long stretches last altogether, in microseconds.
#[must_use]
pub fn micros_of(stretches: impl IntoIterator<Item = Window>) -> i64 {
    let length = |stretch: Window| {
        stretch
            .end
            .as_micros()
            .saturating_sub(stretch.start.as_micros())
    };
    stretches
        .into_iter()
        .fold(0, |sum, stretch| sum.saturating_add(length(stretch)))
}

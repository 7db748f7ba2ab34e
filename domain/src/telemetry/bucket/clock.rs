//! Buckets of equal length on the local clock.
//!
//! The clock's grid has a point every `width` microseconds of local time. A bucket begins at each
//! instant whose local time is a grid point (where clocks go back, a grid point may come twice)
//! and at the end of each gap that swallowed one; it ends where the next begins.

use jiff::tz::TimeZone;

use super::{BucketError, Span};
use crate::time::Timestamp;

/// A grid has a point here unless told otherwise: local 2000-01-01T00:00, as microseconds of local time since local 1970-01-01T00:00.
const ORIGIN_MICROS: i64 = 946_684_800_000_000;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Buckets of a number of microseconds.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    width_micros: i64,
    zone: TimeZone,
    /// A point of the grid, as microseconds of local time since local 1970-01-01T00:00.
    origin_micros: i64,
    /// The stretch of constant offset that the last instant asked for was in.
    stretch: Option<Stretch>,
}

/// A stretch of the time line on which the zone's offset is the same.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Its first instant, unless it reaches back to the beginning.
    start_micros: Option<i64>,
    /// The instant after its last.
    end_micros: i64,
    /// What the local clock is ahead of UTC.
    offset_micros: i64,
}

impl Clock {
    pub(super) const fn new(width_micros: i64, zone: TimeZone) -> Self {
        Self {
            width_micros,
            zone,
            origin_micros: ORIGIN_MICROS,
            stretch: None,
        }
    }

    pub(super) fn with_origin(self, origin: Timestamp) -> Result<Self, BucketError> {
        let offset_micros = self.find_stretch(origin.as_micros())?.offset_micros;
        Ok(Self {
            origin_micros: origin.as_micros() + offset_micros,
            ..self
        })
    }

    pub(super) fn bucket_part(&mut self, at: Timestamp) -> Result<Span, BucketError> {
        let stretch = self.stretch_of(at.as_micros())?;
        let grid_point = self.grid_point(at.as_micros(), stretch);
        let next = grid_point + self.width_micros - stretch.offset_micros;
        let start = self.start(grid_point, stretch)?;
        let end = next.min(stretch.end_micros);
        Ok(Span {
            start: Timestamp::from_micros(start),
            end: Timestamp::from_micros(end),
        })
    }

    /// The latest bucket start that is not after the instants of `stretch` to which the clock
    /// shows `grid_point` or later.
    fn start(&self, mut grid_point: i64, mut stretch: Stretch) -> Result<i64, BucketError> {
        loop {
            let start = grid_point - stretch.offset_micros;
            let Some(stretch_start) = stretch.start_micros.filter(|&first| start < first) else {
                return Ok(start);
            };
            let before = self.find_stretch(stretch_start - 1)?;
            // The local times from here up to the stretch's first were left out, if any were.
            if grid_point >= stretch_start + before.offset_micros {
                return Ok(stretch_start);
            }
            grid_point = self.grid_point(stretch_start - 1, before);
            stretch = before;
        }
    }

    fn grid_point(&self, at_micros: i64, stretch: Stretch) -> i64 {
        let local = at_micros + stretch.offset_micros - self.origin_micros;
        local - local.rem_euclid(self.width_micros) + self.origin_micros
    }

    fn stretch_of(&mut self, at_micros: i64) -> Result<Stretch, BucketError> {
        let holds = |stretch: &Stretch| {
            stretch.start_micros.is_none_or(|start| start <= at_micros)
                && at_micros < stretch.end_micros
        };
        if let Some(stretch) = self.stretch.filter(holds) {
            return Ok(stretch);
        }
        let stretch = self.find_stretch(at_micros)?;
        self.stretch = Some(stretch);
        Ok(stretch)
    }

    fn find_stretch(&self, at_micros: i64) -> Result<Stretch, BucketError> {
        let at = jiff::Timestamp::from_microsecond(at_micros)?;
        // Transitions are whole seconds: one at `at` itself begins the stretch.
        let after_at = jiff::Timestamp::from_microsecond(at_micros.saturating_add(1))?;
        let start = self.zone.preceding(after_at).next();
        let end = self.zone.following(at).next();
        Ok(Stretch {
            start_micros: start.map(|transition| transition.timestamp().as_microsecond()),
            end_micros: end.map_or(i64::MAX, |transition| {
                transition.timestamp().as_microsecond()
            }),
            offset_micros: i64::from(self.zone.to_offset(at).seconds()) * MICROS_PER_SECOND,
        })
    }
}

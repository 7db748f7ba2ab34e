//! Statistics of anyone's readings, whole or in partials that are put together later.
//!
//! An aggregate keeps a [`state::State`] from row to row and ends as a [`partial::Partial`], which
//! is bytes to everybody else: a kind, a version, what the kind needs, a checksum. Partials of one
//! kind merge to the partial of all their rows. What a partial says, its accessors know.
//!
//! Values that are null are no readings. How each statistic takes NaN and the infinities is said
//! in its module; an instant that is not finite is an error everywhere.

pub mod candlestick;
pub mod counter;
mod dictionary;
pub mod fill;
pub mod heartbeat;
pub mod lttb;
pub mod moments;
pub mod partial;
pub mod percentiles;
mod readings;
pub mod state;
pub mod states;
pub mod time_weight;
pub mod window;

use thiserror::Error;

use crate::telemetry::bytes::Malformed;
use crate::time::Timestamp;

/// Why there is no such statistic.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StatisticsError {
    /// An argument is outside of what the function takes.
    #[error("{what}")]
    ArgumentInvalid {
        /// What it takes.
        what: &'static str,
    },
    /// The bytes are no partial, or not as they were made.
    #[error("these bytes are no partial of a statistic, or have changed since they were made")]
    PartialCorrupt,
    /// A partial of another kind than the function takes.
    #[error("this takes a partial of {wanted}, not one of {found}")]
    PartialKind {
        /// The aggregates whose partials the function takes.
        wanted: &'static str,
        /// The aggregate that made this one.
        found: &'static str,
    },
    /// Partials of several kinds or settings.
    #[error("partials of {first} and {second} do not add up: all must be of one kind and setting")]
    PartialsMixed {
        /// What made the first.
        first: &'static str,
        /// What made the other.
        second: &'static str,
    },
    /// Partials whose order in time is not clear.
    #[error(
        "the time ranges of partials of {kind} overlap: where order counts, each must end before \
         the next begins"
    )]
    PartialsOverlap {
        /// What made them.
        kind: &'static str,
    },
    /// An instant that is no point of the time line.
    #[error("a time is infinite, or after the year 294246")]
    TimeInfinite,
    /// A group with too much to remember.
    #[error("a group has more than {limit} {what}: divide it, and roll the partials up")]
    TooLarge {
        /// How many there may be.
        limit: usize,
        /// Of what.
        what: &'static str,
    },
}

impl StatisticsError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ArgumentInvalid { .. } => "statistics.argument_invalid",
            Self::PartialCorrupt => "statistics.partial_corrupt",
            Self::PartialKind { .. } => "statistics.partial_kind",
            Self::PartialsMixed { .. } => "statistics.partials_mixed",
            Self::PartialsOverlap { .. } => "statistics.partials_overlap",
            Self::TimeInfinite => "statistics.time_infinite",
            Self::TooLarge { .. } => "statistics.too_large",
        }
    }
}

impl From<Malformed> for StatisticsError {
    fn from(_: Malformed) -> Self {
        Self::PartialCorrupt
    }
}

/// A value and when it was read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// When.
    pub at: Timestamp,
    /// What.
    pub value: f64,
}

/// The instant, unless it stands for an infinity.
///
/// # Errors
/// [`StatisticsError::TimeInfinite`].
pub const fn finite(at: Timestamp) -> Result<Timestamp, StatisticsError> {
    match at.as_micros() {
        i64::MIN | i64::MAX => Err(StatisticsError::TimeInfinite),
        _ => Ok(at),
    }
}

/// Microseconds in a second.
const MICROS_PER_SECOND: f64 = 1e6;

/// Seconds from one instant to another.
fn seconds_between(from: Timestamp, to: Timestamp) -> f64 {
    fill::micros_between(from, to) / MICROS_PER_SECOND
}

#[cfg(test)]
mod tests;

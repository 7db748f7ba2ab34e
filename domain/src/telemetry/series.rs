//! Decides which readings a series has when several frames hold parts of it.
//!
//! Frames may come in any order and overlap: a device repeats a message, data arrives late. Each
//! instant counts once, and of its readings the one in the frame that arrived last.

use thiserror::Error;

use super::bytes::{Malformed, Reader, put_usize};
use super::frame::{Frame, FrameError, FrameRows};
use super::value::Value;
use crate::time::Timestamp;

/// The most readings that one query may merge: seven weeks of one a second, and what a database
/// session can hold in memory (about 200 MB).
pub const SERIES_READINGS_MAX: usize = 1 << 22;

/// How many readings stand in each frame of an encoded series: what a processor's cache holds
/// while they are encoded.
const CHUNK_READINGS: usize = 1 << 14;

/// A series is one of its own: its frames need no numbers.
const NUMBER: i32 = 0;

/// The readings of one series, ordered by time, each instant once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series<'a> {
    /// Instant and value.
    pub readings: Vec<(Timestamp, Value<'a>)>,
}

/// Collects the readings of one series from many frames.
#[derive(Clone, Debug, Default)]
pub struct SeriesMerge {
    readings: Vec<Arrival>,
}

/// A reading and the rank of the frame that brought it.
#[derive(Clone, Debug)]
struct Arrival {
    at: Timestamp,
    rank: i64,
    value: Value<'static>,
}

impl SeriesMerge {
    /// No readings yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what `frame` holds of the series (`device`, `metric`) in the half-open window from
    /// `from` to before `to`. Of two readings of one instant the one of higher `rank` counts.
    ///
    /// # Errors
    /// [`SeriesError::Frame`] when the frame is corrupt, [`SeriesError::TooLong`] past
    /// [`SERIES_READINGS_MAX`].
    pub fn add(
        &mut self,
        rank: i64,
        frame: &Frame<'_>,
        (device, metric): (i32, i32),
        (from, to): (Timestamp, Timestamp),
    ) -> Result<(), SeriesError> {
        let readings = &mut self.readings;
        frame.series(device, metric, |at, value| {
            if from <= at && at < to {
                readings.push(Arrival {
                    at,
                    rank,
                    value: value.into_owned(),
                });
            }
        })?;
        if readings.len() > SERIES_READINGS_MAX {
            Err(SeriesError::TooLong)
        } else {
            Ok(())
        }
    }

    /// The series, or nothing when no reading was in the window.
    #[must_use]
    pub fn finish(mut self) -> Option<Series<'static>> {
        // Mostly the frames come in the order of arrival, and their readings in that of time.
        let key = |arrival: &Arrival| (arrival.at, arrival.rank);
        if !self.readings.is_sorted_by_key(key) {
            self.readings.sort_by_key(key);
        }
        let mut readings: Vec<(Timestamp, Value<'static>)> =
            Vec::with_capacity(self.readings.len());
        for arrival in self.readings {
            match readings.last_mut() {
                Some((at, value)) if *at == arrival.at => *value = arrival.value,
                _ => readings.push((arrival.at, arrival.value)),
            }
        }
        if readings.is_empty() {
            None
        } else {
            Some(Series { readings })
        }
    }
}

impl<'a> Series<'a> {
    /// The series as bytes: frames of some thousand readings, each behind its length.
    ///
    /// # Errors
    /// [`SeriesError::Frame`] never, as no frame is longer than frames may be.
    pub fn encode(&self) -> Result<Vec<u8>, SeriesError> {
        let mut bytes = Vec::new();
        for chunk in self.readings.chunks(CHUNK_READINGS) {
            let mut rows = FrameRows::new();
            for (at, value) in chunk {
                rows.push(NUMBER, *at, [(NUMBER, value.clone())]);
            }
            let (frame, _) = rows.encode()?;
            put_usize(&mut bytes, frame.len());
            bytes.extend_from_slice(&frame);
        }
        Ok(bytes)
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`SeriesError::Frame`] when the bytes are corrupt, [`SeriesError::TooLong`] past
    /// [`SERIES_READINGS_MAX`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, SeriesError> {
        let mut readings = Vec::new();
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let len = reader.count(1)?;
            let frame = Frame::parse(reader.take(len)?)?;
            frame.series(NUMBER, NUMBER, |at, value| readings.push((at, value)))?;
            if readings.len() > SERIES_READINGS_MAX {
                return Err(SeriesError::TooLong);
            }
        }
        if readings.is_sorted_by(|left: &(Timestamp, _), right| left.0 < right.0) {
            Ok(Self { readings })
        } else {
            Err(SeriesError::Frame(FrameError::Layout))
        }
    }
}

/// Why a series cannot be merged or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SeriesError {
    /// A frame of it is corrupt.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// More readings than [`SERIES_READINGS_MAX`].
    #[error("a query reads at most {SERIES_READINGS_MAX} readings: ask for a shorter window")]
    TooLong,
}

impl SeriesError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Frame(error) => error.code(),
            Self::TooLong => "telemetry.series_too_long",
        }
    }
}

impl From<Malformed> for SeriesError {
    fn from(malformed: Malformed) -> Self {
        Self::Frame(malformed.into())
    }
}

#[cfg(test)]
mod tests;

//! Decides what a device's metrics read last when several frames hold parts of the answer.

use std::collections::BTreeMap;

use super::frame::{Frame, FrameError, FrameRows, Reading};
use super::value::Value;
use crate::time::Timestamp;

/// The answer holds one device: its frame needs no number for it.
const DEVICE: i32 = 0;

/// Collects the latest reading of each metric of one device. Of two readings of one instant the
/// one of the frame that arrived last counts.
#[derive(Clone, Debug, Default)]
pub struct LatestMerge {
    metrics: BTreeMap<i32, (Timestamp, i64, Value<'static>)>,
}

/// The latest reading of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct LatestReading<'a> {
    /// The number of the metric.
    pub metric: i32,
    /// When it was measured.
    pub at: Timestamp,
    /// What was measured.
    pub value: Value<'a>,
}

impl LatestMerge {
    /// No readings yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what `frame`, which arrived at the place `rank`, holds of `device`.
    ///
    /// # Errors
    /// [`FrameError`] when the frame is corrupt.
    pub fn add(&mut self, rank: i64, frame: &Frame<'_>, device: i32) -> Result<(), FrameError> {
        frame.device_latest(device, |metric, at, value| {
            match self.metrics.get_mut(&metric) {
                Some(latest) if (latest.0, latest.1) > (at, rank) => {}
                Some(latest) => *latest = (at, rank, value.into_owned()),
                None => {
                    self.metrics.insert(metric, (at, rank, value.into_owned()));
                }
            }
        })
    }

    /// The latest readings as bytes (a frame), or nothing when there are none.
    ///
    /// # Errors
    /// [`FrameError::TooManyReadings`] when the device has more metrics than a frame holds.
    pub fn finish(self) -> Result<Option<Vec<u8>>, FrameError> {
        if self.metrics.is_empty() {
            return Ok(None);
        }
        let mut rows = FrameRows::new();
        for (metric, (at, _, value)) in self.metrics {
            rows.push(DEVICE, at, [(metric, value)]);
        }
        rows.encode().map(|(bytes, _)| Some(bytes))
    }
}

/// Reads what [`LatestMerge::finish`] wrote, ordered by metric.
///
/// # Errors
/// [`FrameError`] when the bytes are corrupt.
pub fn decode(bytes: &[u8]) -> Result<Vec<LatestReading<'_>>, FrameError> {
    let mut readings = Vec::new();
    Frame::parse(bytes)?.each(
        |Reading {
             metric, at, value, ..
         }| {
            readings.push(LatestReading { metric, at, value });
        },
    )?;
    readings.sort_by_key(|reading| reading.metric);
    Ok(readings)
}

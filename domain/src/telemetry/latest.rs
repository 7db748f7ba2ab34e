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

/// The latest readings of two answers about one device; of one instant those of `newer` count.
///
/// # Errors
/// [`FrameError`] when the bytes are corrupt, or both have more metrics than a frame holds.
pub fn merge(older: &[u8], newer: &[u8]) -> Result<Vec<u8>, FrameError> {
    let mut merge = LatestMerge::new();
    for (rank, bytes) in (0..).zip([older, newer]) {
        merge.add(rank, &Frame::parse(bytes)?, DEVICE)?;
    }
    Ok(merge.finish()?.unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(rows: &[(i32, i64, i32, Value<'static>)]) -> Vec<u8> {
        let mut frame = FrameRows::new();
        for (device, at, metric, value) in rows {
            frame.push(
                *device,
                Timestamp::from_micros(*at),
                [(*metric, value.clone())],
            );
        }
        frame.encode().expect("few readings").0
    }

    fn merged(frames: &[(i64, Vec<u8>)]) -> Vec<(i32, i64, Value<'static>)> {
        let mut merge = LatestMerge::new();
        for (rank, bytes) in frames {
            merge
                .add(*rank, &Frame::parse(bytes).expect("sound"), 1)
                .expect("sound");
        }
        let Some(bytes) = merge.finish().expect("few metrics") else {
            return Vec::new();
        };
        let readings = decode(&bytes).expect("just encoded");
        let owned = |reading: LatestReading<'_>| {
            (
                reading.metric,
                reading.at.as_micros(),
                reading.value.into_owned(),
            )
        };
        readings.into_iter().map(owned).collect()
    }

    #[test]
    fn each_metric_has_its_own_latest_reading() {
        let frames = [
            (
                1,
                frame(&[
                    (1, 5, 7, Value::Int(5)),
                    (1, 9, 7, Value::Int(9)),
                    (2, 99, 7, Value::Int(0)),
                ]),
            ),
            (
                2,
                frame(&[(1, 8, 7, Value::Int(8)), (1, 2, 6, Value::Null)]),
            ),
        ];
        let expected = [(6, 2, Value::Null), (7, 9, Value::Int(9))];
        assert_eq!(merged(&frames), expected);
    }

    #[test]
    fn of_one_instant_the_last_arrived_counts_in_whatever_order_frames_come() {
        let (first, second) = (
            frame(&[(1, 5, 7, Value::Int(1))]),
            frame(&[(1, 5, 7, Value::Int(2))]),
        );
        let expected = [(7, 5, Value::Int(2))];
        assert_eq!(merged(&[(1, first.clone()), (2, second.clone())]), expected);
        assert_eq!(merged(&[(2, second), (1, first)]), expected);
    }

    #[test]
    fn a_device_without_readings_has_no_latest() {
        assert!(merged(&[(1, frame(&[(2, 5, 7, Value::Null)]))]).is_empty());
    }
}

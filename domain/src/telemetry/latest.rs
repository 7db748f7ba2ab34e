//! Decides what the metrics of devices read last when several frames hold parts of the answer.

use std::collections::BTreeMap;

use super::frame::{Frame, FrameError, FrameRows, Reading};
use super::query::{Query, ReadingRow};
use super::value::Value;
use crate::time::Timestamp;

/// What is kept of one device is a frame that needs no number for it.
const DEVICE: i32 = 0;

/// What was kept of a device arrived before every frame.
const RANK_OF_KEPT: i64 = i64::MIN;

/// Collects the latest reading of each metric of each device. Of two readings of one instant the
/// one that arrived last counts.
#[derive(Clone, Debug, Default)]
pub struct LatestMerge {
    series: BTreeMap<(i32, i32), (Timestamp, i64, Value<'static>)>,
}

impl LatestMerge {
    /// No readings yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what `frame`, which arrived at the place `rank`, holds of what `query` asks for.
    ///
    /// # Errors
    /// [`FrameError`] when the frame is corrupt.
    pub fn add(&mut self, query: &Query, rank: i64, frame: &Frame<'_>) -> Result<(), FrameError> {
        match &query.devices {
            Some(devices) if devices.len() <= 8 => {
                for &device in devices {
                    frame.device_latest(device, |metric, at, value| {
                        self.take(query, (device, metric), (at, rank), &value);
                    })?;
                }
                Ok(())
            }
            _ => frame.some_tables(
                |metric| query.wants_metric(metric),
                |metric, rows, cells| {
                    for (place, &(device, at)) in rows.iter().enumerate() {
                        // The next row is of another device: this one is the device's last.
                        if rows.get(place + 1).is_none_or(|&(next, _)| next != device) {
                            self.take(query, (device, metric), (at, rank), &cells.value(place));
                        }
                    }
                },
            ),
        }
    }

    /// Adds what was kept of `device`: a frame by [`keep`] or [`merge`].
    ///
    /// # Errors
    /// [`FrameError`] when the frame is corrupt.
    pub fn add_kept(
        &mut self,
        query: &Query,
        device: i32,
        kept: &Frame<'_>,
    ) -> Result<(), FrameError> {
        kept.each(
            |Reading {
                 metric, at, value, ..
             }| {
                self.take(query, (device, metric), (at, RANK_OF_KEPT), &value);
            },
        )
    }

    /// The latest readings as bytes for [`super::query::decode_readings`].
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for ((device, metric), (at, _, value)) in self.series {
            let row = ReadingRow {
                device,
                metric,
                at,
                value,
            };
            row.put(&mut bytes);
        }
        bytes
    }

    fn take(
        &mut self,
        query: &Query,
        (device, metric): (i32, i32),
        arrival: (Timestamp, i64),
        value: &Value<'_>,
    ) {
        if !query.wants_device(device) || !query.wants_metric(metric) {
            return;
        }
        let found = || (arrival.0, arrival.1, value.clone().into_owned());
        let latest = self.series.entry((device, metric)).or_insert_with(found);
        if (latest.0, latest.1) < arrival {
            *latest = found();
        }
    }
}

/// The latest reading of each metric of one device as a frame.
///
/// # Errors
/// [`FrameError::TooManyReadings`] when the device has more metrics than a frame holds.
pub fn keep<'a>(
    latest: impl IntoIterator<Item = (i32, (Timestamp, Value<'a>))>,
) -> Result<Vec<u8>, FrameError> {
    let mut rows = FrameRows::new();
    for (metric, (at, value)) in latest {
        rows.push(DEVICE, at, [(metric, value)]);
    }
    rows.encode().map(|(bytes, _)| bytes)
}

/// What is kept of a device of which `older` was kept and then `newer`: of one instant those of
/// `newer` count.
///
/// # Errors
/// [`FrameError`] when the bytes are corrupt, or both have more metrics than a frame holds.
pub fn merge(older: &[u8], newer: &[u8]) -> Result<Vec<u8>, FrameError> {
    let mut latest: BTreeMap<i32, (Timestamp, Value<'_>)> = BTreeMap::new();
    for bytes in [older, newer] {
        Frame::parse(bytes)?.each(
            |Reading {
                 metric, at, value, ..
             }| {
                if latest
                    .get(&metric)
                    .is_none_or(|(latest_at, _)| *latest_at <= at)
                {
                    latest.insert(metric, (at, value));
                }
            },
        )?;
    }
    keep(latest)
}

/// What is left of what was kept of a device when only the readings count that `keeps` says of their
/// metric and time; nothing when that is none.
///
/// # Errors
/// [`FrameError`] when the bytes are corrupt.
pub fn retain(
    bytes: &[u8],
    keeps: impl Fn(i32, Timestamp) -> bool,
) -> Result<Option<Vec<u8>>, FrameError> {
    let mut kept: BTreeMap<i32, (Timestamp, Value<'_>)> = BTreeMap::new();
    let mut is_less = false;
    Frame::parse(bytes)?.each(
        |Reading {
             metric, at, value, ..
         }| {
            if keeps(metric, at) {
                kept.insert(metric, (at, value));
            } else {
                is_less = true;
            }
        },
    )?;
    if !is_less {
        return Ok(Some(bytes.to_vec()));
    }
    if kept.is_empty() {
        return Ok(None);
    }
    keep(kept).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::query::{Form, Range, ReadingForm, decode_readings};
    use crate::telemetry::samples;

    /// A row as [`samples::frame`] takes it.
    fn row(device: i32, at: i64, metric: i32, value: Value<'static>) -> samples::Row {
        (device, at, vec![(metric, value)])
    }

    fn query(devices: Option<Vec<i32>>) -> Query {
        Query {
            range: Range::ALL,
            devices,
            metrics: None,
            form: Form::Readings(ReadingForm::default()),
        }
    }

    /// Device, metric, instant and value of the latest readings.
    fn latest(
        devices: Option<Vec<i32>>,
        frames: &[(i64, Vec<u8>)],
        kept: &[(i32, Vec<u8>)],
    ) -> Vec<(i32, i32, i64, Value<'static>)> {
        let query = query(devices);
        let mut merge = LatestMerge::new();
        for (rank, bytes) in frames {
            merge
                .add(&query, *rank, &Frame::parse(bytes).expect("sound"))
                .expect("sound");
        }
        for (device, bytes) in kept {
            merge
                .add_kept(&query, *device, &Frame::parse(bytes).expect("sound"))
                .expect("sound");
        }
        let bytes = merge.finish();
        let rows = decode_readings(&bytes).expect("just encoded");
        rows.into_iter()
            .map(|row| {
                (
                    row.device,
                    row.metric,
                    row.at.as_micros(),
                    row.value.into_owned(),
                )
            })
            .collect()
    }

    #[test]
    fn each_metric_of_each_device_has_its_own_latest_reading() {
        let frames = [
            (
                1,
                samples::frame(&[
                    row(1, 5, 7, Value::Int(5)),
                    row(1, 9, 7, Value::Int(9)),
                    row(2, 99, 7, Value::Int(0)),
                ]),
            ),
            (
                2,
                samples::frame(&[row(1, 8, 7, Value::Int(8)), row(1, 2, 6, Value::Null)]),
            ),
        ];
        let first = [(1, 6, 2, Value::Null), (1, 7, 9, Value::Int(9))];
        let second = [(2, 7, 99, Value::Int(0))];
        assert_eq!(latest(Some(vec![1]), &frames, &[]), first);
        assert_eq!(latest(None, &frames, &[]), [&first[..], &second].concat());
        assert_eq!(latest(Some((2..20).collect()), &frames, &[]), second);
    }

    #[test]
    fn of_one_instant_the_last_arrived_counts_in_whatever_order_frames_come() {
        let (first, second) = (
            samples::frame(&[row(1, 5, 7, Value::Int(1))]),
            samples::frame(&[row(1, 5, 7, Value::Int(2))]),
        );
        let expected = [(1, 7, 5, Value::Int(2))];
        assert_eq!(
            latest(None, &[(1, first.clone()), (2, second.clone())], &[]),
            expected
        );
        assert_eq!(latest(None, &[(2, second), (1, first)], &[]), expected);
    }

    #[test]
    fn what_was_kept_counts_until_something_newer_arrives() {
        let at = Timestamp::from_micros;
        let older = keep([(6, (at(3), Value::Int(3))), (7, (at(5), Value::Int(5)))]);
        let newer = keep([(7, (at(5), Value::Int(50))), (8, (at(1), Value::Int(1)))]);
        let kept = merge(&older.expect("few"), &newer.expect("few")).expect("sound");
        let frame = samples::frame(&[row(1, 5, 7, Value::Int(500)), row(1, 2, 6, Value::Int(2))]);
        let expected = [
            (1, 6, 3, Value::Int(3)),
            (1, 7, 5, Value::Int(500)),
            (1, 8, 1, Value::Int(1)),
        ];
        assert_eq!(latest(None, &[(1, frame)], &[(1, kept)]), expected);
    }

    #[test]
    fn what_is_past_its_time_goes_and_the_rest_stays_as_it_was() {
        let at = Timestamp::from_micros;
        let whole = keep([(7, (at(5), Value::Int(1))), (8, (at(9), Value::Null))]).expect("few");
        let kept = |since: i64| retain(&whole, |_, at| at.as_micros() >= since).expect("sound");
        assert_eq!(kept(5), Some(whole.clone()));
        let rest = kept(6).expect("one is kept");
        assert_eq!(latest(None, &[], &[(1, rest)]), [(1, 8, 9, Value::Null)]);
        assert_eq!(kept(10), None);
    }

    #[test]
    fn a_device_without_readings_has_no_latest() {
        let frame = samples::frame(&[row(2, 5, 7, Value::Null)]);
        assert!(latest(Some(vec![1]), &[(1, frame)], &[]).is_empty());
    }
}

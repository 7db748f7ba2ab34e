//! Readings that are not in blocks yet.

use std::collections::BTreeMap;

use super::{QUERY_READINGS_MAX, Query, QueryError};
use crate::telemetry::bytes::{Malformed, Reader, put_i64, put_usize};
use crate::telemetry::cells::Cells;
use crate::telemetry::column::{Column, Run, encode_cells, integers};
use crate::telemetry::frame::Frame;
use crate::telemetry::value::Value;
use crate::time::Timestamp;

/// Device and metric.
pub(super) type SeriesKey = (i32, i32);

/// The readings in frames that a question asks for.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    arrivals: BTreeMap<SeriesKey, Vec<Arrival>>,
    readings: usize,
}

/// A reading and the place of its frame in the order of arrival.
#[derive(Clone, Debug)]
struct Arrival {
    at: Timestamp,
    rank: i64,
    value: Value<'static>,
}

/// Recent readings in the order of time, each instant once.
#[derive(Clone, Debug, Default)]
pub(super) struct RecentSeries {
    pub(super) ats: Vec<Timestamp>,
    pub(super) cells: Cells<'static>,
}

impl Recent {
    /// Adds what a frame holds of what `query` asks for. Of two readings of one instant that of the
    /// higher `rank` counts.
    ///
    /// # Errors
    /// [`QueryError::Frame`] when the frame is corrupt, [`QueryError::TooManyReadings`] past
    /// [`QUERY_READINGS_MAX`].
    pub fn add(&mut self, query: &Query, rank: i64, frame: &Frame<'_>) -> Result<(), QueryError> {
        let mut push = |device, metric, at, value: Value<'_>| {
            if query.range.contains(at) {
                self.readings += 1;
                self.arrivals
                    .entry((device, metric))
                    .or_default()
                    .push(Arrival {
                        at,
                        rank,
                        value: value.into_owned(),
                    });
            }
        };
        match (&query.devices, &query.metrics) {
            (Some(devices), Some(metrics)) if devices.len() * metrics.len() <= 8 => {
                for &device in devices {
                    for &metric in metrics {
                        frame
                            .series(device, metric, |at, value| push(device, metric, at, value))?;
                    }
                }
            }
            _ => frame.some_tables(
                |metric| query.wants_metric(metric),
                |metric, rows, cells| {
                    for (place, &(device, at)) in rows.iter().enumerate() {
                        if query.wants_device(device) {
                            push(device, metric, at, cells.value(place));
                        }
                    }
                },
            )?,
        }
        if self.readings > QUERY_READINGS_MAX {
            Err(QueryError::TooManyReadings)
        } else {
            Ok(())
        }
    }

    /// The readings as bytes that are not meant to be stored; nothing when there are none.
    #[must_use]
    pub fn finish(self) -> Option<Vec<u8>> {
        if self.arrivals.is_empty() {
            return None;
        }
        let mut bytes = Vec::new();
        put_usize(&mut bytes, self.arrivals.len());
        for ((device, metric), mut arrivals) in self.arrivals {
            let key = |arrival: &Arrival| (arrival.at, arrival.rank);
            if !arrivals.is_sorted_by_key(key) {
                arrivals.sort_by_key(key);
            }
            let mut ats: Vec<i64> = Vec::with_capacity(arrivals.len());
            let mut values: Vec<Value<'static>> = Vec::with_capacity(arrivals.len());
            for arrival in arrivals {
                let at = arrival.at.as_micros();
                if ats.last() == Some(&at) {
                    values.pop();
                } else {
                    ats.push(at);
                }
                values.push(arrival.value);
            }
            put_i64(&mut bytes, device.into());
            put_i64(&mut bytes, metric.into());
            put_usize(&mut bytes, ats.len());
            integers::encode(&mut bytes, &ats, &[ats.len()]);
            let mut column = Vec::new();
            encode_cells(&mut column, &values.into_iter().collect());
            put_usize(&mut bytes, column.len());
            bytes.extend_from_slice(&column);
        }
        Some(bytes)
    }
}

/// Reads what [`Recent::finish`] wrote.
pub(super) fn decode(bytes: &[u8]) -> Result<BTreeMap<SeriesKey, RecentSeries>, Malformed> {
    let mut reader = Reader::new(bytes);
    let mut recent = BTreeMap::new();
    for _ in 0..reader.count(5)? {
        let key = (
            super::read_number(&mut reader)?,
            super::read_number(&mut reader)?,
        );
        let rows = reader.u32()? as usize;
        if rows > QUERY_READINGS_MAX {
            return Err(Malformed);
        }
        let run = Run::whole(rows);
        let mut ats = Vec::new();
        integers::Integers::parse(&mut reader, rows, 1)?.read(run, &mut ats);
        let len = reader.count(1)?;
        let cells = Column::parse(reader.take(len)?, rows, 1)?.read(run)?;
        recent.insert(
            key,
            RecentSeries {
                ats: ats.into_iter().map(Timestamp::from_micros).collect(),
                cells: cells.into_owned(),
            },
        );
    }
    Ok(recent)
}

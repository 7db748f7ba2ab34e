//! Writes one table of a frame: its head for the directory and its body.

use super::rows::Row;
use super::writer::PushedShape;
use crate::telemetry::bytes::{put_i64, put_usize};
use crate::telemetry::column::{self, times};
use crate::telemetry::packed::pack;
use crate::telemetry::value::Value;

/// A table that is being filled.
pub(super) struct TableDraft {
    /// The numbers of its metrics, ascending; one column each.
    metrics: Vec<i32>,
    /// The numbers of its devices, ascending.
    devices: Vec<i64>,
    /// How many rows each device has.
    run_lens: Vec<usize>,
    instants: Vec<i64>,
    /// Of each row, the place of its first cell and of its shape.
    rows: Vec<(usize, usize)>,
}

impl TableDraft {
    pub(super) const fn new(metrics: Vec<i32>) -> Self {
        Self {
            metrics,
            devices: Vec::new(),
            run_lens: Vec::new(),
            instants: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Appends a row, not before the last one.
    pub(super) fn push(&mut self, row: &Row, shape: usize) {
        let device = i64::from(row.device);
        match self.run_lens.last_mut() {
            Some(len) if self.devices.last() == Some(&device) => *len += 1,
            _ => {
                self.devices.push(device);
                self.run_lens.push(1);
            }
        }
        self.instants.push(row.at);
        self.rows.push((row.start, shape));
    }

    pub(super) const fn readings(&self) -> usize {
        self.rows.len() * self.metrics.len()
    }

    /// Appends what the directory says of the table.
    pub(super) fn write_head(&self, bytes: &mut Vec<u8>, body_len: usize) {
        put_usize(bytes, self.metrics.len());
        let mut last = 0;
        for &metric in &self.metrics {
            put_i64(bytes, i64::from(metric) - last);
            last = i64::from(metric);
        }
        put_usize(bytes, self.instants.len());
        put_usize(bytes, self.devices.len());
        put_usize(bytes, body_len);
    }

    /// Appends devices, times and columns; `cells` and `shapes` are what the rows point at.
    pub(super) fn write_body(
        &self,
        bytes: &mut Vec<u8>,
        cells: &[(i32, Value<'_>)],
        shapes: &[PushedShape],
    ) {
        pack(bytes, &self.devices);
        let run_lens: Vec<i64> = self.run_lens.iter().map(|&len| len as i64).collect();
        pack(bytes, &run_lens);
        times::encode(bytes, &self.instants, &self.run_lens);
        let mut content = Vec::new();
        for column in 0..self.metrics.len() {
            let start = content.len();
            let values = self.rows.iter().map(|&(start, shape)| {
                let place = shapes[shape].places[column];
                &cells[start + place].1
            });
            // Most columns are floats from end to end; without types between them they are a
            // third of the work.
            match values.clone().map(as_float).collect::<Option<Vec<f64>>>() {
                Some(floats) => column::encode_floats(&mut content, &floats, &self.run_lens),
                None => column::encode(&mut content, &values.collect::<Vec<_>>(), &self.run_lens),
            }
            put_usize(bytes, content.len() - start);
        }
        bytes.extend_from_slice(&content);
    }
}

const fn as_float(value: &Value<'_>) -> Option<f64> {
    match value {
        Value::Float(number) => Some(*number),
        _ => None,
    }
}

//! Writes one table of a frame: its head for the directory and its body.

use super::rows::Row;
use crate::telemetry::bytes::{put_i64, put_usize};
use crate::telemetry::column::{self, integers};
use crate::telemetry::packed::pack;
use crate::telemetry::value::Value;

/// The units in which the instants of a table may all be whole, coarsest first, as powers of ten
/// of a microsecond: seconds, milliseconds, microseconds.
const TIME_UNITS: [(u8, i64); 3] = [(6, 1_000_000), (3, 1_000), (0, 1)];

/// A table that is being filled.
pub(super) struct TableDraft<'r, 'a> {
    /// The numbers of its metrics, ascending; one column each.
    metrics: Vec<i32>,
    /// The numbers of its devices, ascending.
    devices: Vec<i64>,
    /// How many rows each device has.
    run_lens: Vec<usize>,
    instants: Vec<i64>,
    /// The values row by row.
    values: Vec<&'r Value<'a>>,
}

impl<'r, 'a> TableDraft<'r, 'a> {
    pub(super) const fn new(metrics: Vec<i32>) -> Self {
        Self {
            metrics,
            devices: Vec::new(),
            run_lens: Vec::new(),
            instants: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Appends a row, not before the last one; `places` tells which cell goes into which column.
    pub(super) fn push(&mut self, row: &Row, cells: &'r [(i32, Value<'a>)], places: &[usize]) {
        let device = i64::from(row.device);
        match self.run_lens.last_mut() {
            Some(len) if self.devices.last() == Some(&device) => *len += 1,
            _ => {
                self.devices.push(device);
                self.run_lens.push(1);
            }
        }
        self.instants.push(row.at);
        self.values
            .extend(places.iter().map(|&place| &cells[place].1));
    }

    pub(super) const fn readings(&self) -> usize {
        self.values.len()
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

    /// Appends devices, times and columns.
    pub(super) fn write_body(&self, bytes: &mut Vec<u8>) {
        pack(bytes, &self.devices);
        let run_lens: Vec<i64> = self.run_lens.iter().map(|&len| len as i64).collect();
        pack(bytes, &run_lens);
        self.write_instants(bytes);
        let columns = self.metrics.len();
        let mut content = Vec::new();
        let mut values = Vec::with_capacity(self.instants.len());
        for column in 0..columns {
            values.clear();
            values.extend(self.values[column..].iter().step_by(columns).copied());
            let start = content.len();
            column::encode(&mut content, &values, &self.run_lens);
            put_usize(bytes, content.len() - start);
        }
        bytes.extend_from_slice(&content);
    }

    fn write_instants(&self, bytes: &mut Vec<u8>) {
        let is_whole = |micros_each: i64| self.instants.iter().all(|at| at % micros_each == 0);
        let (exponent, micros_each) = TIME_UNITS
            .into_iter()
            .find(|&(_, each)| is_whole(each))
            .unwrap_or((0, 1));
        let instants: Vec<i64> = self.instants.iter().map(|at| at / micros_each).collect();
        bytes.push(exponent);
        integers::encode(bytes, &instants, &self.run_lens);
    }
}

//! Writes the head and the body of a block.

use super::slices::{self, Slice};
use super::{VERSION, summary};
use crate::telemetry::bytes::{put_i64, put_usize};
use crate::telemetry::cells::Cells;
use crate::telemetry::column::{encode_cells, times};
use crate::telemetry::sealed;
use crate::telemetry::statistics::Statistics;
use crate::time::Timestamp;

/// A table with rows.
#[derive(Clone, Debug)]
pub(crate) struct TableDraft<'a> {
    /// The times of its rows, ascending, at least one.
    pub(crate) ats: Vec<Timestamp>,
    /// Its metrics, ascending.
    pub(crate) columns: Vec<ColumnDraft<'a>>,
}

/// What a table holds of one metric.
#[derive(Clone, Debug)]
pub(crate) struct ColumnDraft<'a> {
    /// The number of the metric.
    pub(crate) metric: i32,
    /// In which rows it was measured, where that is not in all of them.
    pub(crate) presence: Option<Vec<bool>>,
    /// The values of those rows.
    pub(crate) cells: Cells<'a>,
}

/// Slices whose rows are gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct HoursDraft<'a> {
    pub(crate) slices: Vec<Slice>,
    /// Metrics, ascending, and what each came to in each slice.
    pub(crate) columns: Vec<(i32, Vec<Statistics<'a>>)>,
}

/// Head and body of what the tables hold.
pub(crate) fn write(tables: &[TableDraft<'_>], hours: &[HoursDraft<'_>]) -> (Vec<u8>, Vec<u8>) {
    let mut head = sealed::begin(VERSION);
    let mut body = Vec::new();
    put_usize(&mut head, tables.len());
    for table in tables {
        put_table(&mut head, &mut body, table);
    }
    put_usize(&mut head, hours.len());
    for hours in hours {
        slices::put(&mut head, &hours.slices);
        put_usize(&mut head, hours.columns.len());
        let mut last = 0;
        for (metric, statistics) in &hours.columns {
            put_metric(&mut head, &mut last, *metric);
            put_with_length(&mut head, |bytes| {
                summary::put_hours(bytes, &hours.slices, statistics);
            });
        }
    }
    (sealed::seal(head), body)
}

fn put_table(head: &mut Vec<u8>, body: &mut Vec<u8>, table: &TableDraft<'_>) {
    let slices = slices::cut(&table.ats);
    slices::put(head, &slices);
    let micros: Vec<i64> = table.ats.iter().map(|at| at.as_micros()).collect();
    put_part(head, body, |bytes| {
        times::encode(bytes, &micros, &[micros.len()]);
    });
    put_usize(head, table.columns.len());
    let mut last = 0;
    for column in &table.columns {
        put_metric(head, &mut last, column.metric);
        put_usize(
            head,
            column.presence.as_ref().map_or(0, |_| column.cells.len()),
        );
        put_part(head, body, |bytes| {
            bytes.extend(
                column
                    .presence
                    .iter()
                    .flat_map(|presence| to_bits(presence)),
            );
            encode_cells(bytes, &column.cells);
        });
        put_with_length(head, |bytes| match column.presence {
            None => summary::put(bytes, &slices, &table.ats, &column.cells),
            Some(_) => summary::put(bytes, &[], &[], &Cells::default()),
        });
    }
}

fn put_metric(head: &mut Vec<u8>, last: &mut i64, metric: i32) {
    put_i64(head, i64::from(metric) - *last);
    *last = i64::from(metric);
}

/// Appends a part to the body, and its length and checksum to the head.
fn put_part(head: &mut Vec<u8>, body: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let start = body.len();
    put(body);
    let part = &body[start..];
    put_usize(head, part.len());
    head.extend_from_slice(&crc32fast::hash(part).to_le_bytes());
}

fn put_with_length(head: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    put(&mut content);
    put_usize(head, content.len());
    head.extend_from_slice(&content);
}

/// A bit for each truth, the first in the lowest bit of the first byte.
fn to_bits(truths: &[bool]) -> Vec<u8> {
    let bytes = truths.chunks(8).map(|chunk| {
        let bits = chunk.iter().rev();
        bits.fold(0, |bits, &truth| bits << 1 | u8::from(truth))
    });
    bytes.collect()
}

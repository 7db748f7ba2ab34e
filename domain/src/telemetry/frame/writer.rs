//! Divides rows into tables by what they measured, and writes the frame.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::rows::FrameRows;
use super::table::TableDraft;
use super::{HEADER_BYTES, VERSION};
use crate::telemetry::bytes::put_usize;

/// The metrics of a row in the order in which they were pushed, and how that maps to a table.
struct PushedShape {
    /// The table, by its place among all.
    table: usize,
    /// For each column of the table, the place of its cell in the row.
    cells: Vec<usize>,
}

/// Writes ordered rows; also returns how many readings came in.
pub(super) fn write(rows: &FrameRows<'_>) -> (Vec<u8>, u32) {
    let tables = divide(rows);
    let readings: usize = tables.iter().map(TableDraft::readings).sum();
    let mut bytes = vec![VERSION];
    bytes.extend([0; HEADER_BYTES - 1]);
    put_usize(&mut bytes, readings);
    put_usize(&mut bytes, tables.len());
    let mut bodies = Vec::new();
    for table in &tables {
        let start = bodies.len();
        table.write_body(&mut bodies);
        table.write_head(&mut bytes, bodies.len() - start);
    }
    bytes.extend_from_slice(&bodies);
    if let Some((header, content)) = bytes.split_first_chunk_mut::<HEADER_BYTES>() {
        header[1..].copy_from_slice(&crc32fast::hash(content).to_le_bytes());
    }
    (bytes, u32::try_from(readings).unwrap_or(u32::MAX))
}

fn divide<'r, 'a>(rows: &'r FrameRows<'a>) -> Vec<TableDraft<'r, 'a>> {
    let mut tables: Vec<TableDraft<'r, 'a>> = Vec::new();
    let mut tables_by_metrics: HashMap<Vec<i32>, usize> = HashMap::new();
    let mut shapes: HashMap<Vec<i32>, PushedShape> = HashMap::new();
    let mut pushed = Vec::new();
    for row in &rows.rows {
        pushed.clear();
        pushed.extend(
            rows.cells[row.start..row.end]
                .iter()
                .map(|&(metric, _)| metric),
        );
        if !shapes.contains_key(&pushed) {
            let (metrics, cells) = order(&pushed);
            let table = *tables_by_metrics
                .entry(metrics)
                .or_insert_with_key(|metrics| {
                    tables.push(TableDraft::new(metrics.clone()));
                    tables.len() - 1
                });
            shapes.insert(pushed.clone(), PushedShape { table, cells });
        }
        let shape = &shapes[&pushed];
        tables[shape.table].push(row, &rows.cells[row.start..row.end], &shape.cells);
    }
    tables
}

/// The metrics in ascending order, each once, and the place of the last cell of each.
fn order(pushed: &[i32]) -> (Vec<i32>, Vec<usize>) {
    let last: BTreeMap<i32, usize> = pushed
        .iter()
        .enumerate()
        .map(|(place, &metric)| (metric, place))
        .collect();
    last.into_iter().unzip()
}

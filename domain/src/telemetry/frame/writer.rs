//! Divides rows into tables by what they measured, and writes the frame.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::VERSION;
use super::rows::Row;
use super::table::TableDraft;
use crate::telemetry::bytes::put_usize;
use crate::telemetry::sealed;
use crate::telemetry::value::Value;

/// The metrics of a row in the order in which they were pushed, and how that maps to a table.
pub(super) struct PushedShape {
    pushed: Vec<i32>,
    /// The table, by its place among all.
    table: usize,
    /// For each column of the table, the place of its cell in the row.
    pub(super) places: Vec<usize>,
}

/// Writes ordered rows; also returns how many readings came in.
pub(super) fn write(rows: &[Row], cells: &[(i32, Value<'_>)]) -> (Vec<u8>, u32) {
    let (tables, shapes) = divide(rows, cells);
    let readings: usize = tables.iter().map(TableDraft::readings).sum();
    let mut bytes = sealed::begin(VERSION);
    put_usize(&mut bytes, readings);
    put_usize(&mut bytes, tables.len());
    let mut bodies = Vec::new();
    for table in &tables {
        let start = bodies.len();
        table.write_body(&mut bodies, cells, &shapes);
        table.write_head(&mut bytes, bodies.len() - start);
    }
    bytes.extend_from_slice(&bodies);
    (
        sealed::seal(bytes),
        u32::try_from(readings).unwrap_or(u32::MAX),
    )
}

fn divide(rows: &[Row], cells: &[(i32, Value<'_>)]) -> (Vec<TableDraft>, Vec<PushedShape>) {
    let mut tables = Vec::new();
    let mut shapes = Shapes::default();
    for row in rows {
        let cells = &cells[row.start..row.end];
        let shape = shapes.of(cells, &mut tables);
        tables[shapes.shapes[shape].table].push(row, shape);
    }
    (tables, shapes.shapes)
}

/// The shapes met so far.
#[derive(Default)]
struct Shapes {
    shapes: Vec<PushedShape>,
    /// The shape of the row before, which the next row mostly has, too.
    last: usize,
    by_pushed: HashMap<Vec<i32>, usize>,
    /// The table of each set of metrics.
    tables: HashMap<Vec<i32>, usize>,
}

impl Shapes {
    /// The place of the shape of a row of `cells`; a table for it is added to `tables` when it is
    /// new.
    fn of(&mut self, cells: &[(i32, Value<'_>)], tables: &mut Vec<TableDraft>) -> usize {
        let metrics = || cells.iter().map(|&(metric, _)| metric);
        let last = self.shapes.get(self.last);
        if last.is_none_or(|last| !metrics().eq(last.pushed.iter().copied())) {
            let pushed: Vec<i32> = metrics().collect();
            self.last = match self.by_pushed.get(&pushed) {
                Some(&shape) => shape,
                None => self.add(pushed, tables),
            };
        }
        self.last
    }

    fn add(&mut self, pushed: Vec<i32>, tables: &mut Vec<TableDraft>) -> usize {
        let (metrics, places) = order(&pushed);
        let table = *self.tables.entry(metrics).or_insert_with_key(|metrics| {
            tables.push(TableDraft::new(metrics.clone()));
            tables.len() - 1
        });
        let shape = self.shapes.len();
        self.by_pushed.insert(pushed.clone(), shape);
        self.shapes.push(PushedShape {
            pushed,
            table,
            places,
        });
        shape
    }
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

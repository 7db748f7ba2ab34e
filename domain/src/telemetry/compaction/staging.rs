//! Collects rows from many sources, the rows of one set of metrics together.

use std::collections::BTreeMap;
use std::ops::Range;

use hashbrown::HashMap;

use crate::telemetry::cells::Cells;
use crate::telemetry::value::Value;
use crate::time::Timestamp;

/// Rows of many devices.
#[derive(Clone, Debug, Default)]
pub(super) struct Staging {
    pub(super) tables: Vec<StagedTable>,
    by_metrics: HashMap<Vec<i32>, usize>,
    source: u32,
}

/// Rows that measured the same metrics.
#[derive(Clone, Debug, Default)]
pub(super) struct StagedTable {
    /// Ascending.
    pub(super) metrics: Vec<i32>,
    devices: Vec<i32>,
    pub(super) ats: Vec<Timestamp>,
    /// Which source brought the row: the greater counts.
    sources: Vec<u32>,
    /// The values of each metric.
    pub(super) columns: Vec<Cells<'static>>,
}

/// Where a row is.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowPlace {
    pub(super) at: Timestamp,
    pub(super) table: usize,
    pub(super) row: u32,
    source: u32,
}

impl Staging {
    /// Rows that are pushed from now on arrived later than those before.
    pub(super) const fn next_source(&mut self) {
        self.source += 1;
    }

    /// Adds rows of device and instant that measured `metrics`, ascending.
    pub(super) fn push_table(
        &mut self,
        metrics: &[i32],
        rows: &[(i32, Timestamp)],
        columns: Vec<Cells<'_>>,
    ) {
        let source = self.source;
        let place = self.table_of(metrics);
        let table = &mut self.tables[place];
        table.devices.extend(rows.iter().map(|&(device, _)| device));
        table.ats.extend(rows.iter().map(|&(_, at)| at));
        table
            .sources
            .extend(std::iter::repeat_n(source, rows.len()));
        for (column, cells) in table.columns.iter_mut().zip(columns) {
            column.append(cells.into_owned());
        }
    }

    /// Adds one row; none when `cells` are none.
    pub(super) fn push_row(
        &mut self,
        device: i32,
        at: Timestamp,
        cells: BTreeMap<i32, Value<'static>>,
    ) {
        if !cells.is_empty() {
            let (metrics, values): (Vec<i32>, Vec<_>) = cells.into_iter().unzip();
            let columns = values.into_iter().map(Cells::of).collect();
            self.push_table(&metrics, &[(device, at)], columns);
        }
    }

    /// The rows of each device, ordered by time, each instant once: where several sources brought
    /// readings of one instant, they are one row, and of one metric the last counts.
    pub(super) fn rows_by_device(&mut self) -> BTreeMap<i32, Vec<RowPlace>> {
        let mut by_device: BTreeMap<i32, Vec<RowPlace>> = BTreeMap::new();
        for place in 0..self.tables.len() {
            let (order, ranges) = self.tables[place].by_device();
            for (device, range) in ranges {
                let table = &self.tables[place];
                let rows = by_device.entry(device).or_default();
                rows.extend(order[range].iter().map(|&row| RowPlace {
                    at: table.ats[row as usize],
                    table: place,
                    row,
                    source: table.sources[row as usize],
                }));
            }
        }
        for (&device, rows) in &mut by_device {
            if !rows.is_sorted_by(|left, right| left.at < right.at) {
                rows.sort_by_key(|row| (row.at, row.source));
                *rows = self.one_row_each_instant(device, rows);
            }
        }
        by_device
    }

    fn one_row_each_instant(&mut self, device: i32, rows: &[RowPlace]) -> Vec<RowPlace> {
        let instants = rows.chunk_by(|left, right| left.at == right.at);
        let mut single = Vec::with_capacity(rows.len());
        for same in instants {
            let Some(&last) = same.last() else {
                continue;
            };
            if same.iter().all(|row| row.table == last.table) {
                single.push(last);
                continue;
            }
            let mut cells = BTreeMap::new();
            for row in same {
                let table = &self.tables[row.table];
                for (&metric, column) in table.metrics.iter().zip(&table.columns) {
                    cells.insert(metric, column.value(row.row as usize));
                }
            }
            let metrics: Vec<i32> = cells.keys().copied().collect();
            self.push_row(device, last.at, cells);
            let table = self.table_of(&metrics);
            single.push(RowPlace {
                table,
                row: self.tables[table].ats.len() as u32 - 1,
                ..last
            });
        }
        single
    }

    fn table_of(&mut self, metrics: &[i32]) -> usize {
        if let Some(&place) = self.by_metrics.get(metrics) {
            return place;
        }
        let place = self.tables.len();
        self.tables.push(StagedTable {
            metrics: metrics.to_vec(),
            columns: vec![Cells::default(); metrics.len()],
            ..StagedTable::default()
        });
        self.by_metrics.insert(metrics.to_vec(), place);
        place
    }
}

impl StagedTable {
    /// The rows ordered by device, else as they came, and the part of each device.
    fn by_device(&self) -> (Vec<u32>, Vec<(i32, Range<usize>)>) {
        let mut order: Vec<u32> = (0..self.devices.len() as u32).collect();
        let device_of = |row: &u32| self.devices[*row as usize];
        if !self.devices.is_sorted() {
            order.sort_by_key(device_of);
        }
        let mut ranges = Vec::new();
        let mut start = 0;
        for rows in order.chunk_by(|left, right| device_of(left) == device_of(right)) {
            ranges.push((device_of(&rows[0]), start..start + rows.len()));
            start += rows.len();
        }
        (order, ranges)
    }
}

//! Decides what is left of a block at some time: the readings that are kept, and what the others
//! come to in each hour.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Compaction;
use super::expiry::{Expiry, hour_of};
use crate::telemetry::block::{
    BlockBody, BlockFault, BlockHead, ColumnHead, TableHead, read_column, read_times,
};
use crate::telemetry::cells::Cells;
use crate::telemetry::statistics::Statistics;
use crate::telemetry::value::Value;
use crate::time::Timestamp;

/// A column of a block, read.
struct Measured {
    metric: i32,
    /// The rows that have a value, where these are not all.
    rows: Option<Vec<usize>>,
    /// When the values were measured.
    ats: Vec<Timestamp>,
    cells: Cells<'static>,
}

impl Compaction {
    /// Adds what is kept of a block of `device`: readings, and statistics of the hours whose
    /// readings are past their time. Nulls leave nothing behind: they are counted nowhere.
    ///
    /// The blocks of one device must not overlap, or a reading in two of them counts twice.
    ///
    /// # Errors
    /// [`BlockFault`] when the block is corrupt; then part of it may have been added.
    pub fn add_block_kept(
        &mut self,
        device: i32,
        head: &BlockHead<'_>,
        body: &(impl BlockBody + ?Sized),
        expiry: &Expiry<'_>,
    ) -> Result<(), BlockFault> {
        self.staging.next_source();
        for table in &head.tables {
            let first = table.slices.first().map(|slice| hour_of(slice.first_at));
            let keeps_all = |hour| {
                let mut columns = table.columns.iter();
                columns.all(|column| expiry.keeps_readings(column.metric, hour))
            };
            if table.rows == 0 {
                self.add_hours(device, table, |metric, hour| {
                    expiry.keeps_hour(metric, hour)
                })?;
            } else if first.is_none_or(keeps_all) {
                self.add_table(device, table, body)?;
            } else {
                self.add_table_kept(device, table, body, expiry)?;
            }
        }
        Ok(())
    }

    fn add_table_kept(
        &mut self,
        device: i32,
        table: &TableHead<'_>,
        body: &(impl BlockBody + ?Sized),
        expiry: &Expiry<'_>,
    ) -> Result<(), BlockFault> {
        let hours = hours_of(table, body)?;
        let mut unread = Vec::new();
        for column in &table.columns {
            if !self.add_from_head(device, table, column, expiry)? {
                unread.push(column);
            }
        }
        if unread.is_empty() {
            return Ok(());
        }
        let ats = read_times(table, body)?;
        let columns: Vec<Measured> = unread
            .into_iter()
            .map(|column| Measured::read(table, column, body, &ats))
            .collect::<Result<_, _>>()?;
        for (hour, rows) in &hours {
            for column in &columns {
                let metric = column.metric;
                if !expiry.keeps_readings(metric, *hour) && expiry.keeps_hour(metric, *hour) {
                    let mut statistics = Statistics::default();
                    statistics.add_cells(&column.ats, &column.cells, column.places(rows), true);
                    self.add_hour(device, metric, statistics);
                }
            }
        }
        let kept_in = |hour: i64| {
            let columns = columns.iter();
            columns.filter(move |column| expiry.keeps_readings(column.metric, hour))
        };
        let alike = hours.chunk_by(|(left, _), (right, _)| {
            kept_in(*left)
                .map(|column| column.metric)
                .eq(kept_in(*right).map(|column| column.metric))
        });
        for hours in alike {
            if let (Some((hour, first)), Some((_, last))) = (hours.first(), hours.last()) {
                let kept: Vec<&Measured> = kept_in(*hour).collect();
                self.add_rows(device, &ats, first.start..last.end, &kept);
            }
        }
        Ok(())
    }

    /// Adds what a column comes to without reading it, if nothing of it is kept as it is and the
    /// head says enough.
    fn add_from_head(
        &mut self,
        device: i32,
        table: &TableHead<'_>,
        column: &ColumnHead<'_>,
        expiry: &Expiry<'_>,
    ) -> Result<bool, BlockFault> {
        let metric = column.metric;
        let Some(last) = table.slices.last().map(|slice| hour_of(slice.last_at)) else {
            return Ok(false);
        };
        if expiry.keeps_readings(metric, last) {
            return Ok(false);
        }
        if !expiry.keeps_hour(metric, last) {
            return Ok(true);
        }
        if !has_hours(table) {
            return Ok(false);
        }
        let Some(statistics) = column.summary.statistics(&table.slices)? else {
            return Ok(false);
        };
        for (slice, statistics) in table.slices.iter().zip(statistics) {
            if expiry.keeps_hour(metric, hour_of(slice.first_at)) {
                self.add_hour(device, metric, statistics);
            }
        }
        Ok(true)
    }

    /// Adds the readings of some rows as they are.
    fn add_rows(
        &mut self,
        device: i32,
        ats: &[Timestamp],
        rows: Range<usize>,
        columns: &[&Measured],
    ) {
        let places = columns.iter().map(|column| column.places(&rows));
        self.readings += places.map(|places| places.len()).sum::<usize>();
        if columns.is_empty() {
            return;
        }
        if columns.iter().all(|column| column.rows.is_none()) {
            let metrics: Vec<i32> = columns.iter().map(|column| column.metric).collect();
            let numbers: Vec<u32> = rows.clone().map(|row| row as u32).collect();
            let cells = columns.iter().map(|column| column.cells.gather(&numbers));
            let keys: Vec<(i32, Timestamp)> = ats[rows].iter().map(|&at| (device, at)).collect();
            self.staging.push_table(&metrics, &keys, cells.collect());
            return;
        }
        for row in rows {
            let mut cells: BTreeMap<i32, Value<'static>> = BTreeMap::new();
            for column in columns {
                for place in column.places(&(row..row + 1)) {
                    cells.insert(column.metric, column.cells.value(place));
                }
            }
            self.staging.push_row(device, ats[row], cells);
        }
    }
}

impl Measured {
    fn read(
        table: &TableHead<'_>,
        column: &ColumnHead<'_>,
        body: &(impl BlockBody + ?Sized),
        ats: &[Timestamp],
    ) -> Result<Self, BlockFault> {
        let read = read_column(table, column, body)?;
        let rows = read.presence.map(|presence| rows_present(&presence));
        Ok(Self {
            metric: column.metric,
            ats: match &rows {
                None => ats.to_vec(),
                Some(rows) => rows
                    .iter()
                    .filter_map(|&row| ats.get(row).copied())
                    .collect(),
            },
            rows,
            cells: read.cells,
        })
    }

    /// The places of the values of some rows.
    fn places(&self, rows: &Range<usize>) -> Range<usize> {
        match &self.rows {
            None => rows.clone(),
            Some(present) => {
                let before = |end: usize| present.partition_point(|&row| row < end);
                before(rows.start)..before(rows.end)
            }
        }
    }
}

/// The rows that have a value, ascending.
pub(super) fn rows_present(presence: &[bool]) -> Vec<usize> {
    let rows = presence.iter().enumerate();
    rows.filter_map(|(row, &present)| present.then_some(row))
        .collect()
}

/// The hours of the rows of a table that has some, and which rows each has. Times are read only
/// where the head does not tell.
pub(super) fn hours_of(
    table: &TableHead<'_>,
    body: &(impl BlockBody + ?Sized),
) -> Result<Vec<(i64, Range<usize>)>, BlockFault> {
    let rows_of_hours: Vec<(i64, usize)> = if has_hours(table) {
        let slices = table.slices.iter();
        slices
            .map(|slice| (hour_of(slice.first_at), slice.rows))
            .collect()
    } else {
        let ats = read_times(table, body)?;
        let hours = ats.chunk_by(|left, right| hour_of(*left) == hour_of(*right));
        let hours = hours.filter_map(|ats| Some((hour_of(*ats.first()?), ats.len())));
        hours.collect()
    };
    let mut start = 0;
    let ranges = rows_of_hours.into_iter().map(|(hour, rows)| {
        let range = start..start + rows;
        start = range.end;
        (hour, range)
    });
    Ok(ranges.collect())
}

/// Whether no slice reaches over the end of an hour.
fn has_hours(table: &TableHead<'_>) -> bool {
    let mut slices = table.slices.iter();
    slices.all(|slice| hour_of(slice.first_at) == hour_of(slice.last_at))
}

#[cfg(test)]
mod tests;

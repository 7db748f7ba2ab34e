//! Decides how readings from many sources become blocks.
//!
//! Sources are added in the order of their arrival: blocks that are stored already, then frames.
//! Of two readings of one device, metric and instant the later added counts. The blocks that come
//! out do not overlap; each is as long as is worth a row:
//!
//! - a block ends with the month of UTC, as the partitions of its table do;
//! - it ends with the day of UTC when it has [`BLOCK_ROWS_SMALL`] rows by then, so that the readings
//!   of slow devices share blocks and those of fast ones can be dropped by the day;
//! - it ends at [`BLOCK_ROWS_MAX`](super::block::BLOCK_ROWS_MAX) rows.

mod blocks;
mod container;
mod down_sampling;
mod expiry;
mod merging;
mod outlook;
mod staging;

use std::collections::BTreeMap;

use super::block::{Block, BlockBody, BlockFault, BlockHead, TableHead, read_column, read_times};
use super::frame::{Frame, FrameError};
use super::statistics::Statistics;
use super::value::Value;
use crate::time::Timestamp;

pub use self::container::{decode_blocks, decode_latest};
pub use self::expiry::{Expiry, KEPT_DAYS_MAX, Keeping, KeepingError, Policies, cutoff};
pub use self::merging::{BlockExtent, NEIGHBOURS_MAX, blocks_to_merge};
pub use self::outlook::{Past, due, hours, past};
use self::staging::Staging;

/// A block with fewer rows than this is small: worth merging with its neighbours.
pub const BLOCK_ROWS_SMALL: usize = 512;

/// How many readings one compaction should take in: with the sixteen bytes that each takes at most
/// in memory this stays near 100 MiB.
pub const COMPACTION_READINGS_MAX: usize = 1 << 23;

/// Readings on their way into blocks.
#[derive(Clone, Debug, Default)]
pub struct Compaction {
    staging: Staging,
    hours: Hours,
    readings: usize,
}

/// What rows that are gone came to: for each device a metric and its statistics, of readings within
/// one hour of UTC and at least one of these with a value.
type Hours = BTreeMap<i32, Vec<(i32, Statistics<'static>)>>;

/// What a compaction comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Ordered by device, then time.
    pub blocks: Vec<Block>,
    /// For each device, the latest reading of each of its metrics among the added rows, as a frame
    /// of `latest`.
    pub latest: Vec<(i32, Vec<u8>)>,
}

impl Compaction {
    /// No readings yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many readings were added.
    #[must_use]
    pub const fn readings(&self) -> usize {
        self.readings
    }

    /// Adds the readings of a frame.
    ///
    /// # Errors
    /// [`FrameError`] when the frame is corrupt; then part of it may have been added.
    pub fn add_frame(&mut self, frame: &Frame<'_>) -> Result<(), FrameError> {
        let staging = &mut self.staging;
        staging.next_source();
        self.readings += frame.readings() as usize;
        frame.tables(|metrics, rows, columns| staging.push_table(metrics, rows, columns))
    }

    /// Adds what a block of `device` holds.
    ///
    /// # Errors
    /// [`BlockFault`] when the block is corrupt; then part of it may have been added.
    pub fn add_block(
        &mut self,
        device: i32,
        head: &BlockHead<'_>,
        body: &(impl BlockBody + ?Sized),
    ) -> Result<(), BlockFault> {
        self.staging.next_source();
        for table in &head.tables {
            if table.rows == 0 {
                self.add_hours(device, table, |_, _| true)?;
            } else {
                self.add_table(device, table, body)?;
            }
        }
        Ok(())
    }

    /// The blocks.
    #[must_use]
    pub fn finish(self) -> Compacted {
        blocks::build(self.staging, self.hours)
    }

    fn add_table(
        &mut self,
        device: i32,
        table: &TableHead<'_>,
        body: &(impl BlockBody + ?Sized),
    ) -> Result<(), BlockFault> {
        let rows: Vec<(i32, Timestamp)> = read_times(table, body)?
            .into_iter()
            .map(|at| (device, at))
            .collect();
        let metrics: Vec<i32> = table.columns.iter().map(|column| column.metric).collect();
        let mut columns = Vec::with_capacity(metrics.len());
        for column in &table.columns {
            let column = read_column(table, column, body)?;
            self.readings += column.cells.len();
            columns.push(column);
        }
        if columns.iter().all(|column| column.presence.is_none()) {
            let cells = columns.into_iter().map(|column| column.cells).collect();
            self.staging.push_table(&metrics, &rows, cells);
            return Ok(());
        }
        let mut next = vec![0; columns.len()];
        for (row, &(_, at)) in rows.iter().enumerate() {
            let mut cells: BTreeMap<i32, Value<'static>> = BTreeMap::new();
            for ((column, &metric), next) in columns.iter().zip(&metrics).zip(&mut next) {
                let is_present = |presence: &Vec<bool>| presence.get(row) == Some(&true);
                if column.presence.as_ref().is_none_or(is_present) {
                    cells.insert(metric, column.cells.value(*next));
                    *next += 1;
                }
            }
            self.staging.push_row(device, at, cells);
        }
        Ok(())
    }

    /// Adds the statistics of a table without rows, of those metrics and hours that are kept.
    fn add_hours(
        &mut self,
        device: i32,
        table: &TableHead<'_>,
        keeps: impl Fn(i32, i64) -> bool,
    ) -> Result<(), BlockFault> {
        for column in &table.columns {
            let statistics = column.summary.statistics(&table.slices)?;
            let statistics = statistics.ok_or(BlockFault::Layout)?;
            for (slice, statistics) in table.slices.iter().zip(statistics) {
                if keeps(column.metric, expiry::hour_of(slice.first_at)) {
                    self.add_hour(device, column.metric, statistics);
                }
            }
        }
        Ok(())
    }

    /// Adds statistics of readings within one hour; none, when none of these has a value.
    fn add_hour(&mut self, device: i32, metric: i32, statistics: Statistics<'_>) {
        if statistics.count > 0 {
            let hours = self.hours.entry(device).or_default();
            hours.push((metric, statistics.into_owned()));
        }
    }
}

#[cfg(test)]
mod tests;

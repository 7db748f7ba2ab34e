//! Reads columns of a block, each checked against its checksum in the head.

use std::borrow::Cow;

use super::BlockFault;
use super::head::{ColumnHead, Part, TableHead};
use crate::telemetry::bytes::Reader;
use crate::telemetry::cells::Cells;
use crate::telemetry::column::{self, Run, times::Times};
use crate::time::Timestamp;

/// Where the bytes of a body come from; they may lie in pieces of which few are wanted.
pub trait BlockBody {
    /// The `len` bytes from `start` on; nothing when the body is shorter.
    fn part(&self, start: usize, len: usize) -> Option<Cow<'_, [u8]>>;
}

impl BlockBody for [u8] {
    fn part(&self, start: usize, len: usize) -> Option<Cow<'_, [u8]>> {
        let end = start.checked_add(len)?;
        self.get(start..end).map(Cow::Borrowed)
    }
}

/// What a table holds of one metric.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// In which rows it was measured, where that is not in all of them.
    pub(crate) presence: Option<Vec<bool>>,
    /// The values of those rows.
    pub(crate) cells: Cells<'static>,
}

/// The times of the rows of a table that has some, ascending.
pub(crate) fn read_times(
    table: &TableHead<'_>,
    body: &(impl BlockBody + ?Sized),
) -> Result<Vec<Timestamp>, BlockFault> {
    let bytes = part(body, table.times)?;
    let mut reader = Reader::new(&bytes);
    let times = Times::parse(&mut reader, table.rows, 1)?.read(Run::whole(table.rows))?;
    if reader.is_empty() && times.is_sorted_by(|left, right| left < right) {
        Ok(times)
    } else {
        Err(BlockFault::Layout)
    }
}

/// A column of a table that has rows.
pub(crate) fn read_column(
    table: &TableHead<'_>,
    column: &ColumnHead<'_>,
    body: &(impl BlockBody + ?Sized),
) -> Result<Column, BlockFault> {
    let bytes = part(body, column.content)?;
    let mut reader = Reader::new(&bytes);
    let presence = if column.present == 0 {
        None
    } else {
        let bits = reader.take(table.rows.div_ceil(8))?;
        let truth = |row: usize| {
            bits.get(row / 8)
                .is_some_and(|byte| byte >> (row % 8) & 1 == 1)
        };
        Some((0..table.rows).map(truth).collect::<Vec<bool>>())
    };
    let values = match &presence {
        None => table.rows,
        Some(presence) => presence.iter().filter(|&&present| present).count(),
    };
    if column.present != 0 && values != column.present {
        return Err(BlockFault::Layout);
    }
    let encoded = reader.take(reader.remaining())?;
    let cells = column::Column::parse(encoded, values, 1)?.read(Run::whole(values))?;
    Ok(Column {
        presence,
        cells: cells.into_owned(),
    })
}

fn part(body: &(impl BlockBody + ?Sized), part: Part) -> Result<Cow<'_, [u8]>, BlockFault> {
    let bytes = body
        .part(part.start, part.len)
        .ok_or(BlockFault::ColumnChecksum)?;
    if crc32fast::hash(&bytes) == part.checksum {
        Ok(bytes)
    } else {
        Err(BlockFault::ColumnChecksum)
    }
}

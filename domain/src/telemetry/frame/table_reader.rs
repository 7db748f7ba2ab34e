//! Reads one table of a frame: its head in the directory, then what is wanted of its body.

use std::ops::Range;

use crate::telemetry::bytes::{Malformed, Reader};
use crate::telemetry::cells::Cells;
use crate::telemetry::column::times::Times;
use crate::telemetry::column::{Column, Run};
use crate::telemetry::packed::Packed;
use crate::time::Timestamp;

/// What the directory says of a table.
#[derive(Clone, Debug)]
pub(super) struct TableHead<'a> {
    /// Where its metrics stand among those of all tables.
    pub(super) metrics: Range<usize>,
    rows: usize,
    devices: usize,
    body_len: usize,
    body: &'a [u8],
}

impl<'a> TableHead<'a> {
    /// The shortest head: one metric, and one byte for each count.
    pub(super) const BYTES_MIN: usize = 5;

    /// Reads a head and appends its metrics to `metrics`. The table has at most `readings_max`
    /// readings.
    pub(super) fn parse(
        reader: &mut Reader<'a>,
        metrics: &mut Vec<i32>,
        readings_max: usize,
    ) -> Result<Self, Malformed> {
        let columns = reader.count(1)?;
        let start = metrics.len();
        let mut last = 0_i64;
        for column in 0..columns {
            let step = reader.i64()?;
            if column > 0 && step <= 0 {
                return Err(Malformed);
            }
            last = last.checked_add(step).ok_or(Malformed)?;
            metrics.push(i32::try_from(last).map_err(|_| Malformed)?);
        }
        let (rows, devices) = (reader.u32()? as usize, reader.u32()? as usize);
        let body_len = reader.u32()? as usize;
        let readings = rows.checked_mul(columns).ok_or(Malformed)?;
        if readings == 0 || readings > readings_max || !(1..=rows).contains(&devices) {
            return Err(Malformed);
        }
        Ok(Self {
            metrics: start..metrics.len(),
            rows,
            devices,
            body_len,
            body: &[],
        })
    }

    /// Takes the body, which stands behind the whole directory.
    pub(super) fn take_body(&mut self, reader: &mut Reader<'a>) -> Result<(), Malformed> {
        self.body = reader.take(self.body_len)?;
        Ok(())
    }

    pub(super) const fn readings(&self) -> usize {
        self.rows * (self.metrics.end - self.metrics.start)
    }
}

/// A table, as far as it is the same for all columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table<'a> {
    rows: usize,
    devices: Packed<'a>,
    run_lens: Packed<'a>,
    times: Times<'a>,
    columns: usize,
    /// The lengths of the columns, then the columns.
    content: Reader<'a>,
}

/// The runs and the row keys of a whole table.
#[derive(Clone, Debug)]
pub(super) struct TableRows {
    runs: Vec<Run>,
    /// Device and instant of each row.
    pub(super) keys: Vec<(i32, Timestamp)>,
}

impl<'a> Table<'a> {
    pub(super) fn parse(head: &TableHead<'a>) -> Result<Self, Malformed> {
        let mut reader = Reader::new(head.body);
        let devices = Packed::parse(&mut reader, head.devices)?;
        let run_lens = Packed::parse(&mut reader, head.devices)?;
        let times = Times::parse(&mut reader, head.rows, head.devices)?;
        let columns = head.metrics.len();
        Ok(Self {
            rows: head.rows,
            devices,
            run_lens,
            times,
            columns,
            content: reader,
        })
    }

    /// The rows of a device, if it has any.
    pub(super) fn run_of(&self, device: i32) -> Result<Option<Run>, Malformed> {
        let Some(index) = self.devices.find_ascending(i64::from(device)) else {
            return Ok(None);
        };
        let start = self.run_lens.sum_before(index).ok_or(Malformed)?;
        let len = self.run_lens.get(index).ok_or(Malformed)?;
        self.run(index, start, len).map(Some)
    }

    /// The instants of a run.
    pub(super) fn instants(&self, run: Run) -> Result<Vec<Timestamp>, Malformed> {
        self.times.read(run)
    }

    /// The values of a column in a run.
    pub(super) fn values(&self, column: usize, run: Run) -> Result<Cells<'a>, Malformed> {
        self.column(column)?.read(run)
    }

    /// The runs, devices and instants of all rows, checked to be in order.
    pub(super) fn rows(&self) -> Result<TableRows, Malformed> {
        let (mut devices, mut lens) = (Vec::new(), Vec::new());
        self.devices.read(0, self.devices.len(), &mut devices);
        self.run_lens.read(0, self.devices.len(), &mut lens);
        let mut runs: Vec<Run> = Vec::with_capacity(devices.len());
        for (index, &len) in lens.iter().enumerate() {
            let start = runs.last().map_or(0, |run| run.end as i64);
            runs.push(self.run(index, start, len)?);
        }
        if runs.last().is_none_or(|run| run.end != self.rows) {
            return Err(Malformed);
        }
        let instants = self.times.read_all(&runs)?;
        let mut keys = Vec::with_capacity(self.rows);
        for (run, &device) in runs.iter().zip(&devices) {
            let device = i32::try_from(device).map_err(|_| Malformed)?;
            let instants = instants.get(run.start..run.end).ok_or(Malformed)?;
            keys.extend(instants.iter().map(|&at| (device, at)));
        }
        let ascend = keys.windows(2).all(|pair| pair[0] < pair[1]);
        if ascend && keys.len() == self.rows {
            Ok(TableRows { runs, keys })
        } else {
            Err(Malformed)
        }
    }

    /// The values of a column in all rows.
    pub(super) fn all_values(
        &self,
        column: usize,
        rows: &TableRows,
    ) -> Result<Cells<'a>, Malformed> {
        let cells = self.column(column)?.read_all(&rows.runs)?;
        if cells.len() == self.rows {
            Ok(cells)
        } else {
            Err(Malformed)
        }
    }

    fn run(&self, index: usize, start: i64, len: i64) -> Result<Run, Malformed> {
        let end = start
            .checked_add(len)
            .and_then(|end| usize::try_from(end).ok());
        let (start, end) = (
            usize::try_from(start).ok().ok_or(Malformed)?,
            end.ok_or(Malformed)?,
        );
        // Every run before has a row, which the column of steps counts on.
        if len >= 1 && index <= start && end <= self.rows {
            Ok(Run { index, start, end })
        } else {
            Err(Malformed)
        }
    }

    fn column(&self, column: usize) -> Result<Column<'a>, Malformed> {
        let mut reader = self.content;
        let (mut start, mut len) = (0_usize, 0);
        for place in 0..self.columns {
            let next = reader.u32()? as usize;
            if place < column {
                start = start.checked_add(next).ok_or(Malformed)?;
            } else if place == column {
                len = next;
            }
        }
        reader.take(start)?;
        Column::parse(reader.take(len)?, self.rows, self.devices.len())
    }
}

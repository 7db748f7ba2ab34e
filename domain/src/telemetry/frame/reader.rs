//! Reads a frame: its directory at once, a table when something in it is wanted.

use super::table_reader::{Table, TableHead};
use super::{FRAME_READINGS_MAX, FrameError, VERSION};
use crate::telemetry::bytes::Reader;
use crate::telemetry::cells::Cells;
use crate::telemetry::sealed;
use crate::telemetry::value::Value;
use crate::time::Timestamp;

/// A frame whose checksum and directory are sound.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    readings: u32,
    metrics: Vec<i32>,
    tables: Vec<TableHead<'a>>,
}

/// One reading of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<'a> {
    /// The number of the device.
    pub device: i32,
    /// The number of the metric.
    pub metric: i32,
    /// When it was measured.
    pub at: Timestamp,
    /// What was measured.
    pub value: Value<'a>,
}

impl<'a> Frame<'a> {
    /// Reads a frame's directory and checks the bytes against their checksum.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes are no frame of this version.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let content = sealed::open(bytes, VERSION)?;
        Self::parse_content(Reader::new(content))
    }

    fn parse_content(mut reader: Reader<'a>) -> Result<Self, FrameError> {
        let readings = reader.u32()?;
        if readings as usize > FRAME_READINGS_MAX {
            return Err(FrameError::TooManyReadings);
        }
        let count = reader.count(TableHead::BYTES_MIN)?;
        let mut tables = Vec::with_capacity(count.min(readings as usize));
        let mut metrics = Vec::new();
        let mut readings_left = readings as usize;
        for _ in 0..count {
            let table = TableHead::parse(&mut reader, &mut metrics, readings_left)?;
            readings_left -= table.readings();
            tables.push(table);
        }
        for table in &mut tables {
            table.take_body(&mut reader)?;
        }
        if readings_left != 0 || !reader.is_empty() {
            return Err(FrameError::Layout);
        }
        Ok(Self {
            readings,
            metrics,
            tables,
        })
    }

    /// How many readings the frame holds.
    #[must_use]
    pub const fn readings(&self) -> u32 {
        self.readings
    }

    /// Hands the readings of one series to `push`, ordered by time within each table that holds
    /// some; no instant comes twice. Decodes nothing else.
    ///
    /// # Errors
    /// [`FrameError::Layout`] when what the series needs is corrupt.
    pub fn series(
        &self,
        device: i32,
        metric: i32,
        mut push: impl FnMut(Timestamp, Value<'a>),
    ) -> Result<(), FrameError> {
        for head in &self.tables {
            let Ok(column) = self.metrics_of(head).binary_search(&metric) else {
                continue;
            };
            let table = Table::parse(head)?;
            let Some(run) = table.run_of(device)? else {
                continue;
            };
            let instants = table.instants(run)?;
            let values = table.values(column, run)?;
            for (place, at) in instants.into_iter().enumerate() {
                push(at, values.value(place));
            }
        }
        Ok(())
    }

    /// Hands the latest reading of each metric of a device, metric number first, to `push`. A
    /// metric that comes with several others comes several times: the latest counts.
    ///
    /// # Errors
    /// [`FrameError::Layout`] when what the device needs is corrupt.
    pub fn device_latest(
        &self,
        device: i32,
        mut push: impl FnMut(i32, Timestamp, Value<'a>),
    ) -> Result<(), FrameError> {
        for head in &self.tables {
            let table = Table::parse(head)?;
            let Some(run) = table.run_of(device)? else {
                continue;
            };
            let Some(at) = table.instants(run)?.pop() else {
                continue;
            };
            for (column, &metric) in self.metrics_of(head).iter().enumerate() {
                let values = table.values(column, run)?;
                push(metric, at, values.value(values.len().saturating_sub(1)));
            }
        }
        Ok(())
    }

    /// Hands every reading to `push`, table by table and column by column, and checks on the way
    /// that all of the frame is sound.
    ///
    /// # Errors
    /// [`FrameError::Layout`] when any of it is corrupt.
    pub fn each(&self, mut push: impl FnMut(Reading<'a>)) -> Result<(), FrameError> {
        self.tables(|metrics, rows, columns| {
            for (&metric, values) in metrics.iter().zip(columns) {
                for (place, &(device, at)) in rows.iter().enumerate() {
                    push(Reading {
                        device,
                        metric,
                        at,
                        value: values.value(place),
                    });
                }
            }
        })
    }

    /// Hands each table to `push`: its metrics, ascending, the device and instant of each row, and
    /// the values of each metric.
    ///
    /// # Errors
    /// [`FrameError::Layout`] when any of the frame is corrupt.
    pub(crate) fn tables(
        &self,
        mut push: impl FnMut(&[i32], &[(i32, Timestamp)], Vec<Cells<'a>>),
    ) -> Result<(), FrameError> {
        for head in &self.tables {
            let table = Table::parse(head)?;
            let rows = table.rows()?;
            let metrics = self.metrics_of(head);
            let columns = (0..metrics.len()).map(|column| table.all_values(column, &rows));
            push(metrics, &rows.keys, columns.collect::<Result<_, _>>()?);
        }
        Ok(())
    }

    /// Hands those columns whose metric is `wanted` to `push`: the metric, the device and instant of
    /// each row, and the values.
    ///
    /// # Errors
    /// [`FrameError::Layout`] when what is wanted is corrupt.
    pub(crate) fn some_tables(
        &self,
        wanted: impl Fn(i32) -> bool,
        mut push: impl FnMut(i32, &[(i32, Timestamp)], &Cells<'a>),
    ) -> Result<(), FrameError> {
        for head in &self.tables {
            let metrics = self.metrics_of(head).iter().enumerate();
            let mut metrics = metrics.filter(|&(_, &metric)| wanted(metric)).peekable();
            if metrics.peek().is_none() {
                continue;
            }
            let table = Table::parse(head)?;
            let rows = table.rows()?;
            for (column, &metric) in metrics {
                push(metric, &rows.keys, &table.all_values(column, &rows)?);
            }
        }
        Ok(())
    }

    fn metrics_of(&self, head: &TableHead<'a>) -> &[i32] {
        self.metrics.get(head.metrics.clone()).unwrap_or_default()
    }
}

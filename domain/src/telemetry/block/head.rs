//! Reads the head of a block.

use super::slices::{self, Slice};
use super::summary::Summary;
use super::{BLOCK_ROWS_MAX, BlockFault, VERSION};
use crate::telemetry::bytes::{Malformed, Reader};
use crate::telemetry::sealed;

/// A head whose checksum and lengths are sound.
#[derive(Clone, Debug)]
pub struct BlockHead<'a> {
    pub(crate) tables: Vec<TableHead<'a>>,
}

/// What the head says of a table.
#[derive(Clone, Debug)]
pub(crate) struct TableHead<'a> {
    /// How many rows it has; 0 when only the slices are left.
    pub(crate) rows: usize,
    /// All of the rows, in their order.
    pub(crate) slices: Vec<Slice>,
    /// The times.
    pub(super) times: Part,
    /// The metrics, ascending.
    pub(crate) columns: Vec<ColumnHead<'a>>,
}

/// What the head says of a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ColumnHead<'a> {
    /// The number of the metric.
    pub(crate) metric: i32,
    /// How many rows have a value; 0 when that is all of them, or they are gone.
    pub(super) present: usize,
    pub(super) content: Part,
    /// What it comes to in each slice.
    pub(crate) summary: Summary<'a>,
}

/// A part of the body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Part {
    pub(super) start: usize,
    pub(super) len: usize,
    pub(super) checksum: u32,
}

impl<'a> BlockHead<'a> {
    /// Reads a head and checks it against its checksum.
    ///
    /// # Errors
    /// [`BlockFault`] when the bytes are no head of this version.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BlockFault> {
        let content = sealed::open(bytes, VERSION)?;
        Ok(Self::parse_content(Reader::new(content))?)
    }

    fn parse_content(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        let mut body_end = 0;
        let count = reader.count(1)?;
        let mut tables = Vec::new();
        for _ in 0..count {
            tables.push(TableHead::parse(&mut reader, &mut body_end)?);
        }
        for _ in 0..reader.count(1)? {
            tables.push(TableHead::parse_hours(&mut reader)?);
        }
        if reader.is_empty() {
            Ok(Self { tables })
        } else {
            Err(Malformed)
        }
    }
}

impl<'a> TableHead<'a> {
    fn parse(reader: &mut Reader<'a>, body_end: &mut usize) -> Result<Self, Malformed> {
        let slices = slices::read(reader)?;
        let rows = slices
            .iter()
            .try_fold(0_usize, |rows, slice| rows.checked_add(slice.rows))
            .filter(|rows| (1..=BLOCK_ROWS_MAX).contains(rows))
            .ok_or(Malformed)?;
        let times = Part::parse(reader, body_end)?;
        let mut columns: Vec<ColumnHead<'a>> = Vec::new();
        for _ in 0..reader.count(1)? {
            let metric = next_metric(reader, columns.last())?;
            let present = reader.u32()? as usize;
            let content = Part::parse(reader, body_end)?;
            if present >= rows {
                return Err(Malformed);
            }
            columns.push(ColumnHead {
                metric,
                present,
                content,
                summary: parse_summary(reader)?,
            });
        }
        Ok(Self {
            rows,
            slices,
            times,
            columns,
        })
    }

    fn parse_hours(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let slices = slices::read(reader)?;
        let mut columns: Vec<ColumnHead<'a>> = Vec::new();
        for _ in 0..reader.count(1)? {
            columns.push(ColumnHead {
                metric: next_metric(reader, columns.last())?,
                present: 0,
                content: Part::default(),
                summary: parse_summary(reader)?,
            });
        }
        Ok(Self {
            rows: 0,
            slices,
            times: Part::default(),
            columns,
        })
    }

    /// The column of `metric`, if the table has one.
    pub(crate) fn column(&self, metric: i32) -> Option<&ColumnHead<'a>> {
        let place = self
            .columns
            .binary_search_by_key(&metric, |column| column.metric);
        place.ok().and_then(|place| self.columns.get(place))
    }
}

impl ColumnHead<'_> {
    /// Whether every row has a value.
    pub(crate) const fn is_in_all_rows(&self) -> bool {
        self.present == 0
    }

    /// How many bytes of the body it takes.
    pub(crate) const fn len(&self) -> usize {
        self.content.len
    }
}

impl Part {
    fn parse(reader: &mut Reader<'_>, body_end: &mut usize) -> Result<Self, Malformed> {
        let part = Self {
            start: *body_end,
            len: reader.u32()? as usize,
            checksum: u32::from_le_bytes(reader.array()?),
        };
        *body_end = body_end.checked_add(part.len).ok_or(Malformed)?;
        Ok(part)
    }
}

fn next_metric(reader: &mut Reader<'_>, last: Option<&ColumnHead<'_>>) -> Result<i32, Malformed> {
    let step = reader.i64()?;
    if last.is_some() && step <= 0 {
        return Err(Malformed);
    }
    let metric = i64::from(last.map_or(0, |column| column.metric)).checked_add(step);
    metric
        .and_then(|metric| i32::try_from(metric).ok())
        .ok_or(Malformed)
}

fn parse_summary<'a>(reader: &mut Reader<'a>) -> Result<Summary<'a>, Malformed> {
    let len = reader.count(1)?;
    Summary::parse(Reader::new(reader.take(len)?))
}

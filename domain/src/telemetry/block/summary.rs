//! Decides how the head tells what a column comes to in each slice.
//!
//! Numbers of one scale, the most frequent case, are packed as the whole numbers that they are,
//! least, greatest, sum, first and last of all slices; whatever else is written out.

use super::slices::Slice;
use crate::telemetry::bytes::{Malformed, Reader, put_u64};
use crate::telemetry::cells::Cells;
use crate::telemetry::column::decimals::{self, DecimalCells};
use crate::telemetry::packed::{Packed, pack};
use crate::telemetry::statistics::Statistics;
use crate::telemetry::value::Value;
use crate::telemetry::value_bytes::{put_value, read_value};
use crate::time::Timestamp;

/// The head says nothing of the column: it must be read.
const ABSENT: u8 = 0;
/// Packed whole numbers.
const DECIMALS: u8 = 1;
/// Statistics written out.
const WRITTEN_OUT: u8 = 2;

/// What a column comes to, as the head has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Summary<'a> {
    form: u8,
    content: Reader<'a>,
}

/// Appends the form and the content for a column with a number in every row; for any other column
/// that nothing is said.
pub(super) fn put(bytes: &mut Vec<u8>, slices: &[Slice], ats: &[Timestamp], cells: &Cells<'_>) {
    match cells {
        Cells::Decimals(decimals) => {
            if let Some(numbers) = of_decimals(slices, decimals) {
                bytes.push(DECIMALS);
                bytes.push(decimals.flagged_scale());
                numbers.iter().for_each(|numbers| pack(bytes, numbers));
                return;
            }
            bytes.push(ABSENT);
        }
        Cells::Floats(_) => {
            let mut start = 0;
            let statistics: Vec<Statistics<'_>> = slices
                .iter()
                .map(|slice| {
                    let mut statistics = Statistics::default();
                    statistics.add_cells(ats, cells, start..start + slice.rows, true);
                    start += slice.rows;
                    statistics
                })
                .collect();
            put_written_out(bytes, &statistics);
        }
        Cells::Booleans(_) | Cells::Values(_) => bytes.push(ABSENT),
    }
}

/// Appends form and content for rows that are gone: `statistics`, one for each slice.
pub(super) fn put_hours(bytes: &mut Vec<u8>, slices: &[Slice], statistics: &[Statistics<'_>]) {
    match of_statistics(slices, statistics) {
        Some((scale, columns)) => {
            bytes.push(DECIMALS);
            bytes.push(scale);
            columns.iter().for_each(|numbers| pack(bytes, numbers));
        }
        None => put_written_out(bytes, statistics),
    }
}

/// Statistics as flagged scale and whole numbers, in the order of [`of_decimals`]; nothing when they
/// are not of a number in every row, or not exactly these.
fn of_statistics(slices: &[Slice], statistics: &[Statistics<'_>]) -> Option<(u8, [Vec<i64>; 5])> {
    let mut readings = Vec::new();
    let mut numbers = Vec::new();
    for (slice, hour) in slices.iter().zip(statistics) {
        let rows = slice.rows as u64;
        if hour.count != rows || hour.numbers != rows {
            return None;
        }
        for (_, value) in [hour.first.as_ref()?, hour.last.as_ref()?] {
            if !matches!(value, Value::Int(_) | Value::Float(_)) {
                return None;
            }
            readings.push(value);
        }
        numbers.extend([hour.min?, hour.max?, hour.sum()?]);
    }
    let mut decimals = decimals::of_values(&readings)?;
    let mut numbers = decimals::of_floats(&numbers)?;
    numbers.whole_are_integers = decimals.whole_are_integers;
    decimals.append(numbers).ok()?;
    let (readings, numbers) = decimals.numbers.split_at_checked(readings.len())?;
    let mut columns = [const { Vec::new() }; 5];
    for (readings, numbers) in readings.chunks_exact(2).zip(numbers.chunks_exact(3)) {
        let parts = numbers.iter().chain(readings);
        for (column, &part) in columns.iter_mut().zip(parts) {
            column.push(part);
        }
    }
    Some((decimals.flagged_scale(), columns))
}

/// Appends `statistics`, one for each slice.
fn put_written_out(bytes: &mut Vec<u8>, statistics: &[Statistics<'_>]) {
    bytes.push(WRITTEN_OUT);
    for statistics in statistics {
        put_u64(bytes, statistics.count);
        for reading in [&statistics.first, &statistics.last].into_iter().flatten() {
            put_value(bytes, &reading.1);
        }
        put_u64(bytes, statistics.numbers);
        if let (Some(min), Some(max), Some(sum)) =
            (statistics.min, statistics.max, statistics.sum())
        {
            for number in [min, max, sum] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
    }
}

/// Least, greatest, sum, first and last of the slices; nothing when a sum is too large.
fn of_decimals(slices: &[Slice], decimals: &DecimalCells) -> Option<[Vec<i64>; 5]> {
    let mut rest = decimals.numbers.as_slice();
    let mut columns = [const { Vec::new() }; 5];
    for slice in slices {
        let (numbers, after) = rest.split_at_checked(slice.rows)?;
        rest = after;
        let sum: i128 = numbers.iter().map(|&number| i128::from(number)).sum();
        let parts = [
            *numbers.iter().min()?,
            *numbers.iter().max()?,
            i64::try_from(sum).ok()?,
            *numbers.first()?,
            *numbers.last()?,
        ];
        for (column, part) in columns.iter_mut().zip(parts) {
            column.push(part);
        }
    }
    Some(columns)
}

impl<'a> Summary<'a> {
    /// Takes form and content, which fill `reader`.
    pub(super) fn parse(mut reader: Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            form: reader.u8()?,
            content: reader,
        })
    }

    /// How many bytes of the head it takes.
    pub(crate) const fn len(&self) -> usize {
        self.content.remaining() + 1
    }

    /// What the column comes to in each of `slices`; nothing when the head does not say.
    pub(crate) fn statistics(
        &self,
        slices: &[Slice],
    ) -> Result<Option<Vec<Statistics<'a>>>, Malformed> {
        let mut reader = self.content;
        match self.form {
            ABSENT => Ok(None),
            DECIMALS => read_decimals(&mut reader, slices).map(Some),
            WRITTEN_OUT => {
                let statistics = slices
                    .iter()
                    .map(|slice| read_written_out(&mut reader, slice));
                statistics.collect::<Result<_, _>>().map(Some)
            }
            _ => Err(Malformed),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "statistics are 64-bit floats")]
fn read_decimals<'a>(
    reader: &mut Reader<'_>,
    slices: &[Slice],
) -> Result<Vec<Statistics<'a>>, Malformed> {
    let decimals = DecimalCells::of_flagged_scale(reader.u8()?).ok_or(Malformed)?;
    let mut columns = [const { Vec::new() }; 5];
    for column in &mut columns {
        let packed = Packed::parse(reader, slices.len())?;
        packed.read(0, slices.len(), column);
    }
    let [mins, maxes, sums, firsts, lasts] = columns;
    let power = decimals.power();
    let statistics = slices.iter().enumerate().map(|(place, slice)| {
        let part = |column: &Vec<i64>| column.get(place).copied().unwrap_or_default();
        let number = |column: &Vec<i64>| part(column) as f64 / power;
        Statistics::of_parts(
            slice.rows as u64,
            slice.rows as u64,
            (number(&mins), number(&maxes), number(&sums)),
            Some((slice.first_at, decimals.restore(part(&firsts)))),
            Some((slice.last_at, decimals.restore(part(&lasts)))),
        )
    });
    Ok(statistics.collect())
}

fn read_written_out<'a>(
    reader: &mut Reader<'a>,
    slice: &Slice,
) -> Result<Statistics<'a>, Malformed> {
    let count = reader.u64()?;
    let mut reading = |at: Timestamp| -> Result<Option<(Timestamp, Value<'a>)>, Malformed> {
        Ok((count > 0).then_some((at, read_value(reader)?)))
    };
    let (first, last) = if count > 0 {
        (reading(slice.first_at)?, reading(slice.last_at)?)
    } else {
        (None, None)
    };
    let numbers = reader.u64()?;
    let mut number = || Ok::<f64, Malformed>(f64::from_le_bytes(reader.array()?));
    let parts = if numbers > 0 {
        (number()?, number()?, number()?)
    } else {
        (0.0, 0.0, 0.0)
    };
    if numbers > count {
        return Err(Malformed);
    }
    Ok(Statistics::of_parts(count, numbers, parts, first, last))
}

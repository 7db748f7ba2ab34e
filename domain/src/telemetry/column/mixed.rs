//! Values of several types: the type of each row, then a column for each type.

use super::{Column, Run};
use crate::telemetry::bytes::{Malformed, Reader, put_usize};
use crate::telemetry::cells::Cells;
use crate::telemetry::packed::{Packed, pack};
use crate::telemetry::value::{Value, ValueType};

/// How many types there are.
const TYPES: usize = 6;

/// A column whose rows differ in type, or of whose numbers some are floats.
#[derive(Clone, Debug)]
pub(crate) struct Mixed<'a> {
    kinds: Packed<'a>,
    /// The column of each type, by its number; a type's rows are one run.
    columns: [Option<Column<'a>>; TYPES],
}

/// Appends `values`.
pub(super) fn encode(bytes: &mut Vec<u8>, values: &[&Value<'_>]) {
    let kinds: Vec<i64> = values
        .iter()
        .map(|value| value.value_type() as i64)
        .collect();
    pack(bytes, &kinds);
    for kind in (0..).map_while(ValueType::from_number) {
        let of_kind = |value: &&&Value<'_>| value.value_type() == kind;
        let alike: Vec<&Value<'_>> = values.iter().filter(of_kind).copied().collect();
        if !alike.is_empty() {
            let mut column = Vec::new();
            super::encode(&mut column, &alike, &[alike.len()]);
            put_usize(bytes, column.len());
            bytes.extend_from_slice(&column);
        }
    }
}

impl<'a> Mixed<'a> {
    /// Takes a column of `rows` rows.
    pub(super) fn parse(reader: &mut Reader<'a>, rows: usize) -> Result<Self, Malformed> {
        let kinds = Packed::parse(reader, rows)?;
        let counts = count_kinds(&kinds, rows)?;
        let mut columns = [const { None }; TYPES];
        for (column, count) in columns.iter_mut().zip(counts) {
            if count > 0 {
                let len = reader.count(1)?;
                *column = Some(Column::parse_of_one_type(reader.take(len)?, count)?);
            }
        }
        Ok(Self { kinds, columns })
    }

    /// The values of `run`.
    pub(super) fn read(&self, run: Run) -> Result<Vec<Value<'a>>, Malformed> {
        let before = count_kinds(&self.kinds, run.start)?;
        let until = count_kinds(&self.kinds, run.end)?;
        let mut alike = [const { Cells::Values(Vec::new()) }; TYPES];
        for (kind, column) in self.columns.iter().enumerate() {
            if let (Some(column), true) = (column, until[kind] > before[kind]) {
                alike[kind] = column.read(Run::whole(until[kind]))?;
            }
        }
        let mut places = before;
        let mut values = Vec::with_capacity(run.end - run.start);
        let mut kinds = Vec::new();
        self.kinds.read(run.start, run.end, &mut kinds);
        for kind in kinds {
            let kind = usize::try_from(kind).map_err(|_| Malformed)?;
            let place = places.get_mut(kind).ok_or(Malformed)?;
            values.push(alike[kind].value(*place));
            *place += 1;
        }
        Ok(values)
    }
}

fn count_kinds(kinds: &Packed<'_>, end: usize) -> Result<[usize; TYPES], Malformed> {
    let mut numbers = Vec::new();
    kinds.read(0, end, &mut numbers);
    let mut counts = [0; TYPES];
    for kind in numbers {
        let count = usize::try_from(kind)
            .ok()
            .and_then(|kind| counts.get_mut(kind));
        *count.ok_or(Malformed)? += 1;
    }
    Ok(counts)
}

//! Values that stay the same for many rows, as a machine's state does: each once, and for how many
//! rows.

use super::Column;
use crate::telemetry::bytes::{Malformed, Reader, put_usize};
use crate::telemetry::cells::Cells;
use crate::telemetry::packed::{Packed, pack};

/// Fewer rows than this for each value, and other codecs are shorter: even truth values take a bit.
const ROWS_PER_VALUE_MIN: usize = 16;

/// A column of values and for how many rows each of them holds.
#[derive(Clone, Debug)]
pub(crate) struct Repeats<'a> {
    lens: Packed<'a>,
    values: Column<'a>,
}

/// The places at which the value of `cells` changes, the first included, if they are so few that
/// this codec is worth it.
pub(super) fn worthwhile(cells: &Cells<'_>) -> Option<Vec<u32>> {
    fn changes<T>(values: &[T], is_same: impl Fn(&T, &T) -> bool) -> Option<Vec<u32>> {
        let most = values.len() / ROWS_PER_VALUE_MIN;
        let mut starts = vec![0];
        for (place, pair) in (1..).zip(values.windows(2)) {
            if !is_same(&pair[0], &pair[1]) {
                if starts.len() >= most {
                    return None;
                }
                starts.push(place);
            }
        }
        (starts.len() > 1).then_some(starts)
    }
    match cells {
        Cells::Decimals(decimals) => changes(&decimals.numbers, PartialEq::eq),
        Cells::Floats(floats) => changes(floats, |left, right| left.to_bits() == right.to_bits()),
        Cells::Booleans(truths) => changes(truths, PartialEq::eq),
        Cells::Values(values) => {
            let kind = values.first()?.value_type();
            let is_alike = values.iter().all(|value| value.value_type() == kind);
            is_alike.then(|| changes(values, |left, right| left.is_identical(right)))?
        }
    }
}

/// Appends `cells`, whose value changes at `starts`.
pub(super) fn encode(bytes: &mut Vec<u8>, cells: &Cells<'_>, starts: &[u32]) {
    let ends = starts.iter().skip(1).map(|&start| i64::from(start));
    let ends = ends.chain([cells.len() as i64]);
    let lens: Vec<i64> = starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| end - i64::from(start))
        .collect();
    put_usize(bytes, starts.len());
    pack(bytes, &lens);
    super::encode_simple(bytes, &cells.gather(starts));
}

impl<'a> Repeats<'a> {
    /// Takes a column of `rows` rows.
    pub(super) fn parse(reader: &mut Reader<'a>, rows: usize) -> Result<Self, Malformed> {
        let count = reader.count(0)?;
        if count == 0 || count > rows {
            return Err(Malformed);
        }
        let lens = Packed::parse(reader, count)?;
        let values = Column::parse_of_one_type(reader.take(reader.remaining())?, count)?;
        let mut each = Vec::new();
        lens.read(0, count, &mut each);
        let total = each.iter().try_fold(0_i64, |total, &len| {
            if len < 1 {
                None
            } else {
                total.checked_add(len)
            }
        });
        if total == i64::try_from(rows).ok() {
            Ok(Self { lens, values })
        } else {
            Err(Malformed)
        }
    }

    /// The values of all rows.
    pub(super) fn read(&self) -> Result<Cells<'a>, Malformed> {
        let mut lens = Vec::new();
        self.lens.read(0, self.lens.len(), &mut lens);
        let places = (0_u32..).zip(&lens).flat_map(|(place, &len)| {
            std::iter::repeat_n(place, usize::try_from(len).unwrap_or_default())
        });
        let values = self.values.read(super::Run::whole(lens.len()))?;
        Ok(values.gather(&places.collect::<Vec<_>>()))
    }
}

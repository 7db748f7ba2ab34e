//! Encodes the values of one metric, one for each row of a table, and reads any run of it back.
//!
//! The rows of a table stand in runs, one run for each device, ordered by time within it. The
//! codec follows from what the values are; its number is the column's first byte. Numbers from 10
//! on are free for codecs to come.

pub(crate) mod decimals;
mod floats;
pub(crate) mod integers;
mod mixed;
mod repeats;
mod texts;
pub(crate) mod times;

use std::borrow::Cow;

use self::decimals::{DecimalCells, Decimals};
use self::integers::Integers;
use self::mixed::Mixed;
use self::repeats::Repeats;
use self::texts::Texts;
use super::bytes::{Malformed, Reader};
use super::cells::Cells;
use super::value::{Value, ValueType};
use super::value_bytes::{put_value, read_value};

/// One value for all rows.
const CONSTANT: u8 = 0;
/// Whole numbers, see [`integers`].
const INTEGERS: u8 = 1;
/// Numbers that are whole over a power of ten, see [`decimals`].
const DECIMALS: u8 = 2;
/// Floats of eight bytes.
const FLOATS: u8 = 3;
/// Truth values, a bit each, the first row's lowest.
const BOOLEANS: u8 = 4;
/// Texts, see [`texts`].
const TEXTS: u8 = 5;
/// JSON, written as texts are.
const JSON_TEXTS: u8 = 6;
/// Values of several types, see [`mixed`].
const MIXED: u8 = 7;
/// Values that stay the same for many rows, see [`repeats`].
const REPEATS: u8 = 8;
/// Floats of full precision, compressed, see [`floats`].
const COMPRESSED_FLOATS: u8 = 9;

const FLOAT_BYTES: usize = 8;

/// The rows of one device in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// How many runs are before it.
    pub(crate) index: usize,
    /// Its first row.
    pub(crate) start: usize,
    /// The row after its last; greater than `start`.
    pub(crate) end: usize,
}

impl Run {
    /// All `rows` rows of a table of one device.
    pub(crate) const fn whole(rows: usize) -> Self {
        Self {
            index: 0,
            start: 0,
            end: rows,
        }
    }
}

/// A column whose lengths fit its bytes.
#[derive(Clone, Debug)]
pub(crate) enum Column<'a> {
    Constant(Value<'a>),
    Integers(Integers<'a>),
    Decimals(Decimals<'a>),
    Floats(&'a [u8]),
    Booleans(&'a [u8]),
    Texts(Texts<'a>),
    JsonTexts(Texts<'a>),
    Mixed(Box<Mixed<'a>>),
    Repeats(Box<Repeats<'a>>),
    CompressedFloats(&'a [u8], usize),
}

/// Appends the column of `values`, at least one, whose runs have the lengths `run_lens`. For rows
/// as they arrive: quick to write, and any run is quick to read.
pub(crate) fn encode(bytes: &mut Vec<u8>, values: &[&Value<'_>], run_lens: &[usize]) {
    let codec_at = bytes.len();
    bytes.push(CONSTANT);
    bytes[codec_at] = encode_content(bytes, values, run_lens);
}

/// Appends the column of `floats`, as [`encode`] does of the same values.
pub(crate) fn encode_floats(bytes: &mut Vec<u8>, floats: &[f64], run_lens: &[usize]) {
    if let Some((first, rest)) = floats.split_first()
        && rest.iter().all(|float| float.to_bits() == first.to_bits())
    {
        bytes.push(CONSTANT);
        put_value(bytes, &Value::Float(*first));
    } else if let Some(decimals) = decimals::of_floats(floats) {
        bytes.push(DECIMALS);
        decimals::encode(bytes, &decimals, run_lens);
    } else {
        bytes.push(FLOATS);
        bytes.extend(floats.iter().flat_map(|float| float.to_le_bytes()));
    }
}

/// Appends the column of `cells`, at least one, of one device. For rows that stay: as short as any
/// of the codecs makes them.
pub(crate) fn encode_cells(bytes: &mut Vec<u8>, cells: &Cells<'_>) {
    match (repeats::worthwhile(cells), cells) {
        (Some(starts), _) => {
            bytes.push(REPEATS);
            repeats::encode(bytes, cells, &starts);
        }
        (None, Cells::Floats(values)) if values.len() > 1 => floats::encode(bytes, values),
        _ => encode_simple(bytes, cells),
    }
}

/// Appends `cells` by a codec that holds no other column, unless their types differ.
fn encode_simple(bytes: &mut Vec<u8>, cells: &Cells<'_>) {
    let rows = [cells.len()];
    match cells {
        Cells::Decimals(decimals) if is_constant(&decimals.numbers) => {
            bytes.push(CONSTANT);
            put_value(bytes, &cells.value(0));
        }
        Cells::Decimals(decimals) if decimals.whole_are_integers && decimals.scale == 0 => {
            bytes.push(INTEGERS);
            integers::encode(bytes, &decimals.numbers, &rows);
        }
        Cells::Decimals(decimals) => {
            bytes.push(DECIMALS);
            decimals::encode(bytes, decimals, &rows);
        }
        cells => {
            let values: Vec<Value<'_>> = (0..cells.len()).map(|place| cells.value(place)).collect();
            encode(bytes, &values.iter().collect::<Vec<_>>(), &rows);
        }
    }
}

fn is_constant(numbers: &[i64]) -> bool {
    numbers
        .split_first()
        .is_some_and(|(first, rest)| rest.iter().all(|number| number == first))
}

fn encode_content(bytes: &mut Vec<u8>, values: &[&Value<'_>], run_lens: &[usize]) -> u8 {
    if let Some((first, rest)) = values.split_first()
        && rest.iter().all(|value| value.is_identical(first))
    {
        put_value(bytes, first);
        return CONSTANT;
    }
    let kinds = values
        .iter()
        .fold(0_u8, |kinds, value| kinds | bit(value.value_type()));
    if kinds & !(bit(ValueType::Integer) | bit(ValueType::Float)) == 0
        && let Some(decimals) = decimals::of_values(values)
    {
        if kinds == bit(ValueType::Integer) {
            integers::encode(bytes, &decimals.numbers, run_lens);
            return INTEGERS;
        }
        decimals::encode(bytes, &decimals, run_lens);
        return DECIMALS;
    }
    if kinds == bit(ValueType::Float) {
        let floats = values.iter().filter_map(|value| value.as_number());
        bytes.extend(floats.flat_map(f64::to_le_bytes));
        FLOATS
    } else if kinds == bit(ValueType::Bool) {
        bytes.extend(values.chunks(8).map(|chunk| {
            let bits = chunk.iter().rev();
            bits.fold(0, |bits, value| {
                bits << 1 | u8::from(**value == Value::Bool(true))
            })
        }));
        BOOLEANS
    } else if kinds == bit(ValueType::Text) || kinds == bit(ValueType::Json) {
        texts::encode(bytes, values.iter().filter_map(|value| as_text(value)));
        if kinds == bit(ValueType::Text) {
            TEXTS
        } else {
            JSON_TEXTS
        }
    } else {
        mixed::encode(bytes, values);
        MIXED
    }
}

impl<'a> Column<'a> {
    /// Takes the column that fills `bytes`, with `rows` rows in `runs` runs.
    pub(crate) fn parse(bytes: &'a [u8], rows: usize, runs: usize) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let column = match reader.u8()? {
            MIXED => Self::Mixed(Box::new(Mixed::parse(&mut reader, rows)?)),
            REPEATS if runs == 1 => Self::Repeats(Box::new(Repeats::parse(&mut reader, rows)?)),
            COMPRESSED_FLOATS if runs == 1 => {
                Self::CompressedFloats(reader.take(reader.remaining())?, rows)
            }
            _ => return Self::parse_simple(Reader::new(bytes), rows, runs),
        };
        if reader.is_empty() {
            Ok(column)
        } else {
            Err(Malformed)
        }
    }

    /// Takes a column whose rows are one run; not one that holds columns, so that none is inside
    /// another of its kind.
    fn parse_of_one_type(bytes: &'a [u8], rows: usize) -> Result<Self, Malformed> {
        Self::parse_simple(Reader::new(bytes), rows, 1)
    }

    fn parse_simple(mut reader: Reader<'a>, rows: usize, runs: usize) -> Result<Self, Malformed> {
        let reader = &mut reader;
        let column = match reader.u8()? {
            CONSTANT => Self::Constant(read_value(reader)?),
            INTEGERS => Self::Integers(Integers::parse(reader, rows, runs)?),
            DECIMALS => Self::Decimals(Decimals::parse(reader, rows, runs)?),
            FLOATS => Self::Floats(reader.take(rows.checked_mul(FLOAT_BYTES).ok_or(Malformed)?)?),
            BOOLEANS => Self::Booleans(reader.take(rows.div_ceil(8))?),
            TEXTS => Self::Texts(Texts::parse(reader, rows)?),
            JSON_TEXTS => Self::JsonTexts(Texts::parse(reader, rows)?),
            _ => return Err(Malformed),
        };
        if reader.is_empty() {
            Ok(column)
        } else {
            Err(Malformed)
        }
    }

    /// The values of `run`, which must lie in the rows of the column.
    pub(crate) fn read(&self, run: Run) -> Result<Cells<'a>, Malformed> {
        let len = run.end - run.start;
        Ok(match self {
            Self::Constant(value) => Cells::of(value.clone()).gather(&vec![0; len]),
            Self::Integers(integers) => {
                let mut numbers = Vec::new();
                integers.read(run, &mut numbers);
                Cells::Decimals(DecimalCells::of_integers(numbers))
            }
            Self::Decimals(decimals) => Cells::Decimals(decimals.read(run)),
            Self::Floats(bytes) => {
                let floats = bytes.as_chunks::<FLOAT_BYTES>().0.get(run.start..run.end);
                let floats = floats.ok_or(Malformed)?.iter();
                Cells::Floats(floats.map(|bytes| f64::from_le_bytes(*bytes)).collect())
            }
            Self::Booleans(bytes) => {
                let truth = |row: usize| Some(bytes.get(row / 8)? >> (row % 8) & 1 == 1);
                let truths = (run.start..run.end).map(truth).collect::<Option<_>>();
                Cells::Booleans(truths.ok_or(Malformed)?)
            }
            Self::Texts(texts) => Cells::Values(texts.read(run, Value::Text)?),
            Self::JsonTexts(texts) => Cells::Values(texts.read(run, Value::Json)?),
            Self::Mixed(mixed) => Cells::Values(mixed.read(run)?),
            Self::Repeats(repeats) => repeats.read()?,
            Self::CompressedFloats(bytes, rows) => Cells::Floats(floats::read(bytes, *rows)?),
        })
    }

    /// The values of all rows, which `runs` divide.
    pub(crate) fn read_all(&self, runs: &[Run]) -> Result<Cells<'a>, Malformed> {
        Ok(match self {
            Self::Integers(integers) => {
                let mut numbers = Vec::new();
                integers.read_all(runs, &mut numbers);
                Cells::Decimals(DecimalCells::of_integers(numbers))
            }
            Self::Decimals(decimals) => Cells::Decimals(decimals.read_all(runs)),
            _ => self.read(Run::whole(runs.last().map_or(0, |run| run.end)))?,
        })
    }
}

const fn bit(kind: ValueType) -> u8 {
    1 << kind as u8
}

fn as_text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Text(text) | Value::Json(text) => Some(text),
        _ => None,
    }
}

/// What makes a value of a text.
type TextValue<'a> = fn(Cow<'a, str>) -> Value<'a>;

#[cfg(test)]
mod tests;

//! Encodes the values of one metric, one for each row of a table, and reads any run of it back.
//!
//! The rows of a table stand in runs, one run for each device, ordered by time within it. The
//! codec follows from what the values are; its number is the column's first byte. Numbers from 9
//! on are free for codecs to come.

mod decimals;
pub(crate) mod integers;
mod mixed;
mod texts;

use std::borrow::Cow;

use self::decimals::Decimals;
use self::integers::Integers;
use self::mixed::Mixed;
use self::texts::Texts;
use super::bytes::{Malformed, Reader};
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
}

/// Appends the column of `values`, at least one, whose runs have the lengths `run_lens`.
pub(crate) fn encode(bytes: &mut Vec<u8>, values: &[&Value<'_>], run_lens: &[usize]) {
    let codec_at = bytes.len();
    bytes.push(CONSTANT);
    let codec = encode_content(bytes, values, run_lens);
    bytes[codec_at] = codec;
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
    if kinds == bit(ValueType::Integer) {
        let numbers: Vec<i64> = values
            .iter()
            .filter_map(|value| as_integer(value))
            .collect();
        integers::encode(bytes, &numbers, run_lens);
        return INTEGERS;
    }
    if kinds & !(bit(ValueType::Integer) | bit(ValueType::Float)) == 0 {
        let start = bytes.len();
        if decimals::encode(bytes, values, run_lens) {
            return DECIMALS;
        }
        bytes.truncate(start);
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
        if bytes.first() == Some(&MIXED) {
            reader.u8()?;
            let mixed = Mixed::parse(&mut reader, rows)?;
            return if reader.is_empty() {
                Ok(Self::Mixed(Box::new(mixed)))
            } else {
                Err(Malformed)
            };
        }
        Self::parse_simple(reader, rows, runs)
    }

    /// Takes a column whose rows are one run; not a mixed one, so that none is inside another.
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

    /// Appends the values of `run`, which must lie in the rows of the column.
    pub(crate) fn read(&self, run: Run, values: &mut Vec<Value<'a>>) -> Result<(), Malformed> {
        values.reserve(run.end - run.start);
        match self {
            Self::Constant(value) => {
                values.extend(std::iter::repeat_n(value, run.end - run.start).cloned());
            }
            Self::Integers(integers) => {
                let mut numbers = Vec::new();
                integers.read(run, &mut numbers);
                values.extend(numbers.into_iter().map(Value::Int));
            }
            Self::Decimals(decimals) => decimals.read(run, values),
            Self::Floats(bytes) => {
                let floats = bytes.as_chunks::<FLOAT_BYTES>().0.get(run.start..run.end);
                let floats = floats.ok_or(Malformed)?.iter();
                values.extend(floats.map(|bytes| Value::Float(f64::from_le_bytes(*bytes))));
            }
            Self::Booleans(bytes) => {
                for row in run.start..run.end {
                    let byte = bytes.get(row / 8).ok_or(Malformed)?;
                    values.push(Value::Bool(byte >> (row % 8) & 1 == 1));
                }
            }
            Self::Texts(texts) => {
                texts.read(run, |text| values.push(Value::Text(Cow::Borrowed(text))))?;
            }
            Self::JsonTexts(texts) => {
                texts.read(run, |text| values.push(Value::Json(Cow::Borrowed(text))))?;
            }
            Self::Mixed(mixed) => mixed.read(run, values)?,
        }
        Ok(())
    }

    /// Appends the values of all rows, which `runs` divide.
    pub(crate) fn read_all(
        &self,
        runs: &[Run],
        values: &mut Vec<Value<'a>>,
    ) -> Result<(), Malformed> {
        match self {
            Self::Integers(integers) => {
                let mut numbers = Vec::new();
                integers.read_all(runs, &mut numbers);
                values.extend(numbers.into_iter().map(Value::Int));
                Ok(())
            }
            Self::Decimals(decimals) => {
                decimals.read_all(runs, values);
                Ok(())
            }
            _ => {
                let end = runs.last().map_or(0, |run| run.end);
                self.read(
                    Run {
                        index: 0,
                        start: 0,
                        end,
                    },
                    values,
                )
            }
        }
    }
}

const fn bit(kind: ValueType) -> u8 {
    1 << kind as u8
}

fn as_integer(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

fn as_text<'v>(value: &'v Value<'_>) -> Option<&'v str> {
    match value {
        Value::Text(text) | Value::Json(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

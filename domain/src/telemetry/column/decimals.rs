//! Floats that were decimal numbers before they were floats, kept as whole numbers and a scale.
//!
//! A sensor that reports 21.37 means 2137 hundredths. A float `v` is the decimal `n / 10^s` when
//! dividing gives `v` again to the last bit; the division of two numbers that floats hold exactly
//! is rounded once, as reading the decimal text was, so what had up to 15 digits is found again.

use std::ops::Range;

use super::Run;
use super::integers::{self, Integers};
use crate::telemetry::bytes::{Malformed, Reader};
use crate::telemetry::value::Value;

/// The largest scale: its power of ten is exact as a float and fits 64 bits.
const SCALE_MAX: usize = 18;

/// The powers of ten, by scale.
const POWERS: [f64; SCALE_MAX + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18,
];

/// Every whole number up to 2^53 is exact as a float.
const NUMBER_MAX: f64 = 9_007_199_254_740_992.0;

/// The same as an integer.
const INTEGER_MAX: i64 = 1 << 53;

/// Added to the scale when whole values are integers (22 among 21.5) and not floats (22.0): many
/// devices print the one, many the other, few both.
const WHOLE_ARE_INTEGERS: u8 = 0x80;

/// A column of decimal numbers of one scale.
#[derive(Clone, Debug)]
pub(crate) struct Decimals<'a> {
    /// Scale and kind.
    empty: DecimalCells,
    numbers: Integers<'a>,
}

/// Decimal numbers of one scale in memory: `number / 10^scale` each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DecimalCells {
    /// 0 to [`SCALE_MAX`].
    pub(crate) scale: u8,
    /// Whether whole values are integers, and not floats.
    pub(crate) whole_are_integers: bool,
    /// Up to 2^53 each, but with scale 0 and as integers anything.
    pub(crate) numbers: Vec<i64>,
}

/// Appends `decimals` with the runs of lengths `run_lens`.
pub(super) fn encode(bytes: &mut Vec<u8>, decimals: &DecimalCells, run_lens: &[usize]) {
    bytes.push(decimals.flagged_scale());
    integers::encode(bytes, &decimals.numbers, run_lens);
}

/// `values`, all of them floats or integers, as decimals of one scale, if they are that.
pub(crate) fn of_values(values: &[&Value<'_>]) -> Option<DecimalCells> {
    if let Some(numbers) = values.iter().copied().map(as_integer).collect() {
        return Some(DecimalCells::of_integers(numbers));
    }
    let floats: Vec<f64> = values
        .iter()
        .map(|value| value.as_number())
        .collect::<Option<_>>()?;
    let (scale, numbers) = to_decimals(&floats)?;
    let whole_are_integers = whole_are_integers(values, &numbers, integer_power(scale))?;
    Some(DecimalCells {
        scale,
        whole_are_integers,
        numbers,
    })
}

/// `floats` as decimals of one scale, if they are that.
pub(crate) fn of_floats(floats: &[f64]) -> Option<DecimalCells> {
    to_decimals(floats).map(|(scale, numbers)| DecimalCells {
        scale,
        whole_are_integers: false,
        numbers,
    })
}

impl DecimalCells {
    /// Integers.
    pub(crate) const fn of_integers(numbers: Vec<i64>) -> Self {
        Self {
            scale: 0,
            whole_are_integers: true,
            numbers,
        }
    }

    /// No numbers yet, of the scale and kind in the byte `flagged`, if there are such.
    pub(crate) fn of_flagged_scale(flagged: u8) -> Option<Self> {
        let scale = flagged & !WHOLE_ARE_INTEGERS;
        (usize::from(scale) <= SCALE_MAX).then_some(Self {
            scale,
            whole_are_integers: flagged != scale,
            numbers: Vec::new(),
        })
    }

    /// Scale and kind in a byte.
    pub(crate) const fn flagged_scale(&self) -> u8 {
        if self.whole_are_integers {
            self.scale | WHOLE_ARE_INTEGERS
        } else {
            self.scale
        }
    }

    /// The value at `place`, if there is one.
    pub(crate) fn value(&self, place: usize) -> Option<Value<'static>> {
        self.numbers.get(place).map(|&number| self.restore(number))
    }

    /// The value that `number` stands for here.
    pub(crate) fn restore(&self, number: i64) -> Value<'static> {
        let power = self.integer_power();
        if self.whole_are_integers && number % power == 0 {
            Value::Int(number / power)
        } else {
            Value::Float(to_float(number, self.power()))
        }
    }

    /// The values as floats.
    pub(crate) fn floats(&self) -> impl Iterator<Item = f64> + use<'_> {
        self.floats_at(0..self.numbers.len())
    }

    /// The values at `range` as floats.
    pub(crate) fn floats_at(&self, range: Range<usize>) -> impl Iterator<Item = f64> + use<'_> {
        let power = self.power();
        let numbers = self.numbers.get(range).unwrap_or_default();
        numbers.iter().map(move |&number| to_float(number, power))
    }

    /// What numbers are divided by.
    pub(crate) fn power(&self) -> f64 {
        POWERS.get(usize::from(self.scale)).copied().unwrap_or(1.0)
    }

    /// Whether any value is an integer.
    pub(crate) fn holds_integers(&self) -> bool {
        self.whole_are_integers && self.holds_whole()
    }

    /// Appends `other`, or gives it back when no scale holds both.
    pub(crate) fn append(&mut self, mut other: Self) -> Result<(), Self> {
        if self.whole_are_integers != other.whole_are_integers {
            if !other.holds_whole() {
                other.whole_are_integers = self.whole_are_integers;
            } else if self.holds_whole() {
                return Err(other);
            }
        }
        let whole_are_integers = other.whole_are_integers;
        let scale = self.scale.max(other.scale);
        if !(self.scales_to(scale) && other.scales_to(scale)) {
            return Err(other);
        }
        self.whole_are_integers = whole_are_integers;
        self.scale_to(scale);
        other.scale_to(scale);
        self.numbers.append(&mut other.numbers);
        Ok(())
    }

    fn holds_whole(&self) -> bool {
        let power = self.integer_power();
        power == 1 && !self.numbers.is_empty()
            || self.numbers.iter().any(|number| number % power == 0)
    }

    fn scales_to(&self, scale: u8) -> bool {
        if scale == self.scale {
            return true;
        }
        let most = INTEGER_MAX / integer_power(scale.saturating_sub(self.scale));
        self.numbers
            .iter()
            .all(|number| (-most..=most).contains(number))
    }

    fn scale_to(&mut self, scale: u8) {
        if scale != self.scale {
            let factor = integer_power(scale.saturating_sub(self.scale));
            self.numbers
                .iter_mut()
                .for_each(|number| *number = number.wrapping_mul(factor));
            self.scale = scale;
        }
    }

    fn integer_power(&self) -> i64 {
        integer_power(self.scale)
    }
}

impl<'a> Decimals<'a> {
    /// Takes a column of `rows` rows in `runs` runs.
    pub(super) fn parse(
        reader: &mut Reader<'a>,
        rows: usize,
        runs: usize,
    ) -> Result<Self, Malformed> {
        Ok(Self {
            empty: DecimalCells::of_flagged_scale(reader.u8()?).ok_or(Malformed)?,
            numbers: Integers::parse(reader, rows, runs)?,
        })
    }

    /// The values of `run`.
    pub(super) fn read(&self, run: Run) -> DecimalCells {
        self.cells(|numbers| self.numbers.read(run, numbers))
    }

    /// The values of all rows, which `runs` divide.
    pub(super) fn read_all(&self, runs: &[Run]) -> DecimalCells {
        self.cells(|numbers| self.numbers.read_all(runs, numbers))
    }

    fn cells(&self, read: impl FnOnce(&mut Vec<i64>)) -> DecimalCells {
        let mut cells = self.empty.clone();
        read(&mut cells.numbers);
        cells
    }
}

/// The least scale found at which all values are decimals, and the values at it.
fn to_decimals(floats: &[f64]) -> Option<(u8, Vec<i64>)> {
    let mut scale = 0;
    let mut numbers = Vec::with_capacity(floats.len());
    for &float in floats {
        let number = loop {
            match to_decimal(float, *POWERS.get(usize::from(scale))?) {
                Decimal::Exact(number) => break number,
                Decimal::NeedsDigits => scale += 1,
                Decimal::TooLong => return None,
            }
            numbers.clear();
        };
        numbers.push(number);
    }
    if numbers.len() < floats.len() {
        // The scale rose on the way: what came before is a decimal of the new scale, if it fits.
        let power = *POWERS.get(usize::from(scale))?;
        numbers.clear();
        for &float in floats {
            let Decimal::Exact(number) = to_decimal(float, power) else {
                return None;
            };
            numbers.push(number);
        }
    }
    Some((scale, numbers))
}

enum Decimal {
    Exact(i64),
    NeedsDigits,
    TooLong,
}

#[inline]
fn to_decimal(float: f64, power: f64) -> Decimal {
    let scaled = float * power;
    if scaled.is_nan() || scaled.abs() > NUMBER_MAX {
        return Decimal::TooLong;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "within 2^53, and checked just below"
    )]
    let number = (scaled + 0.5_f64.copysign(scaled)) as i64;
    if to_float(number, power).to_bits() == float.to_bits() {
        Decimal::Exact(number)
    } else {
        Decimal::NeedsDigits
    }
}

#[inline]
#[expect(
    clippy::cast_precision_loss,
    reason = "within 2^53 when written; else any float will do"
)]
fn to_float(number: i64, power: f64) -> f64 {
    number as f64 / power
}

const fn as_integer(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

/// Whether whole values are integers; nothing when some are and some are floats.
fn whole_are_integers(values: &[&Value<'_>], numbers: &[i64], power: i64) -> Option<bool> {
    let is_integer = |value: &Value<'_>| matches!(value, Value::Int(_));
    if !values.iter().any(|value| is_integer(value)) {
        return Some(false);
    }
    // The floats have decimals then, so that the power is 10 at least; what it multiplies into
    // 2^53 was exact as a float, and every integer comes back.
    let mut pairs = values.iter().zip(numbers);
    pairs
        .all(|(value, number)| is_integer(value) || number % power != 0)
        .then_some(true)
}

fn integer_power(scale: u8) -> i64 {
    10_i64.pow(u32::from(scale))
}

//! Floats that were decimal numbers before they were floats, kept as whole numbers and a scale.
//!
//! A sensor that reports 21.37 means 2137 hundredths. A float `v` is the decimal `n / 10^s` when
//! dividing gives `v` again to the last bit; the division of two numbers that floats hold exactly
//! is rounded once, as reading the decimal text was, so what had up to 15 digits is found again.

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

/// Added to the scale when whole values are integers (22 among 21.5) and not floats (22.0): many
/// devices print the one, many the other, few both.
const WHOLE_ARE_INTEGERS: u8 = 0x80;

/// A column of decimal numbers of one scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimals<'a> {
    power: f64,
    /// The same power, when whole values are integers.
    integer_power: Option<i64>,
    numbers: Integers<'a>,
}

/// Appends `values`, all of them floats or integers, if they are decimals of one scale. Says
/// whether it did.
pub(super) fn encode(bytes: &mut Vec<u8>, values: &[&Value<'_>], run_lens: &[usize]) -> bool {
    let Some((scale, numbers)) = to_decimals(values) else {
        return false;
    };
    let Some(whole_are_integers) = whole_are_integers(values, &numbers, integer_power(scale))
    else {
        return false;
    };
    bytes.push(
        scale
            | if whole_are_integers {
                WHOLE_ARE_INTEGERS
            } else {
                0
            },
    );
    integers::encode(bytes, &numbers, run_lens);
    true
}

impl<'a> Decimals<'a> {
    /// Takes a column of `rows` rows in `runs` runs.
    pub(super) fn parse(
        reader: &mut Reader<'a>,
        rows: usize,
        runs: usize,
    ) -> Result<Self, Malformed> {
        let head = reader.u8()?;
        let scale = head & !WHOLE_ARE_INTEGERS;
        let power = *POWERS.get(usize::from(scale)).ok_or(Malformed)?;
        let integer_power = (head != scale).then(|| integer_power(scale));
        Ok(Self {
            power,
            integer_power,
            numbers: Integers::parse(reader, rows, runs)?,
        })
    }

    /// Appends the values of `run`.
    pub(super) fn read(&self, run: Run, values: &mut Vec<Value<'_>>) {
        let mut numbers = Vec::new();
        self.numbers.read(run, &mut numbers);
        self.restore(&numbers, values);
    }

    /// Appends the values of all rows, which `runs` divide.
    pub(super) fn read_all(&self, runs: &[Run], values: &mut Vec<Value<'_>>) {
        let mut numbers = Vec::new();
        self.numbers.read_all(runs, &mut numbers);
        self.restore(&numbers, values);
    }

    fn restore(&self, numbers: &[i64], values: &mut Vec<Value<'_>>) {
        values.extend(numbers.iter().map(|&number| match self.integer_power {
            Some(power) if number % power == 0 => Value::Int(number / power),
            _ => Value::Float(to_float(number, self.power)),
        }));
    }
}

/// The least scale found at which all values are decimals, and the values at it.
fn to_decimals(values: &[&Value<'_>]) -> Option<(u8, Vec<i64>)> {
    let mut scale = 0;
    let mut numbers = Vec::with_capacity(values.len());
    for value in values {
        let float = value.as_number()?;
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
    if numbers.len() < values.len() {
        // The scale rose on the way: what came before is a decimal of the new scale, if it fits.
        let power = *POWERS.get(usize::from(scale))?;
        numbers.clear();
        for value in values {
            let Decimal::Exact(number) = to_decimal(value.as_number()?, power) else {
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

//! Decides what a bucket says of the readings in it.

use std::ops::Range;

use super::cells::Cells;
use super::column::decimals::DecimalCells;
use super::value::Value;
use crate::time::Timestamp;

/// What some readings come to, in whatever order and parts they are added. Null is no reading here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics<'a> {
    /// How many readings have a value, of any type.
    pub count: u64,
    /// How many of the values are numbers or truth values.
    pub numbers: u64,
    /// The least number; NaN is greater than every other number, as in Postgres.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// The first reading with a value, exactly as it was sent.
    pub first: Option<(Timestamp, Value<'a>)>,
    /// The last reading with a value, exactly as it was sent.
    pub last: Option<(Timestamp, Value<'a>)>,
    sum: f64,
    /// What adding to `sum` has rounded away (Neumaier, "Rundungsfehleranalyse einiger Verfahren
    /// zur Summation endlicher Summen", 1974).
    lost: f64,
}

impl<'a> Statistics<'a> {
    /// Takes in a reading.
    pub fn add(&mut self, at: Timestamp, value: &Value<'a>) {
        if *value == Value::Null {
            return;
        }
        self.count += 1;
        self.take_first(at, || value.clone());
        self.take_last(at, || value.clone());
        if let Some(number) = value.as_number() {
            self.add_numbers(1, number, number, number);
        }
    }

    /// Takes in what other readings come to.
    pub fn merge(&mut self, other: &Statistics<'_>) {
        self.count += other.count;
        if let Some((at, first)) = &other.first {
            self.take_first(*at, || first.clone().into_owned());
        }
        if let Some((at, last)) = &other.last {
            self.take_last(*at, || last.clone().into_owned());
        }
        if let (Some(min), Some(max)) = (other.min, other.max) {
            self.add_numbers(other.numbers, min, max, other.sum);
            self.lost += other.lost;
        }
    }

    /// Takes in the readings at `range` of a column, ordered by time: `ats[place]` is the time of
    /// the cell at `place`. Without `ends` first and last may stay as they are.
    pub(crate) fn add_cells(
        &mut self,
        ats: &[Timestamp],
        cells: &Cells<'a>,
        range: Range<usize>,
        ends: bool,
    ) {
        let (Some(&first_at), Some(&last_at)) = (
            ats.get(range.start),
            range.end.checked_sub(1).and_then(|last| ats.get(last)),
        ) else {
            return;
        };
        match cells {
            Cells::Decimals(decimals) => {
                let Some(numbers) = decimals.numbers.get(range.clone()) else {
                    return;
                };
                self.add_decimals(decimals, numbers);
            }
            Cells::Floats(floats) => {
                for &float in floats.get(range.clone()).unwrap_or_default() {
                    self.add_numbers(1, float, float, float);
                }
            }
            cells => {
                for (&at, place) in ats.get(range.clone()).unwrap_or_default().iter().zip(range) {
                    self.add(at, &cells.value(place));
                }
                return;
            }
        }
        self.count += range.len() as u64;
        if !ends {
            return;
        }
        self.take_first(first_at, || cells.value(range.start));
        self.take_last(last_at, || cells.value(range.end - 1));
    }

    /// Takes in statistics whose parts are known: of `count` readings with a value, and of
    /// `numbers` numbers.
    pub(crate) fn of_parts(
        count: u64,
        numbers: u64,
        (min, max, sum): (f64, f64, f64),
        first: Option<(Timestamp, Value<'a>)>,
        last: Option<(Timestamp, Value<'a>)>,
    ) -> Self {
        let mut statistics = Self {
            count,
            first,
            last,
            ..Self::default()
        };
        if numbers > 0 {
            statistics.add_numbers(numbers, min, max, sum);
        }
        statistics
    }

    /// The sum of the numbers; truth values count 0 and 1, text and JSON are none.
    #[must_use]
    pub fn sum(&self) -> Option<f64> {
        // Beyond the range of floats what was lost is no number any more.
        let sum = if self.sum.is_finite() {
            self.sum + self.lost
        } else {
            self.sum
        };
        (self.numbers > 0).then_some(sum)
    }

    /// The mean of the numbers.
    #[must_use]
    pub fn average(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 readings")]
        self.sum().map(|sum| sum / self.numbers as f64)
    }

    /// The same statistics, owning their texts.
    #[must_use]
    pub fn into_owned(self) -> Statistics<'static> {
        let own = |(at, value): (Timestamp, Value<'a>)| (at, value.into_owned());
        Statistics {
            first: self.first.map(own),
            last: self.last.map(own),
            count: self.count,
            numbers: self.numbers,
            min: self.min,
            max: self.max,
            sum: self.sum,
            lost: self.lost,
        }
    }

    /// Adds whole numbers as what they are, exactly, and divides once.
    #[expect(clippy::cast_precision_loss, reason = "statistics are 64-bit floats")]
    fn add_decimals(&mut self, decimals: &DecimalCells, numbers: &[i64]) {
        let Some(&first) = numbers.first() else {
            return;
        };
        let (mut min, mut max, mut sum) = (first, first, 0_i128);
        // A chunk of numbers up to 2^53 sums up within 64 bits; larger ones go one by one.
        for chunk in numbers.chunks(512) {
            let (mut chunk_min, mut chunk_max, mut chunk_sum) = (chunk[0], chunk[0], 0_i64);
            for &number in chunk {
                chunk_min = chunk_min.min(number);
                chunk_max = chunk_max.max(number);
                chunk_sum = chunk_sum.wrapping_add(number);
            }
            let fits = |number: i64| number.unsigned_abs() <= 1 << 53;
            sum += if fits(chunk_min) && fits(chunk_max) {
                i128::from(chunk_sum)
            } else {
                chunk.iter().map(|&number| i128::from(number)).sum()
            };
            min = min.min(chunk_min);
            max = max.max(chunk_max);
        }
        let power = decimals.power();
        self.add_numbers(
            numbers.len() as u64,
            min as f64 / power,
            max as f64 / power,
            sum as f64 / power,
        );
    }

    fn add_numbers(&mut self, numbers: u64, min: f64, max: f64, sum: f64) {
        let is_less = |left: f64, right: f64| left < right || (right.is_nan() && !left.is_nan());
        self.numbers += numbers;
        if self.min.is_none_or(|least| is_less(min, least)) {
            self.min = Some(min);
        }
        if self.max.is_none_or(|most| is_less(most, max)) {
            self.max = Some(max);
        }
        let total = self.sum + sum;
        self.lost += if self.sum.abs() >= sum.abs() {
            (self.sum - total) + sum
        } else {
            (sum - total) + self.sum
        };
        self.sum = total;
    }

    fn take_first(&mut self, at: Timestamp, value: impl FnOnce() -> Value<'a>) {
        if self
            .first
            .as_ref()
            .is_none_or(|(first_at, _)| at < *first_at)
        {
            self.first = Some((at, value()));
        }
    }

    fn take_last(&mut self, at: Timestamp, value: impl FnOnce() -> Value<'a>) {
        if self.last.as_ref().is_none_or(|(last_at, _)| at >= *last_at) {
            self.last = Some((at, value()));
        }
    }
}

#[cfg(test)]
mod tests;

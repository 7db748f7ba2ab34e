//! Decides what a bucket says of the readings in it.

use super::value::Value;

/// What the readings of a bucket come to. Null is no reading here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics<'a> {
    /// How many readings have a value, of any type.
    pub count: u64,
    /// The least number; NaN is greater than every other number, as in Postgres.
    pub min: Option<f64>,
    /// The greatest number.
    pub max: Option<f64>,
    /// The first reading with a value, exactly as it was sent.
    pub first: Option<Value<'a>>,
    /// The last reading with a value, exactly as it was sent.
    pub last: Option<Value<'a>>,
    numbers: u64,
    sum: f64,
    /// What adding to `sum` has rounded away (Neumaier, "Rundungsfehleranalyse einiger Verfahren
    /// zur Summation endlicher Summen", 1974).
    lost: f64,
}

impl<'a> Statistics<'a> {
    /// Takes in the reading after those before.
    pub fn add(&mut self, value: &Value<'a>) {
        if *value == Value::Null {
            return;
        }
        self.count += 1;
        self.first.get_or_insert_with(|| value.clone());
        self.last = Some(value.clone());
        if let Some(number) = value.as_number() {
            self.add_number(number);
        }
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

    fn add_number(&mut self, number: f64) {
        let is_less = |left: f64, right: f64| left < right || (right.is_nan() && !left.is_nan());
        self.numbers += 1;
        if self.min.is_none_or(|min| is_less(number, min)) {
            self.min = Some(number);
        }
        if self.max.is_none_or(|max| is_less(max, number)) {
            self.max = Some(number);
        }
        let sum = self.sum + number;
        self.lost += if self.sum.abs() >= number.abs() {
            (self.sum - sum) + number
        } else {
            (number - sum) + self.sum
        };
        self.sum = sum;
    }
}

#[cfg(test)]
mod tests;

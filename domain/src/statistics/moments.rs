//! Decides what a set of readings comes to: count, sum, mean, spread, shape, ends.
//!
//! The central moments are updated value by value and merged pairwise as in Philippe Pébay,
//! "Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order
//! Statistical Moments", Sandia Report SAND2008-6212, equations 2.1 and 3.1 (for the second moment
//! those of Welford 1962 and Chan et al. 1979).
//!
//! NaN and the infinities count as they do in Postgres' own aggregates: the sum and the mean are
//! what IEEE arithmetic says, the spread and the shape are NaN, NaN is the greatest value.

use super::readings::{float_key, put_at, put_f64, read_at, read_f64};
use super::{Reading, StatisticsError};
use crate::telemetry::bytes::{Malformed, Reader, put_u64};

/// More readings than anybody has; a partial that claims more is corrupt.
pub(super) const COUNT_MAX: u64 = 1 << 53;

/// Whether readings are all there are, or drawn from more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Population {
    /// The readings are all there are.
    Whole,
    /// The readings are a sample.
    Sample,
}

impl Population {
    /// The population that SQL names.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] when it is none.
    pub fn named(name: &str) -> Result<Self, StatisticsError> {
        match name {
            "sample" | "samp" => Ok(Self::Sample),
            "population" | "pop" => Ok(Self::Whole),
            _ => Err(StatisticsError::ArgumentInvalid {
                what: "the method is 'sample' or 'population'",
            }),
        }
    }
}

/// What readings come to. There is at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    finite: Central,
    /// How many are not finite, and their sum.
    others: u64,
    others_sum: f64,
    min: f64,
    max: f64,
    first: Reading,
    last: Reading,
}

/// Sums of the powers of the distances to the mean, of finite values.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Central {
    count: u64,
    sum: f64,
    mean: f64,
    second: f64,
    third: f64,
    fourth: f64,
}

impl Central {
    #[inline]
    fn add(&mut self, value: f64) {
        let before = count(self.count);
        self.count += 1;
        let after = before + 1.0;
        let delta = value - self.mean;
        let step = delta / after;
        let (square, term) = (step * step, delta * step * before);
        self.sum += value;
        self.mean += step;
        self.fourth += term * square * (after * after - 3.0 * after + 3.0)
            + 6.0 * square * self.second
            - 4.0 * step * self.third;
        self.third += term * step * (after - 2.0) - 3.0 * step * self.second;
        self.second += term;
    }

    fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            *self = *other;
            return;
        }
        let (left, right) = (count(self.count), count(other.count));
        let all = left + right;
        let delta = other.mean - self.mean;
        let step = delta / all;
        let cross = delta * step * left * right;
        self.fourth += other.fourth
            + cross * step * step * (left * left - left * right + right * right)
            + 6.0 * step * step * (left * left * other.second + right * right * self.second)
            + 4.0 * step * (left * other.third - right * self.third);
        self.third += other.third
            + cross * step * (left - right)
            + 3.0 * step * (left * other.second - right * self.second);
        self.second += other.second + cross;
        self.mean += step * right;
        self.sum += other.sum;
        self.count = self.count.saturating_add(other.count);
    }
}

impl Moments {
    /// What one reading comes to.
    #[must_use]
    pub fn of(reading: Reading) -> Self {
        let mut moments = Self {
            finite: Central::default(),
            others: 0,
            others_sum: 0.0,
            min: reading.value,
            max: reading.value,
            first: reading,
            last: reading,
        };
        moments.count_in(reading.value);
        moments
    }

    /// Takes in one more, in any order.
    #[inline]
    pub fn add(&mut self, reading: Reading) {
        let value = reading.value;
        self.count_in(value);
        self.widen(value, value);
        self.lengthen(reading, reading);
    }

    /// Takes in the readings of another.
    pub fn merge(&mut self, other: &Self) {
        self.finite.merge(&other.finite);
        self.others = self.others.saturating_add(other.others);
        self.others_sum += other.others_sum;
        self.widen(other.min, other.max);
        self.lengthen(other.first, other.last);
    }

    #[inline]
    fn count_in(&mut self, value: f64) {
        if value.is_finite() {
            self.finite.add(value);
        } else {
            self.others += 1;
            self.others_sum += value;
        }
    }

    #[inline]
    fn widen(&mut self, min: f64, max: f64) {
        let is_less = |left: f64, right: f64| left < right || (right.is_nan() && !left.is_nan());
        if is_less(min, self.min) {
            self.min = min;
        }
        if is_less(self.max, max) {
            self.max = max;
        }
    }

    /// Of several values of one instant the least is the first and the greatest the last, so that
    /// the order in which rows come does not count.
    #[inline]
    fn lengthen(&mut self, first: Reading, last: Reading) {
        let key = |reading: Reading| (reading.at, float_key(reading.value));
        if first.at <= self.first.at && key(first) < key(self.first) {
            self.first = first;
        }
        if last.at >= self.last.at && key(last) > key(self.last) {
            self.last = last;
        }
    }

    /// How many readings there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.finite.count.saturating_add(self.others)
    }

    /// The sum of the values.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.finite.sum + self.others_sum
    }

    /// The mean of the values.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.others > 0 {
            self.others_sum
        } else {
            self.finite.mean
        }
    }

    /// The least value.
    #[must_use]
    pub const fn min(&self) -> f64 {
        self.min
    }

    /// The greatest value, NaN above all.
    #[must_use]
    pub const fn max(&self) -> f64 {
        self.max
    }

    /// The earliest reading.
    #[must_use]
    pub const fn first(&self) -> Reading {
        self.first
    }

    /// The latest reading.
    #[must_use]
    pub const fn last(&self) -> Reading {
        self.last
    }

    /// The variance; of a sample there must be two readings.
    #[must_use]
    pub fn variance(&self, population: Population) -> Option<f64> {
        let freedom = match population {
            Population::Whole => count(self.count()),
            Population::Sample => count(self.count()) - 1.0,
        };
        (freedom > 0.0).then(|| self.if_finite(self.finite.second / freedom))
    }

    /// The skewness: g₁ = m₃ / m₂^(3/2) of the whole, G₁ = g₁ √(n(n−1)) / (n−2) of a sample
    /// (Joanes and Gill, "Comparing measures of sample skewness and kurtosis", 1998).
    /// `None` when the values are all equal, or fewer than a sample needs.
    #[must_use]
    pub fn skewness(&self, population: Population) -> Option<f64> {
        let all = count(self.count());
        let factor = match population {
            Population::Whole => 1.0,
            Population::Sample if all > 2.0 => (all * (all - 1.0)).sqrt() / (all - 2.0),
            Population::Sample => return None,
        };
        self.shape(|central| factor * all.sqrt() * central.third / central.second.powf(1.5))
    }

    /// The kurtosis, 3 for the normal distribution: b₂ = m₄ / m₂² of the whole, and
    /// G₂ + 3 = (n−1) / ((n−2)(n−3)) · ((n+1)(b₂−3) + 6) + 3 of a sample (as for skewness).
    /// `None` when the values are all equal, or fewer than a sample needs.
    #[must_use]
    pub fn kurtosis(&self, population: Population) -> Option<f64> {
        let all = count(self.count());
        let of_sample = population == Population::Sample;
        if of_sample && all < 4.0 {
            return None;
        }
        self.shape(|central| {
            let whole = all * central.fourth / (central.second * central.second);
            if of_sample {
                let excess = (all + 1.0) * (whole - 3.0) + 6.0;
                (all - 1.0) / ((all - 2.0) * (all - 3.0)) * excess + 3.0
            } else {
                whole
            }
        })
    }

    fn shape(&self, of: impl Fn(&Central) -> f64) -> Option<f64> {
        let varies = self.others > 0 || self.finite.second > 0.0;
        varies.then(|| self.if_finite(of(&self.finite)))
    }

    const fn if_finite(&self, value: f64) -> f64 {
        if self.others > 0 { f64::NAN } else { value }
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put_u64(bytes, self.finite.count);
        put_u64(bytes, self.others);
        let central = &self.finite;
        for number in [
            central.sum,
            central.mean,
            central.second,
            central.third,
            central.fourth,
            self.others_sum,
            self.min,
            self.max,
            self.first.value,
            self.last.value,
        ] {
            put_f64(bytes, number);
        }
        put_at(bytes, self.first.at);
        put_at(bytes, self.last.at);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (finite, others) = (read_count(reader)?, read_count(reader)?);
        let [sum, mean, second, third, fourth] = read_floats(reader)?;
        let [others_sum, min, max, first, last] = read_floats(reader)?;
        let (first_at, last_at) = (read_at(reader)?, read_at(reader)?);
        if first_at > last_at || finite + others == 0 {
            return Err(Malformed);
        }
        Ok(Self {
            finite: Central {
                count: finite,
                sum,
                mean,
                second,
                third,
                fourth,
            },
            others,
            others_sum,
            min,
            max,
            first: Reading {
                at: first_at,
                value: first,
            },
            last: Reading {
                at: last_at,
                value: last,
            },
        })
    }
}

pub(super) fn read_count(reader: &mut Reader<'_>) -> Result<u64, Malformed> {
    let count = reader.u64()?;
    if count <= COUNT_MAX {
        Ok(count)
    } else {
        Err(Malformed)
    }
}

pub(super) fn read_floats<const N: usize>(reader: &mut Reader<'_>) -> Result<[f64; N], Malformed> {
    let mut floats = [0.0; N];
    for float in &mut floats {
        *float = read_f64(reader)?;
    }
    Ok(floats)
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 readings")]
pub(super) const fn count(count: u64) -> f64 {
    count as f64
}

//! Decides percentiles of any number of values within a stated relative error.
//!
//! A DDSketch (Masson, Rim and Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
//! Relative-Error Guarantees", VLDB 2019) that never collapses: bin i counts the values in
//! (γ^(i-1), γ^i] with γ = (1 + e) / (1 - e), and answers 2γ^i / (γ + 1), which is within the
//! share e of each of them. The range of floats bounds the bins, at e = 1 % to 72,800 for each
//! sign; they are kept from the least to the greatest in use.
//!
//! Zeros, the infinities and NaN are counted for themselves and answered exactly. The order is
//! that of Postgres: NaN is the greatest.

use super::StatisticsError;
use super::moments::{COUNT_MAX, count, read_count};
use super::readings::{put_f64, read_f64};
use crate::telemetry::bytes::{Malformed, Reader, put_i64, put_u64, put_usize};

/// The relative error unless told otherwise.
pub const RELATIVE_ERROR_DEFAULT: f64 = 0.01;

/// A smaller error would let bins take more than 12 MB.
const RELATIVE_ERROR_MIN: f64 = 0.001;

const RELATIVE_ERROR_MAX: f64 = 0.25;

/// Counts of values by magnitude.
#[derive(Clone, Debug, PartialEq)]
pub struct Percentiles {
    relative_error: f64,
    /// 1 / ln γ.
    scale: f64,
    negative_infinities: u64,
    negative: Bins,
    zeros: u64,
    positive: Bins,
    infinities: u64,
    nans: u64,
}

/// Counts of bins that follow one another.
#[derive(Clone, Debug, Default, PartialEq)]
struct Bins {
    first: i32,
    counts: Vec<u64>,
}

impl Bins {
    #[inline]
    fn add(&mut self, bin: i32, values: u64) {
        let place = i64::from(bin) - i64::from(self.first);
        let known = usize::try_from(place)
            .ok()
            .and_then(|place| self.counts.get_mut(place));
        if let Some(known) = known {
            *known = known.saturating_add(values);
        } else {
            self.reach(bin);
            self.add(bin, values);
        }
    }

    #[cold]
    fn reach(&mut self, bin: i32) {
        if self.counts.is_empty() {
            self.first = bin;
        }
        // A third more than needed, so that bins that come one by one do not copy the rest each.
        let slack = self.counts.len() / 3;
        if bin < self.first {
            let missing = self.first.abs_diff(bin) as usize + slack;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first -= i32::try_from(missing).unwrap_or_default();
        } else {
            let length = self.first.abs_diff(bin) as usize + 1;
            self.counts.resize(length, 0);
        }
    }

    fn total(&self) -> u64 {
        let add = |sum: u64, &values: &u64| sum.saturating_add(values);
        self.counts.iter().fold(0, add)
    }

    /// The bins that hold something.
    fn used(&self) -> impl DoubleEndedIterator<Item = (i32, u64)> + '_ {
        let places = (self.first..)
            .zip(&self.counts)
            .map(|(bin, &values)| (bin, values));
        let places: Vec<_> = places.filter(|&(_, values)| values > 0).collect();
        places.into_iter()
    }

    fn put(&self, bytes: &mut Vec<u8>) {
        put_usize(bytes, self.used().count());
        let mut before = 0;
        for (bin, values) in self.used() {
            put_i64(bytes, i64::from(bin) - i64::from(before));
            put_u64(bytes, values);
            before = bin;
        }
    }

    fn read(reader: &mut Reader<'_>, range: (i32, i32)) -> Result<Self, Malformed> {
        let (mut bins, mut before) = (Self::default(), 0_i64);
        for place in 0..reader.count(2)? {
            let bin = before.checked_add(reader.i64()?).ok_or(Malformed)?;
            let values = read_count(reader)?;
            let is_in_range = (i64::from(range.0)..=i64::from(range.1)).contains(&bin);
            if !is_in_range || (place > 0 && bin <= before) || values == 0 {
                return Err(Malformed);
            }
            bins.add(i32::try_from(bin).map_err(|_| Malformed)?, values);
            before = bin;
        }
        Ok(bins)
    }
}

impl Percentiles {
    /// No values yet, to be told within the share `relative_error` of themselves.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] unless it is from 0.001 to 0.25.
    pub fn new(relative_error: f64) -> Result<Self, StatisticsError> {
        if !(RELATIVE_ERROR_MIN..=RELATIVE_ERROR_MAX).contains(&relative_error) {
            return Err(StatisticsError::ArgumentInvalid {
                what: "the relative error of percentiles is a number from 0.001 to 0.25",
            });
        }
        Ok(Self {
            relative_error,
            scale: 1.0 / (2.0 * relative_error / (1.0 - relative_error)).ln_1p(),
            negative_infinities: 0,
            negative: Bins::default(),
            zeros: 0,
            positive: Bins::default(),
            infinities: 0,
            nans: 0,
        })
    }

    /// Takes in a value.
    #[inline]
    pub fn add(&mut self, value: f64) {
        if value.is_finite() && value != 0.0 {
            let bin = self.bin_of(value.abs());
            let bins = if value > 0.0 {
                &mut self.positive
            } else {
                &mut self.negative
            };
            bins.add(bin, 1);
        } else if value.is_nan() {
            self.nans += 1;
        } else if value == 0.0 {
            self.zeros += 1;
        } else if value > 0.0 {
            self.infinities += 1;
        } else {
            self.negative_infinities += 1;
        }
    }

    /// Takes in the values of another of the same error; false, and nothing taken, of another.
    #[must_use]
    pub fn merge(&mut self, other: &Self) -> bool {
        if self.relative_error.to_bits() != other.relative_error.to_bits() {
            return false;
        }
        for (bins, others) in [
            (&mut self.negative, &other.negative),
            (&mut self.positive, &other.positive),
        ] {
            for (bin, values) in others.used() {
                bins.add(bin, values);
            }
        }
        for (mine, others) in [
            (&mut self.negative_infinities, other.negative_infinities),
            (&mut self.zeros, other.zeros),
            (&mut self.infinities, other.infinities),
            (&mut self.nans, other.nans),
        ] {
            *mine = mine.saturating_add(others);
        }
        true
    }

    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        let counts = [
            self.negative_infinities,
            self.negative.total(),
            self.zeros,
            self.positive.total(),
            self.infinities,
            self.nans,
        ];
        counts.into_iter().fold(0, u64::saturating_add)
    }

    /// The greatest share of itself by which an answer may differ from a value that is there.
    #[must_use]
    pub const fn relative_error(&self) -> f64 {
        self.relative_error
    }

    /// The least value that at least this fraction of the values does not exceed, as Postgres'
    /// `percentile_disc`, within the relative error.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] unless the fraction is from 0 to 1.
    pub fn value_at(&self, fraction: f64) -> Result<Option<f64>, StatisticsError> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(StatisticsError::ArgumentInvalid {
                what: "the fraction of a percentile is a number from 0 to 1",
            });
        }
        let rank = (fraction * count(self.count())).ceil().max(1.0);
        let mut below = 0_u64;
        for (value, values) in self.ascending() {
            below = below.saturating_add(values);
            if count(below) >= rank {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// The fraction of the values that `value` or less; a value of the same bin counts as equal.
    /// `None` when there is no value.
    #[must_use]
    pub fn rank_of(&self, value: f64) -> Option<f64> {
        let all = self.count();
        let mut probe = Self {
            negative: Bins::default(),
            positive: Bins::default(),
            ..self.clone()
        };
        (
            probe.negative_infinities,
            probe.zeros,
            probe.infinities,
            probe.nans,
        ) = (0, 0, 0, 0);
        probe.add(value);
        let (limit, _) = probe.ascending().next()?;
        let is_above = |other: f64| other > limit || (other.is_nan() && !limit.is_nan());
        let at_most = self.ascending().take_while(|&(other, _)| !is_above(other));
        let at_most = at_most.fold(0, |sum: u64, (_, values)| sum.saturating_add(values));
        (all > 0).then(|| count(at_most) / count(all))
    }

    /// Every bin that holds something, with the value that it answers.
    fn ascending(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        let special = |value: f64, values: u64| (values > 0).then_some((value, values)).into_iter();
        let negative = self.negative.used().rev();
        let positive = self.positive.used();
        special(f64::NEG_INFINITY, self.negative_infinities)
            .chain(negative.map(|(bin, values)| (-self.answer_of(bin), values)))
            .chain(special(0.0, self.zeros))
            .chain(positive.map(|(bin, values)| (self.answer_of(bin), values)))
            .chain(special(f64::INFINITY, self.infinities))
            .chain(special(f64::NAN, self.nans))
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the logarithms of floats are within 745, their bins within 373,000"
    )]
    fn bin_of(&self, magnitude: f64) -> i32 {
        (magnitude.ln() * self.scale).ceil() as i32
    }

    fn answer_of(&self, bin: i32) -> f64 {
        // γ^i · 2 / (γ + 1), and 2 / (γ + 1) is 1 - e.
        let answer = (f64::from(bin) / self.scale).exp() * (1.0 - self.relative_error);
        if answer.is_finite() {
            answer
        } else {
            // The last bin reaches beyond the floats; its middle may, too.
            f64::MAX
        }
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put_f64(bytes, self.relative_error);
        for values in [
            self.negative_infinities,
            self.zeros,
            self.infinities,
            self.nans,
        ] {
            put_u64(bytes, values);
        }
        self.negative.put(bytes);
        self.positive.put(bytes);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let mut read = Self::new(read_f64(reader)?).map_err(|_| Malformed)?;
        read.negative_infinities = read_count(reader)?;
        read.zeros = read_count(reader)?;
        read.infinities = read_count(reader)?;
        read.nans = read_count(reader)?;
        let range = (read.bin_of(f64::from_bits(1)), read.bin_of(f64::MAX));
        read.negative = Bins::read(reader, range)?;
        read.positive = Bins::read(reader, range)?;
        if (1..=COUNT_MAX).contains(&read.count()) {
            Ok(read)
        } else {
            Err(Malformed)
        }
    }
}

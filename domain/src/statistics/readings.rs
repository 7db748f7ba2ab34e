//! Keeps the readings of a group until all are there: Postgres brings them in any order.

use super::StatisticsError;
use crate::telemetry::bytes::{Malformed, Reader, put_i64, put_usize};
use crate::time::Timestamp;

/// At 16 bytes each, half of what Postgres allows one value.
const COUNT_MAX: usize = 1 << 25;

/// Readings with values of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct Readings<T>(Vec<(Timestamp, T)>);

impl<T> Default for Readings<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Readings<T> {
    pub(super) fn add(&mut self, at: Timestamp, value: T) -> Result<(), StatisticsError> {
        self.reserve(1)?;
        self.0.push((at, value));
        Ok(())
    }

    pub(super) fn extend(&mut self, other: &Self) -> Result<(), StatisticsError> {
        self.reserve(other.0.len())?;
        self.0.extend_from_slice(&other.0);
        Ok(())
    }

    /// Memory that is not there is an error of the query, not the end of the server.
    fn reserve(&mut self, count: usize) -> Result<(), StatisticsError> {
        let fits = self.0.len() + count <= COUNT_MAX && self.0.try_reserve(count).is_ok();
        fits.then_some(()).ok_or(StatisticsError::TooLarge {
            limit: COUNT_MAX,
            what: "readings",
        })
    }

    /// Puts the readings in the order of time, those of one instant in the order of `key`, in place:
    /// there may be as many as memory holds.
    pub(super) fn sort<K: Ord>(&mut self, key: impl Fn(T) -> K) -> &[(Timestamp, T)] {
        let key = |&(at, value): &(Timestamp, T)| (at, key(value));
        if !self.0.is_sorted_by_key(key) {
            self.0.sort_unstable_by_key(key);
        }
        &self.0
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Timestamp, T)> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn in_given_order(self) -> Vec<(Timestamp, T)> {
        self.0
    }

    pub(super) fn from_ordered(readings: Vec<(Timestamp, T)>) -> Self {
        Self(readings)
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>, put_value: impl Fn(&mut Vec<u8>, T)) {
        put_usize(bytes, self.0.len());
        let mut before = 0;
        for &(at, value) in &self.0 {
            put_i64(bytes, at.as_micros().wrapping_sub(before));
            put_value(bytes, value);
            before = at.as_micros();
        }
    }

    pub(super) fn read<'a>(
        reader: &mut Reader<'a>,
        read_value: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
    ) -> Result<Self, Malformed> {
        let count = reader.count(2)?;
        let (mut readings, mut before) = (Vec::with_capacity(count), 0_i64);
        for _ in 0..count {
            before = before.wrapping_add(reader.i64()?);
            readings.push((Timestamp::from_micros(before), read_value(reader)?));
        }
        Ok(Self(readings))
    }
}

/// Orders floats as Postgres does, NaN last; both zeros are told apart, so that the order is total.
pub(super) const fn float_key(value: f64) -> i64 {
    if value.is_nan() {
        return i64::MAX;
    }
    let bits = value.to_bits().cast_signed();
    bits ^ (((bits >> 63).cast_unsigned()) >> 1).cast_signed()
}

/// The last of the readings of each instant, which are in order: an instant has one value.
pub(super) fn one_per_instant<T: Copy>(
    readings: &[(Timestamp, T)],
) -> impl Iterator<Item = (Timestamp, T)> + '_ {
    let nexts = readings.iter().skip(1).map(|&(at, _)| Some(at));
    let pairs = readings.iter().zip(nexts.chain([None]));
    pairs.filter_map(|(&(at, value), next)| (next != Some(at)).then_some((at, value)))
}

pub(super) fn put_f64(bytes: &mut Vec<u8>, value: f64) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

pub(super) fn read_f64(reader: &mut Reader<'_>) -> Result<f64, Malformed> {
    reader.array().map(f64::from_le_bytes)
}

pub(super) fn put_at(bytes: &mut Vec<u8>, at: Timestamp) {
    put_i64(bytes, at.as_micros());
}

pub(super) fn read_at(reader: &mut Reader<'_>) -> Result<Timestamp, Malformed> {
    let at = Timestamp::from_micros(reader.i64()?);
    super::finite(at).map_err(|_| Malformed)
}

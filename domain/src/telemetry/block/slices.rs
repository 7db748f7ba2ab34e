//! Decides into which slices the rows of a table fall.

use crate::telemetry::bytes::{Malformed, Reader, put_i64, put_u64, put_usize};
use crate::time::Timestamp;

/// The length of a slice.
pub(crate) const HOUR_MICROS: i64 = 3_600_000_000;

/// A table with fewer rows an hour than this is one slice: statistics of each hour would be larger
/// than the readings.
const ROWS_PER_HOUR_MIN: usize = 16;

/// Some rows of a table that stand one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Slice {
    /// When its first row was measured.
    pub(crate) first_at: Timestamp,
    /// When its last row was measured.
    pub(crate) last_at: Timestamp,
    /// How many rows it has, or had.
    pub(crate) rows: usize,
}

/// The number of the hour of UTC that holds `at`.
pub(crate) const fn hour_of(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(HOUR_MICROS)
}

/// Cuts rows, ordered by time, into slices: their hours, unless these hold too little.
pub(crate) fn cut(ats: &[Timestamp]) -> Vec<Slice> {
    let hours = ats.chunk_by(|left, right| hour_of(*left) == hour_of(*right));
    if hours.clone().count().saturating_mul(ROWS_PER_HOUR_MIN) <= ats.len() {
        hours.filter_map(slice).collect()
    } else {
        slice(ats).into_iter().collect()
    }
}

fn slice(ats: &[Timestamp]) -> Option<Slice> {
    Some(Slice {
        first_at: *ats.first()?,
        last_at: *ats.last()?,
        rows: ats.len(),
    })
}

/// Appends `slices`.
pub(super) fn put(bytes: &mut Vec<u8>, slices: &[Slice]) {
    put_usize(bytes, slices.len());
    let mut last = 0;
    for slice in slices {
        put_usize(bytes, slice.rows);
        put_i64(bytes, slice.first_at.as_micros().wrapping_sub(last));
        last = slice.last_at.as_micros();
        put_u64(bytes, last.abs_diff(slice.first_at.as_micros()));
    }
}

/// Reads slices, which follow each other in time.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Vec<Slice>, Malformed> {
    let count = reader.count(3)?;
    let mut slices = Vec::with_capacity(count);
    let mut last: Option<i64> = None;
    for _ in 0..count {
        let rows = reader.u32()? as usize;
        let first_at = last.unwrap_or_default().wrapping_add(reader.i64()?);
        let last_at = first_at
            .checked_add_unsigned(reader.u64()?)
            .ok_or(Malformed)?;
        if last.is_some_and(|last| first_at < last) {
            return Err(Malformed);
        }
        last = Some(last_at);
        slices.push(Slice {
            first_at: Timestamp::from_micros(first_at),
            last_at: Timestamp::from_micros(last_at),
            rows,
        });
    }
    Ok(slices)
}

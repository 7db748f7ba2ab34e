//! Writes and reads answers, on their way from the function that finds them to the one that lists
//! them.

use super::QueryError;
use crate::telemetry::bytes::{Malformed, Reader, put_i64, put_u64};
use crate::telemetry::value::Value;
use crate::telemetry::value_bytes::{put_value, read_value};
use crate::time::Timestamp;

/// What one bucket comes to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BucketRow<'a> {
    /// The number of the device, unless buckets are of all together.
    pub device: Option<i32>,
    /// The number of the metric, unless buckets are of all together.
    pub metric: Option<i32>,
    /// When the bucket begins, in microseconds since the epoch.
    pub at_micros: i64,
    /// How many readings have a value; nothing that was not asked for has one.
    pub count: Option<u64>,
    /// Least and greatest number, mean and sum; standard deviation; percentiles 50, 90, 95, 99.
    pub numbers: [Option<f64>; 9],
    /// The first reading's value.
    pub first: Option<Value<'a>>,
    /// The last reading's value.
    pub last: Option<Value<'a>>,
    /// Whether the bucket has no reading, and all else comes from its neighbours.
    pub(super) is_filled: bool,
}

/// One reading.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingRow<'a> {
    /// The number of the device.
    pub device: i32,
    /// The number of the metric.
    pub metric: i32,
    /// When it was measured.
    pub at: Timestamp,
    /// What was measured.
    pub value: Value<'a>,
}

impl BucketRow<'_> {
    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        for number in [self.device, self.metric] {
            bytes.push(u8::from(number.is_some()));
            if let Some(number) = number {
                put_i64(bytes, number.into());
            }
        }
        put_i64(bytes, self.at_micros);
        bytes.push(u8::from(self.count.is_some()));
        if let Some(count) = self.count {
            put_u64(bytes, count);
        }
        let places = self.numbers.iter().enumerate();
        let present = places.fold(0_u64, |present, (place, number)| {
            present | u64::from(number.is_some()) << place
        });
        put_u64(bytes, present);
        for number in self.numbers.into_iter().flatten() {
            bytes.extend(number.to_le_bytes());
        }
        for value in [&self.first, &self.last] {
            bytes.push(u8::from(value.is_some()));
            if let Some(value) = value {
                put_value(bytes, value);
            }
        }
    }
}

impl ReadingRow<'_> {
    pub(crate) fn put(&self, bytes: &mut Vec<u8>) {
        put_i64(bytes, self.device.into());
        put_i64(bytes, self.metric.into());
        put_i64(bytes, self.at.as_micros());
        put_value(bytes, &self.value);
    }
}

/// The buckets of an answer.
///
/// # Errors
/// [`QueryError::Malformed`] when the bytes are something else.
pub fn decode_buckets(bytes: &[u8]) -> Result<Vec<BucketRow<'_>>, QueryError> {
    read_all(bytes, |reader| {
        let mut row = BucketRow {
            device: read_optional(reader, super::read_number)?,
            metric: read_optional(reader, super::read_number)?,
            at_micros: reader.i64()?,
            count: read_optional(reader, Reader::u64)?,
            ..BucketRow::default()
        };
        let present = reader.u64()?;
        for (place, number) in row.numbers.iter_mut().enumerate() {
            if present >> place & 1 == 1 {
                *number = Some(super::read_float(reader)?);
            }
        }
        row.first = read_optional(reader, read_value)?;
        row.last = read_optional(reader, read_value)?;
        Ok(row)
    })
}

/// The readings of an answer.
///
/// # Errors
/// [`QueryError::Malformed`] when the bytes are something else.
pub fn decode_readings(bytes: &[u8]) -> Result<Vec<ReadingRow<'_>>, QueryError> {
    read_all(bytes, |reader| {
        Ok(ReadingRow {
            device: super::read_number(reader)?,
            metric: super::read_number(reader)?,
            at: Timestamp::from_micros(reader.i64()?),
            value: read_value(reader)?,
        })
    })
}

fn read_all<'a, T>(
    bytes: &'a [u8],
    read: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, QueryError> {
    let mut reader = Reader::new(bytes);
    let mut rows = Vec::new();
    while !reader.is_empty() {
        rows.push(read(&mut reader)?);
    }
    Ok(rows)
}

fn read_optional<'a, T>(
    reader: &mut Reader<'a>,
    read: impl Fn(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    super::read_optional(reader, read)
}

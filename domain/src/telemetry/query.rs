//! Decides what a question about readings is, and answers it from blocks and frames.
//!
//! A question names devices, metrics and a half-open range of time. What is not yet in blocks is
//! collected first ([`Recent`]): it arrived later than every block, so that of two readings of one
//! instant it counts. Then the blocks pass by, in any order, into the [`Answer`].

mod aggregates;
mod answer;
mod buckets;
mod distribution;
mod fill;
mod names;
mod readings;
mod recent;
mod scan;
mod tally;
mod width;

use thiserror::Error;

use super::block::{BlockBody, BlockError, BlockHead};
use super::bucket::{BucketError, BucketWidth, Bucketing, Zone};
use super::bytes::{Malformed, Reader, put_i64, put_text, put_u64, put_usize};
use super::frame::FrameError;
use super::value_bytes::read_text;
use crate::time::Timestamp;

pub use self::aggregates::Aggregates;
pub use self::answer::{BucketRow, ReadingRow, decode_buckets, decode_readings};
use self::buckets::Buckets;
pub use self::names::{Names, named};
use self::readings::Readings;
pub use self::recent::Recent;
pub use self::width::width_of;

/// The most readings that one query may hold in memory: seven weeks of one a second.
pub const QUERY_READINGS_MAX: usize = 1 << 22;

/// The most buckets of one series: ten times what a wide screen shows.
pub const SERIES_BUCKETS_MAX: usize = 50_000;

/// The most buckets of one query.
pub const QUERY_BUCKETS_MAX: usize = 1_000_000;

/// A half-open range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first instant.
    pub from: Timestamp,
    /// The instant after the last.
    pub to: Timestamp,
}

/// A question about readings.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The time asked about.
    pub range: Range,
    /// The numbers of the devices, ascending; all of the tenant's when there are none.
    pub devices: Option<Vec<i32>>,
    /// The numbers of the metrics, ascending; all of the tenant's when there are none.
    pub metrics: Option<Vec<i32>>,
    /// The question for readings, or for what buckets of them come to.
    pub form: Form,
}

/// What the answer is to look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// Buckets.
    Buckets(BucketForm),
    /// The readings themselves.
    Readings(ReadingForm),
}

/// How buckets are made.
#[derive(Clone, Debug, PartialEq)]
pub struct BucketForm {
    /// Months, days and microseconds of the interval, of which one is not 0.
    pub width: (i32, i32, i64),
    /// The name of a time zone.
    pub zone: String,
    /// Where a bucket begins, if that is not where calendars have it.
    pub origin: Option<Timestamp>,
    /// What stands in buckets without readings.
    pub fill: Fill,
    /// Whether each device has buckets of its own.
    pub by_device: bool,
    /// Whether each metric has buckets of its own.
    pub by_metric: bool,
    /// What is asked of each bucket.
    pub aggregates: Aggregates,
}

/// Which readings are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ReadingForm {
    /// Numbers greater than this only.
    pub above: Option<f64>,
    /// Numbers less than this only.
    pub below: Option<f64>,
    /// At most so many of each series, chosen so that a chart looks the same.
    pub points_max: Option<usize>,
}

/// What stands in buckets without readings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    /// The bucket is absent.
    #[default]
    None,
    /// Nulls.
    Null,
    /// What the bucket before has.
    Previous,
    /// The straight line between the buckets around it.
    Linear,
}

impl Fill {
    /// The fill of this name.
    ///
    /// # Errors
    /// [`QueryError::FillUnknown`] when there is none.
    pub fn named(name: &str) -> Result<Self, QueryError> {
        [Self::None, Self::Null, Self::Previous, Self::Linear]
            .into_iter()
            .find(|fill| fill.name() == name)
            .ok_or_else(|| QueryError::FillUnknown(name.to_owned()))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Null => "null",
            Self::Previous => "previous",
            Self::Linear => "linear",
        }
    }
}

impl BucketForm {
    /// Whether devices and metrics have buckets of their own, when these names are what buckets are
    /// grouped by.
    ///
    /// # Errors
    /// [`QueryError::GroupUnknown`] when a name is neither `device` nor `metric`.
    pub fn groups<'n>(
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(bool, bool), QueryError> {
        let (mut by_device, mut by_metric) = (false, false);
        for name in names {
            match name {
                "device" => by_device = true,
                "metric" => by_metric = true,
                _ => return Err(QueryError::GroupUnknown(name.to_owned())),
            }
        }
        Ok((by_device, by_metric))
    }

    fn bucketing(&self) -> Result<Bucketing, BucketError> {
        let (months, days, micros) = self.width;
        let width = BucketWidth::from_interval(months, days, micros)?;
        let bucketing = Bucketing::new(width, &Zone::named(&self.zone)?);
        match self.origin {
            Some(origin) => bucketing.with_origin(origin),
            None => Ok(bucketing),
        }
    }
}

impl Range {
    /// All of time.
    pub const ALL: Self = Self {
        from: Timestamp::from_micros(i64::MIN),
        to: Timestamp::from_micros(i64::MAX),
    };

    /// From the one to before the other.
    ///
    /// # Errors
    /// [`QueryError::RangeInvalid`] when that is no time, or has no end.
    pub fn of(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self, QueryError> {
        match (from, to) {
            (Some(from), Some(to)) if from < to && from > Self::ALL.from && to < Self::ALL.to => {
                Ok(Self { from, to })
            }
            _ => Err(QueryError::RangeInvalid),
        }
    }

    fn contains(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }

    fn micros(&self) -> i128 {
        i128::from(self.to.as_micros()) - i128::from(self.from.as_micros())
    }
}

/// How many points of a chart are asked for, if that is limited.
///
/// # Errors
/// [`QueryError::PointsInvalid`] when it is none.
pub const fn points_of(points_max: Option<usize>) -> Result<Option<usize>, QueryError> {
    match points_max {
        Some(0) => Err(QueryError::PointsInvalid),
        _ => Ok(points_max),
    }
}

impl Query {
    /// The question as bytes, to be given to the functions that answer it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_i64(&mut bytes, self.range.from.as_micros());
        put_i64(&mut bytes, self.range.to.as_micros());
        for numbers in [&self.devices, &self.metrics] {
            put_optional(&mut bytes, numbers.as_ref(), |bytes, numbers| {
                put_usize(bytes, numbers.len());
                numbers
                    .iter()
                    .for_each(|&number| put_i64(bytes, number.into()));
            });
        }
        match &self.form {
            Form::Buckets(form) => {
                bytes.push(0);
                put_i64(&mut bytes, form.width.0.into());
                put_i64(&mut bytes, form.width.1.into());
                put_i64(&mut bytes, form.width.2);
                put_text(&mut bytes, &form.zone);
                put_optional(&mut bytes, form.origin, |bytes, origin| {
                    put_i64(bytes, origin.as_micros());
                });
                put_text(&mut bytes, form.fill.name());
                bytes.extend([form.by_device, form.by_metric].map(u8::from));
                put_u64(&mut bytes, form.aggregates.bits().into());
            }
            Form::Readings(form) => {
                bytes.push(1);
                for limit in [form.above, form.below] {
                    put_optional(&mut bytes, limit, |bytes, limit| {
                        bytes.extend(limit.to_le_bytes());
                    });
                }
                put_optional(&mut bytes, form.points_max, |bytes, most| {
                    put_u64(bytes, most as u64);
                });
            }
        }
        bytes
    }

    /// Reads what [`Self::encode`] wrote.
    ///
    /// # Errors
    /// [`QueryError::Malformed`] when the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, QueryError> {
        let mut reader = Reader::new(bytes);
        let query = Self::read(&mut reader)?;
        if reader.is_empty() {
            Ok(query)
        } else {
            Err(QueryError::Malformed)
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            range: Range {
                from: Timestamp::from_micros(reader.i64()?),
                to: Timestamp::from_micros(reader.i64()?),
            },
            devices: read_optional(reader, read_numbers)?,
            metrics: read_optional(reader, read_numbers)?,
            form: match reader.u8()? {
                0 => Form::Buckets(BucketForm {
                    width: (read_number(reader)?, read_number(reader)?, reader.i64()?),
                    zone: read_text(reader)?.to_owned(),
                    origin: read_optional(reader, |reader| {
                        reader.i64().map(Timestamp::from_micros)
                    })?,
                    fill: Fill::named(read_text(reader)?).map_err(|_| Malformed)?,
                    by_device: reader.u8()? != 0,
                    by_metric: reader.u8()? != 0,
                    aggregates: Aggregates::of_bits(reader.u32()?),
                }),
                1 => Form::Readings(ReadingForm {
                    above: read_optional(reader, read_float)?,
                    below: read_optional(reader, read_float)?,
                    points_max: read_optional(reader, |reader| Ok(reader.u32()? as usize))?,
                }),
                _ => return Err(Malformed),
            },
        })
    }

    pub(crate) fn wants_device(&self, device: i32) -> bool {
        is_in(self.devices.as_ref(), device)
    }

    pub(crate) fn wants_metric(&self, metric: i32) -> bool {
        is_in(self.metrics.as_ref(), metric)
    }
}

fn is_in(numbers: Option<&Vec<i32>>, number: i32) -> bool {
    numbers.is_none_or(|numbers| numbers.binary_search(&number).is_ok())
}

fn put_optional<T>(bytes: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    bytes.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(bytes, value);
    }
}

fn read_optional<'a, T>(
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    match reader.u8()? {
        0 => Ok(None),
        1 => read(reader).map(Some),
        _ => Err(Malformed),
    }
}

fn read_number(reader: &mut Reader<'_>) -> Result<i32, Malformed> {
    i32::try_from(reader.i64()?).map_err(|_| Malformed)
}

fn read_numbers(reader: &mut Reader<'_>) -> Result<Vec<i32>, Malformed> {
    let count = reader.count(1)?;
    (0..count).map(|_| read_number(reader)).collect()
}

fn read_float(reader: &mut Reader<'_>) -> Result<f64, Malformed> {
    reader.array().map(f64::from_le_bytes)
}

/// An answer that blocks are added to, in any order.
#[derive(Debug)]
pub enum Answer {
    /// In buckets.
    Buckets(Buckets),
    /// With the readings.
    Readings(Readings),
}

impl Answer {
    /// The answer to `query` from what [`Recent::finish`] has, without a block yet.
    ///
    /// # Errors
    /// [`QueryError::Bucket`] when there are no such buckets, [`QueryError::TooManyBuckets`] when
    /// there would be too many for one series, [`QueryError::Malformed`] when `recent` is none of
    /// ours.
    pub fn new(query: Query, recent: Option<&[u8]>) -> Result<Self, QueryError> {
        match query.form.clone() {
            Form::Buckets(form) => Buckets::new(query, form, recent).map(Self::Buckets),
            Form::Readings(form) => Readings::new(query, form, recent).map(Self::Readings),
        }
    }

    /// Adds what a block of `device` holds.
    ///
    /// # Errors
    /// [`QueryError::Block`] when the block is corrupt, [`QueryError::TooManyReadings`] and
    /// [`QueryError::TooManyBuckets`] past those limits.
    pub fn add(
        &mut self,
        device: i32,
        head: &BlockHead<'_>,
        body: &(impl BlockBody + ?Sized),
    ) -> Result<(), QueryError> {
        match self {
            Self::Buckets(buckets) => buckets.add(device, head, body),
            Self::Readings(readings) => readings.add(device, head, body),
        }
    }

    /// The answer as bytes for [`decode_buckets`] or [`decode_readings`]: ordered by device, metric
    /// and time.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn finish(self) -> Result<Vec<u8>, QueryError> {
        match self {
            Self::Buckets(buckets) => buckets.finish(),
            Self::Readings(readings) => readings.finish(),
        }
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QueryError {
    /// The buckets asked for do not exist.
    #[error(transparent)]
    Bucket(#[from] BucketError),
    /// A block is corrupt.
    #[error(transparent)]
    Block(#[from] BlockError),
    /// A frame is corrupt.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// An empty or open range.
    #[error("the range is empty or open: give both ends, from before to")]
    RangeInvalid,
    /// A width and a number of points that each say how wide buckets are.
    #[error("both the width and the number of points say how wide buckets are: give one of them")]
    WidthGivenTwice,
    /// A chart of no points.
    #[error("a chart has at least one point")]
    PointsInvalid,
    /// No aggregate of this name.
    #[error("there is no aggregate {0:?}: known are {names}", names = Aggregates::NAMES.join(", "))]
    AggregateUnknown(String),
    /// No fill of this name.
    #[error("there is no fill {0:?}: known are none, null, previous and linear")]
    FillUnknown(String),
    /// Nothing of this name to group by.
    #[error("buckets are not grouped by {0:?}: they can be by device and by metric")]
    GroupUnknown(String),
    /// More readings than [`QUERY_READINGS_MAX`].
    #[error("a query holds at most {QUERY_READINGS_MAX} readings: ask for a shorter range")]
    TooManyReadings,
    /// More buckets than [`SERIES_BUCKETS_MAX`] of one series, or [`QUERY_BUCKETS_MAX`] of all.
    #[error(
        "a series has at most {SERIES_BUCKETS_MAX} buckets, and all together have \
         {QUERY_BUCKETS_MAX}: ask for wider ones"
    )]
    TooManyBuckets,
    /// No question, no recent readings or no answer of ours.
    #[error("these bytes are no question or answer about readings")]
    Malformed,
}

impl QueryError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Bucket(error) => error.code(),
            Self::Block(error) => error.code(),
            Self::Frame(error) => error.code(),
            Self::RangeInvalid => "telemetry.range_invalid",
            Self::WidthGivenTwice => "telemetry.width_given_twice",
            Self::PointsInvalid => "telemetry.points_invalid",
            Self::AggregateUnknown(_) => "telemetry.aggregate_unknown",
            Self::FillUnknown(_) => "telemetry.fill_unknown",
            Self::GroupUnknown(_) => "telemetry.group_unknown",
            Self::TooManyReadings => "telemetry.series_too_long",
            Self::TooManyBuckets => "telemetry.too_many_buckets",
            Self::Malformed => "telemetry.query_malformed",
        }
    }
}

impl From<Malformed> for QueryError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

#[cfg(test)]
mod tests;

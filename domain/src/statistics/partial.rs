//! Decides the bytes of a partial, and which questions each kind answers.
//!
//! A partial is a kind (1 byte), a version (1 byte), what the kind needs, and a CRC-32 of all that
//! before it (4 bytes, little-endian). Integers are varints, signed ones zigzag-coded; floats are
//! 8 bytes, little-endian.

use super::candlestick::Candlestick;
use super::counter::Course;
use super::heartbeat::Heartbeat;
use super::moments::Moments;
use super::percentiles::Percentiles;
use super::readings::{Readings, put_f64, read_f64};
use super::states::States;
use super::time_weight::TimeWeight;
use super::{Reading, StatisticsError, finite};
use crate::telemetry::bytes::{Malformed, Reader};
use crate::time::Timestamp;

/// The only version so far.
const VERSION: u8 = 1;

const CHECKSUM_BYTES: usize = 4;

/// What an aggregate came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Partial {
    /// Of `stats_agg`.
    Moments(Moments),
    /// Of `percentile_agg`.
    Percentiles(Percentiles),
    /// Of `time_weight`.
    TimeWeight(TimeWeight),
    /// Of `counter_agg`.
    Counter(Course),
    /// Of `gauge_agg`.
    Gauge(Course),
    /// Of `state_agg`.
    States(States),
    /// Of `heartbeat_agg`.
    Heartbeat(Heartbeat),
    /// Of `candlestick`.
    Candlestick(Candlestick),
    /// Of `lttb`.
    Points(Vec<(Timestamp, f64)>),
}

impl Partial {
    const fn kind(&self) -> u8 {
        match self {
            Self::Moments(_) => 1,
            Self::Percentiles(_) => 2,
            Self::TimeWeight(_) => 3,
            Self::Counter(_) => 4,
            Self::Gauge(_) => 5,
            Self::States(_) => 6,
            Self::Heartbeat(_) => 7,
            Self::Candlestick(_) => 8,
            Self::Points(_) => 9,
        }
    }

    /// The aggregate that makes partials of this kind.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Moments(_) => "stats_agg",
            Self::Percentiles(_) => "percentile_agg",
            Self::TimeWeight(_) => "time_weight",
            Self::Counter(_) => "counter_agg",
            Self::Gauge(_) => "gauge_agg",
            Self::States(_) => "state_agg",
            Self::Heartbeat(_) => "heartbeat_agg",
            Self::Candlestick(_) => "candlestick",
            Self::Points(_) => "lttb",
        }
    }

    /// The bytes of the partial.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.kind(), VERSION];
        match self {
            Self::Moments(moments) => moments.put(&mut bytes),
            Self::Percentiles(percentiles) => percentiles.put(&mut bytes),
            Self::TimeWeight(weight) => weight.put(&mut bytes),
            Self::Counter(course) | Self::Gauge(course) => course.put(&mut bytes),
            Self::States(states) => states.put(&mut bytes),
            Self::Heartbeat(heartbeat) => {
                let mut settled = heartbeat.clone();
                settled.settle();
                settled.put(&mut bytes);
            }
            Self::Candlestick(candlestick) => candlestick.put(&mut bytes),
            Self::Points(points) => Readings::from_ordered(points.clone()).put(&mut bytes, put_f64),
        }
        let checksum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// The partial of these bytes.
    ///
    /// # Errors
    /// [`StatisticsError::PartialCorrupt`] when they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, StatisticsError> {
        let (content, checksum) = bytes
            .split_last_chunk::<CHECKSUM_BYTES>()
            .ok_or(StatisticsError::PartialCorrupt)?;
        if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
            return Err(StatisticsError::PartialCorrupt);
        }
        let mut reader = Reader::new(content);
        let partial = Self::read(&mut reader)?;
        if reader.is_empty() {
            Ok(partial)
        } else {
            Err(StatisticsError::PartialCorrupt)
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let kind = reader.u8()?;
        if reader.u8()? != VERSION {
            return Err(Malformed);
        }
        match kind {
            1 => Moments::read(reader).map(Self::Moments),
            2 => Percentiles::read(reader).map(Self::Percentiles),
            3 => TimeWeight::read(reader).map(Self::TimeWeight),
            4 => Course::read(true, reader).map(Self::Counter),
            5 => Course::read(false, reader).map(Self::Gauge),
            6 => States::read(reader).map(Self::States),
            7 => Heartbeat::read(reader).map(Self::Heartbeat),
            8 => Candlestick::read(reader).map(Self::Candlestick),
            9 => {
                let points = Readings::read(reader, read_f64)?.in_given_order();
                let are_finite = points.iter().all(|&(at, _)| finite(at).is_ok());
                let in_order = points.is_sorted_by_key(|&(at, _)| at);
                (are_finite && in_order)
                    .then_some(Self::Points(points))
                    .ok_or(Malformed)
            }
            _ => Err(Malformed),
        }
    }

    /// The refusal of a function that takes partials of `wanted` only.
    const fn refused<T>(&self, wanted: &'static str) -> Result<T, StatisticsError> {
        Err(StatisticsError::PartialKind {
            wanted,
            found: self.name(),
        })
    }

    /// The moments.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`] for another kind; so do all that follow.
    pub const fn moments(&self) -> Result<&Moments, StatisticsError> {
        match self {
            Self::Moments(moments) => Ok(moments),
            _ => self.refused("stats_agg"),
        }
    }

    /// The percentiles.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub const fn percentiles(&self) -> Result<&Percentiles, StatisticsError> {
        match self {
            Self::Percentiles(percentiles) => Ok(percentiles),
            _ => self.refused("percentile_agg"),
        }
    }

    /// The value over time.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub const fn time_weight(&self) -> Result<&TimeWeight, StatisticsError> {
        match self {
            Self::TimeWeight(weight) => Ok(weight),
            _ => self.refused("time_weight"),
        }
    }

    /// The course of a counter or a gauge.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub const fn course(&self) -> Result<&Course, StatisticsError> {
        match self {
            Self::Counter(course) | Self::Gauge(course) => Ok(course),
            _ => self.refused("counter_agg or gauge_agg"),
        }
    }

    /// The course of a counter.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub const fn counter(&self) -> Result<&Course, StatisticsError> {
        match self {
            Self::Counter(course) => Ok(course),
            _ => self.refused("counter_agg"),
        }
    }

    /// The states.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub const fn states(&self) -> Result<&States, StatisticsError> {
        match self {
            Self::States(states) => Ok(states),
            _ => self.refused("state_agg"),
        }
    }

    /// The beats.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub const fn heartbeat(&self) -> Result<&Heartbeat, StatisticsError> {
        match self {
            Self::Heartbeat(heartbeat) => Ok(heartbeat),
            _ => self.refused("heartbeat_agg"),
        }
    }

    /// The candle.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub const fn candlestick(&self) -> Result<&Candlestick, StatisticsError> {
        match self {
            Self::Candlestick(candlestick) => Ok(candlestick),
            _ => self.refused("candlestick"),
        }
    }

    /// The points of a chart.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub fn points(&self) -> Result<&[(Timestamp, f64)], StatisticsError> {
        match self {
            Self::Points(points) => Ok(points),
            _ => self.refused("lttb"),
        }
    }

    /// How many values were taken in.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub fn count(&self) -> Result<u64, StatisticsError> {
        match self {
            Self::Moments(moments) => Ok(moments.count()),
            Self::Percentiles(percentiles) => Ok(percentiles.count()),
            Self::TimeWeight(weight) => Ok(weight.count),
            Self::Counter(course) | Self::Gauge(course) => Ok(course.count),
            Self::Candlestick(candlestick) => Ok(candlestick.trades()),
            Self::Points(points) => Ok(points.len() as u64),
            Self::States(_) | Self::Heartbeat(_) => self.refused("an aggregate of numbers"),
        }
    }

    /// The average: over the readings of `stats_agg`, over time of `time_weight`.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub fn average(&self) -> Result<Option<f64>, StatisticsError> {
        match self {
            Self::Moments(moments) => Ok(Some(moments.mean())),
            Self::TimeWeight(weight) => Ok(weight.covered().average()),
            _ => self.refused("stats_agg or time_weight"),
        }
    }

    /// The earliest and the latest reading.
    ///
    /// # Errors
    /// [`StatisticsError::PartialKind`].
    pub const fn ends(&self) -> Result<(Reading, Reading), StatisticsError> {
        match self {
            Self::Moments(moments) => Ok((moments.first(), moments.last())),
            Self::TimeWeight(weight) => Ok((weight.first, weight.last)),
            Self::Counter(course) | Self::Gauge(course) => Ok((course.first, course.last)),
            Self::Candlestick(candle) => Ok((candle.open(), candle.close())),
            _ => self.refused("stats_agg, time_weight, counter_agg, gauge_agg or candlestick"),
        }
    }
}

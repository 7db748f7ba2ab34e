//! Decides what an aggregate keeps from row to row, and how parallel workers share it.
//!
//! Where the order of readings does not count, the state is the partial itself. Where it does, the
//! state keeps all readings, 16 bytes each, as Postgres brings them in any order.

use super::candlestick::Candlestick;
use super::counter::Course;
use super::heartbeat::Heartbeat;
use super::lttb::lttb;
use super::moments::Moments;
use super::partial::Partial;
use super::percentiles::Percentiles;
use super::readings::{Readings, float_key, one_per_instant, put_f64, read_f64};
use super::states::{StateReadings, States};
use super::time_weight::{Method, TimeWeight};
use super::window::Window;
use super::{Reading, StatisticsError, finite};
use crate::telemetry::bytes::{Malformed, Reader, put_usize};
use crate::time::Timestamp;

/// The most points a chart may ask for.
const POINTS_MAX: usize = 1 << 24;

/// What an aggregate keeps; nothing before its first reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State(Option<Kept>);

#[derive(Clone, Debug, PartialEq)]
enum Kept {
    /// A partial that grows, where order does not count.
    Whole(Partial),
    /// Readings to put in order.
    Readings(Ordered, Readings<f64>),
    /// Readings of states to put in order.
    States(StateReadings),
    /// Partials of one kind to put in order.
    Parts(Vec<Partial>),
}

/// What becomes of readings that are in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ordered {
    TimeWeight(Method),
    Counter,
    Gauge,
    Points(usize),
}

impl State {
    /// A row of `stats_agg`.
    ///
    /// # Errors
    /// [`StatisticsError::TimeInfinite`], as for every row with a time.
    #[inline]
    pub fn add_to_moments(&mut self, at: Timestamp, value: f64) -> Result<(), StatisticsError> {
        let reading = Reading {
            at: finite(at)?,
            value,
        };
        match &mut self.0 {
            Some(Kept::Whole(Partial::Moments(moments))) => moments.add(reading),
            kept => *kept = Some(Kept::Whole(Partial::Moments(Moments::of(reading)))),
        }
        Ok(())
    }

    /// A row of `percentile_agg`.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] when the error is none or not that of the rows before.
    #[inline]
    pub fn add_to_percentiles(
        &mut self,
        value: f64,
        relative_error: f64,
    ) -> Result<(), StatisticsError> {
        if let Some(Kept::Whole(Partial::Percentiles(percentiles))) = &mut self.0 {
            if percentiles.relative_error().to_bits() != relative_error.to_bits() {
                return Err(SETTINGS_DIFFER);
            }
            percentiles.add(value);
            return Ok(());
        }
        let mut percentiles = Percentiles::new(relative_error)?;
        percentiles.add(value);
        self.0 = Some(Kept::Whole(Partial::Percentiles(percentiles)));
        Ok(())
    }

    /// A row of `time_weight`.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] when the method is not that of the rows before;
    /// [`StatisticsError::TooLarge`].
    pub fn add_to_time_weight(
        &mut self,
        method: Method,
        at: Timestamp,
        value: f64,
    ) -> Result<(), StatisticsError> {
        self.add_measurement(Ordered::TimeWeight(method), at, value)
    }

    /// A row of `counter_agg`.
    ///
    /// # Errors
    /// [`StatisticsError::TooLarge`].
    pub fn add_to_counter(&mut self, at: Timestamp, value: f64) -> Result<(), StatisticsError> {
        self.add_measurement(Ordered::Counter, at, value)
    }

    /// A row of `gauge_agg`.
    ///
    /// # Errors
    /// [`StatisticsError::TooLarge`].
    pub fn add_to_gauge(&mut self, at: Timestamp, value: f64) -> Result<(), StatisticsError> {
        self.add_measurement(Ordered::Gauge, at, value)
    }

    /// A row of `lttb`.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] when `max_points` is negative, too many, or not that
    /// of the rows before; [`StatisticsError::TooLarge`].
    pub fn add_to_points(
        &mut self,
        at: Timestamp,
        value: f64,
        max_points: i32,
    ) -> Result<(), StatisticsError> {
        let max_points = usize::try_from(max_points).ok();
        let max_points = max_points.filter(|&points| points <= POINTS_MAX);
        let max_points = max_points.ok_or(StatisticsError::ArgumentInvalid {
            what: "max_points is a number from 0 to 16777216",
        })?;
        self.add_reading(Ordered::Points(max_points), at, value)
    }

    fn add_measurement(
        &mut self,
        ordered: Ordered,
        at: Timestamp,
        value: f64,
    ) -> Result<(), StatisticsError> {
        finite(at)?;
        if value.is_finite() {
            self.add_reading(ordered, at, value)
        } else {
            Ok(())
        }
    }

    #[inline]
    fn add_reading(
        &mut self,
        ordered: Ordered,
        at: Timestamp,
        value: f64,
    ) -> Result<(), StatisticsError> {
        let at = finite(at)?;
        if self.0.is_none() {
            self.0 = Some(Kept::Readings(ordered, Readings::default()));
        }
        match &mut self.0 {
            Some(Kept::Readings(before, readings)) if *before == ordered => readings.add(at, value),
            _ => Err(SETTINGS_DIFFER),
        }
    }

    /// A row of `state_agg`.
    ///
    /// # Errors
    /// [`StatisticsError::TooLarge`].
    pub fn add_to_states(&mut self, at: Timestamp, state: &str) -> Result<(), StatisticsError> {
        if self.0.is_none() {
            self.0 = Some(Kept::States(StateReadings::default()));
        }
        match &mut self.0 {
            Some(Kept::States(readings)) => readings.add(at, state),
            _ => Err(SETTINGS_DIFFER),
        }
    }

    /// A row of `heartbeat_agg`.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] when window or liveness are not those of the rows
    /// before; [`StatisticsError::TooLarge`].
    pub fn add_to_heartbeat(
        &mut self,
        at: Timestamp,
        window: Window,
        liveness_micros: i64,
    ) -> Result<(), StatisticsError> {
        let kept = self.0.get_or_insert_with(|| {
            Kept::Whole(Partial::Heartbeat(Heartbeat::new(window, liveness_micros)))
        });
        match kept {
            Kept::Whole(Partial::Heartbeat(heartbeat))
                if heartbeat.is_over(window, liveness_micros) =>
            {
                heartbeat.add(at)
            }
            _ => Err(SETTINGS_DIFFER),
        }
    }

    /// A row of `candlestick`.
    ///
    /// # Errors
    /// As for every row with a time.
    pub fn add_to_candlestick(
        &mut self,
        at: Timestamp,
        price: f64,
        volume: Option<f64>,
    ) -> Result<(), StatisticsError> {
        let trade = Reading {
            at: finite(at)?,
            value: price,
        };
        if let Some(candle) = Candlestick::of(trade, volume) {
            match &mut self.0 {
                Some(Kept::Whole(Partial::Candlestick(candles))) => candles.merge(&candle),
                kept => *kept = Some(Kept::Whole(Partial::Candlestick(candle))),
            }
        }
        Ok(())
    }

    /// A row of `rollup`.
    ///
    /// # Errors
    /// [`StatisticsError::PartialCorrupt`]; [`StatisticsError::PartialsMixed`];
    /// [`StatisticsError::PartialKind`] for points of a chart, which do not add up.
    pub fn add_partial(&mut self, bytes: &[u8]) -> Result<(), StatisticsError> {
        let partial = Partial::decode(bytes)?;
        let kept = match &partial {
            Partial::Points(_) => {
                return Err(StatisticsError::PartialKind {
                    wanted: "any aggregate but lttb, whose points do not add up",
                    found: "lttb",
                });
            }
            Partial::TimeWeight(_)
            | Partial::Counter(_)
            | Partial::Gauge(_)
            | Partial::States(_) => Kept::Parts(vec![partial]),
            _ => Kept::Whole(partial),
        };
        self.merge(Self(Some(kept)))
    }

    /// Takes in the state of another worker.
    ///
    /// # Errors
    /// [`StatisticsError::PartialsMixed`]; [`StatisticsError::TooLarge`].
    pub fn merge(&mut self, other: Self) -> Result<(), StatisticsError> {
        let Some(other) = other.0 else {
            return Ok(());
        };
        let Some(kept) = &mut self.0 else {
            self.0 = Some(other);
            return Ok(());
        };
        match (kept, other) {
            (Kept::Whole(mine), Kept::Whole(other)) => merge_whole(mine, &other),
            (Kept::Readings(mine, readings), Kept::Readings(other, others)) if *mine == other => {
                readings.extend(&others)
            }
            (Kept::States(mine), Kept::States(other)) => mine.merge(&other),
            (Kept::Parts(mine), Kept::Parts(mut others)) => {
                if let (Some(first), Some(second)) = (mine.first(), others.first())
                    && !are_alike(first, second)
                {
                    return Err(mixed(first, second));
                }
                mine.append(&mut others);
                Ok(())
            }
            (kept, other) => Err(StatisticsError::PartialsMixed {
                first: kept.name(),
                second: other.name(),
            }),
        }
    }

    /// The partial of all rows so far; `None` when there was none. More rows may follow: a window
    /// asks for one partial after another.
    ///
    /// # Errors
    /// [`StatisticsError::PartialsOverlap`]; [`StatisticsError::TooLarge`].
    pub fn finish(&mut self) -> Result<Option<Partial>, StatisticsError> {
        match &mut self.0 {
            None => Ok(None),
            Some(Kept::Whole(partial)) => {
                if let Partial::Heartbeat(heartbeat) = partial {
                    heartbeat.settle();
                }
                Ok(Some(partial.clone()))
            }
            Some(Kept::Readings(ordered, readings)) => Ok(in_order(*ordered, readings)),
            Some(Kept::States(readings)) => Ok(readings.finish()?.map(Partial::States)),
            Some(Kept::Parts(parts)) => roll_up(parts),
        }
    }

    /// The state as bytes, for another worker of the same query.
    #[must_use]
    pub fn serialize(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match &self.0 {
            None => bytes.push(0),
            Some(Kept::Whole(partial)) => {
                bytes.push(1);
                bytes.extend_from_slice(&partial.encode());
            }
            Some(Kept::Readings(ordered, readings)) => {
                bytes.push(2);
                let (tag, setting) = match ordered {
                    Ordered::TimeWeight(Method::Locf) => (0, 0),
                    Ordered::TimeWeight(Method::Linear) => (1, 0),
                    Ordered::Counter => (2, 0),
                    Ordered::Gauge => (3, 0),
                    Ordered::Points(max_points) => (4, *max_points),
                };
                bytes.push(tag);
                put_usize(&mut bytes, setting);
                readings.put(&mut bytes, put_f64);
            }
            Some(Kept::States(readings)) => {
                bytes.push(3);
                readings.put(&mut bytes);
            }
            Some(Kept::Parts(parts)) => {
                bytes.push(4);
                put_usize(&mut bytes, parts.len());
                for part in parts {
                    let part = part.encode();
                    put_usize(&mut bytes, part.len());
                    bytes.extend_from_slice(&part);
                }
            }
        }
        bytes
    }

    /// The state of another worker.
    ///
    /// # Errors
    /// [`StatisticsError::PartialCorrupt`] when the bytes are none.
    pub fn deserialize(bytes: &[u8]) -> Result<Self, StatisticsError> {
        let mut reader = Reader::new(bytes);
        let kept = match reader.u8()? {
            0 => None,
            1 => Some(Kept::Whole(Partial::decode(
                reader.take(reader.remaining())?,
            )?)),
            2 => {
                let (tag, setting) = (reader.u8()?, reader.u64()?);
                let ordered = match tag {
                    0 => Ordered::TimeWeight(Method::Locf),
                    1 => Ordered::TimeWeight(Method::Linear),
                    2 => Ordered::Counter,
                    3 => Ordered::Gauge,
                    4 => Ordered::Points(usize::try_from(setting).map_err(|_| Malformed)?),
                    _ => return Err(StatisticsError::PartialCorrupt),
                };
                let readings = Readings::read(&mut reader, read_f64)?;
                Some(Kept::Readings(ordered, readings))
            }
            3 => Some(Kept::States(StateReadings::read(&mut reader)?)),
            4 => {
                let mut parts = Vec::new();
                for _ in 0..reader.count(1)? {
                    let length = reader.count(1)?;
                    parts.push(Partial::decode(reader.take(length)?)?);
                }
                Some(Kept::Parts(parts))
            }
            _ => return Err(StatisticsError::PartialCorrupt),
        };
        Ok(Self(kept))
    }
}

const SETTINGS_DIFFER: StatisticsError = StatisticsError::ArgumentInvalid {
    what: "the settings of an aggregate are the same for all rows of a group",
};

impl Kept {
    fn name(&self) -> &'static str {
        match self {
            Self::Whole(partial) => partial.name(),
            Self::Readings(Ordered::TimeWeight(_), _) => "time_weight",
            Self::Readings(Ordered::Counter, _) => "counter_agg",
            Self::Readings(Ordered::Gauge, _) => "gauge_agg",
            Self::Readings(Ordered::Points(_), _) => "lttb",
            Self::States(_) => "state_agg",
            Self::Parts(parts) => parts.first().map_or("rollup", Partial::name),
        }
    }
}

fn mixed(first: &Partial, second: &Partial) -> StatisticsError {
    let (first_name, second_name) = (first.name(), second.name());
    StatisticsError::PartialsMixed {
        first: first_name,
        second: if first_name == second_name {
            "the same with another setting"
        } else {
            second_name
        },
    }
}

fn are_alike(first: &Partial, second: &Partial) -> bool {
    match (first, second) {
        (Partial::TimeWeight(first), Partial::TimeWeight(second)) => first.method == second.method,
        _ => first.name() == second.name(),
    }
}

fn merge_whole(mine: &mut Partial, other: &Partial) -> Result<(), StatisticsError> {
    let merged = match (&mut *mine, other) {
        (Partial::Moments(mine), Partial::Moments(other)) => {
            mine.merge(other);
            true
        }
        (Partial::Percentiles(mine), Partial::Percentiles(other)) => mine.merge(other),
        (Partial::Heartbeat(mine), Partial::Heartbeat(other)) => mine.merge(other)?,
        (Partial::Candlestick(mine), Partial::Candlestick(other)) => {
            mine.merge(other);
            true
        }
        _ => false,
    };
    merged.then_some(()).ok_or_else(|| mixed(mine, other))
}

/// What readings come to that are put in order; `None` when there are none.
fn in_order(ordered: Ordered, readings: &mut Readings<f64>) -> Option<Partial> {
    let readings = readings.sort(float_key);
    let readings = match ordered {
        Ordered::Points(max_points) => {
            let kept = lttb(readings, max_points).into_iter();
            let points = kept.filter_map(|place| readings.get(place).copied());
            return Some(Partial::Points(points.collect()));
        }
        _ => one_per_instant(readings),
    };
    let readings = readings.map(|(at, value)| Reading { at, value });
    match ordered {
        Ordered::TimeWeight(method) => {
            let weights = readings.map(|reading| TimeWeight::of(method, reading));
            fold(weights, TimeWeight::append).map(Partial::TimeWeight)
        }
        Ordered::Counter => {
            let courses = readings.map(|reading| Course::of(true, reading));
            fold(courses, Course::append).map(Partial::Counter)
        }
        Ordered::Gauge => {
            let courses = readings.map(|reading| Course::of(false, reading));
            fold(courses, Course::append).map(Partial::Gauge)
        }
        Ordered::Points(_) => None,
    }
}

fn fold<T>(items: impl Iterator<Item = T>, append: impl Fn(&mut T, &T)) -> Option<T> {
    items.reduce(|mut all, later| {
        append(&mut all, &later);
        all
    })
}

fn roll_up(parts: &mut [Partial]) -> Result<Option<Partial>, StatisticsError> {
    parts.sort_by_key(range_of);
    let mut parts = parts.iter();
    let Some(mut all) = parts.next().cloned() else {
        return Ok(None);
    };
    for later in parts {
        if range_of(&all).1 >= range_of(later).0 {
            return Err(StatisticsError::PartialsOverlap { kind: all.name() });
        }
        match (&mut all, later) {
            (Partial::TimeWeight(all), Partial::TimeWeight(later)) => all.append(later),
            (Partial::Counter(all), Partial::Counter(later))
            | (Partial::Gauge(all), Partial::Gauge(later)) => all.append(later),
            (Partial::States(all), Partial::States(later)) => States::append(all, later)?,
            (all, _) => return Err(mixed(all, later)),
        }
    }
    Ok(Some(all))
}

/// From when to when the readings are, where that counts.
fn range_of(partial: &Partial) -> (Timestamp, Timestamp) {
    match partial {
        Partial::States(states) => states.range(),
        _ => partial.ends().map_or(
            (Timestamp::from_micros(0), Timestamp::from_micros(0)),
            |(first, last)| (first.at, last.at),
        ),
    }
}

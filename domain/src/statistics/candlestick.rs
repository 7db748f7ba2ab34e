//! Decides the candle of a set of trades: open, high, low, close, volume.
//!
//! A price that is not finite is no trade. A volume that is null or not finite leaves the trade
//! without one: its price counts, and neither volume nor vwap know of it.
//! Of several trades of one instant the lowest price opens and the highest closes, so that the
//! order in which rows come does not count; of equal highs and lows the earliest counts.

use super::Reading;
use super::moments::read_count;
use super::readings::{float_key, put_at, put_f64};
use super::time_weight::read_reading;
use crate::telemetry::bytes::{Malformed, Reader, put_u64};

/// What trades come to. There is at least one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candlestick {
    trades: u64,
    open: Reading,
    high: Reading,
    low: Reading,
    close: Reading,
    /// The volume, and the sum of price times volume, of trades with one.
    volume: Option<(f64, f64)>,
}

impl Candlestick {
    /// The candle of one trade; `None` when its price is not finite.
    #[must_use]
    pub fn of(trade: Reading, volume: Option<f64>) -> Option<Self> {
        let volume = volume.filter(|volume| volume.is_finite());
        trade.value.is_finite().then_some(Self {
            trades: 1,
            open: trade,
            high: trade,
            low: trade,
            close: trade,
            volume: volume.map(|volume| (volume, trade.value * volume)),
        })
    }

    /// Takes in the trades of another.
    pub fn merge(&mut self, other: &Self) {
        let by_time = |trade: Reading| (trade.at, float_key(trade.value));
        if by_time(other.open) < by_time(self.open) {
            self.open = other.open;
        }
        if by_time(other.close) > by_time(self.close) {
            self.close = other.close;
        }
        let is_earlier =
            |trade: Reading, than: Reading| trade.value == than.value && trade.at < than.at;
        if other.high.value > self.high.value || is_earlier(other.high, self.high) {
            self.high = other.high;
        }
        if other.low.value < self.low.value || is_earlier(other.low, self.low) {
            self.low = other.low;
        }
        self.trades = self.trades.saturating_add(other.trades);
        self.volume = match (self.volume, other.volume) {
            (Some(mine), Some(others)) => Some((mine.0 + others.0, mine.1 + others.1)),
            (mine, others) => mine.or(others),
        };
    }

    /// How many trades there are.
    #[must_use]
    pub const fn trades(&self) -> u64 {
        self.trades
    }

    /// The earliest trade.
    #[must_use]
    pub const fn open(&self) -> Reading {
        self.open
    }

    /// The earliest of the highest.
    #[must_use]
    pub const fn high(&self) -> Reading {
        self.high
    }

    /// The earliest of the lowest.
    #[must_use]
    pub const fn low(&self) -> Reading {
        self.low
    }

    /// The latest trade.
    #[must_use]
    pub const fn close(&self) -> Reading {
        self.close
    }

    /// The volume; `None` when no trade has one.
    #[must_use]
    pub fn volume(&self) -> Option<f64> {
        self.volume.map(|(volume, _)| volume)
    }

    /// The average price, weighted with the volume; `None` when there is none.
    #[must_use]
    pub fn vwap(&self) -> Option<f64> {
        let (volume, turnover) = self.volume?;
        (volume != 0.0).then(|| turnover / volume)
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put_u64(bytes, self.trades);
        for trade in [self.open, self.high, self.low, self.close] {
            put_at(bytes, trade.at);
            put_f64(bytes, trade.value);
        }
        bytes.push(u8::from(self.volume.is_some()));
        if let Some((volume, turnover)) = self.volume {
            put_f64(bytes, volume);
            put_f64(bytes, turnover);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let trades = read_count(reader)?;
        let (open, high) = (read_reading(reader)?, read_reading(reader)?);
        let (low, close) = (read_reading(reader)?, read_reading(reader)?);
        let volume = match reader.u8()? {
            0 => None,
            1 => Some(super::moments::read_floats::<2>(reader)?.into()),
            _ => return Err(Malformed),
        };
        if trades == 0 || open.at > close.at || low.value > high.value {
            return Err(Malformed);
        }
        Ok(Self {
            trades,
            open,
            high,
            low,
            close,
            volume,
        })
    }
}

//! Candles of trades.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::statistics::state::State;

use super::partial::read;
use crate::aggregate::state_of;
use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;

/// Adds a row to the state of candlestick; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn candlestick_state(
    state: Internal,
    at: Option<TimestampWithTimeZone>,
    price: Option<f64>,
    volume: Option<f64>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(at), Some(price)) = (at, price) {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_candlestick(to_timestamp(at), price, volume)
            .or_report();
    }
    state
}

/// The earliest price of candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn open(partial: &[u8]) -> f64 {
    read(partial).candlestick().or_report().open().value
}

/// The highest price of candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn high(partial: &[u8]) -> f64 {
    read(partial).candlestick().or_report().high().value
}

/// The lowest price of candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn low(partial: &[u8]) -> f64 {
    read(partial).candlestick().or_report().low().value
}

/// The latest price of candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn close(partial: &[u8]) -> f64 {
    read(partial).candlestick().or_report().close().value
}

/// When the earliest price of candlestick was.
#[pg_extern(immutable, parallel_safe, strict)]
fn open_time(partial: &[u8]) -> TimestampWithTimeZone {
    from_timestamp(read(partial).candlestick().or_report().open().at)
}

/// When the earliest of the highest price of candlestick was.
#[pg_extern(immutable, parallel_safe, strict)]
fn high_time(partial: &[u8]) -> TimestampWithTimeZone {
    from_timestamp(read(partial).candlestick().or_report().high().at)
}

/// When the earliest of the lowest price of candlestick was.
#[pg_extern(immutable, parallel_safe, strict)]
fn low_time(partial: &[u8]) -> TimestampWithTimeZone {
    from_timestamp(read(partial).candlestick().or_report().low().at)
}

/// When the latest price of candlestick was.
#[pg_extern(immutable, parallel_safe, strict)]
fn close_time(partial: &[u8]) -> TimestampWithTimeZone {
    from_timestamp(read(partial).candlestick().or_report().close().at)
}

/// The volume of candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn volume(partial: &[u8]) -> Option<f64> {
    read(partial).candlestick().or_report().volume()
}

/// The average price of candlestick, weighted with the volume.
#[pg_extern(immutable, parallel_safe, strict)]
fn vwap(partial: &[u8]) -> Option<f64> {
    read(partial).candlestick().or_report().vwap()
}

extension_sql!(
    r#"
create aggregate candlestick(at timestamptz, price double precision, volume double precision) (
    sfunc = candlestick_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate candlestick(timestamptz, double precision, double precision) is
    'The candle of the trades, as a partial for open, high, low, close, their times, volume and vwap. Rows without time or price, or with a price that is not finite, are passed over; a trade may lack its volume.';
comment on function candlestick_state(internal, timestamptz, double precision, double precision) is 'Adds a row to the state of candlestick.';
comment on function open(bytea) is
    'The earliest price of candlestick.';
comment on function high(bytea) is
    'The highest price of candlestick.';
comment on function low(bytea) is
    'The lowest price of candlestick.';
comment on function close(bytea) is
    'The latest price of candlestick.';
comment on function open_time(bytea) is
    'When the earliest price of candlestick was.';
comment on function high_time(bytea) is
    'When the earliest of the highest price of candlestick was.';
comment on function low_time(bytea) is
    'When the earliest of the lowest price of candlestick was.';
comment on function close_time(bytea) is
    'When the latest price of candlestick was.';
comment on function volume(bytea) is
    'The volume of candlestick. Null when no row had one.';
comment on function vwap(bytea) is
    'The average price of candlestick, weighted with the volume. Null without volume.';
"#,
    name = "statistics_candlestick",
    requires = [
        "statistics",
        candlestick_state,
        open,
        high,
        low,
        close,
        open_time,
        high_time,
        low_time,
        close_time,
        volume,
        vwap
    ]
);

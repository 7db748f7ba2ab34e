//! Counters that start again, and gauges.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::statistics::state::State;

use super::partial::{read, to_count, to_interval, to_window};
use crate::aggregate::state_of;
use crate::convert::to_timestamp;
use crate::error::OrReport;

/// Adds a row to the state of counter_agg; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn counter_agg_state(
    state: Internal,
    at: Option<TimestampWithTimeZone>,
    value: Option<f64>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(at), Some(value)) = (at, value) {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_counter(to_timestamp(at), value).or_report();
    }
    state
}

/// Adds a row to the state of gauge_agg; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn gauge_agg_state(
    state: Internal,
    at: Option<TimestampWithTimeZone>,
    value: Option<f64>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(at), Some(value)) = (at, value) {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_gauge(to_timestamp(at), value).or_report();
    }
    state
}

/// The growth of counter_agg or gauge_agg from the first reading to the last, through resets.
#[pg_extern(immutable, parallel_safe, strict)]
fn delta(partial: &[u8]) -> f64 {
    read(partial).course().or_report().delta()
}

/// The time from the first reading to the last, of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn time_delta(partial: &[u8]) -> Interval {
    let (first, last) = read(partial).ends().or_report();
    to_interval(last.at.as_micros().saturating_sub(first.at.as_micros()))
}

/// The growth per second from the first reading to the last.
#[pg_extern(immutable, parallel_safe, strict)]
fn rate(partial: &[u8]) -> Option<f64> {
    read(partial).course().or_report().rate()
}

/// The growth from the first reading to the second.
#[pg_extern(immutable, parallel_safe, strict)]
fn idelta_left(partial: &[u8]) -> Option<f64> {
    read(partial).course().or_report().delta_left()
}

/// The growth from the last reading but one to the last.
#[pg_extern(immutable, parallel_safe, strict)]
fn idelta_right(partial: &[u8]) -> Option<f64> {
    read(partial).course().or_report().delta_right()
}

/// The growth per second from the first reading to the second.
#[pg_extern(immutable, parallel_safe, strict)]
fn irate_left(partial: &[u8]) -> Option<f64> {
    read(partial).course().or_report().rate_left()
}

/// The growth per second from the last reading but one to the last.
#[pg_extern(immutable, parallel_safe, strict)]
fn irate_right(partial: &[u8]) -> Option<f64> {
    read(partial).course().or_report().rate_right()
}

/// How often the counter of counter_agg started again.
#[pg_extern(immutable, parallel_safe, strict)]
fn num_resets(partial: &[u8]) -> i64 {
    to_count(read(partial).counter().or_report().resets())
}

/// How often a value differed from the one before.
#[pg_extern(immutable, parallel_safe, strict)]
fn num_changes(partial: &[u8]) -> i64 {
    to_count(read(partial).course().or_report().changes())
}

/// The slope per second of the line of least squares through the values, without resets.
#[pg_extern(immutable, parallel_safe, strict)]
fn slope(partial: &[u8]) -> Option<f64> {
    read(partial).course().or_report().slope()
}

/// Where the line of least squares is at an instant, or at the first reading when none is given.
#[pg_extern(immutable, parallel_safe)]
fn intercept(
    partial: Option<&[u8]>,
    at: default!(Option<TimestampWithTimeZone>, "null"),
) -> Option<f64> {
    let partial = partial?;
    let partial = read(partial);
    let course = partial.course().or_report();
    let first_at = partial.ends().or_report().0.at;
    course.line_at(at.map_or(first_at, to_timestamp))
}

/// The correlation of value, without resets, and time, from -1 to 1.
#[pg_extern(immutable, parallel_safe, strict)]
fn corr(partial: &[u8]) -> Option<f64> {
    read(partial).course().or_report().correlation()
}

/// The growth over a window that holds all readings, as Prometheus extrapolates: to an end that is nearer than 1.1 average steps, else half a step, and a counter not to before it was zero.
#[pg_extern(immutable, parallel_safe, strict)]
fn extrapolated_delta(
    partial: &[u8],
    start: TimestampWithTimeZone,
    length: Interval,
) -> Option<f64> {
    let window = to_window(start, &length);
    read(partial)
        .course()
        .or_report()
        .extrapolated_delta(window)
        .or_report()
}

/// The extrapolated growth over a window, per second of it.
#[pg_extern(immutable, parallel_safe, strict)]
fn extrapolated_rate(
    partial: &[u8],
    start: TimestampWithTimeZone,
    length: Interval,
) -> Option<f64> {
    let window = to_window(start, &length);
    read(partial)
        .course()
        .or_report()
        .extrapolated_rate(window)
        .or_report()
}

extension_sql!(
    r#"
create aggregate counter_agg(at timestamptz, value double precision) (
    sfunc = counter_agg_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate counter_agg(timestamptz, double precision) is
    'The course of a counter that only grows or starts again from zero, as a partial for delta, rate, num_resets and the like. Rows with a null are passed over, as are values that are not finite; of several of one instant the greatest counts.';
create aggregate gauge_agg(at timestamptz, value double precision) (
    sfunc = gauge_agg_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate gauge_agg(timestamptz, double precision) is
    'The course of a gauge that may rise and fall, as a partial for delta, rate, slope and the like. Rows with a null are passed over, as are values that are not finite; of several of one instant the greatest counts.';
comment on function counter_agg_state(internal, timestamptz, double precision) is 'Adds a row to the state of counter_agg.';
comment on function gauge_agg_state(internal, timestamptz, double precision) is 'Adds a row to the state of gauge_agg.';
comment on function delta(bytea) is
    'The growth of counter_agg or gauge_agg from the first reading to the last, through resets.';
comment on function time_delta(bytea) is
    'The time from the first reading to the last, of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.';
comment on function rate(bytea) is
    'The growth per second from the first reading to the last. Null for one reading.';
comment on function idelta_left(bytea) is
    'The growth from the first reading to the second. Null for one reading.';
comment on function idelta_right(bytea) is
    'The growth from the last reading but one to the last. Null for one reading.';
comment on function irate_left(bytea) is
    'The growth per second from the first reading to the second. Null for one reading.';
comment on function irate_right(bytea) is
    'The growth per second from the last reading but one to the last. Null for one reading.';
comment on function num_resets(bytea) is
    'How often the counter of counter_agg started again.';
comment on function num_changes(bytea) is
    'How often a value differed from the one before.';
comment on function slope(bytea) is
    'The slope per second of the line of least squares through the values, without resets. Null for one reading.';
comment on function intercept(bytea, timestamptz) is
    'Where the line of least squares is at an instant, or at the first reading when none is given. Null for one reading.';
comment on function corr(bytea) is
    'The correlation of value, without resets, and time, from -1 to 1. Null when either is constant.';
comment on function extrapolated_delta(bytea, timestamptz, interval) is
    'The growth over a window that holds all readings, as Prometheus extrapolates: to an end that is nearer than 1.1 average steps, else half a step, and a counter not to before it was zero. Null for one reading.';
comment on function extrapolated_rate(bytea, timestamptz, interval) is
    'The extrapolated growth over a window, per second of it. Null for one reading.';
"#,
    name = "statistics_counter",
    requires = [
        "statistics",
        counter_agg_state,
        gauge_agg_state,
        delta,
        time_delta,
        rate,
        idelta_left,
        idelta_right,
        irate_left,
        irate_right,
        num_resets,
        num_changes,
        slope,
        intercept,
        corr,
        extrapolated_delta,
        extrapolated_rate
    ]
);

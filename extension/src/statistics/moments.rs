//! Count, sum, mean, spread, shape and ends.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::statistics::moments::Population;
use tenon_domain::statistics::state::State;

use super::partial::read;
use crate::aggregate::state_of;
use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;

/// Adds a row to the state of stats_agg; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn stats_agg_state(
    state: Internal,
    at: Option<TimestampWithTimeZone>,
    value: Option<f64>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(at), Some(value)) = (at, value) {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_moments(to_timestamp(at), value).or_report();
    }
    state
}

/// The mean of the values of stats_agg, or the average over time of time_weight, which is null when no time has passed.
#[pg_extern(immutable, parallel_safe, strict)]
fn average(partial: &[u8]) -> Option<f64> {
    read(partial).average().or_report()
}

/// The sum of the values of stats_agg.
#[pg_extern(immutable, parallel_safe, strict)]
fn sum(partial: &[u8]) -> f64 {
    read(partial).moments().or_report().sum()
}

/// The variance of the values of stats_agg, as of a 'sample' (null for one value) or the whole 'population'.
#[pg_extern(immutable, parallel_safe, strict)]
fn variance(partial: &[u8], method: default!(&str, "'sample'")) -> Option<f64> {
    let population = Population::named(method).or_report();
    read(partial).moments().or_report().variance(population)
}

/// The standard deviation of the values of stats_agg, as of a 'sample' (null for one value) or the whole 'population'.
#[pg_extern(immutable, parallel_safe, strict)]
fn stddev(partial: &[u8], method: default!(&str, "'sample'")) -> Option<f64> {
    variance(partial, method).map(f64::sqrt)
}

/// The skewness of the values of stats_agg, adjusted as of a 'sample' or of the whole 'population'.
#[pg_extern(immutable, parallel_safe, strict)]
fn skewness(partial: &[u8], method: default!(&str, "'sample'")) -> Option<f64> {
    let population = Population::named(method).or_report();
    read(partial).moments().or_report().skewness(population)
}

/// The kurtosis of the values of stats_agg, 3 for the normal distribution, adjusted as of a 'sample' or of the whole 'population'.
#[pg_extern(immutable, parallel_safe, strict)]
fn kurtosis(partial: &[u8], method: default!(&str, "'sample'")) -> Option<f64> {
    let population = Population::named(method).or_report();
    read(partial).moments().or_report().kurtosis(population)
}

/// The least value of stats_agg.
#[pg_extern(immutable, parallel_safe, strict)]
fn min_val(partial: &[u8]) -> f64 {
    read(partial).moments().or_report().min()
}

/// The greatest value of stats_agg, NaN above all.
#[pg_extern(immutable, parallel_safe, strict)]
fn max_val(partial: &[u8]) -> f64 {
    read(partial).moments().or_report().max()
}

/// The earliest value of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn first_val(partial: &[u8]) -> f64 {
    read(partial).ends().or_report().0.value
}

/// The latest value of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn last_val(partial: &[u8]) -> f64 {
    read(partial).ends().or_report().1.value
}

/// When the earliest value was, of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn first_time(partial: &[u8]) -> TimestampWithTimeZone {
    from_timestamp(read(partial).ends().or_report().0.at)
}

/// When the latest value was, of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.
#[pg_extern(immutable, parallel_safe, strict)]
fn last_time(partial: &[u8]) -> TimestampWithTimeZone {
    from_timestamp(read(partial).ends().or_report().1.at)
}

extension_sql!(
    r#"
create aggregate stats_agg(at timestamptz, value double precision) (
    sfunc = stats_agg_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate stats_agg(timestamptz, double precision) is
    'What the values come to, as a partial: average, sum, variance, stddev, skewness, kurtosis, min_val, max_val, first_val, last_val, first_time, last_time and num_vals read it. Rows with a null are passed over; NaN and the infinities count as in avg and max.';
comment on function stats_agg_state(internal, timestamptz, double precision) is 'Adds a row to the state of stats_agg.';
comment on function average(bytea) is
    'The mean of the values of stats_agg, or the average over time of time_weight, which is null when no time has passed.';
comment on function sum(bytea) is
    'The sum of the values of stats_agg.';
comment on function variance(bytea, text) is
    'The variance of the values of stats_agg, as of a ''sample'' (null for one value) or the whole ''population''.';
comment on function stddev(bytea, text) is
    'The standard deviation of the values of stats_agg, as of a ''sample'' (null for one value) or the whole ''population''.';
comment on function skewness(bytea, text) is
    'The skewness of the values of stats_agg, adjusted as of a ''sample'' or of the whole ''population''. Null when all are equal.';
comment on function kurtosis(bytea, text) is
    'The kurtosis of the values of stats_agg, 3 for the normal distribution, adjusted as of a ''sample'' or of the whole ''population''. Null when all are equal.';
comment on function min_val(bytea) is
    'The least value of stats_agg.';
comment on function max_val(bytea) is
    'The greatest value of stats_agg, NaN above all.';
comment on function first_val(bytea) is
    'The earliest value of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.';
comment on function last_val(bytea) is
    'The latest value of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.';
comment on function first_time(bytea) is
    'When the earliest value was, of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.';
comment on function last_time(bytea) is
    'When the latest value was, of stats_agg, time_weight, counter_agg, gauge_agg or candlestick.';
"#,
    name = "statistics_moments",
    requires = [
        "statistics",
        stats_agg_state,
        average,
        sum,
        variance,
        stddev,
        skewness,
        kurtosis,
        min_val,
        max_val,
        first_val,
        last_val,
        first_time,
        last_time
    ]
);

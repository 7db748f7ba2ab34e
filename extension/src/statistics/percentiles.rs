//! Percentiles within a stated error.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::statistics::percentiles::RELATIVE_ERROR_DEFAULT;
use tenon_domain::statistics::state::State;

use super::partial::read;
use crate::aggregate::state_of;
use crate::error::OrReport;

/// Adds a row to the state of percentile_agg; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn percentile_agg_state(state: Internal, value: Option<f64>, fcinfo: FunctionCallInfo) -> Internal {
    let mut state = state;
    if let Some(value) = value {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_percentiles(value, RELATIVE_ERROR_DEFAULT)
            .or_report();
    }
    state
}

/// Adds a row to the state of percentile_agg_error; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn percentile_agg_error_state(
    state: Internal,
    value: Option<f64>,
    relative_error: Option<f64>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(value), Some(relative_error)) = (value, relative_error) {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_percentiles(value, relative_error).or_report();
    }
    state
}

/// The value that percentile_disc(fraction) would give, within the relative error of percentile_agg.
#[pg_extern(immutable, parallel_safe, strict)]
fn approx_percentile(fraction: f64, partial: &[u8]) -> Option<f64> {
    let partial = read(partial);
    partial
        .percentiles()
        .or_report()
        .value_at(fraction)
        .or_report()
}

/// The fraction of the values of percentile_agg that are at most the value, or within the relative error of it.
#[pg_extern(immutable, parallel_safe, strict)]
fn approx_percentile_rank(value: f64, partial: &[u8]) -> Option<f64> {
    read(partial).percentiles().or_report().rank_of(value)
}

/// The share of itself by which an answer of percentile_agg may differ from a value that is there.
#[pg_extern(immutable, parallel_safe, strict)]
fn error(partial: &[u8]) -> f64 {
    read(partial).percentiles().or_report().relative_error()
}

extension_sql!(
    r#"
create aggregate percentile_agg(value double precision) (
    sfunc = percentile_agg_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate percentile_agg(double precision) is
    'The distribution of the values within 1 % of each, as a partial for approx_percentile and approx_percentile_rank. Rows with a null are passed over; NaN is the greatest.';
create aggregate percentile_agg(value double precision, relative_error double precision) (
    sfunc = percentile_agg_error_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate percentile_agg(double precision, double precision) is
    'The distribution of the values within a relative error from 0.001 to 0.25, as a partial for approx_percentile and approx_percentile_rank. Rows with a null are passed over; NaN is the greatest.';
comment on function percentile_agg_state(internal, double precision) is 'Adds a row to the state of percentile_agg.';
comment on function percentile_agg_error_state(internal, double precision, double precision) is 'Adds a row to the state of percentile_agg_error.';
comment on function approx_percentile(double precision, bytea) is
    'The value that percentile_disc(fraction) would give, within the relative error of percentile_agg. Zeros, infinities and NaN are exact.';
comment on function approx_percentile_rank(double precision, bytea) is
    'The fraction of the values of percentile_agg that are at most the value, or within the relative error of it.';
comment on function error(bytea) is
    'The share of itself by which an answer of percentile_agg may differ from a value that is there.';
"#,
    name = "statistics_percentiles",
    requires = [
        "statistics",
        percentile_agg_state,
        percentile_agg_error_state,
        approx_percentile,
        approx_percentile_rank,
        error
    ]
);

//! What all aggregates share: how workers bring their states together, the partial, the rollup.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::statistics::partial::Partial;
use tenon_domain::statistics::state::State;
use tenon_domain::statistics::window::{Length, Window};

use crate::aggregate::state_of;
use crate::convert::to_timestamp;
use crate::error::OrReport;

/// The partial of these bytes.
pub(super) fn read(partial: &[u8]) -> Partial {
    Partial::decode(partial).or_report()
}

pub(super) fn to_length(interval: &Interval) -> Length {
    Length {
        months: interval.months(),
        days: interval.days(),
        micros: interval.micros(),
    }
}

pub(super) fn to_window(start: TimestampWithTimeZone, length: &Interval) -> Window {
    Window::new(to_timestamp(start), to_length(length)).or_report()
}

/// So many microseconds, as hours and less: no day is as long as all others.
pub(super) fn to_interval(micros: i64) -> Interval {
    Interval::new(0, 0, micros).unwrap_or_else(|_| Interval::from_days(0))
}

/// A count as SQL has it.
pub(super) fn to_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Brings the states of two workers together.
#[pg_extern(immutable, parallel_safe)]
fn statistics_combine(state: Internal, other: Internal, fcinfo: FunctionCallInfo) -> Internal {
    let mut state = state;
    // SAFETY: the combine function of our aggregates alone is given this state, and all of them
    // keep a `State`.
    if let Some(other) = unsafe { other.get::<State>() } {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.merge(other.clone()).or_report();
    }
    state
}

/// The state as bytes for another process of the query.
#[pg_extern(immutable, parallel_safe, strict)]
fn statistics_serialize(state: Internal) -> Vec<u8> {
    // SAFETY: as for combining.
    unsafe { state.get::<State>() }.map_or_else(|| State::default().serialize(), State::serialize)
}

/// The state of another process of the query.
#[pg_extern(immutable, parallel_safe, strict)]
fn statistics_deserialize(bytes: &[u8], _unused: Internal) -> Internal {
    Internal::new(State::deserialize(bytes).or_report())
}

/// Ends an aggregate: its partial, or null when no row counted.
#[pg_extern(immutable, parallel_safe)]
fn statistics_final(state: Internal, fcinfo: FunctionCallInfo) -> Option<Vec<u8>> {
    let mut state = state;
    let kept = state_of::<State>(&mut state, fcinfo);
    kept.finish().or_report().map(|partial| partial.encode())
}

/// Adds a partial to the state of rollup; null adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn rollup_state(state: Internal, partial: Option<&[u8]>, fcinfo: FunctionCallInfo) -> Internal {
    let mut state = state;
    if let Some(partial) = partial {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_partial(partial).or_report();
    }
    state
}

/// The aggregate that made a partial.
#[pg_extern(immutable, parallel_safe, strict)]
fn partial_kind(partial: &[u8]) -> &'static str {
    read(partial).name()
}

/// How many values a partial has taken in.
#[pg_extern(immutable, parallel_safe, strict)]
fn num_vals(partial: &[u8]) -> i64 {
    to_count(read(partial).count().or_report())
}

extension_sql!(
    r#"
create aggregate rollup(partial bytea) (
    sfunc = rollup_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate rollup(bytea) is
    'The partial of all rows of the partials, which are of one kind and setting, in any order. Those of time_weight, counter_agg, gauge_agg and state_agg must not overlap in time; those of lttb do not add up. Null when there is none.';
comment on function rollup_state(internal, bytea) is 'Adds a partial to the state of rollup.';
comment on function statistics_combine(internal, internal) is
    'Brings the states of two workers of a statistical aggregate together.';
comment on function statistics_serialize(internal) is
    'The state of a statistical aggregate, for another process of the query.';
comment on function statistics_deserialize(bytea, internal) is
    'The state of a statistical aggregate, from another process of the query.';
comment on function statistics_final(internal) is 'Ends a statistical aggregate.';
comment on function partial_kind(bytea) is 'The name of the aggregate that made the partial.';
comment on function num_vals(bytea) is
    'How many values the partial has taken in: of stats_agg, percentile_agg, time_weight, counter_agg, gauge_agg, candlestick or lttb.';
"#,
    name = "statistics",
    requires = [
        rollup_state,
        statistics_combine,
        statistics_serialize,
        statistics_deserialize,
        statistics_final,
        partial_kind,
        num_vals
    ]
);

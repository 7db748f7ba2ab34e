//! When something was alive.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::statistics::heartbeat::micros_of;
use tenon_domain::statistics::state::State;
use tenon_domain::statistics::window::Window;

use super::partial::{read, to_count, to_interval, to_length, to_window};
use crate::aggregate::state_of;
use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;

fn to_rows(
    stretches: impl IntoIterator<Item = Window>,
) -> Vec<(TimestampWithTimeZone, TimestampWithTimeZone)> {
    let rows = stretches.into_iter();
    let rows = rows.map(|range| (from_timestamp(range.start), from_timestamp(range.end)));
    rows.collect()
}

/// Adds a row to the state of heartbeat_agg; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn heartbeat_agg_state(
    state: Internal,
    at: Option<TimestampWithTimeZone>,
    start: Option<TimestampWithTimeZone>,
    length: Option<Interval>,
    liveness: Option<Interval>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(at), Some(start), Some(length), Some(liveness)) = (at, start, length, liveness) {
        let window = to_window(start, &length);
        let liveness = to_length(&liveness).as_micros().or_report();
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_heartbeat(to_timestamp(at), window, liveness)
            .or_report();
    }
    state
}

/// How long heartbeat_agg found life in its window.
#[pg_extern(immutable, parallel_safe, strict)]
fn uptime(partial: &[u8]) -> Interval {
    to_interval(micros_of(read(partial).heartbeat().or_report().live()))
}

/// How long heartbeat_agg found no life in its window.
#[pg_extern(immutable, parallel_safe, strict)]
fn downtime(partial: &[u8]) -> Interval {
    to_interval(micros_of(read(partial).heartbeat().or_report().dead()))
}

/// The stretches of life of heartbeat_agg, in the order of time.
#[pg_extern(immutable, parallel_safe, strict)]
fn live_ranges(
    partial: &[u8],
) -> TableIterator<
    'static,
    (
        name!(start_time, TimestampWithTimeZone),
        name!(end_time, TimestampWithTimeZone),
    ),
> {
    TableIterator::new(to_rows(read(partial).heartbeat().or_report().live()))
}

/// The stretches without life of heartbeat_agg, in the order of time.
#[pg_extern(immutable, parallel_safe, strict)]
fn dead_ranges(
    partial: &[u8],
) -> TableIterator<
    'static,
    (
        name!(start_time, TimestampWithTimeZone),
        name!(end_time, TimestampWithTimeZone),
    ),
> {
    TableIterator::new(to_rows(read(partial).heartbeat().or_report().dead()))
}

/// How many stretches of life heartbeat_agg found.
#[pg_extern(immutable, parallel_safe, strict)]
fn num_live_ranges(partial: &[u8]) -> i64 {
    to_count(read(partial).heartbeat().or_report().live().count() as u64)
}

/// How many stretches without life heartbeat_agg found.
#[pg_extern(immutable, parallel_safe, strict)]
fn num_gaps(partial: &[u8]) -> i64 {
    to_count(read(partial).heartbeat().or_report().dead().len() as u64)
}

/// Whether heartbeat_agg found life at an instant.
#[pg_extern(immutable, parallel_safe, strict)]
fn live_at(partial: &[u8], at: TimestampWithTimeZone) -> Option<bool> {
    read(partial)
        .heartbeat()
        .or_report()
        .live_at(to_timestamp(at))
}

extension_sql!(
    r#"
create aggregate heartbeat_agg(at timestamptz, start timestamptz, length interval, liveness interval) (
    sfunc = heartbeat_agg_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate heartbeat_agg(timestamptz, timestamptz, interval, interval) is
    'When something was alive in a window, each beat showing life for the span of the liveness, as a partial for uptime, downtime, live_ranges, dead_ranges and live_at. start, length and liveness are the same for all rows; beats that show no life in the window do not count. Rows with a null are passed over.';
comment on function heartbeat_agg_state(internal, timestamptz, timestamptz, interval, interval) is 'Adds a row to the state of heartbeat_agg.';
comment on function uptime(bytea) is
    'How long heartbeat_agg found life in its window.';
comment on function downtime(bytea) is
    'How long heartbeat_agg found no life in its window.';
comment on function live_ranges(bytea) is
    'The stretches of life of heartbeat_agg, in the order of time.';
comment on function dead_ranges(bytea) is
    'The stretches without life of heartbeat_agg, in the order of time.';
comment on function num_live_ranges(bytea) is
    'How many stretches of life heartbeat_agg found.';
comment on function num_gaps(bytea) is
    'How many stretches without life heartbeat_agg found.';
comment on function live_at(bytea, timestamptz) is
    'Whether heartbeat_agg found life at an instant. Null outside of its window.';
"#,
    name = "statistics_heartbeat",
    requires = [
        "statistics",
        heartbeat_agg_state,
        uptime,
        downtime,
        live_ranges,
        dead_ranges,
        num_live_ranges,
        num_gaps,
        live_at
    ]
);

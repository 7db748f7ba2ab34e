//! How long something was in each state.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::statistics::state::State;
use tenon_domain::statistics::states::{Stay, durations};

use super::partial::{read, to_interval, to_window};
use crate::aggregate::state_of;
use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;

fn to_rows<'a>(
    stays: impl IntoIterator<Item = Stay<'a>>,
) -> Vec<(String, TimestampWithTimeZone, TimestampWithTimeZone)> {
    let rows = stays.into_iter().map(|stay| {
        let (start, end) = (from_timestamp(stay.start), from_timestamp(stay.end));
        (stay.state.to_owned(), start, end)
    });
    rows.collect()
}

fn micros_in<'a>(stays: impl Iterator<Item = Stay<'a>>, state: &str) -> i64 {
    let stays = stays.filter(|stay| stay.state == state);
    stays.fold(0, |sum, stay| sum.saturating_add(stay.micros()))
}

/// Adds a row to the state of state_agg; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn state_agg_state(
    state: Internal,
    at: Option<TimestampWithTimeZone>,
    state_shown: Option<&str>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(at), Some(state_shown)) = (at, state_shown) {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_states(to_timestamp(at), state_shown)
            .or_report();
    }
    state
}

/// How long the state of state_agg lasted altogether; zero for a state that never was.
#[pg_extern(immutable, parallel_safe, strict)]
fn duration_in(partial: &[u8], state: &str) -> Interval {
    to_interval(micros_in(
        read(partial).states().or_report().timeline(),
        state,
    ))
}

/// How long each state lasted altogether, in the order of first appearance.
#[pg_extern(immutable, parallel_safe, strict)]
fn state_durations(
    partial: &[u8],
) -> TableIterator<'static, (name!(state, String), name!(duration, Interval))> {
    let partial = read(partial);
    let durations = durations(partial.states().or_report().timeline());
    let rows = durations.into_iter();
    let rows = rows.map(|(state, micros)| (state.to_owned(), to_interval(micros)));
    TableIterator::new(rows.collect::<Vec<_>>())
}

/// Each stay in a state of state_agg, in the order of time.
#[pg_extern(immutable, parallel_safe, strict)]
fn state_timeline(
    partial: &[u8],
) -> TableIterator<
    'static,
    (
        name!(state, String),
        name!(start_time, TimestampWithTimeZone),
        name!(end_time, TimestampWithTimeZone),
    ),
> {
    TableIterator::new(to_rows(read(partial).states().or_report().timeline()))
}

/// The state of state_agg at an instant.
#[pg_extern(immutable, parallel_safe)]
fn state_at(partial: Option<&[u8]>, at: Option<TimestampWithTimeZone>) -> Option<String> {
    let partial = partial?;
    let at = at?;
    let partial = read(partial);
    let states = partial.states().or_report();
    states.state_at(to_timestamp(at)).map(str::to_owned)
}

/// How long the state of state_agg lasted in a window: the last state lasts to its end, that in which the previous partial ended from its start.
#[pg_extern(immutable, parallel_safe)]
fn interpolated_duration_in(
    partial: Option<&[u8]>,
    state: Option<&str>,
    start: Option<TimestampWithTimeZone>,
    length: Option<Interval>,
    previous: default!(Option<&[u8]>, "null"),
) -> Option<Interval> {
    let partial = partial?;
    let state = state?;
    let start = start?;
    let length = length?;
    let (partial, previous) = (read(partial), previous.map(read));
    let previous = previous.as_ref().map(|other| other.states().or_report());
    let states = partial.states().or_report();
    let stays = states.timeline_over(to_window(start, &length), previous);
    Some(to_interval(micros_in(stays.or_report().into_iter(), state)))
}

/// Each stay in a window.
#[pg_extern(immutable, parallel_safe)]
fn interpolated_state_timeline(
    partial: Option<&[u8]>,
    start: Option<TimestampWithTimeZone>,
    length: Option<Interval>,
    previous: default!(Option<&[u8]>, "null"),
) -> TableIterator<
    'static,
    (
        name!(state, String),
        name!(start_time, TimestampWithTimeZone),
        name!(end_time, TimestampWithTimeZone),
    ),
> {
    let (Some(partial), Some(start), Some(length)) = (partial, start, length) else {
        return TableIterator::empty();
    };
    let (partial, previous) = (read(partial), previous.map(read));
    let previous = previous.as_ref().map(|other| other.states().or_report());
    let states = partial.states().or_report();
    let stays = states.timeline_over(to_window(start, &length), previous);
    TableIterator::new(to_rows(stays.or_report()))
}

extension_sql!(
    r#"
create aggregate state_agg(at timestamptz, state text) (
    sfunc = state_agg_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate state_agg(timestamptz, text) is
    'How long something was in which state, as a partial for duration_in, state_durations, state_timeline and state_at. A state lasts until a reading shows another, the last until the last reading. Rows with a null are passed over; of several of one instant the one that sorts last counts.';
comment on function state_agg_state(internal, timestamptz, text) is 'Adds a row to the state of state_agg.';
comment on function duration_in(bytea, text) is
    'How long the state of state_agg lasted altogether; zero for a state that never was.';
comment on function state_durations(bytea) is
    'How long each state of state_agg lasted altogether, in the order of first appearance.';
comment on function state_timeline(bytea) is
    'Each stay in a state of state_agg, in the order of time.';
comment on function state_at(bytea, timestamptz) is
    'The state of state_agg at an instant. Null before the first reading and after the last.';
comment on function interpolated_duration_in(bytea, text, timestamptz, interval, bytea) is
    'How long the state of state_agg lasted in a window: the last state lasts to its end, that in which the previous partial ended from its start.';
comment on function interpolated_state_timeline(bytea, timestamptz, interval, bytea) is
    'Each stay in a state of state_agg in a window, which the states fill as for interpolated_duration_in.';
"#,
    name = "statistics_states",
    requires = [
        "statistics",
        state_agg_state,
        duration_in,
        state_durations,
        state_timeline,
        state_at,
        interpolated_duration_in,
        interpolated_state_timeline
    ]
);

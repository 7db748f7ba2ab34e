//! Averages and integrals over time.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::statistics::state::State;
use tenon_domain::statistics::time_weight::{Covered, Method, seconds_of_unit};

use super::partial::{read, to_window};
use crate::aggregate::state_of;
use crate::convert::to_timestamp;
use crate::error::OrReport;

/// The value over a window, as far as it and its neighbours tell.
fn covered(
    partial: &[u8],
    start: TimestampWithTimeZone,
    length: &Interval,
    previous: Option<&[u8]>,
    following: Option<&[u8]>,
) -> Covered {
    let (partial, previous) = (read(partial), previous.map(read));
    let following = following.map(read);
    let previous = previous
        .as_ref()
        .map(|other| other.time_weight().or_report());
    let following = following
        .as_ref()
        .map(|other| other.time_weight().or_report());
    let weight = partial.time_weight().or_report();
    let covered = weight.over(to_window(start, length), previous, following);
    covered.or_report()
}

/// Adds a row to the state of time_weight; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn time_weight_state(
    state: Internal,
    method: Option<&str>,
    at: Option<TimestampWithTimeZone>,
    value: Option<f64>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(method), Some(at), Some(value)) = (method, at, value) {
        let method = Method::named(method).or_report();
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_time_weight(method, to_timestamp(at), value)
            .or_report();
    }
    state
}

/// The integral of time_weight over the time from the first reading to the last, in values times the unit: microsecond, millisecond, second, minute, hour or day.
#[pg_extern(immutable, parallel_safe, strict)]
fn integral(partial: &[u8], unit: default!(&str, "'second'")) -> f64 {
    let seconds = seconds_of_unit(unit).or_report();
    read(partial).time_weight().or_report().covered().area / seconds
}

/// The average of time_weight over a window: from its start as far as the previous partial tells the value, to its end as far as the method and the following partial do.
#[pg_extern(immutable, parallel_safe)]
fn interpolated_average(
    partial: Option<&[u8]>,
    start: Option<TimestampWithTimeZone>,
    length: Option<Interval>,
    previous: default!(Option<&[u8]>, "null"),
    following: default!(Option<&[u8]>, "null"),
) -> Option<f64> {
    let partial = partial?;
    let start = start?;
    let length = length?;
    covered(partial, start, &length, previous, following).average()
}

/// The integral of time_weight over a window, reached as for interpolated_average, in values times the unit.
#[pg_extern(immutable, parallel_safe)]
fn interpolated_integral(
    partial: Option<&[u8]>,
    start: Option<TimestampWithTimeZone>,
    length: Option<Interval>,
    previous: default!(Option<&[u8]>, "null"),
    following: default!(Option<&[u8]>, "null"),
    unit: default!(Option<&str>, "'second'"),
) -> Option<f64> {
    let partial = partial?;
    let start = start?;
    let length = length?;
    let unit = unit?;
    let seconds = seconds_of_unit(unit).or_report();
    Some(covered(partial, start, &length, previous, following).area / seconds)
}

extension_sql!(
    r#"
create aggregate time_weight(method text, at timestamptz, value double precision) (
    sfunc = time_weight_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate time_weight(text, timestamptz, double precision) is
    'The value over time, as a partial for average and integral and their interpolated forms. Between two readings it is that before (''locf'') or on the line between both (''linear''). Rows with a null are passed over, as are values that are not finite.';
comment on function time_weight_state(internal, text, timestamptz, double precision) is 'Adds a row to the state of time_weight.';
comment on function integral(bytea, text) is
    'The integral of time_weight over the time from the first reading to the last, in values times the unit: microsecond, millisecond, second, minute, hour or day.';
comment on function interpolated_average(bytea, timestamptz, interval, bytea, bytea) is
    'The average of time_weight over a window: from its start as far as the previous partial tells the value, to its end as far as the method and the following partial do.';
comment on function interpolated_integral(bytea, timestamptz, interval, bytea, bytea, text) is
    'The integral of time_weight over a window, reached as for interpolated_average, in values times the unit.';
"#,
    name = "statistics_time_weight",
    requires = [
        "statistics",
        time_weight_state,
        integral,
        interpolated_average,
        interpolated_integral
    ]
);

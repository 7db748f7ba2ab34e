//! The points that a chart needs.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::statistics::state::State;

use super::partial::read;
use crate::aggregate::state_of;
use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;

/// Adds a row to the state of lttb; a null among what must be there adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn lttb_state(
    state: Internal,
    at: Option<TimestampWithTimeZone>,
    value: Option<f64>,
    max_points: Option<i32>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(at), Some(value), Some(max_points)) = (at, value, max_points) {
        let kept = state_of::<State>(&mut state, fcinfo);
        kept.add_to_points(to_timestamp(at), value, max_points)
            .or_report();
    }
    state
}

/// The points of a chart.
#[pg_extern(immutable, parallel_safe, strict)]
fn unnest(
    partial: &[u8],
) -> TableIterator<'static, (name!(at, TimestampWithTimeZone), name!(value, f64))> {
    let partial = read(partial);
    let points = partial.points().or_report().iter();
    let rows = points.map(|&(at, value)| (from_timestamp(at), value));
    TableIterator::new(rows.collect::<Vec<_>>())
}

extension_sql!(
    r#"
create aggregate lttb(at timestamptz, value double precision, max_points integer) (
    sfunc = lttb_state,
    stype = internal,
    finalfunc = statistics_final,
    combinefunc = statistics_combine,
    serialfunc = statistics_serialize,
    deserialfunc = statistics_deserialize,
    parallel = safe
);
comment on aggregate lttb(timestamptz, double precision, integer) is
    'The points that a chart of at most max_points needs to look the same, as a partial for unnest (Largest-Triangle-Three-Buckets, Steinarsson 2013). The first and the last are among them. Rows with a null are passed over; a value that is not finite is kept only where no other is.';
comment on function lttb_state(internal, timestamptz, double precision, integer) is 'Adds a row to the state of lttb.';
comment on function unnest(bytea) is 'The points of lttb, in the order of time.';
"#,
    name = "statistics_lttb",
    requires = ["statistics", lttb_state, unnest]
);

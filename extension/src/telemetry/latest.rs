//! The latest reading of each metric of a device.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::telemetry::frame::Frame;
use tenon_domain::telemetry::latest::{self, LatestMerge};

use crate::aggregate::state_of;
use crate::convert::from_timestamp;
use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// Adds a frame to the state; a null argument adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn latest_agg_state(
    state: Internal,
    batch_id: Option<i64>,
    frame: Option<&[u8]>,
    device: Option<i32>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(rank), Some(frame), Some(device)) = (batch_id, frame, device) {
        let frame = Frame::parse(frame).or_report();
        state_of::<LatestMerge>(&mut state, fcinfo)
            .add(rank, &frame, device)
            .or_report();
    }
    state
}

/// The latest readings as bytes, or null when there are none.
#[pg_extern(immutable, parallel_safe)]
fn latest_agg_final(state: Internal, fcinfo: FunctionCallInfo) -> Option<Vec<u8>> {
    let mut state = state;
    let merge = std::mem::take(state_of::<LatestMerge>(&mut state, fcinfo));
    merge.finish().or_report()
}

/// The latest reading of each metric.
#[pg_extern(immutable, parallel_safe, strict)]
fn latest_readings(
    latest: &[u8],
) -> TableIterator<
    'static,
    (
        name!(metric, i32),
        name!(at, TimestampWithTimeZone),
        name!(value, JsonbText),
    ),
> {
    let readings = latest::decode(latest).or_report();
    let rows = readings.into_iter().map(|reading| {
        (
            reading.metric,
            from_timestamp(reading.at),
            JsonbText::from(&reading.value),
        )
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

/// The latest readings of two answers about one device.
#[pg_extern(immutable, parallel_safe, strict)]
fn latest_merge(older: &[u8], newer: &[u8]) -> Vec<u8> {
    latest::merge(older, newer).or_report()
}

extension_sql!(
    r#"
create aggregate latest_agg(batch_id bigint, frame bytea, device integer) (
    sfunc = latest_agg_state,
    stype = internal,
    finalfunc = latest_agg_final,
    finalfunc_modify = read_write,
    parallel = safe
);
comment on function latest_agg_state(internal, bigint, bytea, integer) is
    'Adds a frame to the state of latest_agg.';
comment on function latest_agg_final(internal) is 'Ends latest_agg.';
comment on aggregate latest_agg(bigint, bytea, integer) is
    'The latest reading of each metric of one device, from frames as bytes for latest_readings. Of two readings of one instant the one of the greater batch_id counts. Null when there is none.';
comment on function latest_readings(bytea) is
    'The latest reading of each metric, by metric number.';
comment on function latest_merge(bytea, bytea) is
    'The latest readings of two answers about one device; of one time those of the newer count.';
"#,
    name = "latest_agg",
    requires = [
        latest_agg_state,
        latest_agg_final,
        latest_readings,
        latest_merge
    ]
);

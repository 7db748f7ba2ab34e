//! The latest reading of each metric of devices.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::telemetry::frame::Frame;
use tenon_domain::telemetry::latest::{self, LatestMerge};
use tenon_domain::telemetry::query::Query;

use crate::aggregate::state_of;
use crate::error::OrReport;

/// The question and what is known of its answer.
#[derive(Default)]
struct LatestState {
    query: Option<Query>,
    merge: LatestMerge,
}

/// Adds a frame to the state, or what was kept of a device; without a question or a frame it adds
/// nothing.
#[pg_extern(immutable, parallel_safe)]
fn latest_agg_state(
    state: Internal,
    query: Option<&[u8]>,
    batch_id: Option<i64>,
    device: Option<i32>,
    frame: Option<&[u8]>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(query), Some(frame)) = (query, frame) {
        let LatestState {
            query: asked,
            merge,
        } = state_of(&mut state, fcinfo);
        let asked = asked.get_or_insert_with(|| Query::decode(query).or_report());
        let frame = Frame::parse(frame).or_report();
        match (batch_id, device) {
            (Some(rank), _) => merge.add(asked, rank, &frame).or_report(),
            (None, Some(device)) => merge.add_kept(asked, device, &frame).or_report(),
            (None, None) => {}
        }
    }
    state
}

/// The latest readings as bytes.
#[pg_extern(immutable, parallel_safe)]
fn latest_agg_final(state: Internal, fcinfo: FunctionCallInfo) -> Vec<u8> {
    let mut state = state;
    std::mem::take(state_of::<LatestState>(&mut state, fcinfo))
        .merge
        .finish()
}

/// What is kept of a device.
#[pg_extern(immutable, parallel_safe, strict)]
fn latest_merge(older: &[u8], newer: &[u8]) -> Vec<u8> {
    latest::merge(older, newer).or_report()
}

extension_sql!(
    r#"
create aggregate latest_agg(query bytea, batch_id bigint, device integer, frame bytea) (
    sfunc = latest_agg_state,
    stype = internal,
    finalfunc = latest_agg_final,
    finalfunc_modify = read_write,
    parallel = safe
);
comment on function latest_agg_state(internal, bytea, bigint, integer, bytea) is
    'Adds a frame to the state of latest_agg.';
comment on function latest_agg_final(internal) is 'Ends latest_agg.';
comment on aggregate latest_agg(bytea, bigint, integer, bytea) is
    'The latest reading of each series that a question asks for, for answer_readings: from frames of iot.batches (with batch_id) and what iot.latest kept of a device (with device, and batch_id null). Of two readings of one time the one of the greater batch_id counts, and what was kept counts least.';
comment on function latest_merge(bytea, bytea) is
    'What is kept of a device of which one answer was kept and then another: of one time those of the newer count.';
"#,
    name = "latest_agg",
    requires = [latest_agg_state, latest_agg_final, latest_merge]
);

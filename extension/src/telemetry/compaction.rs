//! Compaction: frames and blocks in, blocks out.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::telemetry::block::BlockHead;
use tenon_domain::telemetry::compaction::{self, BlockExtent, Compaction};
use tenon_domain::telemetry::frame::Frame;

use crate::aggregate::state_of;
use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;
use crate::lazy_bytes::LazyBytes;

/// Adds a frame to the state; a null argument adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn compact_frames_state(
    state: Internal,
    frame: Option<&[u8]>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let Some(frame) = frame {
        let frame = Frame::parse(frame).or_report();
        let compaction = state_of::<Compaction>(&mut state, fcinfo);
        compaction.add_frame(&frame).or_report();
    }
    state
}

/// Adds a block to the state; a null argument adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn compact_blocks_state(
    state: Internal,
    device: Option<i32>,
    head: Option<&[u8]>,
    body: Option<LazyBytes>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(device), Some(head), Some(body)) = (device, head, body) {
        let compaction = state_of::<Compaction>(&mut state, fcinfo);
        let added = BlockHead::parse(head)
            .and_then(|head| compaction.add_block(device, &head, body.whole()));
        added.map_err(|fault| fault.of_device(device)).or_report();
    }
    state
}

/// The blocks as bytes, or null when nothing was added.
#[pg_extern(immutable, parallel_safe)]
fn compact_final(state: Internal, fcinfo: FunctionCallInfo) -> Option<Vec<u8>> {
    let mut state = state;
    let compaction = std::mem::take(state_of::<Compaction>(&mut state, fcinfo));
    let compacted = compaction.finish();
    (!compacted.blocks.is_empty()).then(|| compacted.encode())
}

/// The blocks of a compaction.
#[pg_extern(immutable, parallel_safe, strict)]
#[expect(
    clippy::type_complexity,
    reason = "the columns of the result, one by one"
)]
fn compacted_blocks(
    compacted: &[u8],
) -> TableIterator<
    'static,
    (
        name!(device, i32),
        name!(first_at, TimestampWithTimeZone),
        name!(last_at, TimestampWithTimeZone),
        name!(rows, i32),
        name!(readings, i32),
        name!(head, Vec<u8>),
        name!(body, Vec<u8>),
    ),
> {
    let blocks = compaction::decode_blocks(compacted)
        .map_err(|fault| fault.of_device(0))
        .or_report();
    TableIterator::new(blocks.into_iter().map(|block| {
        (
            block.device,
            from_timestamp(block.first_at),
            from_timestamp(block.last_at),
            block.rows.cast_signed(),
            block.readings.cast_signed(),
            block.head,
            block.body,
        )
    }))
}

/// The latest reading of each metric of each device of a compaction.
#[pg_extern(immutable, parallel_safe, strict)]
fn compacted_latest(
    compacted: &[u8],
) -> TableIterator<'static, (name!(device, i32), name!(readings, Vec<u8>))> {
    let latest = compaction::decode_latest(compacted)
        .map_err(|fault| fault.of_device(0))
        .or_report();
    TableIterator::new(latest)
}

/// How many readings one compaction should take in.
#[pg_extern(immutable, parallel_safe, strict)]
const fn compaction_readings_max() -> i64 {
    compaction::COMPACTION_READINGS_MAX as i64
}

/// How many of the newest blocks of a device should become one.
#[pg_extern(immutable, parallel_safe, strict)]
fn blocks_to_merge(
    rows: Vec<i32>,
    first_at: Vec<TimestampWithTimeZone>,
    last_at: Vec<TimestampWithTimeZone>,
) -> i32 {
    let newest: Vec<BlockExtent> = rows
        .into_iter()
        .zip(first_at.into_iter().zip(last_at))
        .map(|(rows, (first_at, last_at))| BlockExtent {
            rows: rows.cast_unsigned(),
            first_at: to_timestamp(first_at),
            last_at: to_timestamp(last_at),
        })
        .collect();
    compaction::blocks_to_merge(&newest) as i32
}

/// How many of the newest blocks are looked at.
#[pg_extern(immutable, parallel_safe, strict)]
const fn block_neighbours_max() -> i32 {
    compaction::NEIGHBOURS_MAX as i32
}

extension_sql!(
    r#"
create aggregate compact_frames(frame bytea) (
    sfunc = compact_frames_state,
    stype = internal,
    finalfunc = compact_final,
    finalfunc_modify = read_write,
    parallel = safe
);
create aggregate compact_blocks(device integer, head bytea, body bytea) (
    sfunc = compact_blocks_state,
    stype = internal,
    finalfunc = compact_final,
    finalfunc_modify = read_write,
    parallel = safe
);
comment on function compact_frames_state(internal, bytea) is
    'Adds a frame to the state of compact_frames.';
comment on function compact_blocks_state(internal, integer, bytea, bytea) is
    'Adds a block to the state of compact_blocks.';
comment on function compact_final(internal) is 'Ends compact_frames and compact_blocks.';
comment on aggregate compact_frames(bytea) is
    'The blocks of the readings in frames of iot.batches, for compacted_blocks and compacted_latest. Of two readings of one device, metric and time the later aggregated counts: order by arrival. Null when there is none.';
comment on aggregate compact_blocks(integer, bytea, bytea) is
    'The blocks of what is in other blocks, for compacted_blocks and compacted_latest. Of two readings of one device, metric and time the later aggregated counts: order by arrival. Null when there is none.';
comment on function compacted_blocks(bytea) is
    'The blocks of a compaction, ordered by device and time. They do not overlap, and none crosses the end of a month of UTC.';
comment on function compacted_latest(bytea) is
    'For each device of a compaction the latest reading of each of its metrics, as iot.latest keeps it.';
comment on function compaction_readings_max() is
    'How many readings one compaction should take in: more would need more than about 100 MiB of memory.';
comment on function blocks_to_merge(integer[], timestamptz[], timestamptz[]) is
    'How many of the newest blocks of a device in a month should become one; 0 when none should. The arrays have rows, first_at and last_at of up to block_neighbours_max() of them, the newest first.';
comment on function block_neighbours_max() is
    'How many of the newest blocks of a device blocks_to_merge should be given.';
"#,
    name = "compaction",
    requires = [
        compact_frames_state,
        compact_blocks_state,
        compact_final,
        compacted_blocks,
        compacted_latest,
        compaction_readings_max,
        blocks_to_merge,
        block_neighbours_max
    ]
);

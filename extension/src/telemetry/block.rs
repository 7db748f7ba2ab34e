//! Blocks as they are stored.

use pgrx::prelude::*;
use tenon_domain::telemetry::block::BlockHead;
use tenon_domain::telemetry::compaction::Compaction;

use crate::error::OrReport;
use crate::lazy_bytes::LazyBytes;

/// How many readings a block holds, after reading all of them.
#[pg_extern(immutable, parallel_safe, strict)]
fn block_check(device: i32, head: &[u8], body: LazyBytes) -> i32 {
    let mut readings = Compaction::new();
    let read =
        BlockHead::parse(head).and_then(|head| readings.add_block(device, &head, body.whole()));
    read.map_err(|fault| fault.of_device(device)).or_report();
    i32::try_from(readings.readings()).unwrap_or(i32::MAX)
}

extension_sql!(
    r#"
comment on function block_check(integer, bytea, bytea) is
    'How many readings a block holds, after reading all of them; an error that names its device when it is corrupt.';
"#,
    name = "block_comments",
    requires = [block_check]
);

//! Frames as they are stored.

use pgrx::prelude::*;
use tenon_domain::telemetry::frame::Frame;

use crate::error::OrReport;

/// How many readings a frame holds, after reading all of them.
#[pg_extern(immutable, parallel_safe, strict)]
fn frame_check(frame: &[u8]) -> i32 {
    let frame = Frame::parse(frame).or_report();
    frame.each(|_| ()).or_report();
    frame.readings().cast_signed()
}

extension_sql!(
    r#"
comment on function frame_check(bytea) is
    'How many readings a frame holds, after reading all of them; an error when it is corrupt.';
"#,
    name = "frame_comments",
    requires = [frame_check]
);

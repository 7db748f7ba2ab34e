//! Buckets, for anyone's table.

use pgrx::prelude::*;
use tenon_domain::telemetry::bucket::{Bucketing, Zone};

use crate::convert::{from_timestamp, to_timestamp, to_width};
use crate::error::OrReport;

/// When the bucket that holds an instant begins; null for a null argument other than the origin.
#[pg_extern(immutable, parallel_safe)]
fn time_bucket(
    width: Option<Interval>,
    at: Option<TimestampWithTimeZone>,
    zone: default!(Option<&str>, "'UTC'"),
    origin: default!(Option<TimestampWithTimeZone>, "null"),
) -> Option<TimestampWithTimeZone> {
    let (width, zone) = (to_width(&width?), Zone::named(zone?).or_report());
    let mut bucketing = Bucketing::new(width, &zone);
    if let Some(origin) = origin {
        bucketing = bucketing.with_origin(to_timestamp(origin)).or_report();
    }
    let start = bucketing.bucket_start(to_timestamp(at?)).or_report();
    Some(from_timestamp(start))
}

extension_sql!(
    r#"
comment on function time_bucket(interval, timestamptz, text, timestamptz) is
    'When the bucket that holds the instant begins, on the calendar and clock of the zone. With an origin a bucket begins at it and all others whole widths away: an origin at 06:00 local gives days of shifts, and where a month lacks the origin''s day its last day stands in. Without one, months count from January 2000, days from Monday 2000-01-03, less from midnight 2000-01-01.';
"#,
    name = "bucket_comments",
    requires = [time_bucket]
);

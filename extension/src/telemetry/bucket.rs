//! Buckets, for anyone's table.

use pgrx::prelude::*;
use tenon_domain::telemetry::bucket::{Bucketing, Zone};

use crate::convert::{from_timestamp, to_timestamp, to_width};
use crate::error::OrReport;

/// When the bucket that holds an instant begins.
#[pg_extern(immutable, parallel_safe, strict)]
fn time_bucket(
    width: Interval,
    at: TimestampWithTimeZone,
    zone: default!(&str, "'UTC'"),
) -> TimestampWithTimeZone {
    let zone = Zone::named(zone).or_report();
    let mut bucketing = Bucketing::new(to_width(&width), &zone);
    from_timestamp(bucketing.bucket_start(to_timestamp(at)).or_report())
}

extension_sql!(
    r#"
comment on function time_bucket(interval, timestamptz, text) is
    'When the bucket that holds the instant begins, on the calendar and clock of the zone. Months count from January 2000, days from Monday 2000-01-03, less from midnight 2000-01-01.';
"#,
    name = "bucket_comments",
    requires = [time_bucket]
);

//! Buckets, for anyone's table.

use std::cell::Cell;

use pgrx::prelude::*;
use tenon_domain::telemetry::bucket::{BucketWidth, Bucketing, Span, Zone};
use tenon_domain::time::Timestamp;

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
    let (width, at, zone) = (to_width(&width?), to_timestamp(at?), zone?);
    let origin = origin.map(to_timestamp);
    // Taken out while it is used, so that an error leaves none behind.
    let last = LAST.take().filter(|last| last.is_for(width, zone, origin));
    let mut last = last.unwrap_or_else(|| Last::new(width, zone, origin));
    let start = last.bucket_start(at);
    LAST.set(Some(last));
    Some(from_timestamp(start))
}

thread_local! {
    /// A query asks for millions of instants in the same buckets, most of them in the same one.
    static LAST: Cell<Option<Last>> = const { Cell::new(None) };
}

/// The buckets that were asked for last, and what is known of the last bucket.
struct Last {
    width: BucketWidth,
    zone: String,
    origin: Option<Timestamp>,
    bucketing: Bucketing,
    /// From this instant to before the end of `part`, the bucket begins where `part` does.
    from: Timestamp,
    part: Option<Span>,
}

impl Last {
    fn new(width: BucketWidth, zone: &str, origin: Option<Timestamp>) -> Self {
        let mut bucketing = Bucketing::new(width, &Zone::named(zone).or_report());
        if let Some(origin) = origin {
            bucketing = bucketing.with_origin(origin).or_report();
        }
        Self {
            width,
            zone: zone.to_owned(),
            origin,
            bucketing,
            from: Timestamp::from_micros(0),
            part: None,
        }
    }

    fn is_for(&self, width: BucketWidth, zone: &str, origin: Option<Timestamp>) -> bool {
        self.width == width && self.zone == zone && self.origin == origin
    }

    fn bucket_start(&mut self, at: Timestamp) -> Timestamp {
        match self.part {
            Some(part) if self.from <= at && at < part.end => part.start,
            _ => {
                let part = self.bucketing.bucket_part(at).or_report();
                (self.from, self.part) = (at, Some(part));
                part.start
            }
        }
    }
}

extension_sql!(
    r#"
comment on function time_bucket(interval, timestamptz, text, timestamptz) is
    'When the bucket that holds the instant begins, on the calendar and clock of the zone. With an origin a bucket begins at it and all others whole widths away: an origin at 06:00 local gives days of shifts, and where a month lacks the origin''s day its last day stands in. Without one, months count from January 2000, days from Monday 2000-01-03, less from midnight 2000-01-01.';
"#,
    name = "bucket_comments",
    requires = [time_bucket]
);

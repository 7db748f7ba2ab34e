//! Retention: what is left of a block or of latest readings, and what of them is past its time.
//!
//! Policies come as three arrays, an entry of each for a policy: the number of its metric, null for
//! all metrics without a policy of their own, and its days, null for ever.

use pgrx::prelude::*;
use tenon_domain::telemetry::block::{BlockFault, BlockHead};
use tenon_domain::telemetry::compaction::{self, Compaction, Keeping, Policies};
use tenon_domain::telemetry::latest;

use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;
use crate::jsonb::JsonbText;
use crate::lazy_bytes::LazyBytes;

/// Raises an error unless a policy is one.
#[pg_extern(immutable, parallel_safe)]
fn retention_check(raw_days: Option<i32>, hourly_days: Option<i32>) {
    Keeping::new(raw_days, hourly_days).or_report();
}

/// The instant before which everything is older than so many days.
#[pg_extern(immutable, parallel_safe, strict)]
fn retention_cutoff(as_of: TimestampWithTimeZone, days: i32) -> TimestampWithTimeZone {
    from_timestamp(compaction::cutoff(to_timestamp(as_of), days))
}

/// What is left of a block, or null when nothing is.
#[pg_extern(immutable, parallel_safe, strict)]
fn block_expire(
    device: i32,
    head: &[u8],
    body: LazyBytes,
    as_of: TimestampWithTimeZone,
    metrics: Array<'_, i32>,
    raw_days: Array<'_, i32>,
    hourly_days: Array<'_, i32>,
) -> Option<Vec<u8>> {
    let policies = policies(&metrics, &raw_days, &hourly_days);
    let expiry = policies.at(to_timestamp(as_of));
    let mut left = Compaction::new();
    let added =
        BlockHead::parse(head).and_then(|head| left.add_block_kept(device, &head, &body, &expiry));
    added.map_err(|fault| fault.of_device(device)).or_report();
    let left = left.finish();
    (!left.blocks.is_empty()).then(|| left.encode())
}

/// When something of a block is past its time, or null when that is never.
#[pg_extern(immutable, parallel_safe, strict)]
fn block_due(
    device: i32,
    head: &[u8],
    body: LazyBytes,
    metrics: Array<'_, i32>,
    raw_days: Array<'_, i32>,
    hourly_days: Array<'_, i32>,
) -> Option<TimestampWithTimeZone> {
    let policies = policies(&metrics, &raw_days, &hourly_days);
    let due = BlockHead::parse(head).and_then(|head| compaction::due(&head, &body, &policies));
    let due = due.map_err(|fault| fault.of_device(device)).or_report();
    due.map(from_timestamp)
}

/// What of a block is past its time.
#[pg_extern(immutable, parallel_safe, strict)]
fn block_past(
    device: i32,
    head: &[u8],
    body: LazyBytes,
    as_of: TimestampWithTimeZone,
    metrics: Array<'_, i32>,
    raw_days: Array<'_, i32>,
    hourly_days: Array<'_, i32>,
) -> TableIterator<
    'static,
    (
        name!(metric, i32),
        name!(readings, i64),
        name!(hours, i64),
        name!(bytes, i64),
        name!(kept_since, Option<TimestampWithTimeZone>),
    ),
> {
    let policies = policies(&metrics, &raw_days, &hourly_days);
    let expiry = policies.at(to_timestamp(as_of));
    let past = BlockHead::parse(head).and_then(|head| compaction::past(&head, &body, &expiry));
    let past = past.map_err(|fault| fault.of_device(device)).or_report();
    TableIterator::new(past.into_iter().map(|(metric, past)| {
        (
            metric,
            past.readings.cast_signed(),
            past.hours.cast_signed(),
            past.bytes.cast_signed(),
            past.kept_since.map(from_timestamp),
        )
    }))
}

/// What the hours of a block come to of which only statistics are left.
#[pg_extern(immutable, parallel_safe, strict)]
#[expect(
    clippy::type_complexity,
    reason = "the columns of the result, one by one"
)]
fn block_hours(
    device: i32,
    head: &[u8],
) -> TableIterator<
    'static,
    (
        name!(metric, i32),
        name!(first_at, Option<TimestampWithTimeZone>),
        name!(last_at, Option<TimestampWithTimeZone>),
        name!(count, i64),
        name!(min, Option<f64>),
        name!(max, Option<f64>),
        name!(avg, Option<f64>),
        name!(sum, Option<f64>),
        name!(first, Option<JsonbText>),
        name!(last, Option<JsonbText>),
    ),
> {
    let fault = |fault: BlockFault| fault.of_device(device);
    let head = BlockHead::parse(head).map_err(fault).or_report();
    let hours = compaction::hours(&head).map_err(fault).or_report();
    let rows = hours.into_iter().map(|(metric, hour)| {
        let (first, last) = (hour.first.as_ref(), hour.last.as_ref());
        (
            metric,
            first.map(|&(at, _)| from_timestamp(at)),
            last.map(|&(at, _)| from_timestamp(at)),
            hour.count.cast_signed(),
            hour.min,
            hour.max,
            hour.average(),
            hour.sum(),
            first.map(|(_, value)| JsonbText::from(value)),
            last.map(|(_, value)| JsonbText::from(value)),
        )
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

/// What is left of the latest readings, or null when nothing is.
#[pg_extern(immutable, parallel_safe, strict)]
fn latest_expire(
    latest: &[u8],
    as_of: TimestampWithTimeZone,
    metrics: Array<'_, i32>,
    raw_days: Array<'_, i32>,
    hourly_days: Array<'_, i32>,
) -> Option<Vec<u8>> {
    let policies = policies(&metrics, &raw_days, &hourly_days);
    let expiry = policies.at(to_timestamp(as_of));
    latest::retain(latest, |metric, at| expiry.keeps_any(metric, at)).or_report()
}

fn policies(
    metrics: &Array<'_, i32>,
    raw_days: &Array<'_, i32>,
    hourly_days: &Array<'_, i32>,
) -> Policies {
    let [metrics, raw_days, hourly_days] =
        [metrics, raw_days, hourly_days].map(|column| column.iter().collect::<Vec<_>>());
    Policies::new(&metrics, &raw_days, &hourly_days).or_report()
}

extension_sql!(
    r#"
comment on function retention_check(integer, integer) is
    'Raises retention.invalid unless readings can be kept for so many days and the statistics of their hours for so many more. Null is for ever.';
comment on function retention_cutoff(timestamptz, integer) is
    'The beginning of a day of UTC: what lies before it is past so many days, each day as a whole.';
comment on function block_expire(integer, bytea, bytea, timestamptz, integer[], integer[], integer[]) is
    'What is left of a block at as_of, for compacted_blocks: readings of days of UTC that ended raw_days before are statistics of their hour, and statistics of days that ended hourly_days earlier still are gone. metrics, raw_days and hourly_days have an entry for each policy; a metric that is null means all without a policy of their own, days that are null are for ever. Null when nothing is left.';
comment on function block_due(integer, bytea, bytea, integer[], integer[], integer[]) is
    'From when on block_expire changes the block; null when it never does.';
comment on function block_past(integer, bytea, bytea, timestamptz, integer[], integer[], integer[]) is
    'What block_expire would change at as_of: for each metric the readings that become statistics or go, the stored statistics that go, about how many bytes they take, and the beginning of the first hour of which something is kept.';
comment on function block_hours(integer, bytea) is
    'Of a block the hours of which only statistics are left: metric, first_at and last_at of their readings with a value, count of these, min, max, avg and sum of numbers and truth values, first and last as they came.';
comment on function latest_expire(bytea, timestamptz, integer[], integer[], integer[]) is
    'What is left at as_of of the latest readings of a device: those of hours of which anything is kept. Null when nothing is left.';
"#,
    name = "retention_comments",
    requires = [
        retention_check,
        retention_cutoff,
        block_expire,
        block_due,
        block_past,
        block_hours,
        latest_expire
    ]
);

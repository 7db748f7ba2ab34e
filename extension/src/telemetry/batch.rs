//! Batches: their names for SQL to resolve, and then the frames to store.

use pgrx::prelude::*;
use tenon_domain::telemetry::batch::{self, Batch, BatchSummary, EntryKind, RefusedEntry};

use crate::convert::from_timestamp;
use crate::error::OrReport;

/// The devices that a batch names.
#[pg_extern(immutable, parallel_safe, strict)]
fn batch_devices(
    batch: &[u8],
) -> TableIterator<
    'static,
    (
        name!(ordinal, i32),
        name!(tenant, String),
        name!(device, String),
    ),
> {
    let batch = Batch::parse(batch).or_report();
    let devices = batch
        .devices()
        .map(|(tenant, device)| (tenant.to_owned(), device.to_owned()));
    let devices: Vec<_> = devices.collect();
    let rows = (1..).zip(devices);
    TableIterator::new(rows.map(|(ordinal, (tenant, device))| (ordinal, tenant, device)))
}

/// The metrics that a batch names, or those that messages of resolved devices use.
#[pg_extern(immutable, parallel_safe)]
fn batch_metrics(
    batch: Option<&[u8]>,
    device_numbers: default!(Option<Array<'_, i32>>, "null"),
) -> TableIterator<
    'static,
    (
        name!(ordinal, i32),
        name!(tenant, String),
        name!(metric, String),
        name!(value_type, &'static str),
    ),
> {
    let Some(batch) = batch.map(|batch| Batch::parse(batch).or_report()) else {
        return TableIterator::empty();
    };
    let used = device_numbers.map(|numbers| {
        let numbers: Vec<_> = numbers.iter().collect();
        BatchSummary::read(&batch)
            .or_report()
            .metrics_used(&numbers)
    });
    let is_used = |metric: usize| {
        used.as_ref()
            .is_none_or(|used| used.get(metric).copied().unwrap_or_default())
    };
    let metrics = (1..).zip(batch.metrics()).enumerate();
    let metrics = metrics.filter(|(place, _)| is_used(*place));
    let rows = metrics.map(|(_, (ordinal, metric))| {
        (
            ordinal,
            metric.tenant.to_owned(),
            metric.name.to_owned(),
            metric.value_type.name(),
        )
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

/// The messages of a batch that refused entries hit.
#[pg_extern(immutable, parallel_safe, strict)]
fn batch_hits(
    batch: &[u8],
    kinds: Vec<String>,
    ordinals: Vec<i32>,
    codes: Vec<String>,
) -> TableIterator<
    'static,
    (
        name!(message, i32),
        name!(kind, &'static str),
        name!(ordinal, i32),
        name!(code, String),
    ),
> {
    let batch = Batch::parse(batch).or_report();
    let entries = kinds.iter().zip(ordinals).zip(codes);
    let refused: Vec<_> = entries
        .filter_map(|((kind, ordinal), code)| {
            Some(RefusedEntry {
                kind: EntryKind::from_name(kind)?,
                ordinal: u32::try_from(ordinal).ok()?,
                code,
            })
        })
        .collect();
    let summary = BatchSummary::read(&batch).or_report();
    let hits = summary.messages_hit(&refused).into_iter();
    let rows = hits.map(|(message, entry)| {
        (
            i32::try_from(message.index() + 1).unwrap_or(i32::MAX),
            entry.kind.name(),
            entry.ordinal.cast_signed(),
            entry.code.clone(),
        )
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

/// The frames to store of a batch, one for each tenant.
#[pg_extern(immutable, parallel_safe, strict)]
fn batch_pack(
    batch: &[u8],
    device_numbers: Array<'_, i32>,
    metric_numbers: Array<'_, i32>,
) -> TableIterator<
    'static,
    (
        name!(tenant, String),
        name!(first_at, TimestampWithTimeZone),
        name!(last_at, TimestampWithTimeZone),
        name!(readings, i32),
        name!(frame, Vec<u8>),
    ),
> {
    let batch = Batch::parse(batch).or_report();
    let device_numbers: Vec<_> = device_numbers.iter().collect();
    let metric_numbers: Vec<_> = metric_numbers.iter().collect();
    let frames = batch::pack(&batch, &device_numbers, &metric_numbers).or_report();
    let rows = frames.into_iter().map(|frame| {
        (
            frame.tenant.to_owned(),
            from_timestamp(frame.first_at),
            from_timestamp(frame.last_at),
            frame.readings.cast_signed(),
            frame.frame,
        )
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

extension_sql!(
    r#"
comment on function batch_devices(bytea) is
    'The devices that a batch names, by ordinal from 1.';
comment on function batch_metrics(bytea, integer[]) is
    'The metrics that a batch names, by ordinal from 1, with the type of their values in it. With device_numbers, in the order of the devices'' ordinals, only those that messages of a device with a number use.';
comment on function batch_hits(bytea, text[], integer[], text[]) is
    'The messages of a batch, by place from 1, that use a refused entry of its dictionaries, each with the first such entry, its device before its metrics. The arrays give kind (device or metric), ordinal and code of the refused entries.';
comment on function batch_pack(bytea, integer[], integer[]) is
    'The frames to store of a batch, one for each tenant. The arrays resolve devices and metrics, in the order of their ordinals, to their numbers; messages with a null among them are left out whole.';
"#,
    name = "batch_comments",
    requires = [batch_devices, batch_metrics, batch_hits, batch_pack]
);

//! Batches: their names for SQL to resolve, and then the frames to store.

use pgrx::prelude::*;
use tenon_domain::telemetry::batch::{self, Batch};

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

/// The metrics that a batch names.
#[pg_extern(immutable, parallel_safe, strict)]
fn batch_metrics(
    batch: &[u8],
) -> TableIterator<
    'static,
    (
        name!(ordinal, i32),
        name!(tenant, String),
        name!(metric, String),
        name!(value_type, &'static str),
    ),
> {
    let batch = Batch::parse(batch).or_report();
    let metrics = batch.metrics().map(|metric| {
        (
            metric.tenant.to_owned(),
            metric.name.to_owned(),
            metric.value_type.name(),
        )
    });
    let metrics: Vec<_> = metrics.collect();
    let rows = (1..).zip(metrics);
    TableIterator::new(rows.map(|(ordinal, (tenant, name, kind))| (ordinal, tenant, name, kind)))
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
comment on function batch_metrics(bytea) is
    'The metrics that a batch names, by ordinal from 1, with the type of their values in it.';
comment on function batch_pack(bytea, integer[], integer[]) is
    'The frames to store of a batch, one for each tenant. The arrays resolve devices and metrics, in the order of their ordinals, to their numbers; messages with a null among them are left out whole.';
"#,
    name = "batch_comments",
    requires = [batch_devices, batch_metrics, batch_pack]
);

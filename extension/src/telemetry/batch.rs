//! Batches: their names for SQL to resolve, and then the frames to store.

use std::collections::HashSet;

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::telemetry::batch::{
    self, Batch, BatchSummary, DeviceRoll, EntryKind, RefusedEntry,
};

use crate::aggregate::state_of;
use crate::convert::from_timestamp;
use crate::error::OrReport;

/// A `text[]`.
type Texts = Vec<String>;

/// The tenants and metrics that a batch names.
#[pg_extern(immutable, parallel_safe, strict)]
fn batch_names(
    batch: &[u8],
) -> TableIterator<
    'static,
    (
        name!(tenants, Texts),
        name!(devices, i32),
        name!(metric_tenants, Vec<i32>),
        name!(metrics, Texts),
    ),
> {
    let batch = Batch::parse(batch).or_report();
    let tenants = batch.tenants().iter().map(ToString::to_string).collect();
    let metric_tenants = batch
        .metrics()
        .map(|metric| metric.tenant_ordinal.cast_signed() + 1);
    let metrics = batch.metrics().map(|metric| metric.name.to_owned());
    let devices = i32::try_from(batch.devices().len()).unwrap_or(i32::MAX);
    TableIterator::once((
        tenants,
        devices,
        metric_tenants.collect(),
        metrics.collect(),
    ))
}

/// The slugs of one tenant's devices.
#[pg_extern(immutable, parallel_safe, strict)]
fn batch_slugs(batch: &[u8], tenant: i32) -> Vec<String> {
    let batch = Batch::parse(batch).or_report();
    let of_tenant = |&(ordinal, _): &(u32, &str)| i64::from(ordinal) + 1 == i64::from(tenant);
    let devices = batch.device_names().iter().filter(|entry| of_tenant(entry));
    devices.map(|(_, slug)| (*slug).to_owned()).collect()
}

/// Notes a device of a tenant in the roll of the batch; nulls note nothing.
#[pg_extern(immutable, parallel_safe)]
fn batch_roll_state(
    state: Internal,
    batch: Option<&[u8]>,
    tenant: Option<i32>,
    device: Option<&str>,
    number: Option<i32>,
    is_unmarked: Option<bool>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    // SAFETY: only this function makes the state, see `state_of`.
    let roll = match unsafe { state.get_mut::<Option<DeviceRoll>>() } {
        Some(roll) => roll,
        None => state_of::<Option<DeviceRoll>>(&mut state, fcinfo),
    };
    if roll.is_none() {
        *roll = batch.map(|batch| {
            Batch::parse(batch)
                .and_then(|batch| DeviceRoll::of(&batch))
                .or_report()
        });
    }
    if let (Some(roll), Some(tenant), Some(device), Some(number)) = (roll, tenant, device, number)
        && let Ok(tenant) = u32::try_from(tenant - 1)
    {
        roll.note(tenant, device, number, is_unmarked.unwrap_or_default());
    }
    state
}

/// The number of each device of the batch, or null.
#[pg_extern(immutable, parallel_safe)]
fn batch_roll_numbers(state: Internal) -> Option<Vec<Option<i32>>> {
    // SAFETY: the state is that of `batch_roll_state`.
    let roll = unsafe { state.get::<Option<DeviceRoll>>() }?.as_ref()?;
    Some(roll.numbers().to_vec())
}

/// The ordinals of the devices to mark, from 1, or null.
#[pg_extern(immutable, parallel_safe)]
fn batch_roll_unmarked(state: Internal) -> Option<Vec<i32>> {
    // SAFETY: the state is that of `batch_roll_state`.
    let roll = unsafe { state.get::<Option<DeviceRoll>>() }?.as_ref()?;
    let ordinals = roll.unmarked().iter();
    let ordinals: Vec<_> = ordinals.map(|ordinal| ordinal.cast_signed() + 1).collect();
    (!ordinals.is_empty()).then_some(ordinals)
}

/// The devices that a batch names, or those of given ordinals.
#[pg_extern(immutable, parallel_safe)]
fn batch_devices(
    batch: Option<&[u8]>,
    ordinals: default!(Option<Array<'_, i32>>, "null"),
) -> TableIterator<
    'static,
    (
        name!(ordinal, i32),
        name!(tenant, String),
        name!(device, String),
    ),
> {
    let Some(batch) = batch.map(|batch| Batch::parse(batch).or_report()) else {
        return TableIterator::empty();
    };
    let wanted = ordinals.map(|ordinals| ordinals.iter().flatten().collect::<HashSet<_>>());
    let devices = (1..).zip(batch.devices()).filter(|(ordinal, _)| {
        wanted
            .as_ref()
            .is_none_or(|wanted| wanted.contains(ordinal))
    });
    let rows =
        devices.map(|(ordinal, (tenant, device))| (ordinal, tenant.to_owned(), device.to_owned()));
    TableIterator::new(rows.collect::<Vec<_>>())
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

/// The frames to store of a batch.
#[pg_extern(immutable, parallel_safe, strict)]
#[expect(
    clippy::type_complexity,
    reason = "the columns of the result, one by one"
)]
fn batch_pack(
    batch: &[u8],
    device_numbers: Array<'_, i32>,
    metric_numbers: Array<'_, i32>,
) -> TableIterator<
    'static,
    (
        name!(tenant, i32),
        name!(first_device, i32),
        name!(last_device, i32),
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
        let part = frame.part;
        (
            frame.tenant_ordinal.cast_signed() + 1,
            part.devices.0,
            part.devices.1,
            from_timestamp(part.span.0),
            from_timestamp(part.span.1),
            part.readings.cast_signed(),
            part.frame,
        )
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

extension_sql!(
    r#"
create aggregate batch_device_numbers(
    batch bytea, tenant integer, device text, number integer, is_unmarked boolean
) (
    sfunc = batch_roll_state,
    stype = internal,
    finalfunc = batch_roll_numbers,
    finalfunc_modify = read_only,
    parallel = safe
);
create aggregate batch_devices_unmarked(
    batch bytea, tenant integer, device text, number integer, is_unmarked boolean
) (
    sfunc = batch_roll_state,
    stype = internal,
    finalfunc = batch_roll_unmarked,
    finalfunc_modify = read_only,
    parallel = safe
);
comment on aggregate batch_device_numbers(bytea, integer, text, integer, boolean) is
    'The numbers of the devices of a batch in the order of their ordinals, from rows that give a tenant''s ordinal in the batch and slug and number of a device of that tenant; null for a device that no row gives. Rows of devices that the batch does not name, or with nulls, change nothing; but without any row there is no answer.';
comment on aggregate batch_devices_unmarked(bytea, integer, text, integer, boolean) is
    'Of the devices that batch_device_numbers gives a number, the ordinals (from 1) of those whose row has is_unmarked, or null where none has. Both together call the roll once.';
comment on function batch_roll_state(internal, bytea, integer, text, integer, boolean) is
    'Adds a device to the state of batch_device_numbers and batch_devices_unmarked.';
comment on function batch_roll_numbers(internal) is 'Ends batch_device_numbers.';
comment on function batch_roll_unmarked(internal) is 'Ends batch_devices_unmarked.';
comment on function batch_names(bytea) is
    'The slugs of the tenants that a batch names, how many devices it names, and tenant (by ordinal from 1) and name of its metrics, each in the order of their ordinals.';
comment on function batch_slugs(bytea, integer) is
    'The slugs of the devices that a batch names of the tenant of this ordinal, from 1.';
comment on function batch_devices(bytea, integer[]) is
    'The devices that a batch names, by ordinal from 1; with ordinals, those alone.';
alter function batch_names(bytea) rows 1;
alter function batch_metrics(bytea, integer[]) rows 20;
alter function batch_pack(bytea, integer[], integer[]) rows 1;
comment on function batch_metrics(bytea, integer[]) is
    'The metrics that a batch names, by ordinal from 1, with the type of their values in it. With device_numbers, in the order of the devices'' ordinals, only those that messages of a device with a number use.';
comment on function batch_hits(bytea, text[], integer[], text[]) is
    'The messages of a batch, by place from 1, that use a refused entry of its dictionaries, each with the first such entry, its device before its metrics. The arrays give kind (device or metric), ordinal and code of the refused entries.';
comment on function batch_pack(bytea, integer[], integer[]) is
    'The frames to store of a batch: of each tenant, which is given by its ordinal from 1, as many as keep a frame short enough for a row, each of other devices, which it gives by their least and greatest number. The arrays resolve devices and metrics, in the order of their ordinals, to their numbers; messages with a null among them are left out whole.';
"#,
    name = "batch_comments",
    requires = [
        batch_names,
        batch_slugs,
        batch_roll_state,
        batch_roll_numbers,
        batch_roll_unmarked,
        batch_devices,
        batch_metrics,
        batch_hits,
        batch_pack
    ]
);

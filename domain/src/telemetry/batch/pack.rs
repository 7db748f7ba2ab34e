//! Turns a batch into the frames to store, one for each tenant.

use super::{Batch, BatchError};
use crate::telemetry::frame::{FramePart, FrameRows};

/// A part of what one tenant has in a batch, packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantFrame<'a> {
    /// The slug of the tenant.
    pub tenant: &'a str,
    /// The ordinal of the tenant in the batch, from 0.
    pub tenant_ordinal: u32,
    /// The readings of some of its devices.
    pub part: FramePart,
}

/// Packs the messages of `batch`, in the order of its tenants. `device_numbers` and
/// `metric_numbers` resolve its devices and metrics, by ordinal; where a number is missing, the
/// messages of that device or with that metric are left out whole, and a tenant without messages
/// gets no frame. A tenant with many readings gets several, each of other devices.
///
/// # Errors
/// [`BatchError::NumbersMismatch`] when there are not as many numbers as names;
/// [`BatchError::Layout`] when the batch is corrupt.
pub fn pack<'a>(
    batch: &Batch<'a>,
    device_numbers: &[Option<i32>],
    metric_numbers: &[Option<i32>],
) -> Result<Vec<TenantFrame<'a>>, BatchError> {
    check_numbers("devices", batch.devices().len(), device_numbers.len())?;
    check_numbers("metrics", batch.metrics().len(), metric_numbers.len())?;
    let metric_number = |metric: u32| metric_numbers.get(metric as usize).copied().flatten();
    // Growing would copy the readings several times over; most batches are of one tenant.
    let readings_each = batch.readings() / batch.tenants().len().max(1);
    let tenants = batch.tenants().iter();
    let mut tenants: Vec<_> = tenants
        .map(|_| FrameRows::with_capacity(readings_each))
        .collect();
    let mut messages = batch.messages();
    while let Some(message) = messages.next_message()? {
        let device = device_numbers
            .get(message.device as usize)
            .copied()
            .flatten();
        let rows = tenants
            .get_mut(message.tenant as usize)
            .ok_or(BatchError::Layout)?;
        let start = rows.cells_mut().len();
        messages.read_cells(&message, metric_number, rows.cells_mut())?;
        match device {
            Some(device) => rows.end_row(device, message.at, start),
            None => rows.cells_mut().truncate(start),
        }
    }
    let mut frames = Vec::new();
    for ((tenant_ordinal, tenant), rows) in (0..).zip(batch.tenants()).zip(tenants) {
        let parts = rows.encode_by_device().map_err(|_| BatchError::Layout)?;
        frames.extend(parts.into_iter().map(|part| TenantFrame {
            tenant,
            tenant_ordinal,
            part,
        }));
    }
    Ok(frames)
}

const fn check_numbers(
    kind: &'static str,
    entries: usize,
    numbers: usize,
) -> Result<(), BatchError> {
    if entries == numbers {
        Ok(())
    } else {
        Err(BatchError::NumbersMismatch {
            kind,
            entries,
            numbers,
        })
    }
}

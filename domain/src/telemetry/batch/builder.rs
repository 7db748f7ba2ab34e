//! Builds a batch message by message.

use super::dictionary::Dictionary;
use super::summary::{BatchSummary, MessageNames, MessageRef};
use super::{BATCH_BYTES_MAX, BATCH_READINGS_MAX, BatchError, VERSION};
use crate::identity::DeviceAddress;
use crate::telemetry::bytes::{put_i64, put_text, put_u64, put_usize};
use crate::telemetry::payload::Message;
use crate::telemetry::sealed::{self, HEADER_BYTES};
use crate::telemetry::value::{Value, ValueType};
use crate::telemetry::value_bytes::put_value;

/// What an entry of a dictionary takes at most beyond its text: ordinal, type and length.
const ENTRY_BYTES_MAX: usize = 8;

/// What a reading takes at most beyond its text: ordinal, type and a number or length.
const READING_BYTES_MAX: usize = 16;

/// What a message takes at most beyond its readings: ordinal, time and their count.
const MESSAGE_BYTES_MAX: usize = 24;

/// The messages of many devices, of any tenants, on their way to the database.
#[derive(Debug, Default)]
pub struct BatchBuilder {
    tenants: Dictionary,
    devices: Dictionary,
    metrics: Dictionary,
    metric_types: Vec<ValueType>,
    points: Vec<u8>,
    at_last: i64,
    summary: BatchSummary,
}

/// A batch to send, and what to remember of it until the answer comes.
#[derive(Clone, Debug)]
pub struct FinishedBatch {
    /// The batch as `iot.ingest` takes it.
    pub bytes: Vec<u8>,
    /// Which messages used which names.
    pub summary: BatchSummary,
}

impl BatchBuilder {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a message of the device at `address`.
    ///
    /// # Errors
    /// [`BatchError::Full`] when the message does not fit any more; the batch is as it was. An
    /// empty batch takes every message that [`crate::telemetry::payload::parse`] returns.
    pub fn push(
        &mut self,
        address: &DeviceAddress,
        message: &Message<'_>,
    ) -> Result<MessageRef, BatchError> {
        if !self.has_room_for(message) {
            return Err(BatchError::Full);
        }
        let tenant = self.tenants.ordinal(0, address.tenant.as_str());
        let device = self.devices.ordinal(tenant, address.device.as_str());
        put_u64(&mut self.points, u64::from(device));
        put_i64(
            &mut self.points,
            message.at.as_micros().wrapping_sub(self.at_last),
        );
        put_usize(&mut self.points, message.readings.len());
        self.at_last = message.at.as_micros();
        for (name, value) in &message.readings {
            let metric = self.metric(tenant, name, value.value_type());
            put_u64(&mut self.points, u64::from(metric));
            put_value(&mut self.points, value);
            self.summary.metrics.push(metric);
        }
        let metrics_end = self.summary.metrics.len();
        let position = u32::try_from(self.summary.messages.len());
        self.summary.messages.push(MessageNames {
            device,
            metrics_end,
        });
        position.map(MessageRef).map_err(|_| BatchError::Full)
    }

    /// How many readings the batch has.
    #[must_use]
    pub fn readings(&self) -> usize {
        self.summary.metrics.len()
    }

    /// How many messages the batch has.
    #[must_use]
    pub fn messages(&self) -> usize {
        self.summary.messages.len()
    }

    /// How long the batch will be, in bytes: at most this.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let dictionaries = [&self.tenants, &self.devices, &self.metrics];
        let names = dictionaries
            .iter()
            .map(|names| names.text_bytes() + names.len() * ENTRY_BYTES_MAX);
        HEADER_BYTES + 5 * ENTRY_BYTES_MAX + names.sum::<usize>() + self.points.len()
    }

    /// Whether the batch has no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.summary.messages.is_empty()
    }

    /// Ends the batch.
    #[must_use]
    pub fn finish(self) -> FinishedBatch {
        let mut bytes = sealed::begin(VERSION);
        bytes.reserve(self.bytes());
        put_usize(&mut bytes, self.tenants.len());
        for (_, name) in self.tenants.iter() {
            put_text(&mut bytes, name);
        }
        put_usize(&mut bytes, self.devices.len());
        for (tenant, name) in self.devices.iter() {
            put_u64(&mut bytes, u64::from(tenant));
            put_text(&mut bytes, name);
        }
        put_usize(&mut bytes, self.metrics.len());
        for ((tenant, name), kind) in self.metrics.iter().zip(&self.metric_types) {
            put_u64(&mut bytes, u64::from(tenant));
            bytes.push(*kind as u8);
            put_text(&mut bytes, name);
        }
        put_usize(&mut bytes, self.summary.messages.len());
        put_usize(&mut bytes, self.summary.metrics.len());
        bytes.extend_from_slice(&self.points);
        FinishedBatch {
            bytes: sealed::seal(bytes),
            summary: self.summary,
        }
    }

    fn has_room_for(&self, message: &Message<'_>) -> bool {
        let readings = message.readings.iter().map(|(name, value)| {
            let text = match value {
                Value::Text(text) | Value::Json(text) => text.len(),
                _ => 0,
            };
            READING_BYTES_MAX + ENTRY_BYTES_MAX + name.len() + text
        });
        let bytes = MESSAGE_BYTES_MAX + readings.sum::<usize>();
        self.readings() + message.readings.len() <= BATCH_READINGS_MAX
            && self.bytes() + bytes <= BATCH_BYTES_MAX
    }

    fn metric(&mut self, tenant: u32, name: &str, kind: ValueType) -> u32 {
        let metric = self.metrics.ordinal(tenant, name);
        match self.metric_types.get_mut(metric as usize) {
            Some(known) => *known = known.widen(kind),
            None => self.metric_types.push(kind),
        }
        metric
    }
}

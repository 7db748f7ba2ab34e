//! Reads a batch: the dictionary at once, the messages when they are asked for.

use super::{BATCH_BYTES_MAX, BATCH_READINGS_MAX, BatchError, VERSION};
use crate::telemetry::bytes::{Malformed, Reader};
use crate::telemetry::sealed;
use crate::telemetry::value::{Value, ValueType};
use crate::telemetry::value_bytes::{read_text, read_value};
use crate::time::Timestamp;

/// The shortest message: its device, time and count.
const MESSAGE_BYTES_MIN: usize = 3;

/// The shortest reading: its metric and type.
const READING_BYTES_MIN: usize = 2;

/// The type of a float, as it stands before its value.
const FLOAT: u8 = ValueType::Float as u8;

/// A reading of a metric of an ordinal below 128 and of a float: ordinal, type and value.
const SHORT_FLOAT_BYTES: usize = 1 + 1 + 8;

/// A batch whose checksum and dictionary are sound.
#[derive(Clone, Debug)]
pub struct Batch<'a> {
    tenants: Vec<&'a str>,
    devices: Vec<(u32, &'a str)>,
    metrics: Vec<(u32, ValueType, &'a str)>,
    messages: usize,
    readings: usize,
    points: Reader<'a>,
}

/// A metric that a batch names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMetric<'a> {
    /// The slug of its tenant.
    pub tenant: &'a str,
    /// The ordinal of its tenant, from 0.
    pub tenant_ordinal: u32,
    /// Its name.
    pub name: &'a str,
    /// The type of its values in this batch, see [`ValueType::widen`].
    pub value_type: ValueType,
}

impl<'a> Batch<'a> {
    /// Reads a batch's dictionary and checks the bytes against their checksum. Allocates for the
    /// names alone.
    ///
    /// # Errors
    /// [`BatchError`] when the bytes are no batch of this version.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, BatchError> {
        if bytes.len() > BATCH_BYTES_MAX {
            return Err(BatchError::TooLarge { bytes: bytes.len() });
        }
        let content = sealed::open(bytes, VERSION)?;
        Self::parse_content(Reader::new(content))
    }

    fn parse_content(mut reader: Reader<'a>) -> Result<Self, BatchError> {
        let tenants = read_list(&mut reader, 1, read_text)?;
        let tenant_count = tenants.len();
        let devices = read_list(&mut reader, 2, |entry| {
            Ok((read_ordinal(entry, tenant_count)?, read_text(entry)?))
        })?;
        let metrics = read_list(&mut reader, 3, |entry| {
            let tenant = read_ordinal(entry, tenant_count)?;
            let kind = ValueType::from_number(entry.u8()?).ok_or(Malformed)?;
            Ok((tenant, kind, read_text(entry)?))
        })?;
        let (messages, readings) = (reader.u32()? as usize, reader.u32()? as usize);
        let bytes_min = messages * MESSAGE_BYTES_MIN + readings * READING_BYTES_MIN;
        if readings > BATCH_READINGS_MAX || bytes_min > reader.remaining() {
            return Err(BatchError::Layout);
        }
        Ok(Self {
            tenants,
            devices,
            metrics,
            messages,
            readings,
            points: reader,
        })
    }

    /// The slugs of the tenants, by ordinal from 0.
    #[must_use]
    pub fn tenants(&self) -> &[&'a str] {
        &self.tenants
    }

    /// Tenant slug and device slug of each device, by ordinal from 0.
    pub fn devices(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> {
        self.devices
            .iter()
            .map(|&(tenant, name)| (self.tenant(tenant), name))
    }

    /// Tenant ordinal and slug of each device, by ordinal from 0.
    #[must_use]
    pub fn device_names(&self) -> &[(u32, &'a str)] {
        &self.devices
    }

    /// The metrics, by ordinal from 0.
    pub fn metrics(&self) -> impl ExactSizeIterator<Item = BatchMetric<'a>> {
        self.metrics
            .iter()
            .map(|&(tenant, value_type, name)| BatchMetric {
                tenant: self.tenant(tenant),
                tenant_ordinal: tenant,
                name,
                value_type,
            })
    }

    /// How many readings the batch has.
    #[must_use]
    pub const fn readings(&self) -> usize {
        self.readings
    }

    /// A cursor over the messages, in the order of pushing.
    pub(crate) const fn messages(&self) -> BatchMessages<'_, 'a> {
        BatchMessages {
            batch: self,
            points: self.points,
            at_last: 0,
            messages_left: self.messages,
            readings_left: self.readings,
        }
    }

    fn tenant(&self, ordinal: u32) -> &'a str {
        self.tenants
            .get(ordinal as usize)
            .copied()
            .unwrap_or_default()
    }
}

/// A message of a batch, without its readings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchMessage {
    /// The ordinal of its tenant.
    pub(crate) tenant: u32,
    /// The ordinal of its device.
    pub(crate) device: u32,
    /// When it was measured.
    pub(crate) at: Timestamp,
    /// How many readings it has.
    readings: usize,
}

/// A cursor over the messages of a batch.
#[derive(Clone, Debug)]
pub(crate) struct BatchMessages<'b, 'a> {
    batch: &'b Batch<'a>,
    points: Reader<'a>,
    at_last: i64,
    messages_left: usize,
    readings_left: usize,
}

impl<'a> BatchMessages<'_, 'a> {
    /// Reads the next message up to its readings, which [`Self::read_cells`] must take before the
    /// message after it; nothing after the last one.
    pub(crate) fn next_message(&mut self) -> Result<Option<BatchMessage>, Malformed> {
        if self.messages_left == 0 {
            let complete = self.readings_left == 0 && self.points.is_empty();
            return if complete { Ok(None) } else { Err(Malformed) };
        }
        self.messages_left -= 1;
        let device = self.points.u32()?;
        let tenant = self.batch.devices.get(device as usize).ok_or(Malformed)?.0;
        self.at_last = self.at_last.wrapping_add(self.points.i64()?);
        let at = Timestamp::from_micros(self.at_last);
        let readings = self.points.count(READING_BYTES_MIN)?;
        self.readings_left = self.readings_left.checked_sub(readings).ok_or(Malformed)?;
        Ok(Some(BatchMessage {
            tenant,
            device,
            at,
            readings,
        }))
    }

    /// Appends the readings of `message`, its metrics as `number` resolves their ordinals, to
    /// `cells`. None of them, when one of the metrics is not resolved.
    pub(crate) fn read_cells(
        &mut self,
        message: &BatchMessage,
        number: impl Fn(u32) -> Option<i32>,
        cells: &mut Vec<(i32, Value<'a>)>,
    ) -> Result<(), Malformed> {
        let start = cells.len();
        let mut resolved = true;
        for _ in 0..message.readings {
            let (metric, value) = self.read_reading(message)?;
            match number(metric) {
                Some(number) => cells.push((number, value)),
                None => resolved = false,
            }
        }
        if !resolved {
            cells.truncate(start);
        }
        Ok(())
    }

    /// Reads the next reading, its metric as its ordinal.
    #[inline]
    fn read_reading(&mut self, message: &BatchMessage) -> Result<(u32, Value<'a>), Malformed> {
        let mut points = self.points;
        // What most readings are: a float of a metric whose ordinal fits a byte.
        if let Ok([metric @ 0..0x80, FLOAT, float @ ..]) = points.array::<SHORT_FLOAT_BYTES>() {
            self.points = points;
            let metric = self.of_tenant(u32::from(metric), message)?;
            return Ok((metric, Value::Float(f64::from_le_bytes(float))));
        }
        Ok((self.read_metric(message)?, read_value(&mut self.points)?))
    }

    /// Passes over the readings of `message` and hands the ordinals of their metrics to `push`.
    pub(crate) fn read_metrics(
        &mut self,
        message: &BatchMessage,
        mut push: impl FnMut(u32),
    ) -> Result<(), Malformed> {
        for _ in 0..message.readings {
            push(self.read_metric(message)?);
            read_value(&mut self.points)?;
        }
        Ok(())
    }

    /// Reads the ordinal of a metric, which is of the tenant of `message`.
    fn read_metric(&mut self, message: &BatchMessage) -> Result<u32, Malformed> {
        let metric = self.points.u32()?;
        self.of_tenant(metric, message)
    }

    fn of_tenant(&self, metric: u32, message: &BatchMessage) -> Result<u32, Malformed> {
        match self.batch.metrics.get(metric as usize) {
            Some(&(tenant, ..)) if tenant == message.tenant => Ok(metric),
            _ => Err(Malformed),
        }
    }
}

fn read_list<'a, T>(
    reader: &mut Reader<'a>,
    bytes_each: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let count = reader.count(bytes_each)?;
    let mut list = Vec::with_capacity(count);
    for _ in 0..count {
        list.push(read(reader)?);
    }
    Ok(list)
}

fn read_ordinal(reader: &mut Reader<'_>, count: usize) -> Result<u32, Malformed> {
    let ordinal = reader.u32()?;
    if (ordinal as usize) < count {
        Ok(ordinal)
    } else {
        Err(Malformed)
    }
}

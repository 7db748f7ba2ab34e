//! A batch: messages on their way into the database in one transaction.
//!
//! Nothing is refused for good here: what cannot be read is kept beside the batch with its reason,
//! and is stored as rejected when the batch is.

use std::borrow::Cow;

use bytes::Bytes;
use tenon_domain::identity::DeviceAddress;
use tenon_domain::telemetry::batch::{BatchBuilder, BatchError, FinishedBatch, RefusedEntry};
use tenon_domain::telemetry::payload;
use tenon_domain::time::Timestamp;

use super::acks::Receipt;

/// A message as it came from the broker.
#[derive(Clone, Debug)]
pub struct Received {
    /// How to acknowledge it.
    pub receipt: Receipt,
    /// Its topic, not yet checked to be UTF-8.
    pub topic: Bytes,
    /// Its bytes.
    pub payload: Bytes,
    /// When it was read from the socket: the time of readings that carry none.
    pub received_at: Timestamp,
}

/// Why a message is not stored, and which one: what `iot.reject` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The place of the message in its batch.
    pub message: usize,
    /// A stable code such as `payload.not_json`.
    pub code: Cow<'static, str>,
    /// The reason, for people.
    pub reason: String,
}

/// Messages that are committed together.
#[derive(Debug, Default)]
pub struct Batch {
    /// All of them in the order of receipt, readable or not.
    pub messages: Vec<Received>,
    /// Those that could not be read.
    pub rejections: Vec<Rejection>,
    builder: BatchBuilder,
    /// For each message in `builder`, its place in `messages`: a payload can hold several.
    places: Vec<usize>,
    payload_bytes: usize,
}

/// A batch as the database takes it.
#[derive(Debug)]
pub struct SealedBatch {
    /// All messages in the order of receipt.
    pub messages: Vec<Received>,
    /// Those that could not be read.
    pub rejections: Vec<Rejection>,
    /// The readable ones, packed.
    pub packed: FinishedBatch,
    /// How many readings are packed.
    pub readings: usize,
    places: Vec<usize>,
}

impl Batch {
    /// Adds a message.
    ///
    /// # Errors
    /// Gives the message back when it does not fit any more; an empty batch takes any.
    pub fn push(&mut self, message: Received) -> Result<(), Received> {
        let place = self.messages.len();
        match self.read(&message, place) {
            Ok(()) => {}
            Err(Refusal::Full) if place > 0 => return Err(message),
            Err(Refusal::Full) => self.reject(place, "payload.too_large", "no batch can hold it"),
            Err(Refusal::Unreadable { code, reason }) => self.reject(place, code, &reason),
        }
        self.payload_bytes += message.payload.len();
        self.messages.push(message);
        Ok(())
    }

    /// Reads the message into the builder. When the batch is full halfway through a payload, what
    /// was taken of it stays: the payload goes whole into the next batch, and counts once.
    fn read(&mut self, message: &Received, place: usize) -> Result<(), Refusal> {
        let topic = std::str::from_utf8(&message.topic).unwrap_or_default();
        let address = DeviceAddress::from_topic(topic)
            .map_err(|error| Refusal::unreadable(error.code(), &error))?;
        let parsed = payload::parse(&message.payload, message.received_at)
            .map_err(|error| Refusal::unreadable(error.code(), &error))?;
        for part in &parsed {
            match self.builder.push(&address, part) {
                Ok(_) => self.places.push(place),
                Err(BatchError::Full) => return Err(Refusal::Full),
                Err(error) => return Err(Refusal::unreadable(error.code(), &error)),
            }
        }
        Ok(())
    }

    fn reject(&mut self, message: usize, code: &'static str, reason: &str) {
        let (code, reason) = (Cow::Borrowed(code), reason.to_owned());
        self.rejections.push(Rejection {
            message,
            code,
            reason,
        });
    }

    /// How many readings it has.
    #[must_use]
    pub fn readings(&self) -> usize {
        self.builder.readings()
    }

    /// How many bytes the payloads have.
    #[must_use]
    pub const fn payload_bytes(&self) -> usize {
        self.payload_bytes
    }

    /// Whether it has no message at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Ends the batch.
    #[must_use]
    pub fn seal(self) -> SealedBatch {
        SealedBatch {
            readings: self.builder.readings(),
            packed: self.builder.finish(),
            messages: self.messages,
            rejections: self.rejections,
            places: self.places,
        }
    }
}

/// Why a message did not get into a batch.
enum Refusal {
    Full,
    Unreadable { code: &'static str, reason: String },
}

impl Refusal {
    fn unreadable(code: &'static str, error: &dyn std::error::Error) -> Self {
        Self::Unreadable {
            code,
            reason: error.to_string(),
        }
    }
}

impl SealedBatch {
    /// Packs messages again, as when a batch is divided to find the one that cannot be stored.
    #[must_use]
    pub fn of(messages: &[Received]) -> Self {
        let mut batch = Batch::default();
        for message in messages {
            // A part of a batch is never larger than the whole was.
            let _ = batch.push(message.clone());
        }
        batch.seal()
    }

    /// The messages that the database left out because of `refused`, each once.
    #[must_use]
    pub fn rejections_of(&self, refused: &[RefusedEntry]) -> Vec<Rejection> {
        let mut rejections: Vec<Rejection> = Vec::new();
        for (part, entry) in self.packed.summary.messages_hit(refused) {
            let Some(&message) = self.places.get(part.index()) else {
                continue;
            };
            if rejections
                .last()
                .is_some_and(|last| last.message == message)
            {
                continue;
            }
            let code = Cow::Owned(entry.code.clone());
            let reason = explain(&entry.code).to_owned();
            rejections.push(Rejection {
                message,
                code,
                reason,
            });
        }
        rejections
    }
}

/// What a refusal by the database means, for the one who finds the message.
fn explain(code: &str) -> &'static str {
    match code {
        "tenant.unknown" => "no tenant has the slug in the topic",
        "tenant.suspended" => "the tenant is suspended",
        "device.unknown" => "the tenant has no such device and does not register devices by itself",
        "device.suspended" => "the device is suspended",
        "device.decommissioned" => "the device is decommissioned",
        "metric.limit_reached" => "the tenant has as many metrics as it may have",
        _ => "the database refused a name in it",
    }
}

#[cfg(test)]
mod tests;

//! Decides what a client's JSON messages come to that arrive by a function call, not by MQTT.
//!
//! Each message may name its device; apart from that it is what a payload may hold. Unlike a
//! payload, messages here stand for themselves: a faulty one is refused and the others are kept.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use thiserror::Error;

use super::batch::{BatchBuilder, BatchError};
use super::payload::{self, PayloadError};
use crate::identity::{DeviceAddress, DeviceSlug, IdentityError, TenantSlug};
use crate::time::Timestamp;

/// The key under which a message names its device.
const DEVICE_KEY: &str = "device";

/// What a client's messages come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The batch of the good messages, if there is one.
    pub batch: Option<Vec<u8>>,
    /// The place, from 0, that each message of the batch had among the messages sent.
    pub indexes: Vec<usize>,
    /// The refused messages, in the order sent.
    pub rejected: Vec<Rejection>,
}

/// A refused message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Its place among the messages, from 0.
    pub index: usize,
    /// The device that it was for, as far as one is named.
    pub device: Option<String>,
    /// The stable code of the reason.
    pub code: &'static str,
    /// The reason, for people.
    pub message: String,
}

/// Reads `messages`, JSON text of one message or an array of them, received at `received_at` for
/// devices of `tenant`; those that name no device are for `device`.
///
/// # Errors
/// [`PayloadError::NotJson`] when `messages` is not JSON.
pub fn read(
    tenant: &TenantSlug,
    device: Option<&str>,
    messages: &str,
    received_at: Timestamp,
) -> Result<Submission, PayloadError> {
    let mut builder = BatchBuilder::new();
    let mut indexes = Vec::new();
    let mut rejected = Vec::new();
    for (index, message) in split(messages)?.into_iter().map(RawValue::get).enumerate() {
        let named = named_device(message);
        let device = named
            .as_ref()
            .map_or(None, |named| named.as_deref().or(device));
        let added = match &named {
            Ok(_) => add(&mut builder, tenant, device, message, received_at),
            Err(fault) => Err(fault.clone()),
        };
        match added {
            Ok(()) => indexes.push(index),
            Err(fault) => rejected.push(Rejection {
                index,
                device: device.map(str::to_owned),
                code: fault.code(),
                message: fault.to_string(),
            }),
        }
    }
    let batch = (!builder.is_empty()).then(|| builder.finish().bytes);
    Ok(Submission {
        batch,
        indexes,
        rejected,
    })
}

fn split(messages: &str) -> Result<Vec<&RawValue>, PayloadError> {
    let messages = messages.trim_ascii();
    let split = if messages.starts_with('[') {
        serde_json::from_str(messages)
    } else {
        serde_json::from_str(messages).map(|message| vec![message])
    };
    split.map_err(|error| PayloadError::NotJson {
        reason: error.to_string(),
    })
}

/// The part of a message that names its device.
#[derive(Deserialize)]
struct Addressed<'a> {
    #[serde(borrow)]
    device: Option<&'a RawValue>,
}

fn named_device(message: &str) -> Result<Option<Cow<'_, str>>, Fault> {
    if !message.starts_with('{') {
        return Err(PayloadError::NotObject.into());
    }
    let addressed: Addressed<'_> =
        serde_json::from_str(message).map_err(|error| PayloadError::NotJson {
            reason: error.to_string(),
        })?;
    let Some(device) = addressed.device else {
        return Ok(None);
    };
    match serde_json::from_str(device.get()) {
        Ok(Slug(slug)) => Ok(Some(slug)),
        Err(_) => Err(IdentityError::DeviceSlug.into()),
    }
}

/// A text, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Slug<'a>(#[serde(borrow)] Cow<'a, str>);

fn add(
    builder: &mut BatchBuilder,
    tenant: &TenantSlug,
    device: Option<&str>,
    message: &str,
    received_at: Timestamp,
) -> Result<(), Fault> {
    let device = DeviceSlug::parse(device.ok_or(Fault::DeviceMissing)?)?;
    let address = DeviceAddress {
        tenant: tenant.clone(),
        device,
    };
    // An object is one message.
    for message in payload::parse_ignoring(message.as_bytes(), received_at, DEVICE_KEY)? {
        builder.push(&address, &message)?;
    }
    Ok(())
}

/// Why a message was refused.
#[derive(Clone, Debug, Error)]
enum Fault {
    #[error("the message names no device")]
    DeviceMissing,
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(transparent)]
    Payload(#[from] PayloadError),
    #[error(transparent)]
    Batch(#[from] BatchError),
}

impl Fault {
    const fn code(&self) -> &'static str {
        match self {
            Self::DeviceMissing => "device.missing",
            Self::Identity(error) => error.code(),
            Self::Payload(error) => error.code(),
            Self::Batch(error) => error.code(),
        }
    }
}

#[cfg(test)]
mod tests;

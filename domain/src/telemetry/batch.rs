//! Decides how the bridge hands many devices' messages to the database in one value.
//!
//! A batch names each tenant, device and metric once and lets its readings point at them, so that
//! SQL resolves hundreds of names where there are tens of thousands of readings. Its bytes live
//! for one call and are never stored; `docs/telemetry-format.md` gives their layout.
//!
//! Whether a device may write and which number it has is left to the database.

mod builder;
mod dictionary;
mod pack;
mod reader;
mod roll;
mod summary;

use thiserror::Error;

use super::bytes::Malformed;
use super::sealed::Unopened;

pub use self::builder::{BatchBuilder, FinishedBatch};
pub use self::pack::{TenantFrame, pack};
pub use self::reader::{Batch, BatchMetric};
pub use self::roll::DeviceRoll;
pub use self::summary::{BatchSummary, EntryKind, MessageRef, RefusedEntry};

/// The most readings in a batch and in a stored frame. It bounds what reading either of them can
/// allocate, and 2^18 is five seconds of what one bridge can carry.
pub const BATCH_READINGS_MAX: usize = 1 << 18;

/// The longest batch: far below what Postgres takes as one value, and small enough that a bridge
/// may hold several.
pub const BATCH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The version of the layout, in the first byte.
const VERSION: u8 = 1;

/// Why a batch cannot be built or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// The message does not fit the batch any more: finish it and push into a new one.
    #[error("a batch holds at most {BATCH_READINGS_MAX} readings and {BATCH_BYTES_MAX} bytes")]
    Full,
    /// More bytes than [`BATCH_BYTES_MAX`].
    #[error("the batch has {bytes} bytes, at most {BATCH_BYTES_MAX} are allowed")]
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The first byte names a layout that this version does not know.
    #[error("the batch has version {0}, this is version {VERSION}")]
    UnknownVersion(u8),
    /// The checksum differs from the content.
    #[error("the batch's checksum differs from its content")]
    Checksum,
    /// The content breaks the layout.
    #[error("the batch's content breaks its layout")]
    Layout,
    /// An array of numbers is not as long as the dictionary that it resolves.
    #[error("the batch has {entries} {kind} but {numbers} numbers were given for them")]
    NumbersMismatch {
        /// `devices` or `metrics`.
        kind: &'static str,
        /// How many the batch names.
        entries: usize,
        /// How many numbers were given.
        numbers: usize,
    },
}

impl BatchError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Full => "telemetry.batch_full",
            Self::TooLarge { .. } | Self::UnknownVersion(_) | Self::Checksum | Self::Layout => {
                "telemetry.batch_corrupt"
            }
            Self::NumbersMismatch { .. } => "telemetry.batch_numbers_mismatch",
        }
    }
}

impl From<Unopened> for BatchError {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::Version(version) => Self::UnknownVersion(version),
            Unopened::Checksum => Self::Checksum,
        }
    }
}

impl From<Malformed> for BatchError {
    fn from(_: Malformed) -> Self {
        Self::Layout
    }
}

#[cfg(test)]
mod tests;

//! Decides how readings are stored: the bytes of `iot.batches.frame`.
//!
//! A frame holds readings of one tenant as tables. A table has one row for each device and
//! instant, ordered by device and then time, and one column for each metric; rows that measured
//! the same metrics share a table, so that no cell is empty and a time is written once however
//! many metrics it has. One device's part of one column is read without decoding the rest.
//! `docs/telemetry-format.md` gives the layout byte by byte.
//!
//! Within a frame a device, metric and instant occur once: the reading pushed last.

mod reader;
mod rows;
mod table;
mod table_reader;
mod writer;

use thiserror::Error;

use super::batch::BATCH_READINGS_MAX;
use super::bytes::Malformed;
use super::sealed::Unopened;

pub use self::reader::{Frame, Reading};
pub use self::rows::{FramePart, FrameRows};

/// The most readings in a frame: as many as a batch has. Reading a frame allocates for at most so
/// many readings, whatever its bytes claim.
pub const FRAME_READINGS_MAX: usize = BATCH_READINGS_MAX;

/// The version of the layout, in the first byte.
const VERSION: u8 = 1;

/// Why a frame cannot be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// More readings than [`FRAME_READINGS_MAX`].
    #[error("a frame holds at most {FRAME_READINGS_MAX} readings")]
    TooManyReadings,
    /// The first byte names a layout that this version does not know.
    #[error("the frame has version {0}, this is version {VERSION}")]
    UnknownVersion(u8),
    /// The checksum differs from the content.
    #[error("the frame's checksum differs from its content")]
    Checksum,
    /// The content breaks the layout.
    #[error("the frame's content breaks its layout")]
    Layout,
}

impl FrameError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooManyReadings => "telemetry.frame_full",
            Self::UnknownVersion(_) | Self::Checksum | Self::Layout => "telemetry.frame_corrupt",
        }
    }
}

impl From<Unopened> for FrameError {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::Version(version) => Self::UnknownVersion(version),
            Unopened::Checksum => Self::Checksum,
        }
    }
}

impl From<Malformed> for FrameError {
    fn from(_: Malformed) -> Self {
        Self::Layout
    }
}

#[cfg(test)]
mod tests;

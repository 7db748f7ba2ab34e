//! Decides how the readings of one device are kept for good: a row of `iot.blocks`.
//!
//! A block is a **head** and a **body**. The body holds columns: for each set of metrics that came
//! together, the times once, then the values of each metric. The head tells where each column lies
//! in the body, and what its readings come to in each **slice** of the rows, mostly an hour of UTC:
//! count, least, greatest, sum, first and last. A query whose buckets hold whole slices reads heads
//! only. Rows may also be gone, with nothing but their slices left: this is down-sampling.
//!
//! The blocks of a device do not overlap in time, none crosses the end of a month of UTC, and within
//! one an instant occurs once. `docs/telemetry-format.md` gives the layout byte by byte.

mod body;
mod head;
mod slices;
mod summary;
mod writer;

use thiserror::Error;

use super::bytes::Malformed;
use super::sealed::Unopened;
use crate::time::Timestamp;

pub use self::body::BlockBody;
pub(crate) use self::body::{read_column, read_times};
pub use self::head::BlockHead;
pub(crate) use self::head::{ColumnHead, TableHead};
pub(crate) use self::slices::{HOUR_MICROS, Slice, hour_of};
pub(crate) use self::writer::{ColumnDraft, HoursDraft, TableDraft, write};

/// The most rows of a block: what a processor's cache holds while a column is decoded.
pub const BLOCK_ROWS_MAX: usize = 8192;

/// The version of the layout, in the first byte of the head.
const VERSION: u8 = 1;

/// What is stored of one device for some stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The number of the device.
    pub device: i32,
    /// The earliest instant.
    pub first_at: Timestamp,
    /// The latest instant.
    pub last_at: Timestamp,
    /// How many rows it has, slices without rows included: 1 to [`BLOCK_ROWS_MAX`] or little more.
    pub rows: u32,
    /// How many readings it has, those that only slices are left of not included.
    pub readings: u32,
    /// Where things lie in the body, and what they come to.
    pub head: Vec<u8>,
    /// The columns.
    pub body: Vec<u8>,
}

/// Which part of a block is corrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BlockFault {
    /// The first byte names a layout that this version does not know.
    #[error("the block has version {0}, this is version {VERSION}")]
    UnknownVersion(u8),
    /// The head differs from its checksum.
    #[error("the checksum of its head differs")]
    HeadChecksum,
    /// Times or values differ from their checksum, or are missing.
    #[error("the checksum of a column differs")]
    ColumnChecksum,
    /// The content breaks the layout.
    #[error("its content breaks its layout")]
    Layout,
}

/// A block that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the block of device number {device} is corrupt: {fault}")]
pub struct BlockError {
    /// The number of the device.
    pub device: i32,
    /// What is wrong.
    pub fault: BlockFault,
}

impl BlockError {
    /// The stable code of the error, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        "telemetry.block_corrupt"
    }
}

impl BlockFault {
    /// The fault as one of the block of `device`.
    #[must_use]
    pub const fn of_device(self, device: i32) -> BlockError {
        BlockError {
            device,
            fault: self,
        }
    }
}

impl From<Malformed> for BlockFault {
    fn from(_: Malformed) -> Self {
        Self::Layout
    }
}

impl From<Unopened> for BlockFault {
    fn from(unopened: Unopened) -> Self {
        match unopened {
            Unopened::Version(version) => Self::UnknownVersion(version),
            Unopened::Checksum => Self::HeadChecksum,
        }
    }
}

#[cfg(test)]
mod tests;

//! Readings, from the bytes a device sends to the buckets a chart draws.

pub mod batch;
pub mod block;
pub mod bucket;
pub(crate) mod bytes;
mod cells;
mod column;
pub mod compaction;
pub mod frame;
pub mod latest;
mod packed;
pub mod payload;
pub mod query;
#[cfg(test)]
mod samples;
mod sealed;
pub mod statistics;
pub mod submission;
pub mod value;
mod value_bytes;

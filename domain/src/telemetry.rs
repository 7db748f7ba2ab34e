//! Readings, from the bytes a device sends to the buckets a chart draws.

pub mod batch;
mod bytes;
pub mod payload;
pub mod value;

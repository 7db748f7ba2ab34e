//! Writes and reads what a compaction comes to, on its way from one function of SQL to the next.

use super::Compacted;
use crate::telemetry::block::{Block, BlockFault};
use crate::telemetry::bytes::{Malformed, Reader, put_i64, put_u64, put_usize};
use crate::time::Timestamp;

impl Compacted {
    /// The blocks, then the latest readings, as bytes that are not meant to be stored.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_usize(&mut bytes, self.blocks.len());
        for block in &self.blocks {
            put_i64(&mut bytes, block.device.into());
            put_i64(&mut bytes, block.first_at.as_micros());
            put_i64(&mut bytes, block.last_at.as_micros());
            put_u64(&mut bytes, block.rows.into());
            put_u64(&mut bytes, block.readings.into());
            put_bytes(&mut bytes, &block.head);
            put_bytes(&mut bytes, &block.body);
        }
        put_usize(&mut bytes, self.latest.len());
        for (device, frame) in &self.latest {
            put_i64(&mut bytes, (*device).into());
            put_bytes(&mut bytes, frame);
        }
        bytes
    }
}

/// The blocks that [`Compacted::encode`] wrote.
///
/// # Errors
/// [`BlockFault::Layout`] when the bytes are something else.
pub fn decode_blocks(bytes: &[u8]) -> Result<Vec<Block>, BlockFault> {
    read_blocks(&mut Reader::new(bytes)).map_err(BlockFault::from)
}

/// The latest readings that [`Compacted::encode`] wrote: device and frame.
///
/// # Errors
/// [`BlockFault::Layout`] when the bytes are something else.
pub fn decode_latest(bytes: &[u8]) -> Result<Vec<(i32, Vec<u8>)>, BlockFault> {
    let mut reader = Reader::new(bytes);
    read_blocks(&mut reader)?;
    let mut latest = Vec::new();
    for _ in 0..reader.count(2)? {
        latest.push((read_device(&mut reader)?, read_bytes(&mut reader)?));
    }
    Ok(latest)
}

fn read_blocks(reader: &mut Reader<'_>) -> Result<Vec<Block>, Malformed> {
    let mut blocks = Vec::new();
    for _ in 0..reader.count(7)? {
        blocks.push(Block {
            device: read_device(reader)?,
            first_at: Timestamp::from_micros(reader.i64()?),
            last_at: Timestamp::from_micros(reader.i64()?),
            rows: reader.u32()?,
            readings: reader.u32()?,
            head: read_bytes(reader)?,
            body: read_bytes(reader)?,
        });
    }
    Ok(blocks)
}

fn read_device(reader: &mut Reader<'_>) -> Result<i32, Malformed> {
    i32::try_from(reader.i64()?).map_err(|_| Malformed)
}

fn put_bytes(bytes: &mut Vec<u8>, content: &[u8]) {
    put_usize(bytes, content.len());
    bytes.extend_from_slice(content);
}

fn read_bytes(reader: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let len = reader.count(1)?;
    reader.take(len).map(<[u8]>::to_vec)
}

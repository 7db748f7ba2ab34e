//! Floats of full precision, which no power of ten makes whole.
//!
//! The compressor is the crate `pco`: it finds what the low bits of such numbers have in common,
//! and is chosen only where it saves bytes.

use pco::ChunkConfig;
use pco::standalone::{simple_compress, simple_decompress_into};

use super::{COMPRESSED_FLOATS, FLOATS};
use crate::telemetry::bytes::Malformed;

/// How hard the compressor tries, of 12: more costs time and saves next to nothing.
const LEVEL: usize = 4;

/// Appends `floats` as the shorter of the two codecs.
pub(super) fn encode(bytes: &mut Vec<u8>, floats: &[f64]) {
    let config = ChunkConfig::default().with_compression_level(LEVEL);
    match simple_compress(floats, &config) {
        Ok(compressed) if compressed.len() < size_of_val(floats) => {
            bytes.push(COMPRESSED_FLOATS);
            bytes.extend_from_slice(&compressed);
        }
        _ => {
            bytes.push(FLOATS);
            bytes.extend(floats.iter().flat_map(|float| float.to_le_bytes()));
        }
    }
}

/// The `rows` floats that were compressed to `bytes`.
pub(super) fn read(bytes: &[u8], rows: usize) -> Result<Vec<f64>, Malformed> {
    let mut floats = vec![0.0; rows];
    let progress = simple_decompress_into(bytes, &mut floats).map_err(|_| Malformed)?;
    if progress.finished && progress.n_processed == rows {
        Ok(floats)
    } else {
        Err(Malformed)
    }
}

//! The envelope of our stored formats: a version, a checksum, the content.

/// The version and the checksum.
pub(crate) const HEADER_BYTES: usize = 5;

/// Why an envelope does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// The first byte is another version.
    Version(u8),
    /// Too short, or the content is not what was sealed.
    Checksum,
}

/// Bytes to append the content to.
pub(crate) fn begin(version: u8) -> Vec<u8> {
    let mut bytes = vec![version];
    bytes.extend([0; HEADER_BYTES - 1]);
    bytes
}

/// Writes the checksum of what was appended to the bytes of [`begin`].
pub(crate) fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some((header, content)) = bytes.split_first_chunk_mut::<HEADER_BYTES>() {
        header[1..].copy_from_slice(&crc32fast::hash(content).to_le_bytes());
    }
    bytes
}

/// The content of sealed bytes.
pub(crate) fn open(bytes: &[u8], version: u8) -> Result<&[u8], Unopened> {
    let (header, content) = bytes
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or(Unopened::Checksum)?;
    let [found, checksum @ ..] = *header;
    if found != version {
        Err(Unopened::Version(found))
    } else if crc32fast::hash(content) != u32::from_le_bytes(checksum) {
        Err(Unopened::Checksum)
    } else {
        Ok(content)
    }
}

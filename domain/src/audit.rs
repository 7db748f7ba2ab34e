//! Decides what an audit trail keeps of a change, and how nobody can alter it unseen.
//!
//! A change of a row becomes an entry ([`change`]), an entry a line of text with a digest
//! ([`entry`]). Digests are sealed in batches, each seal with the hash of the one before ([`seal`]),
//! and [`verify`] says what differs from what was sealed. docs/audit-format.md describes all bytes,
//! so that anyone can check an export without this code. When entries are written and sealed, and
//! who may read them, is for the database to say.

pub mod change;
pub mod entry;
pub mod origin;
pub mod seal;
mod value;
pub mod verify;

#[cfg(test)]
mod tests;

use std::fmt;

use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Bytes of a digest.
pub const DIGEST_BYTES: usize = 32;

/// A SHA-256 digest: of an entry, of a seal, of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; DIGEST_BYTES]);

impl Digest {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of `parts` one after the other.
    #[must_use]
    pub fn of_all(parts: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }

    /// Takes `bytes` as a digest.
    ///
    /// # Errors
    /// [`AuditError::Digest`] when they are not [`DIGEST_BYTES`] long.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AuditError> {
        bytes.try_into().map(Self).map_err(|_| AuditError::Digest)
    }
}

/// Lower-case hexadecimal.
impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(formatter, &self.0)
    }
}

fn write_hex(output: &mut impl fmt::Write, bytes: &[u8]) -> fmt::Result {
    bytes
        .iter()
        .try_for_each(|byte| write!(output, "{byte:02x}"))
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    write_hex(&mut text, bytes).expect("invariant: writing to a string does not fail");
    text
}

/// Digests of entries stored one after the other, with the ids of the entries.
///
/// # Errors
/// [`AuditError::Digest`] when there is not one digest for each id.
pub fn paired(
    ids: impl ExactSizeIterator<Item = i64>,
    digests: &[u8],
) -> Result<Vec<(i64, Digest)>, AuditError> {
    let (digests, rest) = digests.as_chunks::<DIGEST_BYTES>();
    if digests.len() != ids.len() || !rest.is_empty() {
        return Err(AuditError::Digest);
    }
    Ok(ids
        .zip(digests.iter().map(|bytes| Digest(*bytes)))
        .collect())
}

/// Why something cannot be audited or verified. All of it is our mistake or damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuditError {
    /// The argument of an audit trigger is not what core.audit writes.
    #[error("the settings of the audit trigger cannot be read")]
    Settings,
    /// A row is not a JSON object, or lacks its key.
    #[error("the row to be audited is no JSON object with the columns of its key")]
    Row,
    /// Digests have another length, or are fewer or more than the entries.
    #[error("the digests of the audit trail do not fit its entries")]
    Digest,
}

impl AuditError {
    /// The stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Settings => "audit.settings_malformed",
            Self::Row => "audit.row_malformed",
            Self::Digest => "audit.digest_malformed",
        }
    }
}

//! Decides how a value of a column stands in an entry: as it is, cut, or by reference.

use super::{AuditError, Digest, hex};

/// A longer value is cut: an entry says what changed and is no second copy of documents.
pub const VALUE_BYTES_MAX: usize = 8192;

/// How many characters a cut value keeps of its start.
const START_CHARACTERS: usize = 256;

/// Bytes of a salt: as many as make guessing a value's reference hopeless.
const SALT_BYTES: usize = 16;

/// The JSON text that stands for the JSON text of a value: itself, or what is left of it when it
/// is too long, `{"$cut": {"bytes": …, "sha256": "…", "start": "…"}}`.
pub(super) fn within_limit(json: &str) -> String {
    if json.len() <= VALUE_BYTES_MAX {
        return json.to_owned();
    }
    let start: String = json.chars().take(START_CHARACTERS).collect();
    let start = serde_json::Value::String(start);
    let (bytes, digest) = (json.len(), Digest::of(json.as_bytes()));
    format!(r#"{{"$cut": {{"bytes": {bytes}, "sha256": "{digest}", "start": {start}}}}}"#)
}

/// What hides the values of one column of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt([u8; SALT_BYTES]);

impl Salt {
    /// The salt of `column` in an entry, from randomness of the entry's own.
    pub(super) fn derive(seed: &[u8], column: &str) -> Self {
        let Digest(digest) = Digest::of_all(&[seed, &[0], column.as_bytes()]);
        let (salt, _) = digest
            .split_first_chunk()
            .expect("invariant: a digest is longer than a salt");
        Self(*salt)
    }

    /// Takes `bytes` as a salt.
    ///
    /// # Errors
    /// [`AuditError::Digest`] when they are not as many as a salt's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, AuditError> {
        bytes.try_into().map(Self).map_err(|_| AuditError::Digest)
    }

    /// The salt as lower-case hexadecimal.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex(&self.0)
    }

    /// The JSON text that stands in an entry for a value of the column:
    /// `{"$ref": "SHA-256(salt ‖ value)"}`. That there is no value is no secret: `null` stays.
    #[must_use]
    pub fn reference(self, json: &str) -> String {
        if json == "null" {
            return json.to_owned();
        }
        let digest = Digest::of_all(&[&self.0, json.as_bytes()]);
        format!(r#"{{"$ref": "{digest}"}}"#)
    }
}

//! Decides how a webhook is signed and whether a signature holds: Standard Webhooks 1.0.
//!
//! What is signed is `id.timestamp.body` with HMAC-SHA256; a signature is `v1,` and Base64, several
//! are separated by spaces, one for each secret that is in force while secrets are rotated. A
//! secret is `whsec_` and the Base64 of 24 to 64 bytes. Senders that follow no standard sign the
//! body alone: [`body_matches`].

#[cfg(test)]
mod tests;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::time::Timestamp;

/// What a secret begins with.
pub const SECRET_PREFIX: &str = "whsec_";

/// The least bytes of a secret that the standard allows.
pub const SECRET_BYTES_MIN: usize = 24;

/// The most bytes of a secret that the standard allows.
pub const SECRET_BYTES_MAX: usize = 64;

/// How far the sender's clock may be from ours, in seconds, where nobody says otherwise: what the
/// standard's own libraries allow.
pub const TOLERANCE_S: u32 = 300;

/// The longest id of a message.
pub const ID_LEN_MAX: usize = 255;

/// More signatures than this are not looked at: nobody has so many secrets in force.
pub const SIGNATURES_MAX: usize = 16;

const VERSION: &str = "v1,";

const SECOND_MICROS: i64 = 1_000_000;

/// Why something cannot be signed. No variant holds a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignatureError {
    /// Not `whsec_` and Base64, or too few or too many bytes.
    #[error(
        "a webhook's secret is whsec_ and the Base64 of {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes"
    )]
    SecretMalformed,
    /// No secret at all.
    #[error("without a secret there is nothing to sign with")]
    SecretMissing,
    /// An id with which a signature could be read in two ways, or none.
    #[error(
        "the id of a webhook's message has 1 to {ID_LEN_MAX} printable ASCII characters and no dot"
    )]
    IdMalformed,
}

impl SignatureError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SecretMalformed => "signature.secret_malformed",
            Self::SecretMissing => "signature.secret_missing",
            Self::IdMalformed => "signature.id_malformed",
        }
    }
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Something that belongs to a signature is missing or is none.
    Malformed,
    /// It was signed longer ago than is tolerated.
    TooOld,
    /// It was signed further ahead than is tolerated.
    TooNew,
    /// No signature is of any of the secrets.
    NoMatch,
}

impl Refusal {
    /// The word that stands for the refusal.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooOld => "too_old",
            Self::TooNew => "too_new",
            Self::NoMatch => "no_match",
        }
    }
}

/// The key of signatures. It does not show what it is, and is overwritten when it is dropped.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// The secret of these random bytes.
    ///
    /// # Errors
    /// [`SignatureError::SecretMalformed`] when they are too few or too many.
    pub fn new(bytes: &[u8]) -> Result<Self, SignatureError> {
        if (SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
            Ok(Self(Zeroizing::new(bytes.to_vec())))
        } else {
            Err(SignatureError::SecretMalformed)
        }
    }

    /// The secret that a text stands for, with or without `whsec_` before it.
    ///
    /// # Errors
    /// [`SignatureError::SecretMalformed`] when it stands for none.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let digits = text.strip_prefix(SECRET_PREFIX).unwrap_or(text);
        let bytes = BASE64.decode(digits).map(Zeroizing::new);
        Self::new(&bytes.or(Err(SignatureError::SecretMalformed))?)
    }

    /// The text that stands for the secret.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{SECRET_PREFIX}{}", BASE64.encode(self.0.as_slice()))
    }

    fn mac(&self, id: &str, timestamp_s: i64, body: &str) -> Hmac<Sha256> {
        mac(&self.0)
            .chain_update(id)
            .chain_update(format!(".{timestamp_s}."))
            .chain_update(body)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("invariant: HMAC takes a key of any length")
}

/// The second that an instant is signed with.
#[must_use]
pub const fn timestamp_s(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(SECOND_MICROS)
}

/// The signatures of a message by each secret, separated by spaces.
///
/// # Errors
/// [`SignatureError`] when there is no secret, or the id is none.
pub fn sign(
    secrets: &[Secret],
    id: &str,
    at: Timestamp,
    body: &str,
) -> Result<String, SignatureError> {
    if secrets.is_empty() {
        return Err(SignatureError::SecretMissing);
    }
    if !is_id(id) {
        return Err(SignatureError::IdMalformed);
    }
    let signatures = secrets.iter().map(|secret| {
        let code = secret
            .mac(id, timestamp_s(at), body)
            .finalize()
            .into_bytes();
        format!("{VERSION}{}", BASE64.encode(code))
    });
    Ok(signatures.collect::<Vec<_>>().join(" "))
}

/// Whether one of the signatures in the headers of a message is by one of the secrets, and its
/// timestamp within `tolerance_s` of `at`.
///
/// Takes as long for a signature that is almost right as for any other.
///
/// # Errors
/// [`Refusal`] says why not.
pub fn verify(
    secrets: &[Secret],
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &str,
    at: Timestamp,
    tolerance_s: u32,
) -> Result<(), Refusal> {
    let is_number =
        (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let signed_s = timestamp.parse::<i64>().ok().filter(|_| is_number);
    let signed_s = signed_s.filter(|_| is_id(id)).ok_or(Refusal::Malformed)?;
    let codes: Vec<Vec<u8>> = signatures
        .split(' ')
        .take(SIGNATURES_MAX)
        .filter_map(|signature| BASE64.decode(signature.strip_prefix(VERSION)?).ok())
        .collect();
    if codes.is_empty() {
        return Err(Refusal::Malformed);
    }
    let age_s = timestamp_s(at).saturating_sub(signed_s);
    if age_s > i64::from(tolerance_s) {
        return Err(Refusal::TooOld);
    }
    if age_s < -i64::from(tolerance_s) {
        return Err(Refusal::TooNew);
    }
    let mut holds = false;
    for secret in secrets {
        let expected = secret.mac(id, signed_s, body);
        for code in &codes {
            holds |= expected.clone().verify_slice(code).is_ok();
        }
    }
    if holds { Ok(()) } else { Err(Refusal::NoMatch) }
}

/// How a sender that follows no standard writes its signature down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Hexadecimal digits of either case.
    Hex,
    /// Base64.
    Base64,
}

impl Encoding {
    /// The encoding that a word stands for; none when it stands for none.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "hex" => Some(Self::Hex),
            "base64" => Some(Self::Base64),
            _ => None,
        }
    }

    fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Base64 => BASE64.decode(text).ok(),
            Self::Hex => text
                .as_bytes()
                .chunks(2)
                .map(|pair| match *pair {
                    [high, low] => Some(digit(high)? << 4 | digit(low)?),
                    _ => None,
                })
                .collect(),
        }
    }
}

fn digit(character: u8) -> Option<u8> {
    char::from(character)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Whether a signature is the HMAC-SHA256 of the body by the bytes of the secret's text.
///
/// `prefix`, such as `sha256=`, stands before the digits. Takes as long for a signature that is
/// almost right as for any other.
///
/// # Errors
/// [`Refusal::Malformed`] or [`Refusal::NoMatch`].
pub fn body_matches(
    secret: &str,
    body: &str,
    signature: &str,
    encoding: Encoding,
    prefix: &str,
) -> Result<(), Refusal> {
    let digits = signature.strip_prefix(prefix).ok_or(Refusal::Malformed)?;
    let code = encoding.decode(digits).ok_or(Refusal::Malformed)?;
    let holds = mac(secret.as_bytes())
        .chain_update(body)
        .verify_slice(&code);
    if holds.is_ok() && !secret.is_empty() {
        Ok(())
    } else {
        Err(Refusal::NoMatch)
    }
}

/// A dot in the id would let one signature stand for messages that are cut in two other places.
fn is_id(id: &str) -> bool {
    (1..=ID_LEN_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| matches!(byte, b' '..=b'~') && byte != b'.')
}

//! Decides how a secret is sealed at rest, and that only its own place opens it.
//!
//! A sealed secret is one byte of version, four that tell the key, 24 of nonce, and what
//! XChaCha20-Poly1305 makes of the text. The version, the key's mark, the tenant, the id and the
//! purpose are authenticated with it: moved to another row, it does not open. Nonces of 192 bits
//! may be drawn at random for as long as anybody writes. Where the key comes from, others decide.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

/// Random bytes that sealing takes.
pub const NONCE_BYTES: usize = 24;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// The longest secret: a private key of 16,384 bits fits, a document does not.
pub const SECRET_BYTES_MAX: usize = 16_384;

const VERSION: u8 = 1;

const MARK_BYTES: usize = 4;

const HEAD_BYTES: usize = 1 + MARK_BYTES;

/// Why a secret cannot be sealed or opened. No variant holds a secret or a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SecretError {
    /// There is no key to use.
    #[error("secrets cannot be kept here: the setting tenon.secret_key is {0}")]
    Key(KeyTrouble),
    /// Nothing, or too much.
    #[error("a secret has 1 to {SECRET_BYTES_MAX} bytes")]
    Length,
    /// Not what was sealed here, with a key that is known, for this place.
    #[error("a sealed secret cannot be opened: it is damaged, of another place or of another key")]
    Unreadable,
}

impl SecretError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Key(_) => "secret.store_missing",
            Self::Length => "secret.length_invalid",
            Self::Unreadable => "secret.unreadable",
        }
    }
}

/// Why there is no key to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyTrouble {
    /// Nobody has set one.
    Missing,
    /// It is not 64 hexadecimal digits.
    Malformed,
    /// It is set where every session can read it.
    Exposed,
}

impl KeyTrouble {
    /// The word that stands for the trouble.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::Exposed => "exposed",
        }
    }
}

impl fmt::Display for KeyTrouble {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Missing => "not set",
            Self::Malformed => "not 64 hexadecimal digits",
            Self::Exposed => "readable by every session, as the library tenon is not preloaded",
        })
    }
}

/// A key. It does not show what it is, and is overwritten when it is dropped.
pub struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    /// The key that 64 hexadecimal digits stand for.
    ///
    /// # Errors
    /// [`SecretError::Key`] when the text is empty or something else.
    pub fn parse(digits: &str) -> Result<Self, SecretError> {
        if digits.is_empty() {
            return Err(SecretError::Key(KeyTrouble::Missing));
        }
        let malformed = SecretError::Key(KeyTrouble::Malformed);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        if digits.len() != 2 * KEY_BYTES {
            return Err(malformed);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
            for digit in pair {
                let digit = char::from(*digit).to_digit(16).ok_or(malformed)?;
                *byte = *byte << 4 | u8::try_from(digit).or(Err(malformed))?;
            }
        }
        Ok(Self(bytes))
    }

    /// Tells keys apart without telling anything of them.
    fn mark(&self) -> [u8; MARK_BYTES] {
        let digest = Sha256::new()
            .chain_update("tenon secret key")
            .chain_update(self.0.as_slice())
            .finalize();
        let mut mark = [0; MARK_BYTES];
        mark.copy_from_slice(&digest[..MARK_BYTES]);
        mark
    }

    fn head(&self) -> [u8; HEAD_BYTES] {
        let [a, b, c, d] = self.mark();
        [VERSION, a, b, c, d]
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(…)")
    }
}

/// Where a secret belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The tenant's id.
    pub tenant_id: [u8; 16],
    /// The secret's id.
    pub id: [u8; 16],
    /// What it is for.
    pub purpose: &'a str,
}

impl Place<'_> {
    /// The ids have one length each, so that no two places have the same bytes.
    fn bytes(self, head: &[u8]) -> Vec<u8> {
        [head, &self.tenant_id, &self.id, self.purpose.as_bytes()].concat()
    }
}

/// The secret, sealed for its place. The nonce must be random.
///
/// # Errors
/// [`SecretError::Length`] when there is nothing to seal, or too much.
pub fn seal(
    key: &Key,
    place: Place<'_>,
    nonce: [u8; NONCE_BYTES],
    secret: &str,
) -> Result<Vec<u8>, SecretError> {
    if !(1..=SECRET_BYTES_MAX).contains(&secret.len()) {
        return Err(SecretError::Length);
    }
    let head = key.head();
    let payload = Payload {
        msg: secret.as_bytes(),
        aad: &place.bytes(&head),
    };
    let sealed = key.cipher().encrypt(&XNonce::from(nonce), payload);
    let sealed = sealed.or(Err(SecretError::Length))?;
    Ok([head.as_slice(), &nonce, &sealed].concat())
}

/// The secret that was sealed for this place, by whichever of the keys it was sealed with.
///
/// # Errors
/// [`SecretError::Unreadable`] when it is anything else; it does not say what.
pub fn open(
    keys: &[Key],
    place: Place<'_>,
    sealed: &[u8],
) -> Result<Zeroizing<String>, SecretError> {
    let (head, rest) = sealed
        .split_at_checked(HEAD_BYTES)
        .ok_or(SecretError::Unreadable)?;
    let (nonce, sealed) = rest
        .split_first_chunk::<NONCE_BYTES>()
        .ok_or(SecretError::Unreadable)?;
    let key = keys.iter().find(|key| key.head() == head);
    let payload = Payload {
        msg: sealed,
        aad: &place.bytes(head),
    };
    let secret = key
        .and_then(|key| key.cipher().decrypt(&XNonce::from(*nonce), payload).ok())
        .and_then(|secret| String::from_utf8(secret).ok());
    secret.map(Zeroizing::new).ok_or(SecretError::Unreadable)
}

/// Whether what is sealed was sealed with this key, by its mark.
#[must_use]
pub fn is_sealed_with(key: &Key, sealed: &[u8]) -> bool {
    sealed.starts_with(&key.head())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(byte: u8) -> Key {
        Key(Zeroizing::new([byte; KEY_BYTES]))
    }

    const PLACE: Place<'_> = Place {
        tenant_id: [1; 16],
        id: [2; 16],
        purpose: "webhook",
    };

    /// The cipher itself: draft-irtf-cfrg-xchacha-03, appendix A.3.1.
    #[test]
    fn the_cipher_gives_the_published_answer() {
        let bytes: Vec<u8> = (0x80..0xa0).collect();
        let key = Key::parse(
            &bytes
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>(),
        );
        let nonce: [u8; NONCE_BYTES] = std::array::from_fn(|place| 0x40 + place as u8);
        let payload = Payload {
            msg: b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip \
                   for the future, sunscreen would be it.",
            aad: &[
                0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7,
            ],
        };
        let cipher = key.expect("64 digits").cipher();
        let sealed = cipher
            .encrypt(&XNonce::from(nonce), payload)
            .expect("short");
        assert_eq!(
            sealed[..8],
            [0xbd, 0x6d, 0x17, 0x9d, 0x3e, 0x83, 0xd4, 0x3b]
        );
        let tag = &sealed[sealed.len() - 16..];
        assert_eq!(
            tag,
            [
                0xc0, 0x87, 0x59, 0x24, 0xc1, 0xc7, 0x98, 0x79, 0x47, 0xde, 0xaf, 0xd8, 0x78, 0x0a,
                0xcf, 0x49
            ]
        );
    }

    #[test]
    fn a_key_is_64_digits_and_is_not_shown() {
        let digits = "00ff".repeat(16);
        assert!(Key::parse(&digits).is_ok());
        assert!(Key::parse(&digits.to_uppercase()).is_ok());
        assert_eq!(format!("{:?}", key(7)), "Key(…)");
        let trouble = |digits: &str| match Key::parse(digits) {
            Err(SecretError::Key(trouble)) => trouble.word(),
            _ => "none",
        };
        assert_eq!(trouble(""), "missing");
        let wrong = [
            &digits[1..],
            "x",
            &"ä".repeat(32),
            &"+f".repeat(32),
            &"00ff".repeat(17),
        ];
        for digits in wrong {
            assert_eq!(trouble(digits), "malformed");
            let error = Key::parse(digits).expect_err("malformed");
            assert!(digits.len() < 3 || !error.to_string().contains(digits));
        }
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for secret in [String::new(), "x".repeat(SECRET_BYTES_MAX + 1)] {
            let refused = seal(&key(1), PLACE, [0; NONCE_BYTES], &secret);
            assert_eq!(refused, Err(SecretError::Length));
        }
        let longest = "x".repeat(SECRET_BYTES_MAX);
        let sealed = seal(&key(1), PLACE, [0; NONCE_BYTES], &longest).expect("short enough");
        assert_eq!(sealed.len(), 5 + 24 + SECRET_BYTES_MAX + 16);
    }

    #[test]
    fn keys_are_rotated_by_having_both() {
        let sealed = seal(&key(1), PLACE, [9; NONCE_BYTES], "hunter2").expect("a secret");
        let opened = |keys: &[Key]| open(keys, PLACE, &sealed).map(|secret| secret.to_string());
        assert_eq!(opened(&[key(2), key(1)]).as_deref(), Ok("hunter2"));
        assert_eq!(opened(&[key(2)]), Err(SecretError::Unreadable));
        assert_eq!(opened(&[]), Err(SecretError::Unreadable));
        assert!(is_sealed_with(&key(1), &sealed) && !is_sealed_with(&key(2), &sealed));
    }

    proptest! {
        #[test]
        fn only_its_own_place_opens_it(
            secret in "\\PC{1,80}", byte: u8, other_byte: u8, nonce: [u8; NONCE_BYTES],
            tenant_id: [u8; 16], id: [u8; 16], purpose in "[a-z.]{0,20}", place in 0..1_000_usize,
            bit in 0..8_u8,
        ) {
            let own = Place { tenant_id, id, purpose: &purpose };
            let sealed = seal(&key(byte), own, nonce, &secret).expect("short");
            let opened = |key_byte, place, sealed: &[u8]| {
                open(&[key(key_byte)], place, sealed).map(|secret| secret.to_string())
            };
            prop_assert_eq!(opened(byte, own, &sealed), Ok(secret.clone()));
            let unreadable = Err(SecretError::Unreadable);
            prop_assert_eq!(opened(other_byte, own, &sealed).is_ok(), byte == other_byte);

            let mut elsewhere = own;
            elsewhere.tenant_id[place % 16] ^= 1 << bit;
            prop_assert_eq!(opened(byte, elsewhere, &sealed), unreadable.clone());
            let mut elsewhere = own;
            elsewhere.id[place % 16] ^= 1 << bit;
            prop_assert_eq!(opened(byte, elsewhere, &sealed), unreadable.clone());
            let longer = format!("{purpose}x");
            let elsewhere = Place { purpose: &longer, ..own };
            prop_assert_eq!(opened(byte, elsewhere, &sealed), unreadable.clone());

            let mut damaged = sealed.clone();
            damaged[place % sealed.len()] ^= 1 << bit;
            prop_assert_eq!(opened(byte, own, &damaged), unreadable.clone());
            prop_assert_eq!(opened(byte, own, &sealed[..place % sealed.len()]), unreadable);
        }

        #[test]
        fn no_bytes_upset_it(bytes: Vec<u8>) {
            prop_assert!(open(&[key(1)], PLACE, &bytes).is_err());
            let marked = [key(1).head().as_slice(), &bytes].concat();
            prop_assert!(open(&[key(1)], PLACE, &marked).is_err());
        }
    }
}

//! Decides what a secret token looks like, and whether a text can be one.
//!
//! A token is `tnn_<kind>_` and base62 digits: the random ones, then six of a CRC-32 over all before
//! them, so that a scanner can tell a leaked token from other text without asking a database.
//! Where the random bytes come from and what a token opens is for others.

use std::fmt;

use thiserror::Error;

/// What every token begins with.
pub const PREFIX: &str = "tnn_";

/// Random bytes of a token: 160 bits, more than a SHA-256 at rest needs salt for.
pub const RANDOM_BYTES: usize = 20;

/// Base62 digits that hold [`RANDOM_BYTES`]: ⌈160 / log₂ 62⌉.
const RANDOM_DIGITS: usize = 27;

/// Base62 digits that hold a CRC-32.
const CHECK_DIGITS: usize = 6;

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a token opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// An API key's secret: `tnn_key_…`.
    ApiKey,
    /// A device's secret: `tnn_dev_…`.
    Device,
    /// An invitation into a tenant: `tnn_inv_…`.
    Invitation,
}

impl TokenKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::ApiKey, Self::Device, Self::Invitation];

    /// The word that stands for the kind inside a token.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ApiKey => "key",
            Self::Device => "dev",
            Self::Invitation => "inv",
        }
    }

    /// The kind that a word stands for.
    ///
    /// # Errors
    /// [`TokenError::Kind`] when it stands for none.
    pub fn parse(word: &str) -> Result<Self, TokenError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or_else(|| TokenError::Kind(word.chars().take(20).collect()))
    }
}

impl fmt::Display for TokenKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.word())
    }
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    /// No such kind.
    #[error("{0:?} is no kind of token: key, dev and inv are")]
    Kind(String),
}

impl TokenError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Kind(_) => "token.kind_unknown",
        }
    }
}

/// The token of a kind that these random bytes make.
#[must_use]
pub fn token(kind: TokenKind, random: [u8; RANDOM_BYTES]) -> String {
    let mut token = format!("{PREFIX}{kind}_");
    push_digits(&mut token, &random, RANDOM_DIGITS);
    let check = crc32fast::hash(token.as_bytes());
    push_digits(&mut token, &check.to_be_bytes(), CHECK_DIGITS);
    token
}

/// The kind of a token; none when the text is not a token, its check digits included.
///
/// That it is well made does not say that it was ever given out.
#[must_use]
pub fn kind_of(text: &str) -> Option<TokenKind> {
    let (word, digits) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let kind = TokenKind::parse(word).ok()?;
    let well_made = digits.len() == RANDOM_DIGITS + CHECK_DIGITS
        && digits.bytes().all(|digit| digit.is_ascii_alphanumeric());
    if !well_made {
        return None;
    }
    let (body, check) = text.split_at_checked(text.len() - CHECK_DIGITS)?;
    let mut expected = String::new();
    push_digits(
        &mut expected,
        &crc32fast::hash(body.as_bytes()).to_be_bytes(),
        CHECK_DIGITS,
    );
    (check == expected).then_some(kind)
}

/// Appends a big-endian number in base 62, most significant digit first, in so many digits.
fn push_digits(text: &mut String, number: &[u8], count: usize) {
    let mut rest = number.to_vec();
    let mut digits = vec![b'0'; count];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut rest {
            let dividend = remainder << 8 | u32::from(*byte);
            *byte = u8::try_from(dividend / 62).unwrap_or_default();
            remainder = dividend % 62;
        }
        *digit = DIGITS[remainder as usize];
    }
    text.extend(digits.into_iter().map(char::from));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_is_made_as_documented() {
        let token = token(TokenKind::ApiKey, [0xff; RANDOM_BYTES]);
        // 2^160 − 1 in base 62, which KSUID documents as its greatest value.
        assert!(token.starts_with("tnn_key_"));
        assert_eq!(token.len(), 8 + 27 + 6);
        assert_eq!(&token[8..35], "aWgEPTl1tmebfsQzFP4bxwgy80V");
    }

    #[test]
    fn all_of_the_random_bits_fit() {
        let bits_per_digit = 62_f64.log2();
        let digits = |bits: f64| (bits / bits_per_digit).ceil() as usize;
        assert_eq!(digits(160.0), RANDOM_DIGITS);
        assert_eq!(digits(32.0), CHECK_DIGITS);
    }

    proptest! {
        #[test]
        fn a_token_is_recognised(random: [u8; RANDOM_BYTES], place in 0..3_usize) {
            let kind = TokenKind::ALL[place];
            prop_assert_eq!(kind_of(&token(kind, random)), Some(kind));
        }

        #[test]
        fn different_bytes_make_different_tokens(one: [u8; RANDOM_BYTES], other: [u8; RANDOM_BYTES]) {
            let same = token(TokenKind::Device, one) == token(TokenKind::Device, other);
            prop_assert_eq!(same, one == other);
        }

        #[test]
        fn one_wrong_character_is_noticed(
            random: [u8; RANDOM_BYTES], place in 0..41_usize, wrong in "[ -~]",
        ) {
            let mut text = token(TokenKind::Invitation, random);
            let was = text[place..=place].to_owned();
            text.replace_range(place..=place, &wrong);
            prop_assert_eq!(kind_of(&text).is_some(), was == wrong);
        }

        #[test]
        fn no_text_upsets_it(text in "\\PC*", prefixed in "tnn_key_\\PC{0,50}") {
            prop_assert_eq!(kind_of(&text), None);
            prop_assert_eq!(kind_of(&prefixed), None);
        }
    }
}

//! Decides which characters the bytes of a file are.
//!
//! A byte order mark decides; else a name that was given; else the first bytes that are not ASCII:
//! they are UTF-8 if they can be, and Windows-1252 if not, which is what spreadsheets write.

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};

use super::ImportError;

/// How characters stand in a file.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8.
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-16, the lower byte first.
    #[serde(rename = "utf-16le")]
    Utf16Le,
    /// UTF-16, the higher byte first.
    #[serde(rename = "utf-16be")]
    Utf16Be,
    /// Windows-1252, which holds Latin-1.
    #[serde(rename = "windows-1252")]
    Windows1252,
}

impl Encoding {
    fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16 (little endian)",
            Self::Utf16Be => "UTF-16 (big endian)",
            Self::Windows1252 => "Windows-1252",
        }
    }

    /// The encoding that a byte order mark names, and the mark's length.
    #[must_use]
    pub fn of_mark(bytes: &[u8]) -> Option<(Self, usize)> {
        match bytes {
            [0xef, 0xbb, 0xbf, ..] => Some((Self::Utf8, 3)),
            [0xff, 0xfe, ..] => Some((Self::Utf16Le, 2)),
            [0xfe, 0xff, ..] => Some((Self::Utf16Be, 2)),
            _ => None,
        }
    }

    /// The encoding of bytes without a mark; none while they are ASCII, which may become either.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.is_ascii() {
            return None;
        }
        match std::str::from_utf8(bytes) {
            Err(error) if error.error_len().is_some() => Some(Self::Windows1252),
            _ => Some(Self::Utf8),
        }
    }

    /// The text of these bytes, and how many of them it is: a character whose last bytes are not
    /// there yet is left, unless `is_last`.
    ///
    /// # Errors
    /// [`ImportError::EncodingInvalid`] and, for NUL, [`ImportError::TextInvalid`].
    pub fn decode(self, bytes: &[u8], is_last: bool) -> Result<(String, usize), ImportError> {
        let invalid = || ImportError::EncodingInvalid {
            encoding: self.name(),
        };
        let whole = match self {
            Self::Windows1252 => bytes.len(),
            Self::Utf8 => match std::str::from_utf8(bytes) {
                Err(error) if error.error_len().is_none() => error.valid_up_to(),
                _ => bytes.len(),
            },
            Self::Utf16Le | Self::Utf16Be => {
                let even = bytes.len() & !1;
                let higher = usize::from(self == Self::Utf16Le);
                let is_first_of_two = |pair: &[u8]| (0xd8..0xdc).contains(&pair[higher]);
                match bytes[..even].chunks_exact(2).next_back() {
                    Some(pair) if is_first_of_two(pair) => even - 2,
                    _ => even,
                }
            }
        };
        if is_last && whole < bytes.len() {
            return Err(invalid());
        }
        let text = match self {
            Self::Utf8 => std::str::from_utf8(&bytes[..whole]).ok().map(str::to_owned),
            Self::Windows1252 => Some(
                WINDOWS_1252
                    .decode_without_bom_handling(&bytes[..whole])
                    .0
                    .into_owned(),
            ),
            Self::Utf16Le | Self::Utf16Be => {
                let encoding = if self == Self::Utf16Le {
                    UTF_16LE
                } else {
                    UTF_16BE
                };
                encoding
                    .decode_without_bom_handling_and_without_replacement(&bytes[..whole])
                    .map(std::borrow::Cow::into_owned)
            }
        }
        .ok_or_else(invalid)?;
        if text.contains('\0') {
            return Err(ImportError::TextInvalid);
        }
        Ok((text, whole))
    }
}

//! Decides what a report of an attempt says, field by field: what cannot be read was not said.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The longest error code that a reason repeats: any of ours is shorter.
const ERROR_CODE_LEN_MAX: usize = 100;

/// How far an attempt got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Reaching the server, its greeting included.
    Connect,
    /// Agreeing on TLS.
    Tls,
    /// Signing in.
    Auth,
    /// Naming the sender.
    Sender,
    /// Naming the recipient.
    Recipient,
    /// Handing the message over.
    Data,
    /// The answer of HTTP.
    Response,
}

impl Phase {
    /// Every phase, in order.
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::Tls,
        Self::Auth,
        Self::Sender,
        Self::Recipient,
        Self::Data,
        Self::Response,
    ];

    /// The word that stands for the phase.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Sender => "sender",
            Self::Recipient => "recipient",
            Self::Data => "data",
            Self::Response => "response",
        }
    }
}

/// An enhanced status code of mail systems (RFC 3463): `5.1.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnhancedCode {
    class: u16,
    subject: u16,
    detail: u16,
}

impl EnhancedCode {
    /// The code that a text is; none when it is no such code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.').map(|part| {
            let is_number = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|_| is_number)
        });
        let code = Self {
            class: parts.next()??,
            subject: parts.next()??,
            detail: parts.next()??,
        };
        (parts.next().is_none() && matches!(code.class, 2 | 4 | 5)).then_some(code)
    }

    /// Whether the mailbox does not exist (5.1.x) or is disabled (5.2.1).
    ///
    /// 5.1.7 and 5.1.8 speak of the sender's address, though servers say them to RCPT too.
    #[must_use]
    pub const fn tells_no_such_mailbox(self) -> bool {
        match (self.class, self.subject, self.detail) {
            (5, 1, detail) => detail != 7 && detail != 8,
            (5, 2, 1) => true,
            _ => false,
        }
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What a worker reports of an attempt, as far as a decision needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether the worker thinks that it is done.
    pub delivered: Option<bool>,
    /// The number that SMTP or HTTP answered, 100 to 599.
    pub status_code: Option<u16>,
    /// The enhanced code of SMTP.
    pub enhanced_code: Option<EnhancedCode>,
    /// Where it ended.
    pub phase: Option<Phase>,
    /// What went wrong, as a word.
    pub error_code: Option<String>,
    /// How long the other side wants to be left alone, rounded up.
    pub retry_after_s: Option<u32>,
}

impl Facts {
    /// What a JSON text says. Fields that are missing, unknown or of another type say nothing, and
    /// do not keep the others from being heard.
    #[must_use]
    pub fn read(json: &str) -> Self {
        let fields = serde_json::from_str::<BTreeMap<Cow<'_, str>, &RawValue>>(json);
        let fields = fields.unwrap_or_default();
        let text = |name| read_field::<Cow<'_, str>>(&fields, name);
        Self {
            delivered: read_field(&fields, "delivered"),
            status_code: read_field(&fields, "status_code")
                .filter(|code| (100..=599).contains(code)),
            enhanced_code: text("enhanced_code").and_then(|code| EnhancedCode::parse(&code)),
            phase: text("phase")
                .and_then(|word| Phase::ALL.into_iter().find(|phase| phase.word() == word)),
            error_code: text("error_code").and_then(|code| word(&code)),
            retry_after_s: read_field(&fields, "retry_after_s").and_then(seconds),
        }
    }
}

fn read_field<'json, T: Deserialize<'json>>(
    fields: &BTreeMap<Cow<'_, str>, &'json RawValue>,
    name: &str,
) -> Option<T> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}

/// A code of letters, digits, underscores and dots; anything else becomes underscores, as a
/// reason is one word.
fn word(code: &str) -> Option<String> {
    let word: String = code
        .chars()
        .take(ERROR_CODE_LEN_MAX)
        .map(|character| match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '.' => character,
            _ => '_',
        })
        .collect();
    (!word.is_empty()).then_some(word)
}

/// Whole seconds, rounded up; a number below zero asks for nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest number that there is"
)]
fn seconds(number: f64) -> Option<u32> {
    (number > 0.0).then_some(number.ceil() as u32)
}

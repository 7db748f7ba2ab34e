//! Decides what the facts of an attempt mean: delivered, to be tried again, or dead.
//!
//! | channel | facts | decision |
//! | --- | --- | --- |
//! | webhook | status 2xx | delivered, whatever became of the answer's body |
//! | | status 410 | dead, and the endpoint is disabled |
//! | | `address_refused`, `url_refused`, `request_refused` | dead: it can never be sent |
//! | | any other status, 3xx among them; no answer | tried again |
//! | email by SMTP | 2xx for the message, or `delivered` without a status | delivered |
//! | | 5xx at connect, tls or auth; 530, 534, 535, 538 anywhere | tried again: our settings |
//! | | 5xx at recipient with 5.1.x (5.1.7, 5.1.8 aside) or 5.2.1 | dead, and suppressed |
//! | | 5xx otherwise | dead |
//! | | 4xx; connection lost, even after the data | tried again |
//! | email by HTTP (phase `response`) | 2xx | delivered |
//! | | 400, 413, 422 | dead: the message is at fault |
//! | | any other status; no answer | tried again: the provider's trouble, or our settings |
//! | job | `delivered` | delivered |
//! | | anything else | tried again |
//!
//! What is tried again is dead once the schedule of its channel is used up.
//!
//! The reason is a stable word: `http_503`, `smtp_550_5.1.1` (the enhanced code where there was
//! one), the worker's `error_code` where there was no answer (`timeout`, `abandoned`, …),
//! `delivered` where there was no number, `failed` where there was nothing, and
//! `attempts_used_up: ` before the reason of the last attempt.

mod facts;
#[cfg(test)]
mod tests;

pub use facts::{EnhancedCode, Facts, Phase};

use super::{Channel, schedule};
use crate::time::Timestamp;

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is done.
    Delivered,
    /// It is tried again at this instant.
    Scheduled(Timestamp),
    /// It is never tried again by itself.
    Dead,
}

impl Status {
    /// The word that stands for the status.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Scheduled(_) => "scheduled",
            Self::Dead => "dead",
        }
    }
}

/// What follows from an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of the delivery.
    pub status: Status,
    /// Why, as a stable word.
    pub reason: String,
    /// Nothing more is to be sent to this recipient.
    pub suppress: bool,
    /// Nothing more is to be sent to this endpoint.
    pub disable_endpoint: bool,
}

/// What facts mean before the schedule is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Delivered,
    Retry,
    Dead,
    DeadSuppress,
    DeadDisable,
}

/// What follows from the attempt of this number, counted from 1, that ended at `at`.
///
/// `seed` draws the jitter: the id of what is delivered.
#[must_use]
pub fn decide(
    channel: Channel,
    attempt: u32,
    facts: &Facts,
    at: Timestamp,
    seed: &str,
) -> Decision {
    let verdict = match channel {
        Channel::Webhook => webhook(facts),
        Channel::Email if facts.phase == Some(Phase::Response) => provider(facts),
        Channel::Email => smtp(facts),
        Channel::Job => job(facts),
    };
    let mut reason = reason(channel, facts, verdict);
    let status = match verdict {
        Verdict::Delivered => Status::Delivered,
        Verdict::Dead | Verdict::DeadSuppress | Verdict::DeadDisable => Status::Dead,
        Verdict::Retry => {
            let next = schedule::next_attempt_at(channel, attempt, at, facts.retry_after_s, seed);
            next.map_or_else(
                || {
                    reason.insert_str(0, "attempts_used_up: ");
                    Status::Dead
                },
                Status::Scheduled,
            )
        }
    };
    Decision {
        status,
        reason,
        suppress: verdict == Verdict::DeadSuppress,
        disable_endpoint: verdict == Verdict::DeadDisable,
    }
}

/// The error codes of a worker that must not connect there, or could not say what it was to.
const REFUSED: &[&str] = &["address_refused", "url_refused", "request_refused"];

fn webhook(facts: &Facts) -> Verdict {
    match facts.status_code {
        _ if facts
            .error_code
            .as_deref()
            .is_some_and(|error| REFUSED.contains(&error)) =>
        {
            Verdict::Dead
        }
        Some(200..=299) => Verdict::Delivered,
        Some(410) => Verdict::DeadDisable,
        _ => Verdict::Retry,
    }
}

fn provider(facts: &Facts) -> Verdict {
    match facts.status_code {
        Some(200..=299) => Verdict::Delivered,
        Some(400 | 413 | 422) => Verdict::Dead,
        None if is_delivered_without_number(facts) => Verdict::Delivered,
        _ => Verdict::Retry,
    }
}

fn smtp(facts: &Facts) -> Verdict {
    // A server may postpone to MAIL or RCPT that it wants a sign-in (RFC 4954 §6) or TLS.
    const SETTINGS: [u16; 4] = [530, 534, 535, 538];
    match (facts.status_code, facts.phase) {
        (None, _) if is_delivered_without_number(facts) => Verdict::Delivered,
        // The last answer before a connection was lost is no answer to the message.
        (Some(200..=299), _) if facts.error_code.is_none() && facts.delivered != Some(false) => {
            Verdict::Delivered
        }
        (Some(code), _) if SETTINGS.contains(&code) => Verdict::Retry,
        (Some(500..=599), Some(Phase::Connect | Phase::Tls | Phase::Auth)) => Verdict::Retry,
        (Some(500..=599), Some(Phase::Recipient)) => {
            if facts
                .enhanced_code
                .is_some_and(EnhancedCode::tells_no_such_mailbox)
            {
                Verdict::DeadSuppress
            } else {
                Verdict::Dead
            }
        }
        (Some(500..=599), _) => Verdict::Dead,
        _ => Verdict::Retry,
    }
}

fn job(facts: &Facts) -> Verdict {
    if facts.delivered == Some(true) && facts.error_code.is_none() {
        Verdict::Delivered
    } else {
        Verdict::Retry
    }
}

fn is_delivered_without_number(facts: &Facts) -> bool {
    facts.delivered == Some(true) && facts.error_code.is_none()
}

fn reason(channel: Channel, facts: &Facts, verdict: Verdict) -> String {
    let is_smtp = channel == Channel::Email && facts.phase != Some(Phase::Response);
    // What went wrong after an answer of SMTP that was none to the message, or besides the number.
    let error_first = verdict != Verdict::Delivered
        && facts.error_code.as_deref().is_some_and(|error| {
            REFUSED.contains(&error) || is_smtp && facts.status_code.is_some_and(|code| code < 400)
        });
    match (facts.status_code, &facts.error_code) {
        (_, Some(error)) if error_first => error.clone(),
        (Some(code), _) if is_smtp => facts.enhanced_code.map_or_else(
            || format!("smtp_{code}"),
            |enhanced| format!("smtp_{code}_{enhanced}"),
        ),
        (Some(code), _) if channel != Channel::Job => format!("http_{code}"),
        (_, Some(error)) => error.clone(),
        _ if verdict == Verdict::Delivered => "delivered".to_owned(),
        _ => "failed".to_owned(),
    }
}

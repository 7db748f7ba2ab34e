//! Decides whether an attempt to sign in may count, and how long the next one has to wait.
//!
//! Failures are counted twice. Those of an account from one network make that network wait, longer
//! with each; those of an account from anywhere end at [`FAILURES_MAX`] in a row (NIST SP 800-63B-4
//! §3.2.2), and then refuse every network from which the account has never signed in. A network
//! from which it has is judged by its own failures alone, so that nobody elsewhere can lock the
//! account's holder out (OWASP ASVS 5.0 6.1.1).
//!
//! A refused attempt tells nothing about the password or code and is no failure. What holds the
//! counts, and what an attempt is answered, is for the database to say.

mod email_domain;
mod network;
#[cfg(test)]
mod tests;

pub use email_domain::{domain_name, domains_of};
pub use network::Network;

use crate::time::Timestamp;

/// So many failures in a row end the attempts: the most that NIST SP 800-63B-4 allows.
pub const FAILURES_MAX: u32 = 100;

/// The longest delay, an hour: guessing is hopeless at that pace, and a person comes back.
pub const DELAY_S_MAX: u32 = 3_600;

/// Failures of a network are forgotten so many days after the last of them.
pub const FAILURES_KEPT_DAYS: i64 = 30;

/// A network stays known for so many days after the last success from it: an address that an
/// account has not used for half a year has had time to become another's.
pub const NETWORK_KNOWN_DAYS: i64 = 180;

/// Refusals of an account are worth one event in so many seconds, however many there are.
pub const REFUSAL_EVENT_S_MIN: i64 = 3_600;

/// The counts of failures in a row that are worth an event, besides the first that delays.
const FAILURES_OF_EVENTS: [u32; 4] = [10, 25, 50, FAILURES_MAX];

const SECOND_MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * SECOND_MICROS;

/// How fast an authenticator can be tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// This failure in a row is the first that delays the next attempt.
    pub failures_free: u32,
    /// How long it delays it; each further failure doubles the delay.
    pub delay_first_s: u32,
}

/// Passwords: with five attempts free and 30 s after them, eight fit into five minutes, fewer than
/// the ten that UK Cyber Essentials allows.
pub const PASSWORD: Rates = Rates {
    failures_free: 5,
    delay_first_s: 30,
};

/// Second factors: a code has six digits, and who is asked for one has shown a password already.
pub const FACTOR: Rates = Rates {
    failures_free: 3,
    delay_first_s: 30,
};

impl Rates {
    /// How long after `failures` in a row the next attempt has to wait, in seconds.
    #[must_use]
    pub fn delay_s(self, failures: u32) -> u32 {
        let Some(doublings) = failures.checked_sub(self.failures_free) else {
            return 0;
        };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.delay_first_s.saturating_mul(factor).min(DELAY_S_MAX)
    }
}

/// What is remembered of an account's attempts with one authenticator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Failures in a row from the network that asks now.
    pub network_failures: u32,
    /// When the last of them was.
    pub network_failed_at: Option<Timestamp>,
    /// When the account last signed in from that network.
    pub network_succeeded_at: Option<Timestamp>,
    /// Failures in a row from anywhere.
    pub account_failures: u32,
    /// When a refusal was last worth an event.
    pub refusal_event_at: Option<Timestamp>,
}

/// What comes of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it is refused, whatever was sent.
    pub refusal: Option<Refusal>,
    /// Whether the account has signed in from this network before.
    pub network_is_known: bool,
    /// What is to be remembered.
    pub history: History,
    /// What is worth a security event.
    pub event: Option<Event>,
}

/// Why an attempt is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The delay after the last failure lasts so many more seconds, at least one.
    Delayed(u32),
    /// There were [`FAILURES_MAX`] failures in a row.
    Exhausted,
}

/// What security people want to know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The failures in a row have become conspicuously many.
    Failed,
    /// An attempt was refused.
    Refused,
    /// An attempt succeeded after conspicuously many failures.
    SucceededAfterFailures,
}

impl Event {
    /// The name that the event is recorded under.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "sign_in.failed",
            Self::Refused => "sign_in.refused",
            Self::SucceededAfterFailures => "sign_in.succeeded_after_failures",
        }
    }
}

/// Judges an attempt made at `at`, of which `valid` says whether the password or code was right.
///
/// Whether an attempt is refused does not depend on `valid`, so a refusal cannot be used to guess.
#[must_use]
pub fn judge(rates: Rates, history: History, valid: bool, at: Timestamp) -> Outcome {
    let mut history = history.remembered(at);
    let network_is_known = history.network_succeeded_at.is_some();
    let refusal = refusal(rates, &history, at);
    let event = if refusal.is_some() {
        let due = history
            .refusal_event_at
            .is_none_or(|last| seconds_between(last, at) >= REFUSAL_EVENT_S_MIN);
        due.then(|| {
            history.refusal_event_at = Some(at);
            Event::Refused
        })
    } else if valid {
        let failures = history.account_failures.max(history.network_failures);
        history = History {
            network_succeeded_at: Some(at),
            refusal_event_at: history.refusal_event_at,
            ..History::default()
        };
        (failures >= rates.failures_free).then_some(Event::SucceededAfterFailures)
    } else {
        history.network_failures = history.network_failures.saturating_add(1);
        history.account_failures = history.account_failures.saturating_add(1);
        history.network_failed_at = history.network_failed_at.max(Some(at));
        let failures = history.account_failures;
        (failures == rates.failures_free || FAILURES_OF_EVENTS.contains(&failures))
            .then_some(Event::Failed)
    };
    Outcome {
        refusal,
        network_is_known,
        history,
        event,
    }
}

fn refusal(rates: Rates, history: &History, at: Timestamp) -> Option<Refusal> {
    let is_known = history.network_succeeded_at.is_some();
    if history.network_failures >= FAILURES_MAX
        || (!is_known && history.account_failures >= FAILURES_MAX)
    {
        return Some(Refusal::Exhausted);
    }
    let delay_s = rates.delay_s(history.network_failures);
    // A clock that went back must not lengthen the delay.
    let passed_s = seconds_between(history.network_failed_at?, at).max(0);
    let rest_s = i64::from(delay_s) - passed_s;
    u32::try_from(rest_s)
        .ok()
        .filter(|&rest_s| rest_s > 0)
        .map(Refusal::Delayed)
}

impl History {
    /// Without what is too old to count at `at`.
    fn remembered(self, at: Timestamp) -> Self {
        let within = |days: i64| {
            move |&then: &Timestamp| {
                at.as_micros().saturating_sub(then.as_micros()) < days * DAY_MICROS
            }
        };
        let network_failed_at = self.network_failed_at.filter(within(FAILURES_KEPT_DAYS));
        Self {
            network_failures: network_failed_at.map_or(0, |_| self.network_failures),
            network_failed_at,
            network_succeeded_at: self.network_succeeded_at.filter(within(NETWORK_KNOWN_DAYS)),
            ..self
        }
    }
}

/// Whole seconds from `from` to `to`, rounded down: a wait that has a fraction to go is not over.
const fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_micros()
        .saturating_sub(from.as_micros())
        .div_euclid(SECOND_MICROS)
}

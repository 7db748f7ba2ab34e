//! Attempts to sign in, the networks they come from, and the domains of e-mail addresses.

use pgrx::prelude::*;
use tenon_domain::sign_in::{self, Event, FACTOR, History, Network, PASSWORD, Refusal};
use tenon_domain::time::Timestamp;

use crate::convert::{from_timestamp, to_timestamp};

/// Judges an attempt at `at`, with a second factor or with a password, by what is remembered of the
/// account and of the network; says what is to be remembered. Times are null for never. `refusal`
/// is `delayed`, `exhausted` or null. No row when it is null what or when the attempt is.
#[pg_extern(immutable, parallel_safe)]
#[expect(
    clippy::type_complexity,
    clippy::too_many_arguments,
    reason = "the columns of two rows and of the result, one by one"
)]
fn sign_in_attempt(
    is_factor: Option<bool>,
    is_valid: Option<bool>,
    at: Option<TimestampWithTimeZone>,
    network_failures: Option<i32>,
    network_failed_at: Option<TimestampWithTimeZone>,
    network_succeeded_at: Option<TimestampWithTimeZone>,
    account_failures: Option<i32>,
    refusal_event_at: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(refusal, Option<&'static str>),
        name!(wait_s, i32),
        name!(network_is_known, bool),
        name!(network_failures, i32),
        name!(network_failed_at, Option<TimestampWithTimeZone>),
        name!(network_succeeded_at, Option<TimestampWithTimeZone>),
        name!(account_failures, i32),
        name!(refusal_event_at, Option<TimestampWithTimeZone>),
        name!(event, Option<&'static str>),
    ),
> {
    let (Some(is_factor), Some(is_valid), Some(at)) = (is_factor, is_valid, at) else {
        return TableIterator::empty();
    };
    let history = History {
        network_failures: count(network_failures),
        network_failed_at: network_failed_at.map(to_timestamp),
        network_succeeded_at: network_succeeded_at.map(to_timestamp),
        account_failures: count(account_failures),
        refusal_event_at: refusal_event_at.map(to_timestamp),
    };
    let rates = if is_factor { FACTOR } else { PASSWORD };
    let outcome = sign_in::judge(rates, history, is_valid, to_timestamp(at));
    let (refusal, wait_s) = match outcome.refusal {
        None => (None, 0),
        Some(Refusal::Delayed(wait_s)) => (Some("delayed"), wait_s),
        Some(Refusal::Exhausted) => (Some("exhausted"), 0),
    };
    let history = outcome.history;
    TableIterator::once((
        refusal,
        integer(wait_s),
        outcome.network_is_known,
        integer(history.network_failures),
        finite(history.network_failed_at),
        finite(history.network_succeeded_at),
        integer(history.account_failures),
        finite(history.refusal_event_at),
        outcome.event.map(Event::name),
    ))
}

/// The network that an address belongs to, `192.0.2.0/24` or `2001:db8::/64`; null when the text is
/// no address.
#[pg_extern(immutable, parallel_safe, strict)]
fn sign_in_network(address: &str) -> Option<String> {
    Network::of(address).map(|network| network.to_string())
}

/// The one form in which a domain's name is compared, that of the DNS; null when it is no domain.
#[pg_extern(immutable, parallel_safe, strict)]
fn domain_name(name: &str) -> Option<String> {
    sign_in::domain_name(name)
}

/// The domain of an e-mail address, then those that contain it; null when it has none.
#[pg_extern(immutable, parallel_safe, strict)]
fn email_domains(address: &str) -> Option<Vec<String>> {
    sign_in::domains_of(address)
}

fn count(failures: Option<i32>) -> u32 {
    failures
        .and_then(|failures| u32::try_from(failures).ok())
        .unwrap_or(0)
}

fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The infinities of Postgres are beyond what the domain gives back; they mean never.
fn finite(at: Option<Timestamp>) -> Option<TimestampWithTimeZone> {
    at.filter(|at| !matches!(at.as_micros(), i64::MIN | i64::MAX))
        .map(from_timestamp)
}

extension_sql!(
    r#"
comment on function sign_in_attempt(
    boolean, boolean, timestamptz, integer, timestamptz, timestamptz, integer, timestamptz
) is
'Judges an attempt to sign in at `at`, with a second factor or with a password, by what is remembered
of the account and of the network, and says what is to be remembered. Times are null for never.
refusal is delayed, exhausted or null.';
comment on function sign_in_network(text) is
'The network that an address belongs to, 192.0.2.0/24 or 2001:db8::/64; null when it is no address.';
comment on function domain_name(text) is
'The one form in which a domain''s name is compared, that of the DNS; null when it is no domain.';
comment on function email_domains(text) is
'The domain of an e-mail address, then those that contain it; null when it has none.';
"#,
    name = "sign_in_comments",
    requires = [sign_in_attempt, sign_in_network, domain_name, email_domains]
);

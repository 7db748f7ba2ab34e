use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const HOME: u8 = 0;

/// An account's memory as the database keeps it: a row of the account, and one for each network.
#[derive(Default)]
struct Account {
    failures: u32,
    refusal_event_at: Option<Timestamp>,
    networks: BTreeMap<u8, History>,
}

impl Account {
    /// One whose holder has signed in from home at the beginning of time.
    fn with_home() -> Self {
        let mut account = Self::default();
        account.attempt(PASSWORD, HOME, true, 0);
        account
    }

    fn attempt(&mut self, rates: Rates, network: u8, valid: bool, at_s: i64) -> Outcome {
        let history = History {
            account_failures: self.failures,
            refusal_event_at: self.refusal_event_at,
            ..self.networks.get(&network).copied().unwrap_or_default()
        };
        let outcome = judge(rates, history, valid, at_seconds(at_s));
        self.failures = outcome.history.account_failures;
        self.refusal_event_at = outcome.history.refusal_event_at;
        self.networks.insert(network, outcome.history);
        outcome
    }
}

fn at_seconds(at_s: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + at_s * SECOND_MICROS)
}

fn rates() -> impl Strategy<Value = Rates> {
    prop_oneof![Just(PASSWORD), Just(FACTOR)]
}

/// Attempts: which network, whether it succeeds, and how many seconds after the one before.
fn attempts(
    networks: std::ops::Range<u8>,
    valid: bool,
) -> impl Strategy<Value = Vec<(u8, bool, i64)>> {
    let pause_s = prop_oneof![3 => 0..40_i64, 2 => 0..4_000_i64, 1 => 0..400_000_i64];
    let valid = if valid {
        any::<bool>().boxed()
    } else {
        Just(false).boxed()
    };
    prop::collection::vec((networks, valid, pause_s), 0..250)
}

proptest! {
    #[test]
    fn strangers_do_not_make_a_known_network_wait(
        rates in rates(), attempts in attempts(0..6, false)
    ) {
        let (mut with_strangers, mut alone) = (Account::with_home(), Account::with_home());
        let mut now_s = 0;
        for (network, valid, pause_s) in attempts {
            now_s += pause_s;
            let outcome = with_strangers.attempt(rates, network, valid, now_s);
            if network == HOME {
                let own = alone.attempt(rates, network, valid, now_s);
                if now_s < NETWORK_KNOWN_DAYS * 86_400 {
                    prop_assert!(outcome.network_is_known);
                    prop_assert_eq!(outcome.refusal, own.refusal);
                }
            }
        }
    }

    #[test]
    fn strangers_have_no_more_guesses_than_the_standard_allows(
        rates in rates(), attempts in attempts(1..200, false)
    ) {
        let mut account = Account::with_home();
        let (mut now_s, mut guesses) = (0, 0);
        for (network, valid, pause_s) in attempts {
            now_s += pause_s;
            guesses += u32::from(account.attempt(rates, network, valid, now_s).refusal.is_none());
        }
        prop_assert!(guesses <= 100, "{} guesses", guesses);
    }

    #[test]
    fn a_longer_row_of_failures_never_waits_less(
        rates in rates(), failures in prop_oneof![0..100_u32, 0..u32::MAX]
    ) {
        prop_assert!(rates.delay_s(failures) <= rates.delay_s(failures + 1));
        prop_assert!(rates.delay_s(failures) <= 3_600);
    }

    #[test]
    fn no_wait_is_longer_than_the_delay_whatever_the_clock_does(
        rates in rates(), failures in 0..100_u32, passed_s in -5_000..5_000_i64, at_s: i32
    ) {
        let history = History {
            network_failures: failures,
            network_failed_at: Some(at_seconds(i64::from(at_s) - passed_s)),
            ..History::default()
        };
        if let Some(Refusal::Delayed(wait_s)) =
            judge(rates, history, true, at_seconds(i64::from(at_s))).refusal
        {
            prop_assert!((1..=rates.delay_s(failures)).contains(&wait_s));
        }
    }

    #[test]
    fn a_refusal_tells_nothing_and_counts_for_nothing(
        rates in rates(), attempts in attempts(0..4, true), valid: bool
    ) {
        let mut account = Account::default();
        let mut now_s = 0;
        for (network, lucky, pause_s) in attempts {
            now_s += pause_s;
            let before = History {
                account_failures: account.failures,
                refusal_event_at: account.refusal_event_at,
                ..account.networks.get(&network).copied().unwrap_or_default()
            };
            let outcome = judge(rates, before, valid, at_seconds(now_s));
            if outcome.refusal.is_some() {
                prop_assert_eq!(outcome, judge(rates, before, !valid, at_seconds(now_s)));
                prop_assert_eq!(outcome.history.network_failures, before.network_failures);
                prop_assert_eq!(outcome.history.account_failures, before.account_failures);
                prop_assert_eq!(outcome.history.network_failed_at, before.network_failed_at);
            }
            account.attempt(rates, network, lucky, now_s);
        }
    }

    #[test]
    fn events_are_few(rates in rates(), attempts in attempts(0..6, false)) {
        let mut account = Account::with_home();
        let (mut now_s, mut failed, mut refused_at_s) = (0, 0, None);
        for (network, valid, pause_s) in attempts {
            now_s += pause_s;
            match account.attempt(rates, network, valid, now_s).event {
                Some(Event::Failed) => failed += 1,
                Some(Event::Refused) => {
                    prop_assert!(refused_at_s.is_none_or(|before_s| now_s - before_s >= 3_600));
                    refused_at_s = Some(now_s);
                }
                Some(Event::SucceededAfterFailures) => prop_assert!(false, "nothing succeeded"),
                None => {}
            }
        }
        prop_assert!(failed <= 5);
    }
}

#[test]
fn the_delays_are_those_of_the_guide() {
    let of = |rates: Rates| {
        (0..=14)
            .map(|failures| rates.delay_s(failures))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(PASSWORD),
        [
            0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600
        ]
    );
    assert_eq!(
        of(FACTOR),
        [
            0, 0, 0, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600, 3_600, 3_600
        ]
    );
}

#[test]
fn a_delay_is_over_when_it_is_over() {
    let mut account = Account::default();
    for _ in 0..5 {
        assert_eq!(account.attempt(PASSWORD, 1, false, 0).refusal, None);
    }
    assert_eq!(
        account.attempt(PASSWORD, 1, true, 0).refusal,
        Some(Refusal::Delayed(30))
    );
    assert_eq!(
        account.attempt(PASSWORD, 1, true, 29).refusal,
        Some(Refusal::Delayed(1))
    );
    assert_eq!(
        account.attempt(PASSWORD, 2, false, 29).refusal,
        None,
        "another network"
    );
    let outcome = account.attempt(PASSWORD, 1, true, 30);
    assert_eq!(outcome.refusal, None);
    assert_eq!(outcome.event, Some(Event::SucceededAfterFailures));
    assert_eq!(account.failures, 0, "success resets");
    assert_eq!(
        account
            .attempt(PASSWORD, 1, false, 30)
            .history
            .network_failures,
        1
    );
}

#[test]
fn after_a_hundred_failures_only_known_networks_are_heard() {
    let mut account = Account::with_home();
    for stranger in 1..=100 {
        assert_eq!(account.attempt(PASSWORD, stranger, false, 1).refusal, None);
    }
    assert_eq!(
        account.attempt(PASSWORD, 101, true, 2).refusal,
        Some(Refusal::Exhausted)
    );
    assert_eq!(
        account.attempt(PASSWORD, 1, true, 9_999).refusal,
        Some(Refusal::Exhausted)
    );
    assert_eq!(account.attempt(PASSWORD, HOME, true, 2).refusal, None);
    assert_eq!(
        account.attempt(PASSWORD, 101, false, 3).refusal,
        None,
        "success resets"
    );
}

#[test]
fn a_known_network_has_a_hundred_failures_of_its_own() {
    let mut account = Account::with_home();
    for failure in 0..100 {
        assert_eq!(
            account
                .attempt(PASSWORD, HOME, false, failure * 3_600)
                .refusal,
            None
        );
    }
    let end_s = 100 * 3_600;
    assert_eq!(
        account.attempt(PASSWORD, HOME, true, end_s).refusal,
        Some(Refusal::Exhausted)
    );
}

#[test]
fn what_is_old_is_forgotten() {
    let day_s = 86_400;
    let mut account = Account::with_home();
    for _ in 0..5 {
        account.attempt(PASSWORD, HOME, false, 0);
    }
    let later = account.attempt(PASSWORD, HOME, false, 30 * day_s);
    assert_eq!((later.refusal, later.history.network_failures), (None, 1));
    assert!(later.network_is_known);
    assert_eq!(
        later.history.account_failures, 6,
        "the account forgets by success alone"
    );
    assert!(
        !account
            .attempt(PASSWORD, HOME, false, 180 * day_s)
            .network_is_known
    );
}

//! The matrix of what servers and workers can say, and what no report may bring about.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const AT: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

fn decided(channel: Channel, attempt: u32, outcome: &Value) -> Decision {
    decide(
        channel,
        attempt,
        &Facts::read(&outcome.to_string()),
        AT,
        "seed",
    )
}

/// `delivered`, `retry`, `dead`, `dead suppress` or `dead disable`, and the reason.
fn told(channel: Channel, outcome: &Value) -> (String, String) {
    let decision = decided(channel, 1, outcome);
    let mut words = match decision.status {
        Status::Scheduled(_) => "retry".to_owned(),
        status => status.word().to_owned(),
    };
    if decision.suppress {
        words += " suppress";
    }
    if decision.disable_endpoint {
        words += " disable";
    }
    (words, decision.reason)
}

fn assert_told(channel: Channel, outcome: Value, decision: &str, reason: &str) {
    let expected = (decision.to_owned(), reason.to_owned());
    assert_eq!(told(channel, &outcome), expected, "{channel}: {outcome}");
}

#[test]
fn every_status_of_http_is_judged() {
    for status in 100..=599_u16 {
        let reason = format!("http_{status}");
        let webhook = match status {
            200..=299 => "delivered",
            410 => "dead disable",
            _ => "retry",
        };
        let provider = match status {
            200..=299 => "delivered",
            400 | 413 | 422 => "dead",
            _ => "retry",
        };
        let outcome = json!({"delivered": status / 100 == 2, "status_code": status,
            "phase": "response"});
        assert_told(Channel::Webhook, outcome.clone(), webhook, &reason);
        assert_told(Channel::Email, outcome, provider, &reason);
    }
}

#[test]
fn every_answer_of_smtp_is_judged() {
    let phases = [
        None,
        Some("connect"),
        Some("tls"),
        Some("auth"),
        Some("sender"),
        Some("recipient"),
        Some("data"),
    ];
    let enhanced_codes = [
        None,
        Some("2.0.0"),
        Some("4.1.1"),
        Some("4.2.1"),
        Some("5.0.0"),
        Some("5.1.0"),
        Some("5.1.1"),
        Some("5.1.2"),
        Some("5.1.3"),
        Some("5.1.6"),
        Some("5.1.7"),
        Some("5.1.8"),
        Some("5.1.10"),
        Some("5.2.0"),
        Some("5.2.1"),
        Some("5.2.2"),
        Some("5.7.1"),
    ];
    let mailbox_is_gone = [
        "5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1",
    ];
    for status in 200..=599_u16 {
        for phase in phases {
            for enhanced in enhanced_codes {
                let is_settings = matches!(status, 530 | 534 | 535 | 538)
                    || matches!(phase, Some("connect" | "tls" | "auth"));
                let expected = if status < 300 {
                    "delivered"
                } else if status < 500 || is_settings {
                    "retry"
                } else if phase == Some("recipient")
                    && enhanced.is_some_and(|code| mailbox_is_gone.contains(&code))
                {
                    "dead suppress"
                } else {
                    "dead"
                };
                let reason = match enhanced {
                    Some(enhanced) => format!("smtp_{status}_{enhanced}"),
                    None => format!("smtp_{status}"),
                };
                let outcome = json!({"delivered": status < 300, "status_code": status,
                    "phase": phase, "enhanced_code": enhanced});
                assert_told(Channel::Email, outcome, expected, &reason);
            }
        }
    }
}

#[test]
fn without_an_answer_it_is_tried_again() {
    for error in [
        "timeout",
        "dns",
        "refused",
        "reset",
        "tls",
        "redirect",
        "abandoned",
    ] {
        for phase in [
            "connect",
            "tls",
            "auth",
            "sender",
            "recipient",
            "data",
            "response",
        ] {
            let outcome = json!({"delivered": false, "phase": phase, "error_code": error});
            for channel in Channel::ALL {
                assert_told(channel, outcome.clone(), "retry", error);
            }
        }
    }
    for channel in Channel::ALL {
        assert_told(channel, json!({"delivered": false}), "retry", "failed");
        assert_told(channel, json!({}), "retry", "failed");
    }
}

#[test]
fn a_connection_lost_after_an_answer_is_not_that_answer() {
    for (status, phase) in [(250, "recipient"), (354, "data"), (220, "connect")] {
        let outcome = json!({"delivered": false, "status_code": status, "phase": phase,
            "error_code": "reset"});
        assert_told(Channel::Email, outcome, "retry", "reset");
    }
    let outcome = json!({"delivered": false, "status_code": 250, "phase": "recipient"});
    assert_told(Channel::Email, outcome, "retry", "smtp_250");
}

#[test]
fn an_endpoint_that_said_yes_has_the_message() {
    for error in ["too_large", "timeout", "reset"] {
        let outcome = json!({"delivered": false, "status_code": 200, "error_code": error});
        assert_told(Channel::Webhook, outcome, "delivered", "http_200");
    }
    assert_told(
        Channel::Webhook,
        json!({"delivered": true}),
        "retry",
        "failed",
    );
}

#[test]
fn an_address_that_must_not_be_reached_is_not_tried_again() {
    for status in [None, Some(200), Some(302), Some(410)] {
        for refused in ["address_refused", "url_refused", "request_refused"] {
            let outcome = json!({"status_code": status, "error_code": refused});
            assert_told(Channel::Webhook, outcome, "dead", refused);
        }
    }
    // The address of a mail server is a setting of ours.
    let outcome = json!({"phase": "connect", "error_code": "address_refused"});
    assert_told(Channel::Email, outcome, "retry", "address_refused");
}

#[test]
fn jobs_and_servers_without_numbers_are_believed() {
    assert_told(
        Channel::Job,
        json!({"delivered": true}),
        "delivered",
        "delivered",
    );
    assert_told(
        Channel::Email,
        json!({"delivered": true}),
        "delivered",
        "delivered",
    );
    let failed = json!({"delivered": false, "error_code": "40001"});
    assert_told(Channel::Job, failed, "retry", "40001");
    let contradictory = json!({"delivered": true, "error_code": "core.retry"});
    assert_told(Channel::Job, contradictory, "retry", "core.retry");
}

#[test]
fn a_schedule_used_up_is_the_end() {
    for (channel, outcome, last, reason) in [
        (
            Channel::Webhook,
            json!({"status_code": 503}),
            10,
            "http_503",
        ),
        (
            Channel::Email,
            json!({"status_code": 451, "phase": "data"}),
            9,
            "smtp_451",
        ),
        (
            Channel::Job,
            json!({"error_code": "abandoned"}),
            6,
            "abandoned",
        ),
    ] {
        let before = decided(channel, last - 1, &outcome);
        assert!(matches!(before.status, Status::Scheduled(_)), "{before:?}");
        for attempt in [last, last + 1, u32::MAX] {
            let decision = decided(channel, attempt, &outcome);
            assert_eq!(decision.status, Status::Dead);
            assert_eq!(decision.reason, format!("attempts_used_up: {reason}"));
        }
    }
}

#[test]
fn who_asks_to_be_left_alone_is() {
    for (asked, least_s) in [
        (json!(30), 30),
        (json!(30.2), 31),
        (json!(3_600), 3_600),
        (json!(1e300), 86_400),
        (json!(-5), 5),
        (json!("soon"), 5),
    ] {
        for status in [429, 502, 503, 504] {
            let outcome = json!({"status_code": status, "retry_after_s": asked});
            let wait_micros = match decided(Channel::Webhook, 1, &outcome).status {
                Status::Scheduled(next) => next.as_micros() - AT.as_micros(),
                Status::Delivered | Status::Dead => 0,
            };
            assert!(
                wait_micros >= least_s * 1_000_000,
                "{outcome}: {wait_micros}"
            );
            assert!(
                wait_micros <= least_s * 1_100_000,
                "{outcome}: {wait_micros}"
            );
        }
    }
}

#[test]
fn what_cannot_be_read_does_not_hide_the_rest() {
    let facts = Facts::read(
        r#"{"delivered": true, "status_code": 250, "duration_ms": 1e999, "phase": 7,
            "enhanced_code": "5.1.1.1", "retry_after_s": "1e999", "error": {"a": [null]}}"#,
    );
    let expected = Facts {
        delivered: Some(true),
        status_code: Some(250),
        ..Facts::default()
    };
    assert_eq!(facts, expected);
    for json in ["", "null", "[]", "7", "\"text\"", "{\"delivered\": tru"] {
        assert_eq!(Facts::read(json), Facts::default(), "{json}");
    }
    let deep = format!(
        "{{\"a\": {}{}, \"status_code\": 200}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    assert_eq!(Facts::read(&deep).status_code, Some(200));
}

#[test]
fn a_reason_is_one_word() {
    let outcome = json!({"error_code": "it failed:\n\"quoted\" {ä}"});
    assert_told(Channel::Job, outcome, "retry", "it_failed___quoted_____");
    let outcome = json!({"error_code": "x".repeat(1_000)});
    assert_eq!(decided(Channel::Job, 1, &outcome).reason.len(), 100);
}

#[test]
fn enhanced_codes_are_told_from_other_text() {
    for text in ["5.1.1", "2.0.0", "4.22.100"] {
        assert_eq!(
            EnhancedCode::parse(text)
                .map(|code| code.to_string())
                .as_deref(),
            Some(text)
        );
    }
    for text in [
        "", "5", "5.1", "5.1.", "5.1.1.1", "3.1.1", "5.+1.1", "5.1.1000", " 5.1.1", "a.b.c",
    ] {
        assert_eq!(EnhancedCode::parse(text), None, "{text}");
    }
}

/// Any JSON, and reports of the right fields with wrong values.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (100..600_u16).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec![
            "connect",
            "recipient",
            "response",
            "5.1.1",
            "address_refused"
        ])
        .prop_map(Value::from),
    ];
    let names = prop_oneof![
        prop::sample::select(vec![
            "delivered",
            "status_code",
            "enhanced_code",
            "phase",
            "error_code",
            "retry_after_s"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,6}",
    ];
    leaf.prop_recursive(3, 24, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_report_upsets_the_decision(outcome in anything(), attempt: u32, place in 0..3_usize) {
        let channel = Channel::ALL[place];
        let decision = decided(channel, attempt, &outcome);
        prop_assert!(!decision.suppress
            || channel == Channel::Email && decision.status == Status::Dead);
        prop_assert!(!decision.disable_endpoint
            || channel == Channel::Webhook && decision.status == Status::Dead);
        if let Status::Scheduled(next) = decision.status {
            prop_assert!(next > AT);
            prop_assert!((attempt as usize) < schedule::waits_s(channel).len());
        }
        prop_assert!(!decision.reason.is_empty() && decision.reason.len() <= 120);
        prop_assert!(decision.reason.is_ascii());
    }

    #[test]
    fn no_text_upsets_the_reading(json in "\\PC*", inside in "\\PC{0,40}") {
        let _ = Facts::read(&json);
        let _ = Facts::read(&format!("{{\"status_code\": {inside}}}"));
    }
}

use super::*;
use crate::telemetry::batch::Batch;

const RECEIVED_AT: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

fn submitted(device: Option<&str>, messages: &str) -> Submission {
    let tenant = TenantSlug::parse("acme").expect("a slug");
    read(&tenant, device, messages, RECEIVED_AT).expect("JSON")
}

fn devices(submission: &Submission) -> Vec<String> {
    let bytes = submission.batch.as_deref().expect("a batch");
    let batch = Batch::parse(bytes).expect("sound");
    batch
        .devices()
        .map(|(tenant, device)| format!("{tenant}/{device}"))
        .collect()
}

fn codes(submission: &Submission) -> Vec<(usize, Option<&str>, &'static str)> {
    let rejected = submission.rejected.iter();
    rejected
        .map(|rejection| (rejection.index, rejection.device.as_deref(), rejection.code))
        .collect()
}

#[test]
fn a_message_is_for_the_device_it_names_or_else_the_given_one() {
    let messages = r#"[{"a": 1}, {"device": "d2", "values": {"a": 2}}, {"device": null, "a": 3}]"#;
    let submission = submitted(Some("d1"), messages);
    assert_eq!(devices(&submission), ["acme/d1", "acme/d2"]);
    assert!(submission.rejected.is_empty());
}

#[test]
fn one_message_needs_no_array() {
    assert_eq!(
        devices(&submitted(None, r#"{"device": "d\u0031", "a": 1}"#)),
        ["acme/d1"]
    );
}

#[test]
fn the_device_is_neither_a_reading_nor_what_makes_a_message_flat() {
    let submission = submitted(
        None,
        r#"{"device": "d1", "at": 1789999999, "values": {"a": 1}}"#,
    );
    let batch = submission.batch.expect("a batch");
    let batch = Batch::parse(&batch).expect("sound");
    assert_eq!(
        batch
            .metrics()
            .map(|metric| metric.name)
            .collect::<Vec<_>>(),
        ["a"]
    );
}

#[test]
fn a_faulty_message_is_refused_and_the_others_are_kept() {
    let messages = r#"[
        {"a": 1}, {"device": "d1", "a": 1e999}, {"device": 5, "a": 1}, {"device": "-", "a": 1},
        {"device": "d1", "a": 1}, 7, [{"device": "d1", "a": 1}], {"device": "d2"}, {"device": "d3", "at": 1, "a": 1}
    ]"#;
    let submission = submitted(None, messages);
    assert_eq!(devices(&submission), ["acme/d1"]);
    let expected = [
        (0, None, "device.missing"),
        (1, Some("d1"), "payload.number_out_of_range"),
        (2, None, "device.slug_invalid"),
        (3, Some("-"), "device.slug_invalid"),
        (5, None, "payload.not_object"),
        (6, None, "payload.not_object"),
        (7, Some("d2"), "payload.empty"),
        (8, Some("d3"), "payload.time_too_old"),
    ];
    assert_eq!(codes(&submission), expected);
    assert_eq!(submission.indexes, [4]);
}

#[test]
fn nothing_good_is_no_batch() {
    assert_eq!(
        submitted(None, "[]"),
        Submission {
            batch: None,
            indexes: Vec::new(),
            rejected: Vec::new()
        }
    );
    assert_eq!(submitted(None, "{}").batch, None);
}

#[test]
fn text_that_is_not_json_is_an_error() {
    let tenant = TenantSlug::parse("acme").expect("a slug");
    let error = read(&tenant, None, "[{]", RECEIVED_AT).expect_err("no JSON");
    assert_eq!(error.code(), "payload.not_json");
}

//! When batches close, and what becomes of messages that cannot be read.

use super::*;
use tenon_domain::telemetry::batch::{Batch as ParsedBatch, EntryKind};

const POLICY: BatchPolicy = BatchPolicy {
    readings: 4,
    bytes: 1000,
    age: Duration::from_millis(50),
};

fn message(topic: &str, payload: &str) -> Received {
    Received {
        receipt: Receipt {
            epoch: 1,
            packet_id: Some(1),
        },
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        received_at: Timestamp::from_micros(1_764_000_000_000_000),
    }
}

fn reading(device: &str) -> Received {
    message(
        &format!("t/acme/d/{device}/telemetry"),
        r#"{"at":1764000000,"a":1}"#,
    )
}

#[test]
fn a_batch_is_due_by_age_and_not_before() {
    let mut batcher = Batcher::new(POLICY);
    let start = Instant::now();
    assert_eq!(batcher.due_at(), None);
    batcher.push(reading("a"), start);
    batcher.push(reading("b"), start + Duration::from_millis(40));
    assert_eq!(batcher.due_at(), Some(start + POLICY.age));
    assert!(
        batcher
            .take(start + Duration::from_millis(49), false)
            .is_none()
    );
    let batch = batcher.take(start + POLICY.age, false).expect("due");
    assert_eq!(batch.messages.len(), 2);
    assert!(batcher.is_empty() && batcher.due_at().is_none());
}

#[test]
fn a_batch_is_full_by_readings_or_by_bytes() {
    let start = Instant::now();
    let mut batcher = Batcher::new(POLICY);
    (0..4).for_each(|_| batcher.push(reading("a"), start));
    assert!(batcher.is_full());
    assert!(batcher.take(start, false).is_some());
    batcher.push(
        message(
            "t/acme/d/a/telemetry",
            &format!(r#"{{"a":"{}"}}"#, "x".repeat(1000)),
        ),
        start,
    );
    assert!(batcher.is_full());
}

#[test]
fn draining_takes_what_is_there() {
    let mut batcher = Batcher::new(POLICY);
    assert!(batcher.take(Instant::now(), true).is_none());
    batcher.push(reading("a"), Instant::now());
    assert!(batcher.take(Instant::now(), true).is_some());
}

#[test]
fn what_cannot_be_read_is_kept_with_its_reason_and_stops_nothing() {
    let mut batch = Batch::default();
    for bad in [
        message("t/acme/d/a/telemetry", "nonsense"),
        reading("good"),
        message("somewhere/else", "{}"),
        Received {
            topic: Bytes::from_static(b"\xff"),
            ..reading("a")
        },
    ] {
        batch.push(bad).expect("room");
    }
    let sealed = batch.seal();
    let codes: Vec<_> = sealed
        .rejections
        .iter()
        .map(|found| (found.message, &*found.code))
        .collect();
    assert_eq!(
        codes,
        [
            (0, "payload.not_json"),
            (2, "topic.invalid"),
            (3, "topic.invalid")
        ]
    );
    assert_eq!((sealed.messages.len(), sealed.readings), (4, 1));
    assert_eq!(
        ParsedBatch::parse(&sealed.packed.bytes).map(|batch| batch.devices().count()),
        Ok(1)
    );
}

#[test]
fn refused_names_lead_to_the_messages_that_use_them_once_each() {
    let mut batch = Batch::default();
    let several = r#"[{"at":1764000000,"x":1},{"at":1764000001,"x":2}]"#;
    batch.push(reading("a")).expect("room");
    batch
        .push(message("t/acme/d/b/telemetry", several))
        .expect("room");
    batch.push(reading("c")).expect("room");
    let sealed = batch.seal();
    let refused = |kind, ordinal, code: &str| RefusedEntry {
        kind,
        ordinal,
        code: code.to_owned(),
    };
    let rejections = sealed.rejections_of(&[
        refused(EntryKind::Device, 3, "device.unknown"),
        refused(EntryKind::Metric, 2, "metric.limit_reached"),
    ]);
    let found: Vec<_> = rejections
        .iter()
        .map(|found| (found.message, &*found.code))
        .collect();
    assert_eq!(found, [(1, "metric.limit_reached"), (2, "device.unknown")]);
}

#[test]
fn a_message_that_does_not_fit_opens_the_next_batch() {
    let policy = BatchPolicy {
        readings: usize::MAX,
        bytes: usize::MAX,
        ..POLICY
    };
    let mut batcher = Batcher::new(policy);
    let names: Vec<String> = (0..1000).map(|number| format!("\"m{number}\":1")).collect();
    let payload = format!("{{{}}}", names.join(","));
    let total = 300;
    for _ in 0..total {
        batcher.push(message("t/acme/d/a/telemetry", &payload), Instant::now());
    }
    assert!(batcher.is_full());
    let first = batcher
        .take(Instant::now(), false)
        .expect("full")
        .messages
        .len();
    let second = batcher
        .take(Instant::now(), true)
        .expect("rest")
        .messages
        .len();
    assert_eq!((first, second), (262, total - 262));
}

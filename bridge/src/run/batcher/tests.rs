//! When batches close, and when reading has to wait.

use super::*;
use crate::run::samples::{message, reading};

const POLICY: BatchPolicy = BatchPolicy {
    readings: 4,
    bytes: 1000,
    age: Duration::from_millis(50),
    backlog_bytes: 4000,
};

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
fn a_batch_closes_by_readings_or_by_bytes_and_the_next_one_opens() {
    let start = Instant::now();
    let mut batcher = Batcher::new(POLICY);
    (0..5).for_each(|_| batcher.push(reading("a"), start));
    assert_eq!(
        batcher.take(start, false).expect("closed").messages.len(),
        4
    );
    assert!(batcher.take(start, false).is_none());
    let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(1000));
    batcher.push(message("t/acme/d/a/telemetry", &long), start);
    assert_eq!(
        batcher.take(start, false).expect("closed").messages.len(),
        2
    );
    assert!(batcher.is_empty() && batcher.due_at().is_none());
}

#[test]
fn reading_waits_while_too_much_waits_for_the_database() {
    let start = Instant::now();
    let mut batcher = Batcher::new(POLICY);
    let mut messages = 0;
    while !batcher.is_full() {
        batcher.push(reading("a"), start);
        messages += 1;
    }
    assert!((4..20).contains(&messages), "{messages}");
    while batcher.take(start, true).is_some() {}
    assert!(!batcher.is_full() && batcher.is_empty());
}

#[test]
fn draining_takes_what_is_there() {
    let mut batcher = Batcher::new(POLICY);
    assert!(batcher.take(Instant::now(), true).is_none());
    batcher.push(reading("a"), Instant::now());
    assert!(batcher.take(Instant::now(), true).is_some());
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
    let first = batcher
        .take(Instant::now(), false)
        .expect("closed")
        .messages
        .len();
    let second = batcher
        .take(Instant::now(), true)
        .expect("rest")
        .messages
        .len();
    assert_eq!((first, second), (262, total - 262));
}

//! Failures of the database, and what becomes of the messages.

use std::sync::Mutex;
use std::time::Duration;

use tenon_domain::telemetry::batch::{Batch as ParsedBatch, EntryKind};

use super::*;
use crate::run::samples::reading;
use crate::run::store::Housekeeping;

/// A database that stores device names, and fails as told.
#[derive(Default)]
struct FakeStore {
    /// Devices whose presence in a batch makes it fail.
    poison: Vec<&'static str>,
    /// Devices that are refused.
    unknown: Vec<&'static str>,
    /// Errors to give before anything else.
    failures: Mutex<Vec<StoreError>>,
    stored: Mutex<Vec<String>>,
    rejected: Mutex<Vec<(String, String)>>,
    calls: Mutex<usize>,
}

impl Store for FakeStore {
    async fn ingest(&self, batch: &[u8]) -> Result<Vec<RefusedEntry>, StoreError> {
        *self.calls.lock().expect("unpoisoned") += 1;
        if let Some(failure) = self.failures.lock().expect("unpoisoned").pop() {
            return Err(failure);
        }
        let batch = ParsedBatch::parse(batch).expect("a batch of ours");
        let devices: Vec<String> = batch
            .devices()
            .map(|(_, device)| device.to_owned())
            .collect();
        if devices
            .iter()
            .any(|device| self.poison.contains(&device.as_str()))
        {
            return Err(StoreError::Poison("value out of range (22003)".to_owned()));
        }
        let mut refused = Vec::new();
        for (ordinal, device) in (1..).zip(devices) {
            if self.unknown.contains(&device.as_str()) {
                let code = "device.unknown".to_owned();
                refused.push(RefusedEntry {
                    kind: EntryKind::Device,
                    ordinal,
                    code,
                });
            } else {
                self.stored.lock().expect("unpoisoned").push(device);
            }
        }
        Ok(refused)
    }

    async fn reject(&self, messages: &[RejectedMessage<'_>]) -> Result<(), StoreError> {
        let mut rejected = self.rejected.lock().expect("unpoisoned");
        for message in messages {
            let topic = String::from_utf8_lossy(message.topic).into_owned();
            rejected.push((topic, message.code.to_owned()));
        }
        Ok(())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn housekeep(&self, _budget: Duration) -> Result<Housekeeping, StoreError> {
        Ok(Housekeeping::default())
    }
}

fn messages(devices: &[&str]) -> Vec<Received> {
    devices.iter().copied().map(reading).collect()
}

async fn deliver(store: FakeStore, messages: &[Received]) -> (Arc<FakeStore>, Arc<Metrics>) {
    let delivery = Delivery {
        store: Arc::new(store),
        metrics: Arc::default(),
        status: Arc::default(),
        rejection_log: Throttle::new(Duration::ZERO),
    };
    delivery.deliver(SealedBatch::of(messages)).await;
    (Arc::clone(&delivery.store), Arc::clone(&delivery.metrics))
}

fn rejected_of(store: &FakeStore) -> Vec<(String, String)> {
    store.rejected.lock().expect("unpoisoned").clone()
}

fn rejection(device: &str, code: &str) -> (String, String) {
    (format!("t/acme/d/{device}/telemetry"), code.to_owned())
}

#[tokio::test]
async fn poison_is_found_and_the_others_are_stored_in_order() {
    let devices: Vec<String> = (0..37).map(|number| format!("d{number}")).collect();
    let names: Vec<&str> = devices.iter().map(String::as_str).collect();
    let store = FakeStore {
        poison: vec!["d0", "d20", "d36"],
        ..FakeStore::default()
    };
    let (store, metrics) = deliver(store, &messages(&names)).await;
    let mut expected = names.clone();
    expected.retain(|name| !["d0", "d20", "d36"].contains(name));
    assert_eq!(*store.stored.lock().expect("unpoisoned"), expected);
    let rejected = ["d0", "d20", "d36"].map(|device| rejection(device, INGEST_FAILED));
    assert_eq!(rejected_of(&store), rejected);
    assert!(
        *store.calls.lock().expect("unpoisoned") < 40,
        "halving takes few calls"
    );
    assert_eq!(
        (
            metrics.messages_accepted.get(),
            metrics.messages_rejected.get()
        ),
        (34, 3)
    );
}

#[tokio::test]
async fn a_lone_poisonous_message_is_rejected() {
    let store = FakeStore {
        poison: vec!["a"],
        ..FakeStore::default()
    };
    let (store, _) = deliver(store, &messages(&["a"])).await;
    assert_eq!(rejected_of(&store), [rejection("a", INGEST_FAILED)]);
}

#[tokio::test]
async fn refused_devices_are_rejected_with_the_code_of_the_database() {
    let store = FakeStore {
        unknown: vec!["b"],
        ..FakeStore::default()
    };
    let (store, metrics) = deliver(store, &messages(&["a", "b", "c", "b"])).await;
    let expected = [
        rejection("b", "device.unknown"),
        rejection("b", "device.unknown"),
    ];
    assert_eq!(rejected_of(&store), expected);
    assert_eq!(
        (
            metrics.messages_accepted.get(),
            metrics.messages_rejected.get()
        ),
        (2, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_away_is_waited_for() {
    let away = StoreError::Unavailable("the database system is starting up (57P03)".to_owned());
    let store = FakeStore {
        failures: Mutex::new(vec![away; 9]),
        ..FakeStore::default()
    };
    let (store, metrics) = deliver(store, &messages(&["a"])).await;
    assert_eq!(*store.stored.lock().expect("unpoisoned"), ["a"]);
    assert!(rejected_of(&store).is_empty());
    assert_eq!(metrics.database_retries.get(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_takes_too_long_is_divided_and_a_message_never_is() {
    let slow = StoreError::TooSlow("canceling statement due to statement timeout".to_owned());
    let store = FakeStore {
        failures: Mutex::new(vec![slow; 8]),
        ..FakeStore::default()
    };
    let (store, _) = deliver(store, &messages(&["a", "b"])).await;
    assert_eq!(*store.stored.lock().expect("unpoisoned"), ["a", "b"]);
    assert!(rejected_of(&store).is_empty());
}

#[test]
fn halves_are_popped_in_order_and_never_empty() {
    assert_eq!(halves(&(0..5)), [3..5, 0..3]);
    assert_eq!(halves(&(7..8)), vec![7..8]);
}

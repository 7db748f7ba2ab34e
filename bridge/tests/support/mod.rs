//! What the tests on the wire share: a database whose every answer the test gives itself.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser as _;
use tenon_bridge::cli::{Cli, Command};
use tenon_bridge::run::options::RunOptions;
use tenon_bridge::run::store::{Housekeeping, RejectedMessage, Store, StoreError};
use tenon_domain::telemetry::batch::{Batch, RefusedEntry};
use tokio::sync::{mpsc, oneshot};

/// A batch that waits for the test's verdict.
pub struct Call {
    /// The devices in the batch.
    pub devices: Vec<String>,
    answer: oneshot::Sender<()>,
}

impl Call {
    /// Commits the batch.
    pub fn commit(self) {
        let _ = self.answer.send(());
    }
}

/// A database that commits when the test says so, or at once once it is opened.
pub struct HeldStore {
    calls: mpsc::UnboundedSender<Call>,
    open: Mutex<bool>,
    committed: Mutex<Vec<String>>,
}

impl HeldStore {
    /// A database that holds every batch, and the batches as they come.
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Call>) {
        let (calls, held) = mpsc::unbounded_channel();
        let store = Self {
            calls,
            open: Mutex::default(),
            committed: Mutex::default(),
        };
        (Arc::new(store), held)
    }

    /// From now on batches are committed at once.
    pub fn open(&self) {
        *self.open.lock().expect("unpoisoned") = true;
    }

    /// The devices of committed messages, in the order of commit.
    pub fn committed(&self) -> Vec<String> {
        self.committed.lock().expect("unpoisoned").clone()
    }
}

impl Store for HeldStore {
    async fn ingest(&self, batch: &[u8]) -> Result<Vec<RefusedEntry>, StoreError> {
        let batch = Batch::parse(batch).expect("a batch of ours");
        let devices: Vec<String> = batch
            .devices()
            .map(|(_, device)| device.to_owned())
            .collect();
        if !*self.open.lock().expect("unpoisoned") {
            let (answer, answered) = oneshot::channel();
            let call = Call {
                devices: devices.clone(),
                answer,
            };
            self.calls.send(call).expect("the test listens");
            if answered.await.is_err() {
                return Err(StoreError::Unavailable("the test let it fall".to_owned()));
            }
        }
        self.committed.lock().expect("unpoisoned").extend(devices);
        Ok(Vec::new())
    }

    async fn reject(&self, _messages: &[RejectedMessage<'_>]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn housekeep(&self, _budget: Duration) -> Result<Housekeeping, StoreError> {
        Ok(Housekeeping::default())
    }
}

/// The options of a bridge at the broker on `port`, with `more` behind them.
pub fn options(port: u16, more: &[&str]) -> RunOptions {
    let url = format!("mqtt://127.0.0.1:{port}");
    let mut arguments = vec!["tenon-bridge", "run", "--mqtt-url", &url, "--http", "off"];
    arguments.extend(["--database-url", "postgresql://nobody@nowhere/none"]);
    arguments.extend(more);
    let Command::Run(options) = Cli::parse_from(arguments).command else {
        unreachable!("invariant: the command is run")
    };
    options
}

/// The topic of a device whose slug is `device`.
pub fn topic(device: &str) -> String {
    format!("t/acme/d/{device}/telemetry")
}

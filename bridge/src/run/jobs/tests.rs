//! When jobs are run, and what is counted.

use std::sync::Mutex;

use tenon_domain::telemetry::batch::RefusedEntry;
use tokio::time::Instant;

use super::*;
use crate::run::store::{Housekeeping, RejectedMessage, StoreError};
use crate::shutdown;

const INTERVAL: Duration = Duration::from_secs(5);

/// A database whose calls take as long as told, and fail while `fails` is above zero.
struct Runs {
    takes: Duration,
    fails: Mutex<u32>,
    called_at: Mutex<Vec<Instant>>,
}

impl Store for Runs {
    async fn ingest(&self, _batch: &[u8]) -> Result<Vec<RefusedEntry>, StoreError> {
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

    async fn run_jobs(&self, _budget: Duration) -> Result<(), StoreError> {
        self.called_at
            .lock()
            .expect("unpoisoned")
            .push(Instant::now());
        sleep(self.takes).await;
        let mut fails = self.fails.lock().expect("unpoisoned");
        if *fails == 0 {
            return Ok(());
        }
        *fails -= 1;
        Err(StoreError::Unavailable("away".to_owned()))
    }
}

/// Runs for a while; what was counted, and the times between the calls.
async fn run(takes: Duration, fails: u32, time: Duration) -> (Arc<Metrics>, Vec<Duration>) {
    let store = Arc::new(Runs {
        takes,
        fails: Mutex::new(fails),
        called_at: Mutex::default(),
    });
    let (trigger, shutdown) = shutdown::channel();
    let metrics = Arc::<Metrics>::default();
    let runner = JobRunner {
        store: Arc::clone(&store),
        metrics: Arc::clone(&metrics),
        interval: Some(INTERVAL),
        shutdown,
    };
    let running = tokio::spawn(runner.run());
    sleep(time).await;
    trigger.request();
    running.await.expect("no panic");
    let called_at = store.called_at.lock().expect("unpoisoned");
    let waits = called_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    (metrics, waits)
}

#[tokio::test(start_paused = true)]
async fn jobs_are_run_every_so_often_after_the_last_call() {
    let (metrics, waits) = run(Duration::from_secs(20), 0, Duration::from_secs(500)).await;
    assert!(waits.len() >= 15, "{waits:?}");
    let expected = Duration::from_secs(24)..=Duration::from_secs(26);
    assert!(
        waits.iter().all(|wait| expected.contains(wait)),
        "{waits:?}"
    );
    assert_eq!(metrics.job_run_failures.get(), 0);
    assert!(metrics.job_runs.get() >= 15);
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_and_waited_for_longer_and_longer() {
    let (metrics, waits) = run(Duration::ZERO, 5, Duration::from_secs(600)).await;
    assert_eq!(metrics.job_run_failures.get(), 5);
    assert!(waits[3] > INTERVAL * 4, "{waits:?}");
    assert!(waits[6] < INTERVAL * 2, "{waits:?}");
}

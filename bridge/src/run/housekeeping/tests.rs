//! When house is kept, and what comes of it.

use std::sync::Mutex;

use tenon_domain::telemetry::batch::RefusedEntry;
use tokio::time::{Instant as PausedInstant, timeout};

use super::*;
use crate::run::store::RejectedMessage;
use crate::shutdown;

const INTERVAL: Duration = Duration::from_secs(60);

/// A database that answers as told, the last answer for ever, and notes when it was asked.
struct KeptStore {
    answers: Mutex<Vec<Result<Housekeeping, StoreError>>>,
    asked_at: Mutex<Vec<PausedInstant>>,
    takes: Duration,
}

impl Store for KeptStore {
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
        self.asked_at
            .lock()
            .expect("unpoisoned")
            .push(PausedInstant::now());
        sleep(self.takes).await;
        let mut answers = self.answers.lock().expect("unpoisoned");
        match answers.len() {
            0 | 1 => answers.first().expect("an answer").clone(),
            _ => answers.remove(0),
        }
    }
}

fn kept(readings: u64, is_done: bool) -> Result<Housekeeping, StoreError> {
    Ok(Housekeeping {
        readings,
        is_done,
        failure: None,
    })
}

/// Runs for a while; what was counted, and the waits between the calls.
async fn run(
    answers: Vec<Result<Housekeeping, StoreError>>,
    interval: Option<Duration>,
    time: Duration,
) -> (Arc<Metrics>, Vec<Duration>) {
    let store = Arc::new(KeptStore {
        answers: Mutex::new(answers),
        asked_at: Mutex::default(),
        takes: Duration::ZERO,
    });
    let (trigger, shutdown) = shutdown::channel();
    let metrics = Arc::<Metrics>::default();
    let housekeeper = Housekeeper {
        store: Arc::clone(&store),
        metrics: Arc::clone(&metrics),
        interval,
        shutdown,
    };
    let running = tokio::spawn(housekeeper.run());
    sleep(time).await;
    trigger.request();
    running.await.expect("no panic");
    let asked_at = store.asked_at.lock().expect("unpoisoned");
    let waits = asked_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    (metrics, waits)
}

#[tokio::test(start_paused = true)]
async fn house_is_kept_every_so_often() {
    let (metrics, waits) = run(vec![kept(7, true)], Some(INTERVAL), INTERVAL * 20).await;
    assert!((17..=22).contains(&waits.len()), "{waits:?}");
    let expected = INTERVAL.mul_f64(0.9)..=INTERVAL.mul_f64(1.1);
    assert!(
        waits.iter().all(|wait| expected.contains(wait)),
        "{waits:?}"
    );
    let runs = metrics.housekeeping_runs.get();
    assert_eq!(metrics.readings_compacted.get(), 7 * runs);
    assert_eq!(metrics.housekeeping_failures.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn while_there_is_more_to_do_it_goes_on() {
    let answers = vec![kept(9, false), kept(9, false), kept(1, true)];
    let (_, waits) = run(answers, Some(INTERVAL), INTERVAL * 3).await;
    assert_eq!(waits[..2], [PAUSE, PAUSE]);
    assert!(waits[2] > PAUSE);
    // Somebody else is at it: nothing was done, so there is nothing to hurry for.
    let (_, waits) = run(vec![kept(0, false)], Some(INTERVAL), INTERVAL * 3).await;
    assert!(waits.iter().all(|&wait| wait > PAUSE), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn failures_are_counted_and_followed_by_longer_waits() {
    let away = || Err(StoreError::Unavailable("starting up".to_owned()));
    let half = Ok(Housekeeping {
        readings: 5,
        is_done: true,
        failure: Some("iot.retain: no".to_owned()),
    });
    let answers = vec![away(), away(), half, kept(0, true)];
    let (metrics, waits) = run(answers, Some(INTERVAL), INTERVAL * 30).await;
    assert_eq!(metrics.housekeeping_failures.get(), 3);
    assert_eq!(metrics.readings_compacted.get(), 5);
    for (failures, wait) in (1..).zip(&waits[..3]) {
        let longest = INTERVAL * (1 << failures);
        assert!((longest / 2..=longest).contains(wait), "{waits:?}");
    }
    assert!(waits[3] < INTERVAL * 2, "{waits:?}");
    assert_eq!(wait(INTERVAL, u32::MAX, false, 1.0), INTERVAL * 16);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_where_it_is_off() {
    let (metrics, _) = run(vec![kept(1, true)], None, INTERVAL * 5).await;
    assert_eq!(metrics.housekeeping_runs.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_end_does_not_wait_for_a_call() {
    let store = Arc::new(KeptStore {
        answers: Mutex::new(vec![kept(1, true)]),
        asked_at: Mutex::default(),
        takes: INTERVAL * 1000,
    });
    let (trigger, shutdown) = shutdown::channel();
    let housekeeper = Housekeeper {
        store: Arc::clone(&store),
        metrics: Arc::default(),
        interval: Some(INTERVAL),
        shutdown,
    };
    let running = tokio::spawn(housekeeper.run());
    sleep(INTERVAL * 2).await;
    assert_eq!(store.asked_at.lock().expect("unpoisoned").len(), 1);
    trigger.request();
    let ended = timeout(Duration::from_secs(1), running).await;
    ended.expect("at once").expect("no panic");
}

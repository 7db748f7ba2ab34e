//! What is shown of what the database measures.

use std::collections::VecDeque;

use tenon_domain::telemetry::batch::RefusedEntry;

use super::*;
use crate::run::store::{Housekeeping, RejectedMessage, StoreError};
use crate::shutdown;

/// A database that answers as told, and then no more.
struct Measured(Mutex<VecDeque<Result<Vec<Gauge>, StoreError>>>);

impl Store for Measured {
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

    async fn gauges(&self) -> Result<Vec<Gauge>, StoreError> {
        let next = self.0.lock().expect("unpoisoned").pop_front();
        match next {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

fn gauge(name: &str, labels: &[(&str, &str)], value: f64) -> Gauge {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Gauge {
        name: name.to_owned(),
        labels: labels.iter().map(owned).collect(),
        value,
    }
}

fn shown(metrics: &Metrics) -> Vec<String> {
    let text = metrics.exported(true, true);
    let lines = text
        .lines()
        .filter(|line| !line.starts_with("tenon_bridge"));
    lines
        .filter(|line| line.starts_with("tenon_"))
        .map(str::to_owned)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_the_database_said_last_is_shown_and_nothing_where_it_says_nothing() {
    let answers = [
        Ok(vec![
            gauge("tenon_jobs", &[("status", "queued")], 3.0),
            gauge("tenon_jobs", &[("status", "failed \"so\"")], 1.0),
            gauge("tenon_delivery_alarms_open", &[], 2.0),
            gauge(
                "tenon_deliveries_oldest_age_seconds",
                &[("channel", "email")],
                0.25,
            ),
            gauge("of_later_versions", &[], 1.0),
        ]),
        Err(StoreError::Unavailable("away".to_owned())),
        Ok(vec![gauge("tenon_jobs", &[("status", "queued")], 4.0)]),
    ];
    let store = Arc::new(Measured(Mutex::new(answers.into())));
    let metrics = Arc::<Metrics>::default();
    let (trigger, shutdown) = shutdown::channel();
    let polling = tokio::spawn(poll(store, Arc::clone(&metrics), shutdown));

    sleep(INTERVAL / 2).await;
    assert_eq!(
        shown(&metrics),
        [
            "tenon_deliveries_oldest_age_seconds{channel=\"email\"} 0.25",
            "tenon_delivery_alarms_open{} 2.0",
            "tenon_jobs{status=\"queued\"} 3.0",
            "tenon_jobs{status=\"failed \\\"so\\\"\"} 1.0",
        ]
    );
    sleep(INTERVAL).await;
    assert_eq!(shown(&metrics), [""; 0], "away");
    assert_eq!(metrics.database_gauge_failures.get(), 1);
    assert!(
        metrics
            .exported(true, true)
            .contains("tenon_bridge_broker_up 1")
    );
    sleep(INTERVAL).await;
    assert_eq!(shown(&metrics), ["tenon_jobs{status=\"queued\"} 4.0"]);
    // The database hangs: what it said last is shown, and no scrape waits.
    sleep(INTERVAL * 3).await;
    assert_eq!(shown(&metrics), ["tenon_jobs{status=\"queued\"} 4.0"]);
    trigger.request();
    polling.await.expect("no panic");
}

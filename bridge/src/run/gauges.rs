//! What the database measures of itself, kept for Prometheus.
//!
//! It is asked every so often in the background and what it said last is shown, so that no scrape
//! waits for Postgres. Where it does not answer, its gauges are left out rather than shown as they
//! once were, and all others stay.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use tokio::select;
use tokio::time::sleep;
use tracing::{info, warn};

use super::metrics::Metrics;
use super::store::Store;
use crate::shutdown::Shutdown;

/// How often the database is asked: as often as Prometheus usually comes.
const INTERVAL: Duration = Duration::from_secs(15);

/// What is shown, and what it is; anything else that the database says is ignored.
const KNOWN: [(&str, &str); 6] = [
    (
        "tenon_deliveries_waiting",
        "Deliveries that are not over, by channel and status, up to 100000",
    ),
    (
        "tenon_deliveries_dead",
        "Deliveries that were given up, by channel, up to 100000",
    ),
    (
        "tenon_deliveries_oldest_age_seconds",
        "For how long the oldest delivery could have been taken, by channel",
    ),
    (
        "tenon_delivery_alarms_open",
        "Tenants and channels whose deliveries wait too long",
    ),
    (
        "tenon_jobs",
        "Jobs that wait, run or were given up, by status, up to 100000",
    ),
    (
        "tenon_jobs_oldest_age_seconds",
        "For how long the oldest job has been ready",
    ),
];

/// One value that the database measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Gauge {
    /// The metric's name.
    pub name: String,
    /// Names and values of its labels.
    pub labels: Vec<(String, String)>,
    /// The value.
    pub value: f64,
}

/// What the database said last.
#[derive(Clone, Debug, Default)]
pub struct Gauges(Arc<Mutex<Vec<Gauge>>>);

impl Gauges {
    /// Keeps what the database says now in place of what it said before.
    pub fn set(&self, gauges: Vec<Gauge>) {
        if let Ok(mut kept) = self.0.lock() {
            *kept = gauges;
        }
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let kept = self
            .0
            .lock()
            .map_or_else(|_| Vec::new(), |kept| kept.clone());
        for (name, help) in KNOWN {
            let mut of_name = kept.iter().filter(|gauge| gauge.name == name).peekable();
            if of_name.peek().is_none() {
                continue;
            }
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for gauge in of_name {
                let encoder = family.encode_family(&gauge.labels)?;
                ConstGauge::new(gauge.value).encode(encoder)?;
            }
        }
        Ok(())
    }
}

/// Asks the database until shutdown.
pub async fn poll<S: Store>(store: Arc<S>, metrics: Arc<Metrics>, mut shutdown: Shutdown) {
    let polling = async {
        let mut failures = 0_u32;
        loop {
            match store.gauges().await {
                Ok(gauges) => {
                    if failures > 0 {
                        info!(failures, "the database is measured again");
                    }
                    failures = 0;
                    metrics.database_gauges.set(gauges);
                }
                Err(error) => {
                    failures += 1;
                    metrics.database_gauge_failures.inc();
                    metrics.database_gauges.set(Vec::new());
                    if failures.is_power_of_two() {
                        warn!(failures, %error, "the database could not be measured");
                    }
                }
            }
            sleep(INTERVAL).await;
        }
    };
    select! {
        () = polling => {}
        () = shutdown.requested() => {}
    }
}

#[cfg(test)]
mod tests;

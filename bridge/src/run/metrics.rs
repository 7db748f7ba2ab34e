//! What the bridge counts, and how Prometheus reads it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::histogram::Histogram;

/// Upper limits of the buckets for durations, in microseconds: 1 ms to 60 s.
const MICROS_LIMITS: [u64; 14] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    10_000_000, 30_000_000, 60_000_000,
];

/// Upper limits of the buckets for readings in a batch.
const READINGS_LIMITS: [u64; 9] = [10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000];

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    /// The sum so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

impl Gauge {
    /// Adds `change`.
    pub fn add(&self, change: i64) {
        self.0.fetch_add(change, Ordering::Relaxed);
    }

    /// The present value.
    #[must_use]
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Everything that is counted while the bridge runs.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Messages read from the broker.
    pub messages_received: Counter,
    /// Bytes of their payloads.
    pub payload_bytes: Counter,
    /// Messages stored as readings.
    pub messages_accepted: Counter,
    /// Readings in batches that were committed.
    pub readings_stored: Counter,
    /// Batches committed, rejected messages included.
    pub batches: Counter,
    /// Messages read and not yet acknowledged or dropped.
    pub messages_unacknowledged: Gauge,
    /// Acknowledgements that were not sent because their connection is gone.
    pub acknowledgements_stale: Counter,
    /// Connections to the broker that were made.
    pub broker_connections: Counter,
    /// Attempts at the database that failed and were made again.
    pub database_retries: Counter,
    /// Readings in a batch.
    pub batch_readings: Histogram,
    /// Time from handing a batch to the database until all of it is safe, in microseconds.
    pub flush_micros: Histogram,
    /// Time from reading the oldest message of a batch until it is safe, in microseconds.
    pub lag_micros: Histogram,
    rejected: Mutex<BTreeMap<String, u64>>,
}

impl Metrics {
    /// Counts a message stored as rejected with this code.
    pub fn rejected(&self, code: &str) {
        if let Ok(mut rejected) = self.rejected.lock() {
            match rejected.get_mut(code) {
                Some(count) => *count += 1,
                None => drop(rejected.insert(code.to_owned(), 1)),
            }
        }
    }

    /// How many messages were stored as rejected.
    #[must_use]
    pub fn messages_rejected(&self) -> u64 {
        self.rejected
            .lock()
            .map_or(0, |rejected| rejected.values().sum())
    }

    /// All of it in Prometheus' text format, with whether broker and database are there.
    #[must_use]
    pub fn prometheus(&self, broker_up: bool, database_up: bool) -> String {
        let mut text = String::with_capacity(4096);
        let counters: [(&str, &str, &Counter); 8] = [
            (
                "messages_received_total",
                "Messages read from the broker.",
                &self.messages_received,
            ),
            (
                "payload_bytes_total",
                "Bytes of their payloads.",
                &self.payload_bytes,
            ),
            (
                "messages_accepted_total",
                "Messages stored as readings.",
                &self.messages_accepted,
            ),
            (
                "readings_total",
                "Readings in committed batches.",
                &self.readings_stored,
            ),
            ("batches_total", "Batches committed.", &self.batches),
            (
                "acknowledgements_stale_total",
                "Acknowledgements dropped because their connection is gone.",
                &self.acknowledgements_stale,
            ),
            (
                "broker_connections_total",
                "Connections to the broker; all but the first are reconnects.",
                &self.broker_connections,
            ),
            (
                "database_retries_total",
                "Attempts at the database that failed and were made again.",
                &self.database_retries,
            ),
        ];
        for (name, help, counter) in counters {
            head(&mut text, name, help, "counter");
            let _ = writeln!(text, "tenon_bridge_{name} {}", counter.get());
        }
        let name = "messages_rejected_total";
        head(
            &mut text,
            name,
            "Messages stored as rejected, by reason.",
            "counter",
        );
        if let Ok(rejected) = self.rejected.lock() {
            for (code, count) in &*rejected {
                let _ = writeln!(text, "tenon_bridge_{name}{{code=\"{code}\"}} {count}");
            }
        }
        let unacknowledged = self.messages_unacknowledged.get();
        let gauges = [
            (
                "messages_unacknowledged",
                "Messages read and not yet acknowledged.",
                unacknowledged,
            ),
            (
                "broker_up",
                "Whether the subscription is active.",
                i64::from(broker_up),
            ),
            (
                "database_up",
                "Whether the database answered last time.",
                i64::from(database_up),
            ),
        ];
        for (name, help, value) in gauges {
            head(&mut text, name, help, "gauge");
            let _ = writeln!(text, "tenon_bridge_{name} {value}");
        }
        let histograms: [(&str, &str, &Histogram, &[u64], f64); 3] = [
            (
                "batch_readings",
                "Readings in a batch.",
                &self.batch_readings,
                &READINGS_LIMITS,
                1.0,
            ),
            (
                "flush_seconds",
                "Time a batch takes from the bridge to its commit.",
                &self.flush_micros,
                &MICROS_LIMITS,
                1e6,
            ),
            (
                "lag_seconds",
                "Time from reading the oldest message of a batch to its commit.",
                &self.lag_micros,
                &MICROS_LIMITS,
                1e6,
            ),
        ];
        for (name, help, histogram, limits, unit) in histograms {
            head(&mut text, name, help, "histogram");
            histogram.write_prometheus(&mut text, &format!("tenon_bridge_{name}"), limits, unit);
        }
        write_process(&mut text);
        text
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(
        text,
        "# HELP tenon_bridge_{name} {help}\n# TYPE tenon_bridge_{name} {kind}"
    );
}

/// Memory of this process, under the name that every Prometheus client uses; Linux only.
fn write_process(text: &mut String) {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return;
    };
    let kibibytes = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| {
            rest.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<u64>()
                .ok()
        });
    if let Some(kibibytes) = kibibytes {
        let name = "process_resident_memory_bytes";
        let _ = writeln!(
            text,
            "# HELP {name} Resident memory.\n# TYPE {name} gauge\n{name} {}",
            kibibytes * 1024
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_can_be_read() {
        let metrics = Metrics::default();
        metrics.messages_received.add(3);
        metrics.rejected("payload.empty");
        metrics.rejected("payload.empty");
        metrics.messages_unacknowledged.add(2);
        let text = metrics.prometheus(true, false);
        for line in [
            "tenon_bridge_messages_received_total 3",
            "tenon_bridge_messages_rejected_total{code=\"payload.empty\"} 2",
            "tenon_bridge_messages_unacknowledged 2",
            "tenon_bridge_broker_up 1",
            "tenon_bridge_database_up 0",
            "tenon_bridge_flush_seconds_count 0",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        assert_eq!(metrics.messages_rejected(), 2);
    }
}

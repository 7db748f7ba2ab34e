//! What the bridge counts, and how Prometheus reads it: in the OpenMetrics text format, where the
//! samples of a counter end in `_total`.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

use super::gauges::Gauges;

/// What the format calls itself in HTTP.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper limits of the buckets for durations, in seconds.
const SECONDS_LIMITS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0, 60.0,
];

/// Upper limits of the buckets for readings in a batch.
const READINGS_LIMITS: [f64; 9] = [
    10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 30_000.0, 100_000.0,
];

/// Everything that is counted while the bridge runs.
#[derive(Debug)]
pub struct Metrics {
    /// Messages read from the broker.
    pub messages_received: Counter,
    /// Bytes of their payloads.
    pub payload_bytes: Counter,
    /// Messages stored as readings.
    pub messages_accepted: Counter,
    /// Messages stored as rejected; exported by their codes only.
    pub messages_rejected: Counter,
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
    /// Calls to keep house in the database.
    pub housekeeping_runs: Counter,
    /// Those of them that failed.
    pub housekeeping_failures: Counter,
    /// Calls to run jobs in the database.
    pub job_runs: Counter,
    /// Those of them that failed.
    pub job_run_failures: Counter,
    /// Questions to the database what it measures that had no answer.
    pub database_gauge_failures: Counter,
    /// What it measures.
    pub database_gauges: Gauges,
    /// Readings that they turned into blocks.
    pub readings_compacted: Counter,
    /// Time such a call takes.
    pub housekeeping_seconds: Histogram,
    /// Readings in a batch.
    pub batch_readings: Histogram,
    /// Time from handing a batch to the database until all of it is safe.
    pub flush_seconds: Histogram,
    /// Time from reading the oldest message of a batch until it is safe.
    pub lag_seconds: Histogram,
    rejected_by_code: Family<Rejection, Counter>,
    broker_up: Gauge,
    database_up: Gauge,
    resident_memory_bytes: Gauge,
    registry: Registry,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Rejection {
    code: String,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let database_gauges = Gauges::default();
        registry.register_collector(Box::new(database_gauges.clone()));
        let bridge = registry.sub_registry_with_prefix("tenon_bridge");
        let mut counter = |name, help| registered(bridge, name, help, Counter::default());
        Self {
            messages_received: counter("messages_received", "Messages read from the broker"),
            payload_bytes: counter("payload_bytes", "Bytes of their payloads"),
            messages_accepted: counter("messages_accepted", "Messages stored as readings"),
            messages_rejected: Counter::default(),
            readings_stored: counter("readings", "Readings in committed batches"),
            batches: counter("batches", "Batches committed"),
            acknowledgements_stale: counter(
                "acknowledgements_stale",
                "Acknowledgements dropped because their connection is gone",
            ),
            broker_connections: counter(
                "broker_connections",
                "Connections to the broker; all but the first are reconnects",
            ),
            database_retries: counter(
                "database_retries",
                "Attempts at the database that failed and were made again",
            ),
            housekeeping_runs: counter("housekeeping_runs", "Calls to keep house in the database"),
            housekeeping_failures: counter("housekeeping_failures", "Those that failed"),
            job_runs: counter("job_runs", "Calls to run jobs in the database"),
            job_run_failures: counter("job_run_failures", "Those that failed"),
            database_gauge_failures: counter(
                "database_gauge_failures",
                "Questions what the database measures that had no answer",
            ),
            database_gauges,
            readings_compacted: counter(
                "readings_compacted",
                "Readings turned into blocks by these calls",
            ),
            housekeeping_seconds: registered(
                bridge,
                "housekeeping_seconds",
                "Time a call to keep house takes",
                Histogram::new(SECONDS_LIMITS),
            ),
            rejected_by_code: registered(
                bridge,
                "messages_rejected",
                "Messages stored as rejected, by reason",
                Family::default(),
            ),
            messages_unacknowledged: registered(
                bridge,
                "messages_unacknowledged",
                "Messages read and not yet acknowledged",
                Gauge::default(),
            ),
            broker_up: registered(
                bridge,
                "broker_up",
                "Whether the subscription is active",
                Gauge::default(),
            ),
            database_up: registered(
                bridge,
                "database_up",
                "Whether the database answered last time",
                Gauge::default(),
            ),
            batch_readings: registered(
                bridge,
                "batch_readings",
                "Readings in a batch",
                Histogram::new(READINGS_LIMITS),
            ),
            flush_seconds: registered(
                bridge,
                "flush_seconds",
                "Time a batch takes from the bridge to its commit",
                Histogram::new(SECONDS_LIMITS),
            ),
            lag_seconds: registered(
                bridge,
                "lag_seconds",
                "Time from reading the oldest message of a batch to its commit",
                Histogram::new(SECONDS_LIMITS),
            ),
            // The name that every Prometheus client uses.
            resident_memory_bytes: registered(
                &mut registry,
                "process_resident_memory_bytes",
                "Resident memory",
                Gauge::default(),
            ),
            registry,
        }
    }
}

impl Metrics {
    /// Counts a message stored as rejected with this code.
    pub fn rejected(&self, code: &str) {
        let code = code.to_owned();
        self.rejected_by_code
            .get_or_create(&Rejection { code })
            .inc();
        self.messages_rejected.inc();
    }

    /// All of it in the format of [`CONTENT_TYPE`], with whether broker and database are there.
    #[must_use]
    pub fn exported(&self, broker_up: bool, database_up: bool) -> String {
        self.broker_up.set(broker_up.into());
        self.database_up.set(database_up.into());
        if let Some(bytes) = resident_memory_bytes() {
            self.resident_memory_bytes.set(bytes);
        }
        let mut exported = String::with_capacity(8192);
        text::encode(&mut exported, &self.registry).expect("invariant: a String takes all text");
        exported
    }
}

fn registered<M: Metric + Clone>(registry: &mut Registry, name: &str, help: &str, metric: M) -> M {
    registry.register(name, help, metric.clone());
    metric
}

/// Memory of this process, where the system tells it.
fn resident_memory_bytes() -> Option<i64> {
    let process = sysinfo::get_current_pid().ok()?;
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[process]),
        false,
        ProcessRefreshKind::nothing().with_memory(),
    );
    i64::try_from(system.process(process)?.memory()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dashboards and `scripts/live.mjs` know these names: who changes one, breaks them.
    const NAMES: [&str; 23] = [
        "process_resident_memory_bytes gauge",
        "tenon_bridge_acknowledgements_stale counter",
        "tenon_bridge_batch_readings histogram",
        "tenon_bridge_batches counter",
        "tenon_bridge_broker_connections counter",
        "tenon_bridge_broker_up gauge",
        "tenon_bridge_database_gauge_failures counter",
        "tenon_bridge_database_retries counter",
        "tenon_bridge_database_up gauge",
        "tenon_bridge_flush_seconds histogram",
        "tenon_bridge_housekeeping_failures counter",
        "tenon_bridge_housekeeping_runs counter",
        "tenon_bridge_housekeeping_seconds histogram",
        "tenon_bridge_job_run_failures counter",
        "tenon_bridge_job_runs counter",
        "tenon_bridge_lag_seconds histogram",
        "tenon_bridge_messages_accepted counter",
        "tenon_bridge_messages_received counter",
        "tenon_bridge_messages_rejected counter",
        "tenon_bridge_messages_unacknowledged gauge",
        "tenon_bridge_payload_bytes counter",
        "tenon_bridge_readings counter",
        "tenon_bridge_readings_compacted counter",
    ];

    #[test]
    fn what_is_counted_is_exported() {
        let metrics = Metrics::default();
        metrics.messages_accepted.inc_by(3);
        metrics.rejected("payload.empty");
        metrics.rejected("payload.empty");
        metrics.rejected("device.unknown");
        metrics.messages_unacknowledged.inc_by(2);
        metrics.batch_readings.observe(31.0);
        metrics.flush_seconds.observe(0.002);
        let text = metrics.exported(true, false);
        for line in [
            "tenon_bridge_messages_accepted_total 3",
            "tenon_bridge_messages_rejected_total{code=\"payload.empty\"} 2",
            "tenon_bridge_messages_rejected_total{code=\"device.unknown\"} 1",
            "tenon_bridge_messages_unacknowledged 2",
            "tenon_bridge_broker_up 1",
            "tenon_bridge_database_up 0",
            "tenon_bridge_batch_readings_bucket{le=\"30.0\"} 0",
            "tenon_bridge_batch_readings_bucket{le=\"100.0\"} 1",
            "tenon_bridge_flush_seconds_bucket{le=\"0.001\"} 0",
            "tenon_bridge_flush_seconds_bucket{le=\"0.0025\"} 1",
            "tenon_bridge_lag_seconds_count 0",
            "# EOF",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
        assert_eq!(metrics.messages_rejected.get(), 3);
    }

    #[test]
    fn names_stay_as_they_are() {
        let metrics = Metrics::default();
        metrics.rejected("payload.empty");
        let text = metrics.exported(true, true);
        let mut names: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE "))
            .collect();
        names.sort_unstable();
        assert_eq!(names, NAMES);
    }

    #[test]
    fn the_memory_of_a_process_is_at_least_a_megabyte() {
        let bytes = resident_memory_bytes().expect("Linux, macOS and Windows tell");
        assert!((1 << 20..1 << 40).contains(&bytes), "{bytes}");
    }
}

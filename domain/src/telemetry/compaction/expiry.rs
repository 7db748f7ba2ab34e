//! Decides until when readings and the statistics of their hours are kept.

use std::collections::BTreeMap;

use crate::telemetry::block::HOUR_MICROS;
pub(super) use crate::telemetry::block::hour_of;
use crate::time::Timestamp;

/// What is kept of each metric.
#[derive(Clone, Debug, Default)]
pub struct Expiry {
    /// What is kept of metrics that have no entry of their own.
    pub others: MetricExpiry,
    /// What is kept of certain metrics, by number.
    pub metrics: BTreeMap<i32, MetricExpiry>,
}

/// What is kept of a metric. Without a limit it is kept for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetricExpiry {
    /// Readings of hours that ended by then become statistics of their hour.
    pub readings_before: Option<Timestamp>,
    /// Statistics of hours that ended by then are dropped.
    pub hours_before: Option<Timestamp>,
}

impl Expiry {
    /// Whether a reading is kept as it is.
    pub(super) fn keeps_reading(&self, metric: i32, at: Timestamp) -> bool {
        is_kept(self.of(metric).readings_before, hour_of(at))
    }

    /// Whether the statistics of an hour are kept.
    pub(super) fn keeps_hour(&self, metric: i32, hour: i64) -> bool {
        is_kept(self.of(metric).hours_before, hour)
    }

    fn of(&self, metric: i32) -> MetricExpiry {
        self.metrics.get(&metric).copied().unwrap_or(self.others)
    }
}

fn is_kept(before: Option<Timestamp>, hour: i64) -> bool {
    before.is_none_or(|before| {
        let end = hour.saturating_add(1).saturating_mul(HOUR_MICROS);
        end > before.as_micros()
    })
}

//! Says of a block, without changing it, when something of it is next past its time, and what is.

use std::collections::BTreeMap;

use super::down_sampling::{hours_of, rows_present};
use super::expiry::{Expiry, Policies, hour_of};
use crate::telemetry::block::{BlockBody, BlockFault, BlockHead, HOUR_MICROS, read_column};
use crate::telemetry::statistics::Statistics;
use crate::time::Timestamp;

/// What of a metric is past its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// How many readings become statistics, or go with those.
    pub readings: u64,
    /// How many stored statistics of an hour go.
    pub hours: u64,
    /// The bytes of their columns, in proportion; times are shared and not counted.
    pub bytes: u64,
    /// The beginning of the first hour of which something is kept.
    pub kept_since: Option<Timestamp>,
}

/// What a metric has in an hour.
#[derive(Clone, Copy)]
struct Stretch {
    metric: i32,
    hour: i64,
    /// 0 when only statistics are left.
    readings: u64,
    bytes: u64,
}

/// When something of a block is past its time next, or already; never, when nothing.
///
/// # Errors
/// [`BlockFault`] when the block is corrupt.
pub fn due(
    head: &BlockHead<'_>,
    body: &(impl BlockBody + ?Sized),
    policies: &Policies,
) -> Result<Option<Timestamp>, BlockFault> {
    let mut due = None;
    visit(head, body, |stretch| {
        let ends = [stretch.until(policies), due];
        due = ends.into_iter().flatten().min();
    })?;
    Ok(due)
}

/// What of a block is past its time, by metric; metrics of which nothing is are left out.
///
/// # Errors
/// [`BlockFault`] when the block is corrupt.
pub fn past(
    head: &BlockHead<'_>,
    body: &(impl BlockBody + ?Sized),
    expiry: &Expiry<'_>,
) -> Result<BTreeMap<i32, Past>, BlockFault> {
    let mut metrics: BTreeMap<i32, Past> = BTreeMap::new();
    visit(head, body, |stretch| {
        let past = metrics.entry(stretch.metric).or_default();
        if !stretch.is_kept(expiry) {
            past.readings += stretch.readings;
            past.hours += u64::from(stretch.readings == 0);
            past.bytes += stretch.bytes;
        }
        if expiry.keeps_hour(stretch.metric, stretch.hour) {
            let start = Timestamp::from_micros(stretch.hour.saturating_mul(HOUR_MICROS));
            past.kept_since = Some(past.kept_since.map_or(start, |since| since.min(start)));
        }
    })?;
    metrics.retain(|_, past| past.readings > 0 || past.hours > 0);
    Ok(metrics)
}

/// The statistics that are left of readings, by metric and in the order of time.
///
/// # Errors
/// [`BlockFault`] when the block is corrupt.
pub fn hours<'a>(head: &BlockHead<'a>) -> Result<Vec<(i32, Statistics<'a>)>, BlockFault> {
    let mut hours = Vec::new();
    for table in head.tables.iter().filter(|table| table.rows == 0) {
        for column in &table.columns {
            let statistics = column.summary.statistics(&table.slices)?;
            let statistics = statistics.ok_or(BlockFault::Layout)?;
            hours.extend(statistics.into_iter().map(|hour| (column.metric, hour)));
        }
    }
    hours.sort_by_key(|&(metric, _)| metric);
    Ok(hours)
}

impl Stretch {
    fn until(&self, policies: &Policies) -> Option<Timestamp> {
        if self.readings == 0 {
            policies.hour_until(self.metric, self.hour)
        } else {
            policies.readings_until(self.metric, self.hour)
        }
    }

    fn is_kept(&self, expiry: &Expiry<'_>) -> bool {
        if self.readings == 0 {
            expiry.keeps_hour(self.metric, self.hour)
        } else {
            expiry.keeps_readings(self.metric, self.hour)
        }
    }
}

/// Hands out what each metric has in each hour.
fn visit(
    head: &BlockHead<'_>,
    body: &(impl BlockBody + ?Sized),
    mut visit: impl FnMut(Stretch),
) -> Result<(), BlockFault> {
    for table in &head.tables {
        if table.rows == 0 {
            for column in &table.columns {
                let bytes = column.summary.len() / table.slices.len().max(1);
                for slice in &table.slices {
                    visit(Stretch {
                        metric: column.metric,
                        hour: hour_of(slice.first_at),
                        readings: 0,
                        bytes: bytes as u64,
                    });
                }
            }
            continue;
        }
        let hours = hours_of(table, body)?;
        for column in &table.columns {
            let presence = if column.is_in_all_rows() {
                None
            } else {
                read_column(table, column, body)?.presence
            };
            let present = presence.map(|presence| rows_present(&presence));
            let count = present.as_ref().map_or(table.rows, Vec::len);
            for (hour, rows) in &hours {
                let readings = present.as_ref().map_or(rows.len(), |present| {
                    let before = |end: usize| present.partition_point(|&row| row < end);
                    before(rows.end) - before(rows.start)
                });
                if readings > 0 {
                    visit(Stretch {
                        metric: column.metric,
                        hour: *hour,
                        readings: readings as u64,
                        bytes: (column.len() as u64 * readings as u64) / count.max(1) as u64,
                    });
                }
            }
        }
    }
    Ok(())
}

//! Answers for buckets: what the readings in each come to.

use std::collections::BTreeMap;

use super::answer::BucketRow;
use super::recent::{self, RecentSeries, SeriesKey};
use super::scan::{self, Visitor};
use super::tally::{Bucket, GroupKey, Tally};
use super::width::most_buckets;
use super::{
    Aggregates, BucketForm, Fill, QUERY_BUCKETS_MAX, Query, QueryError, SERIES_BUCKETS_MAX, fill,
};
use crate::telemetry::block::{BlockBody, BlockHead};
use crate::time::Timestamp;

/// An answer in buckets that blocks are added to, in any order.
#[derive(Debug)]
pub struct Buckets {
    query: Query,
    recent: BTreeMap<SeriesKey, RecentSeries>,
    tally: Tally,
}

impl Buckets {
    /// No block yet.
    pub(super) fn new(
        query: Query,
        form: BucketForm,
        recent: Option<&[u8]>,
    ) -> Result<Self, QueryError> {
        let width = form.width;
        let tally = Tally::new(form)?;
        if most_buckets(query.range, width) > SERIES_BUCKETS_MAX as i128 + 2 {
            return Err(QueryError::TooManyBuckets);
        }
        Ok(Self {
            query,
            recent: recent.map_or_else(|| Ok(BTreeMap::new()), recent::decode)?,
            tally,
        })
    }

    pub(super) fn add(
        &mut self,
        device: i32,
        head: &BlockHead<'_>,
        body: &(impl BlockBody + ?Sized),
    ) -> Result<(), QueryError> {
        scan::scan(
            &self.query,
            &self.recent,
            device,
            head,
            body,
            &mut self.tally,
        )
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, QueryError> {
        for (key, series) in &self.recent {
            self.tally.times(&series.ats, 0..series.ats.len())?;
            self.tally
                .readings(*key, &series.ats, &series.cells, 0..series.ats.len())?;
        }
        let (how, aggregates) = (self.tally.form.fill, self.tally.form.aggregates);
        let starts = match how {
            Fill::None => Vec::new(),
            _ => self.tally.spans.starts(self.query.range)?,
        };
        if self.tally.groups.len().saturating_mul(starts.len()) > QUERY_BUCKETS_MAX {
            return Err(QueryError::TooManyBuckets);
        }
        let mut bytes = Vec::new();
        for (key, mut group) in self.tally.groups {
            let rows = group.places.into_iter().filter_map(|(start, place)| {
                let bucket = std::mem::take(group.buckets.get_mut(place)?);
                (bucket.statistics.count > 0).then(|| row(key, start, bucket, aggregates))
            });
            if how == Fill::None {
                rows.for_each(|row| row.put(&mut bytes));
            } else {
                let filled = fill::fill(rows.collect(), &starts, how);
                filled.iter().for_each(|row| row.put(&mut bytes));
            }
        }
        Ok(bytes)
    }
}

fn row(
    (device, metric): GroupKey,
    start: Timestamp,
    bucket: Bucket,
    aggregates: Aggregates,
) -> BucketRow<'static> {
    let statistics = bucket.statistics;
    let spread = bucket.distribution.spread(aggregates);
    let [p50, p90, p95, p99] = spread.percentiles;
    let mut row = BucketRow {
        device,
        metric,
        at_micros: start.as_micros(),
        count: aggregates.asks("count").then_some(statistics.count),
        numbers: [
            statistics.min,
            statistics.max,
            statistics.average(),
            statistics.sum(),
            spread.deviation,
            p50,
            p90,
            p95,
            p99,
        ],
        first: statistics
            .first
            .filter(|_| aggregates.asks("first"))
            .map(|(_, value)| value),
        last: statistics
            .last
            .filter(|_| aggregates.asks("last"))
            .map(|(_, value)| value),
        is_filled: false,
    };
    for (place, number) in row.numbers.iter_mut().enumerate() {
        *number = number.filter(|_| aggregates.has(place));
    }
    row
}

//! Answers for buckets: what the readings in each come to.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use super::answer::BucketRow;
use super::distribution::Distribution;
use super::recent::{self, RecentSeries, SeriesKey};
use super::scan::{self, Visitor};
use super::width::most_buckets;
use super::{
    Aggregates, BucketForm, Fill, QUERY_BUCKETS_MAX, QUERY_READINGS_MAX, Query, QueryError,
    SERIES_BUCKETS_MAX, fill,
};
use crate::telemetry::block::{BlockBody, BlockHead};
use crate::telemetry::bucket::{BucketError, Bucketing};
use crate::telemetry::cells::Cells;
use crate::telemetry::statistics::Statistics;
use crate::time::Timestamp;

/// Device and metric, where they are told apart.
pub(super) type GroupKey = (Option<i32>, Option<i32>);

/// The buckets of one group, by their start.
type Group = BTreeMap<Timestamp, Bucket>;

/// What a bucket comes to so far.
#[derive(Clone, Debug, Default)]
struct Bucket {
    statistics: Statistics<'static>,
    distribution: Distribution,
}

/// An answer in buckets that blocks are added to, in any order.
#[derive(Debug)]
pub struct Buckets {
    query: Query,
    recent: BTreeMap<SeriesKey, RecentSeries>,
    tally: Tally,
}

#[derive(Debug)]
struct Tally {
    form: BucketForm,
    /// Whether every reading must be read.
    distribution: bool,
    spans: Spans,
    groups: BTreeMap<GroupKey, Group>,
    /// How many buckets there are in all groups.
    buckets: usize,
    /// How many numbers are kept for distributions.
    numbers: usize,
}

/// Which bucket an instant is in, remembering the last answer.
#[derive(Debug)]
struct Spans {
    bucketing: Bucketing,
    /// Bucket start, and a range of instants in it.
    last: Option<(Timestamp, Range<Timestamp>)>,
}

impl Buckets {
    /// No block yet.
    pub(super) fn new(
        query: Query,
        form: BucketForm,
        recent: Option<&[u8]>,
    ) -> Result<Self, QueryError> {
        let spans = Spans {
            bucketing: form.bucketing()?,
            last: None,
        };
        if most_buckets(query.range, form.width) > SERIES_BUCKETS_MAX as i128 + 2 {
            return Err(QueryError::TooManyBuckets);
        }
        let recent = recent.map_or_else(|| Ok(BTreeMap::new()), recent::decode)?;
        Ok(Self {
            query,
            recent,
            tally: Tally {
                distribution: form.aggregates.is_of_distribution(),
                form,
                spans,
                groups: BTreeMap::new(),
                buckets: 0,
                numbers: 0,
            },
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
            self.tally
                .readings(*key, &series.ats, &series.cells, 0..series.ats.len())?;
        }
        let starts = match self.tally.form.fill {
            Fill::None => Vec::new(),
            _ => self.tally.spans.starts(self.query.range)?,
        };
        let groups = self.tally.groups.len();
        if groups.saturating_mul(starts.len()) > QUERY_BUCKETS_MAX {
            return Err(QueryError::TooManyBuckets);
        }
        let mut bytes = Vec::new();
        for (key, group) in self.tally.groups {
            let rows = group
                .into_iter()
                .filter(|(_, bucket)| bucket.statistics.count > 0)
                .map(|(start, bucket)| row(key, start, bucket, self.tally.form.aggregates))
                .collect();
            for row in fill::fill(rows, &starts, self.tally.form.fill) {
                row.put(&mut bytes);
            }
        }
        Ok(bytes)
    }
}

impl Tally {
    fn bucket(
        &mut self,
        (device, metric): SeriesKey,
        start: Timestamp,
    ) -> Result<&mut Bucket, QueryError> {
        let key = (
            self.form.by_device.then_some(device),
            self.form.by_metric.then_some(metric),
        );
        match self.groups.entry(key).or_default().entry(start) {
            Entry::Occupied(bucket) => Ok(bucket.into_mut()),
            Entry::Vacant(_) if self.buckets >= QUERY_BUCKETS_MAX => {
                Err(QueryError::TooManyBuckets)
            }
            Entry::Vacant(place) => {
                self.buckets += 1;
                Ok(place.insert(Bucket::default()))
            }
        }
    }
}

impl Visitor for Tally {
    fn takes_slice(
        &mut self,
        key: SeriesKey,
        (first_at, last_at): (Timestamp, Timestamp),
        statistics: &Statistics<'_>,
        is_gone: bool,
    ) -> Result<bool, QueryError> {
        let (start, span) = self.spans.of(first_at)?;
        if !is_gone && (self.distribution || last_at >= span.end) {
            return Ok(false);
        }
        if statistics.count > 0 {
            let bucket = self.bucket(key, start)?;
            bucket.statistics.merge(&statistics.clone().into_owned());
        }
        Ok(true)
    }

    fn readings(
        &mut self,
        key: SeriesKey,
        ats: &[Timestamp],
        cells: &Cells<'static>,
        range: Range<usize>,
    ) -> Result<(), QueryError> {
        let mut start = range.start;
        while start < range.end {
            let Some(part) = ats.get(start..range.end) else {
                return Ok(());
            };
            let (bucket_start, span) = self.spans.of(part[0])?;
            let end = start + part.partition_point(|at| *at < span.end).max(1);
            let distribution = self.distribution;
            if distribution {
                self.numbers += end - start;
                if self.numbers > QUERY_READINGS_MAX {
                    return Err(QueryError::TooManyReadings);
                }
            }
            let bucket = self.bucket(key, bucket_start)?;
            bucket.statistics.add_cells(ats, cells, start..end);
            if distribution {
                bucket.distribution.extend(cells.numbers(start..end));
            }
            start = end;
        }
        Ok(())
    }
}

impl Spans {
    /// The start of the bucket of `at`, and a range of instants from `at` on that are in it, too.
    fn of(&mut self, at: Timestamp) -> Result<(Timestamp, Range<Timestamp>), QueryError> {
        if let Some((start, span)) = &self.last
            && span.contains(&at)
        {
            return Ok((*start, span.clone()));
        }
        let part = self.bucketing.bucket_part(at)?;
        let known = (part.start, at..part.end);
        self.last = Some(known.clone());
        Ok(known)
    }

    /// The starts of all buckets that the range touches.
    fn starts(&mut self, range: super::Range) -> Result<Vec<Timestamp>, QueryError> {
        let mut starts: Vec<Timestamp> = Vec::new();
        let mut at = range.from;
        while at < range.to {
            let (start, span) = self.of(at)?;
            if starts.last() != Some(&start) {
                starts.push(start);
            }
            if starts.len() > QUERY_BUCKETS_MAX || span.end <= at {
                return Err(QueryError::Bucket(BucketError::TimeOutOfRange));
            }
            at = span.end;
        }
        Ok(starts)
    }
}

fn row(
    (device, metric): GroupKey,
    start: Timestamp,
    bucket: Bucket,
    aggregates: Aggregates,
) -> BucketRow<'static> {
    let statistics = bucket.statistics;
    let spread = bucket.distribution.spread();
    let percentile = |place: usize| spread.map(|spread| spread.percentiles[place]);
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
            spread.and_then(|spread| spread.deviation),
            percentile(0),
            percentile(1),
            percentile(2),
            percentile(3),
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

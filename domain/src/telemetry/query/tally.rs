//! Counts readings into buckets.

use std::collections::BTreeMap;
use std::ops::Range;

use super::distribution::Distribution;
use super::recent::SeriesKey;
use super::scan::Visitor;
use super::{BucketForm, QUERY_BUCKETS_MAX, QUERY_READINGS_MAX, QueryError, SERIES_BUCKETS_MAX};
use crate::telemetry::bucket::{BucketError, Bucketing};
use crate::telemetry::cells::Cells;
use crate::telemetry::statistics::Statistics;
use crate::time::Timestamp;

/// Device and metric, where they are told apart.
pub(super) type GroupKey = (Option<i32>, Option<i32>);

/// The buckets of all groups.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) form: BucketForm,
    /// Whether every reading must be read.
    distribution: bool,
    /// Whether the first and the last reading are asked for.
    ends: bool,
    pub(super) spans: Spans,
    /// How the rows that readings are of fall into buckets.
    parts: Vec<(Timestamp, Range<usize>)>,
    pub(super) groups: BTreeMap<GroupKey, Group>,
    /// How many buckets there are in all groups.
    buckets: usize,
    /// How many numbers are kept for distributions.
    numbers: usize,
}

/// The buckets of one group.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// The place of each bucket, by its start.
    pub(super) places: BTreeMap<Timestamp, usize>,
    pub(super) buckets: Vec<Bucket>,
    /// What was asked for last.
    last: Option<(Timestamp, usize)>,
}

/// What a bucket comes to so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Bucket {
    pub(super) statistics: Statistics<'static>,
    pub(super) distribution: Distribution,
}

/// Which bucket an instant is in, remembering the last answer.
#[derive(Debug)]
pub(super) struct Spans {
    bucketing: Bucketing,
    /// Bucket start, and a range of instants in it.
    last: Option<(Timestamp, Range<Timestamp>)>,
}

impl Tally {
    pub(super) fn new(form: BucketForm) -> Result<Self, QueryError> {
        Ok(Self {
            distribution: form.aggregates.is_of_distribution(),
            ends: form.aggregates.asks("first") || form.aggregates.asks("last"),
            spans: Spans {
                bucketing: form.bucketing()?,
                last: None,
            },
            form,
            parts: Vec::new(),
            groups: BTreeMap::new(),
            buckets: 0,
            numbers: 0,
        })
    }

    fn group(&mut self, (device, metric): SeriesKey) -> &mut Group {
        let key = (
            self.form.by_device.then_some(device),
            self.form.by_metric.then_some(metric),
        );
        self.groups.entry(key).or_default()
    }
}

impl Group {
    /// The bucket that begins at `start`, counted in `buckets` if it is new.
    fn bucket(&mut self, start: Timestamp, buckets: &mut usize) -> Result<&mut Bucket, QueryError> {
        let place = match self.last {
            Some((last, place)) if last == start => place,
            _ => *self.places.entry(start).or_insert(self.buckets.len()),
        };
        self.last = Some((start, place));
        if place == self.buckets.len() {
            *buckets += 1;
            if *buckets > QUERY_BUCKETS_MAX {
                return Err(QueryError::TooManyBuckets);
            }
            self.buckets.push(Bucket::default());
        }
        Ok(&mut self.buckets[place])
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
            let mut buckets = self.buckets;
            let bucket = self.group(key).bucket(start, &mut buckets)?;
            bucket.statistics.merge(statistics);
            self.buckets = buckets;
        }
        Ok(true)
    }

    fn times(&mut self, ats: &[Timestamp], range: Range<usize>) -> Result<(), QueryError> {
        self.parts.clear();
        let ats = ats.get(..range.end).unwrap_or_default();
        let mut start = range.start;
        while let Some(&at) = ats.get(start) {
            let (bucket_start, span) = self.spans.of(at)?;
            let end = end_of(ats, start, span.end);
            self.parts.push((bucket_start, start..end));
            start = end;
        }
        Ok(())
    }

    fn readings(
        &mut self,
        key: SeriesKey,
        ats: &[Timestamp],
        cells: &Cells<'static>,
        range: Range<usize>,
    ) -> Result<(), QueryError> {
        if self.distribution {
            self.numbers += range.len();
            if self.numbers > QUERY_READINGS_MAX {
                return Err(QueryError::TooManyReadings);
            }
        }
        let (distribution, ends) = (self.distribution, self.ends);
        let (mut buckets, parts) = (self.buckets, std::mem::take(&mut self.parts));
        let group = self.group(key);
        let first = parts.partition_point(|(_, rows)| rows.end <= range.start);
        for (start, rows) in parts.get(first..).unwrap_or_default() {
            if rows.start >= range.end {
                break;
            }
            let rows = rows.start.max(range.start)..rows.end.min(range.end);
            let bucket = group.bucket(*start, &mut buckets)?;
            bucket.statistics.add_cells(ats, cells, rows.clone(), ends);
            if distribution {
                cells.each_number(rows, |_, number| bucket.distribution.push(number));
            }
        }
        (self.buckets, self.parts) = (buckets, parts);
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
    pub(super) fn starts(&mut self, range: super::Range) -> Result<Vec<Timestamp>, QueryError> {
        let mut starts: Vec<Timestamp> = Vec::new();
        let mut at = range.from;
        while at < range.to {
            let (start, span) = self.of(at)?;
            if starts.last() != Some(&start) {
                starts.push(start);
            }
            if starts.len() > SERIES_BUCKETS_MAX + 2 || span.end <= at {
                return Err(QueryError::Bucket(BucketError::TimeOutOfRange));
            }
            at = span.end;
        }
        Ok(starts)
    }
}

/// The first place after `start` whose time is `end` or later. Buckets are short more often than
/// not, so it looks ahead in steps that double.
fn end_of(ats: &[Timestamp], start: usize, end: Timestamp) -> usize {
    let mut step = 1;
    while ats.get(start + step).is_some_and(|at| *at < end) {
        step *= 2;
    }
    let low = start + step / 2;
    let high = (start + step).min(ats.len());
    let between = ats.get(low..high).unwrap_or_default();
    (low + between.partition_point(|at| *at < end)).max(start + 1)
}

//! Answers with the readings themselves.

use std::collections::BTreeMap;
use std::ops::Range;

use super::answer::ReadingRow;
use super::recent::{self, RecentSeries, SeriesKey};
use super::scan::{self, Visitor};
use super::{QUERY_READINGS_MAX, Query, QueryError, ReadingForm};
use crate::statistics::lttb::lttb;
use crate::telemetry::block::{BlockBody, BlockHead};
use crate::telemetry::cells::Cells;
use crate::telemetry::statistics::Statistics;
use crate::telemetry::value::Value;
use crate::time::Timestamp;

/// An answer of readings that blocks are added to, in any order.
#[derive(Debug)]
pub struct Readings {
    query: Query,
    recent: BTreeMap<SeriesKey, RecentSeries>,
    found: Found,
}

#[derive(Debug)]
struct Found {
    form: ReadingForm,
    series: BTreeMap<SeriesKey, Vec<(Timestamp, Value<'static>)>>,
    readings: usize,
}

impl Readings {
    /// No block yet.
    pub(super) fn new(
        query: Query,
        form: ReadingForm,
        recent: Option<&[u8]>,
    ) -> Result<Self, QueryError> {
        Ok(Self {
            query,
            recent: recent.map_or_else(|| Ok(BTreeMap::new()), recent::decode)?,
            found: Found {
                form,
                series: BTreeMap::new(),
                readings: 0,
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
            &mut self.found,
        )
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, QueryError> {
        for (key, series) in &self.recent {
            self.found
                .readings(*key, &series.ats, &series.cells, 0..series.ats.len())?;
        }
        let mut bytes = Vec::new();
        for ((device, metric), mut readings) in self.found.series {
            readings.sort_by_key(|(at, _)| *at);
            if let Some(most) = self.found.form.points_max {
                readings = thin(readings, most);
            }
            for (at, value) in readings {
                let row = ReadingRow {
                    device,
                    metric,
                    at,
                    value,
                };
                row.put(&mut bytes);
            }
        }
        Ok(bytes)
    }
}

/// At most `most` of the readings, such that a chart of the numbers looks the same; what is no
/// number has no place in a chart.
fn thin(
    readings: Vec<(Timestamp, Value<'static>)>,
    most: usize,
) -> Vec<(Timestamp, Value<'static>)> {
    if readings.len() <= most {
        return readings;
    }
    let numbered: Vec<_> = readings
        .into_iter()
        .filter_map(|(at, value)| Some((at, value.as_number()?, value)))
        .collect();
    let points: Vec<(Timestamp, f64)> = numbered
        .iter()
        .map(|&(at, number, _)| (at, number))
        .collect();
    let kept = lttb(&points, most);
    kept.into_iter()
        .filter_map(|place| numbered.get(place))
        .map(|(at, _, value)| (*at, value.clone()))
        .collect()
}

impl Found {
    fn wants_all(&self) -> bool {
        self.form.above.is_none() && self.form.below.is_none()
    }

    fn wants(&self, number: f64) -> bool {
        // As Postgres orders them: NaN is above all, and not below anything.
        let is_above = |limit: f64| number > limit || (number.is_nan() && !limit.is_nan());
        let is_below = |limit: f64| number < limit || (limit.is_nan() && !number.is_nan());
        self.form.above.is_none_or(is_above) && self.form.below.is_none_or(is_below)
    }
}

impl Visitor for Found {
    fn takes_slice(
        &mut self,
        _: SeriesKey,
        _: (Timestamp, Timestamp),
        statistics: &Statistics<'_>,
        _: bool,
    ) -> Result<bool, QueryError> {
        // A slice none of whose numbers is wanted is answered for by its extremes.
        let (Some(min), Some(max)) = (statistics.min, statistics.max) else {
            return Ok(!self.wants_all());
        };
        let above = self.form.above.is_some_and(|limit| max <= limit);
        let below = self.form.below.is_some_and(|limit| min >= limit);
        Ok(above || below)
    }

    fn times(&mut self, _: &[Timestamp], _: Range<usize>) -> Result<(), QueryError> {
        Ok(())
    }

    fn readings(
        &mut self,
        key: SeriesKey,
        ats: &[Timestamp],
        cells: &Cells<'static>,
        range: Range<usize>,
    ) -> Result<(), QueryError> {
        let mut found = Vec::new();
        if self.wants_all() {
            let places = range.clone();
            let at = ats.get(range).unwrap_or_default().iter();
            found.extend(at.zip(places).map(|(&at, place)| (at, cells.value(place))));
        } else {
            cells.each_number(range, |place, number| {
                if self.wants(number)
                    && let Some(&at) = ats.get(place)
                {
                    found.push((at, cells.value(place)));
                }
            });
        }
        self.readings += found.len();
        if self.readings > QUERY_READINGS_MAX {
            return Err(QueryError::TooManyReadings);
        }
        if !found.is_empty() {
            self.series.entry(key).or_default().append(&mut found);
        }
        Ok(())
    }
}

//! Decides which parts of a block a question needs, and hands them over.

use std::collections::BTreeMap;
use std::ops::Range;

use super::recent::{RecentSeries, SeriesKey};
use super::{Query, QueryError};
use crate::telemetry::block::{
    BlockBody, BlockFault, BlockHead, ColumnHead, TableHead, read_column, read_times,
};
use crate::telemetry::cells::Cells;
use crate::telemetry::statistics::Statistics;
use crate::time::Timestamp;

/// Who answers.
pub(super) trait Visitor {
    /// Whether what a slice comes to answers for its readings; then they are not handed over. They
    /// cannot be, where they are gone.
    fn takes_slice(
        &mut self,
        key: SeriesKey,
        span: (Timestamp, Timestamp),
        statistics: &Statistics<'_>,
        is_gone: bool,
    ) -> Result<bool, QueryError>;

    /// Readings of rows at `range` of these times follow.
    fn times(&mut self, ats: &[Timestamp], range: Range<usize>) -> Result<(), QueryError>;

    /// Takes readings of a series: those at `range` of times and values.
    fn readings(
        &mut self,
        key: SeriesKey,
        ats: &[Timestamp],
        cells: &Cells<'static>,
        range: Range<usize>,
    ) -> Result<(), QueryError>;
}

/// Hands what a block of `device` holds of what `query` asks for to `visitor`, without what
/// `recent` has readings of the same instants for.
pub(super) fn scan(
    query: &Query,
    recent: &BTreeMap<SeriesKey, RecentSeries>,
    device: i32,
    head: &BlockHead<'_>,
    body: &(impl BlockBody + ?Sized),
    visitor: &mut impl Visitor,
) -> Result<(), QueryError> {
    if !query.wants_device(device) {
        return Ok(());
    }
    let fault = |fault: BlockFault| QueryError::Block(fault.of_device(device));
    for table in &head.tables {
        let (Some(first), Some(last)) = (table.slices.first(), table.slices.last()) else {
            continue;
        };
        if last.last_at < query.range.from || first.first_at >= query.range.to {
            continue;
        }
        let mut times = None;
        let mut told = false;
        for column in wanted(query, table) {
            let key = (device, column.metric);
            let newer = recent.get(&key);
            let ranges = unanswered(query, table, column, newer, |span, statistics| {
                visitor.takes_slice(key, span, statistics, table.rows == 0)
            })
            .map_err(|error| error.or(fault))?;
            if ranges.is_empty() {
                continue;
            }
            let ats = match &mut times {
                Some(ats) => ats,
                times => times.insert(read_times(table, body).map_err(fault)?),
            };
            let values = read_column(table, column, body).map_err(fault)?;
            let superseded =
                |at: &Timestamp| newer.is_some_and(|newer| newer.ats.binary_search(at).is_ok());
            if values.presence.is_none() && newer.is_none() {
                if !told {
                    visitor.times(ats, within(query, ats, 0..ats.len()))?;
                    told = true;
                }
                for range in ranges {
                    let range = within(query, ats, range);
                    visitor.readings(key, ats, &values.cells, range)?;
                }
                continue;
            }
            // Rows without a value, and those that have arrived anew, are left out.
            let presence = values.presence.as_deref();
            let present = (0..ats.len()).filter(|&row| presence.is_none_or(|rows| rows[row]));
            let (mut kept_ats, mut kept) = (Vec::new(), Vec::new());
            for (place, row) in (0_u32..).zip(present) {
                let at = ats[row];
                let in_range = ranges.iter().any(|range| range.contains(&row));
                if in_range && query.range.contains(at) && !superseded(&at) {
                    kept_ats.push(at);
                    kept.push(place);
                }
            }
            let cells = values.cells.gather(&kept);
            visitor.times(&kept_ats, 0..kept_ats.len())?;
            told = false;
            visitor.readings(key, &kept_ats, &cells, 0..kept_ats.len())?;
        }
    }
    Ok(())
}

/// What went wrong while slices were asked.
enum Failure {
    Query(QueryError),
    Block(BlockFault),
}

impl Failure {
    fn or(self, fault: impl FnOnce(BlockFault) -> QueryError) -> QueryError {
        match self {
            Self::Query(error) => error,
            Self::Block(block) => fault(block),
        }
    }
}

fn wanted<'t, 'a>(query: &Query, table: &'t TableHead<'a>) -> Vec<&'t ColumnHead<'a>> {
    match &query.metrics {
        Some(metrics) => metrics
            .iter()
            .filter_map(|&metric| table.column(metric))
            .collect(),
        None => table.columns.iter().collect(),
    }
}

/// The rows of those slices that do not answer by themselves.
fn unanswered<'a>(
    query: &Query,
    table: &TableHead<'a>,
    column: &ColumnHead<'a>,
    newer: Option<&RecentSeries>,
    mut takes: impl FnMut((Timestamp, Timestamp), &Statistics<'a>) -> Result<bool, QueryError>,
) -> Result<Vec<Range<usize>>, Failure> {
    let statistics = column
        .summary
        .statistics(&table.slices)
        .map_err(|malformed| Failure::Block(malformed.into()))?;
    let mut ranges: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    for (place, slice) in table.slices.iter().enumerate() {
        let rows = start..start + slice.rows;
        start = rows.end;
        if slice.last_at < query.range.from || slice.first_at >= query.range.to {
            continue;
        }
        let is_gone = table.rows == 0;
        let is_whole =
            query.range.from <= slice.first_at && (is_gone || slice.last_at < query.range.to);
        let is_newest = newer.is_none_or(|newer| {
            let after = newer.ats.partition_point(|at| *at < slice.first_at);
            newer.ats.get(after).is_none_or(|at| *at > slice.last_at)
        });
        if let Some(said) = statistics
            .as_ref()
            .and_then(|statistics| statistics.get(place))
            && is_whole
            && (is_gone || is_newest)
            && takes((slice.first_at, slice.last_at), said).map_err(Failure::Query)?
        {
            continue;
        }
        match ranges.last_mut() {
            _ if is_gone => {}
            Some(last) if last.end == rows.start => last.end = rows.end,
            _ => ranges.push(rows),
        }
    }
    Ok(ranges)
}

/// The part of `range` whose times are asked for.
fn within(query: &Query, ats: &[Timestamp], range: Range<usize>) -> Range<usize> {
    let part = ats.get(range.clone()).unwrap_or_default();
    let first = part.partition_point(|at| *at < query.range.from);
    let end = part.partition_point(|at| *at < query.range.to);
    range.start + first..range.start + end.max(first)
}

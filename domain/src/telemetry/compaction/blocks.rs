//! Cuts the rows of each device into blocks.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::tz::TimeZone;

use super::staging::{RowPlace, Staging};
use super::{BLOCK_ROWS_SMALL, Compacted, Hours, expiry::hour_of};
use crate::telemetry::block::{
    BLOCK_ROWS_MAX, Block, ColumnDraft, HoursDraft, Slice, TableDraft, write,
};
use crate::telemetry::latest;
use crate::telemetry::statistics::Statistics;
use crate::telemetry::value::Value;
use crate::time::Timestamp;

const DAY_MICROS: i64 = 24 * 3_600_000_000;

/// Sets of metrics with fewer rows than this share a table, whose columns say which rows they have:
/// a table for each of a hundred sets would be larger than the readings.
const ROWS_OF_OWN_TABLE_MIN: usize = 64;

/// The rows of one block, and what rows that are gone came to.
#[derive(Default)]
struct Chunk {
    rows: Vec<RowPlace>,
    /// By metric and hour.
    hours: BTreeMap<i32, BTreeMap<i64, Statistics<'static>>>,
    /// All hours.
    numbers: BTreeSet<i64>,
    /// The earliest and the latest instant.
    range: Option<(Timestamp, Timestamp)>,
}

/// The latest reading of each metric of a device.
type Latest<'a> = BTreeMap<i32, (Timestamp, Value<'a>)>;

/// The blocks of what was staged and of the hours.
pub(super) fn build(mut staging: Staging, mut hours: Hours) -> Compacted {
    let mut rows = staging.rows_by_device();
    let mut devices: Vec<i32> = rows.keys().chain(hours.keys()).copied().collect();
    devices.sort_unstable();
    devices.dedup();
    let mut compacted = Compacted::default();
    for device in devices {
        let rows = rows.remove(&device).unwrap_or_default();
        let hours = hours.remove(&device).unwrap_or_default();
        let mut latest = Latest::new();
        for chunk in cut(rows, hours) {
            compacted
                .blocks
                .extend(block(device, &chunk, &staging, &mut latest));
        }
        if !latest.is_empty()
            && let Ok(frame) = latest::keep(latest)
        {
            compacted.latest.push((device, frame));
        }
    }
    compacted
}

/// Divides rows, ordered by time, and statistics of hours into the chunks that become blocks.
fn cut(rows: Vec<RowPlace>, mut hours: Vec<(i32, Statistics<'static>)>) -> Vec<Chunk> {
    let first_of = |hour: &(i32, Statistics<'_>)| hour.1.first.as_ref().map(|&(at, _)| at);
    hours.retain(|hour| first_of(hour).is_some());
    hours.sort_by_key(first_of);
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut limits = Limits::default();
    let mut rows = rows.into_iter().peekable();
    let mut hours = hours.into_iter().peekable();
    loop {
        let next = [
            rows.peek().map(|row| row.at),
            hours.peek().and_then(first_of),
        ];
        let Some(at) = next.into_iter().flatten().min() else {
            return chunks;
        };
        // Not where statistics reach over it: blocks do not overlap.
        let count = chunks.last().map_or(0, Chunk::len);
        let is_within = chunks.last().is_some_and(|chunk| chunk.reaches(at));
        if !is_within && limits.end_before(at, count) {
            chunks.push(Chunk::default());
        }
        let Some(chunk) = chunks.last_mut() else {
            return chunks;
        };
        match rows.next_if(|row| row.at == at) {
            Some(row) => chunk.add_row(row),
            None => chunk.extend(hours.next()),
        }
    }
}

impl Chunk {
    fn len(&self) -> usize {
        self.rows.len() + self.numbers.len()
    }

    fn reaches(&self, at: Timestamp) -> bool {
        self.range.is_some_and(|(_, last_at)| at <= last_at)
    }

    fn add_row(&mut self, row: RowPlace) {
        self.widen(row.at, row.at);
        self.rows.push(row);
    }

    fn widen(&mut self, first_at: Timestamp, last_at: Timestamp) {
        let (first, last) = self.range.unwrap_or((first_at, last_at));
        self.range = Some((first.min(first_at), last.max(last_at)));
    }
}

impl Extend<(i32, Statistics<'static>)> for Chunk {
    fn extend<T: IntoIterator<Item = (i32, Statistics<'static>)>>(&mut self, hours: T) {
        for (metric, statistics) in hours {
            let (Some((first_at, _)), Some((last_at, _))) = (&statistics.first, &statistics.last)
            else {
                continue;
            };
            let hour = hour_of(*first_at);
            self.widen(*first_at, *last_at);
            self.numbers.insert(hour);
            let merged = self.hours.entry(metric).or_default().entry(hour);
            merged.or_default().merge(&statistics);
        }
    }
}

/// Whether what comes at `next_at` shares the block that ends at `last_at` and has `rows` rows.
pub(super) fn shares(rows: usize, last_at: Timestamp, next_at: Timestamp) -> bool {
    let mut limits = Limits::default();
    limits.end_before(last_at, 0);
    !limits.end_before(next_at, rows)
}

/// Where the current chunk must end.
#[derive(Default)]
struct Limits {
    /// The end of the day and the month of its last row.
    day_and_month_end: Option<(i64, i64)>,
}

impl Limits {
    /// Whether a chunk of `count` rows ends before `at`, or none has begun.
    fn end_before(&mut self, at: Timestamp, count: usize) -> bool {
        let micros = at.as_micros();
        match &mut self.day_and_month_end {
            Some((day_end, _)) if micros < *day_end && count < BLOCK_ROWS_MAX => false,
            Some((day_end, month_end)) if micros < *month_end && count < BLOCK_ROWS_SMALL => {
                *day_end = day_end_of(micros);
                false
            }
            limits => {
                *limits = Some((day_end_of(micros), month_end_of(at)));
                true
            }
        }
    }
}

const fn day_end_of(micros: i64) -> i64 {
    (micros.div_euclid(DAY_MICROS) + 1).saturating_mul(DAY_MICROS)
}

/// The first instant of the next month of UTC; beyond the calendar that of the day.
fn month_end_of(at: Timestamp) -> i64 {
    let next = || {
        let instant = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
        let next = TimeZone::UTC
            .to_datetime(instant)
            .date()
            .first_of_month()
            .checked_add(1.month());
        Some(
            next.ok()?
                .to_zoned(TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_microsecond(),
        )
    };
    next().unwrap_or_else(|| day_end_of(at.as_micros()))
}

fn block(
    device: i32,
    chunk: &Chunk,
    staging: &Staging,
    latest: &mut Latest<'static>,
) -> Option<Block> {
    let (first_at, last_at) = chunk.range?;
    let tables = tables(&chunk.rows, staging);
    let hours = hours_drafts(chunk);
    for table in &tables {
        for column in &table.columns {
            take_latest(latest, table, column);
        }
    }
    let readings = tables
        .iter()
        .flat_map(|table| &table.columns)
        .map(|column| column.cells.len());
    let readings: usize = readings.sum();
    let (head, body) = write(&tables, &hours);
    Some(Block {
        device,
        first_at,
        last_at,
        rows: chunk.len() as u32,
        readings: readings as u32,
        head,
        body,
    })
}

fn take_latest(latest: &mut Latest<'static>, table: &TableDraft<'_>, column: &ColumnDraft<'_>) {
    let place = match &column.presence {
        None => table.ats.len().checked_sub(1),
        Some(presence) => presence.iter().rposition(|&present| present),
    };
    let at = place.and_then(|place| table.ats.get(place));
    if let (Some(&at), Some(last)) = (at, column.cells.len().checked_sub(1))
        && latest
            .get(&column.metric)
            .is_none_or(|(latest_at, _)| *latest_at < at)
    {
        latest.insert(column.metric, (at, column.cells.value(last).into_owned()));
    }
}

/// The tables of some rows: one for each set of metrics that has many, and one for all others; more
/// only where rows are more than a table holds.
fn tables<'a>(rows: &[RowPlace], staging: &'a Staging) -> Vec<TableDraft<'a>> {
    let mut places: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for row in rows {
        places.entry(row.table).or_default().push(row.row);
    }
    let small = |places: &Vec<u32>| places.len() < ROWS_OF_OWN_TABLE_MIN;
    let share = places.values().filter(|places| small(places)).count() > 1;
    let mut drafts = Vec::new();
    for (&table, places) in &places {
        if share && small(places) {
            continue;
        }
        let table = &staging.tables[table];
        drafts.extend(places.chunks(BLOCK_ROWS_MAX).map(|places| {
            let columns = table.metrics.iter().zip(&table.columns);
            TableDraft {
                ats: places
                    .iter()
                    .map(|&place| table.ats[place as usize])
                    .collect(),
                columns: columns
                    .map(|(&metric, cells)| ColumnDraft {
                        metric,
                        presence: None,
                        cells: cells.gather(places).narrowed(),
                    })
                    .collect(),
            }
        }));
    }
    if share {
        let rows: Vec<RowPlace> = rows
            .iter()
            .filter(|row| small(&places[&row.table]))
            .copied()
            .collect();
        drafts.extend(
            rows.chunks(BLOCK_ROWS_MAX)
                .map(|rows| shared_table(rows, staging)),
        );
    }
    drafts
}

/// One table of rows that measured different metrics.
fn shared_table<'a>(rows: &[RowPlace], staging: &'a Staging) -> TableDraft<'a> {
    let mut columns: BTreeMap<i32, (Vec<bool>, Vec<Value<'a>>)> = BTreeMap::new();
    for (place, row) in rows.iter().enumerate() {
        let table = &staging.tables[row.table];
        for (&metric, cells) in table.metrics.iter().zip(&table.columns) {
            let (presence, values) = columns
                .entry(metric)
                .or_insert_with(|| (vec![false; rows.len()], Vec::new()));
            presence[place] = true;
            values.push(cells.value(row.row as usize));
        }
    }
    let columns = columns
        .into_iter()
        .map(|(metric, (presence, values))| ColumnDraft {
            metric,
            presence: presence.contains(&false).then_some(presence),
            cells: values.into_iter().collect(),
        });
    TableDraft {
        ats: rows.iter().map(|row| row.at).collect(),
        columns: columns.collect(),
    }
}

/// The statistics of metrics that were measured at the same times stand in one table, so that its
/// slices say when the first and the last reading of each was, and how many there were.
fn hours_drafts(chunk: &Chunk) -> Vec<HoursDraft<'_>> {
    let mut drafts: Vec<HoursDraft<'_>> = Vec::new();
    for (&metric, hours) in &chunk.hours {
        let slices: Vec<Slice> = hours.values().filter_map(slice_of).collect();
        let column = (metric, hours.values().cloned().collect());
        match drafts.iter_mut().find(|draft| draft.slices == slices) {
            Some(draft) => draft.columns.push(column),
            None => drafts.push(HoursDraft {
                slices,
                columns: vec![column],
            }),
        }
    }
    drafts
}

fn slice_of(hour: &Statistics<'_>) -> Option<Slice> {
    Some(Slice {
        first_at: hour.first.as_ref()?.0,
        last_at: hour.last.as_ref()?.0,
        rows: usize::try_from(hour.count).ok()?,
    })
}

//! Decides what stands in buckets without readings.

use std::collections::BTreeMap;

use super::Fill;
use super::answer::BucketRow;
use crate::statistics::fill;
use crate::time::Timestamp;

/// Where the sum stands among a row's numbers: a bucket without readings has none, however it is
/// filled.
const SUM: usize = 3;

/// The rows of one group, ordered by time, with one for each of `starts` that none is for.
pub(super) fn fill<'a>(
    rows: Vec<BucketRow<'a>>,
    starts: &[Timestamp],
    how: Fill,
) -> Vec<BucketRow<'a>> {
    let (Some(first), false) = (rows.first(), how == Fill::None) else {
        return rows;
    };
    let (group, counts) = ((first.device, first.metric), first.count.is_some());
    let mut by_start: BTreeMap<i64, BucketRow<'a>> =
        rows.into_iter().map(|row| (row.at_micros, row)).collect();
    for start in starts {
        by_start
            .entry(start.as_micros())
            .or_insert_with(|| BucketRow {
                device: group.0,
                metric: group.1,
                at_micros: start.as_micros(),
                count: counts.then_some(0),
                is_filled: true,
                ..BucketRow::default()
            });
    }
    let mut rows: Vec<BucketRow<'a>> = by_start.into_values().collect();
    match how {
        Fill::None | Fill::Null => {}
        Fill::Previous => fill_previous(&mut rows),
        Fill::Linear => fill_linear(&mut rows),
    }
    rows
}

fn fill_previous(rows: &mut [BucketRow<'_>]) {
    let mut last: Option<BucketRow<'_>> = None;
    for row in rows {
        if !row.is_filled {
            last = Some(row.clone());
        } else if let Some(last) = &last {
            row.numbers = last.numbers;
            row.numbers[SUM] = None;
            row.first.clone_from(&last.first);
            row.last.clone_from(&last.last);
        }
    }
}

fn fill_linear(rows: &mut [BucketRow<'_>]) {
    for place in (0..BucketRow::default().numbers.len()).filter(|&place| place != SUM) {
        let mut points: Vec<(Timestamp, Option<f64>)> = rows
            .iter()
            .map(|row| (Timestamp::from_micros(row.at_micros), row.numbers[place]))
            .collect();
        fill::linear(&mut points);
        for (row, (_, number)) in rows.iter_mut().zip(points) {
            if row.is_filled {
                row.numbers[place] = number;
            }
        }
    }
}

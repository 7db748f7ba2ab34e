use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::telemetry::block::{Block, BlockHead, HOUR_MICROS};
use crate::telemetry::compaction::tests::{Model, add, compacted, identical, readings_of};
use crate::telemetry::compaction::{Compaction, Past, Policies, due, hours, past};
use crate::telemetry::samples::{self, Row, frame, rows};
use crate::telemetry::statistics::Statistics;
use crate::telemetry::value::Value;
use crate::time::Timestamp;

const DAY_MICROS: i64 = 24 * HOUR_MICROS;

/// When the first of the rows below was measured.
const START_MICROS: i64 = 1_700_000_000_000_000;

/// Device, metric and hour, and what the metric came to.
type HourModel = BTreeMap<(i32, i32, i64), Statistics<'static>>;

/// The days of readings and of statistics of a metric, or of the others.
type Policy = (Option<i32>, Option<i32>, Option<i32>);

fn sound(policies: &[Policy]) -> Policies {
    let column = |of: fn(&Policy) -> Option<i32>| policies.iter().map(of).collect::<Vec<_>>();
    Policies::new(
        &column(|policy| policy.0),
        &column(|policy| policy.1),
        &column(|policy| policy.2),
    )
    .expect("sound policies")
}

fn policies() -> impl Strategy<Value = Vec<Policy>> {
    let metric = prop_oneof![2 => Just(None), 1 => (0..4_i32).prop_map(Some)];
    let days = prop_oneof![
        Just((None, None)),
        (1..4_i32).prop_map(|raw| (Some(raw), None)),
        (1..4_i32, 0..4_i32).prop_map(|(raw, hourly)| (Some(raw), Some(hourly))),
    ];
    vec(
        (metric, days).prop_map(|(metric, (raw, hourly))| (metric, raw, hourly)),
        0..4,
    )
}

/// Many rows of two metrics, one of them not in every row.
fn dense() -> impl Strategy<Value = Vec<Row>> {
    let metric = || samples::column(1..400);
    (metric(), metric(), 1..300_i64, 1..4_usize).prop_map(|(first, second, step_seconds, every)| {
        let rows = (0_i64..).zip(first).map(|(row, value)| {
            let mut cells = vec![(1, value)];
            if (row as usize).is_multiple_of(every)
                && let Some(value) = second.get(row as usize)
            {
                cells.push((2, value.clone()));
            }
            (1, START_MICROS + row * step_seconds * 1_000_000, cells)
        });
        rows.collect()
    })
}

fn any_rows() -> impl Strategy<Value = Vec<Row>> {
    prop_oneof![rows(), dense()]
}

fn head_of(block: &Block) -> BlockHead<'_> {
    BlockHead::parse(&block.head).expect("sound")
}

/// What is left of each block by itself, as retention does it.
fn kept(blocks: &[Block], as_of: i64, policies: &[Policy]) -> Vec<Block> {
    let policies = sound(policies);
    let expiry = policies.at(Timestamp::from_micros(as_of));
    let mut kept = Vec::new();
    for block in blocks {
        let mut compaction = Compaction::new();
        compaction
            .add_block_kept(
                block.device,
                &head_of(block),
                block.body.as_slice(),
                &expiry,
            )
            .expect("sound");
        kept.extend(compaction.finish().blocks);
    }
    kept
}

fn hours_of(blocks: &[Block]) -> HourModel {
    let mut model = HourModel::new();
    for block in blocks {
        for (metric, statistics) in hours(&head_of(block)).expect("sound") {
            let (first_at, _) = statistics.first.as_ref().expect("a value");
            assert!((block.first_at..=block.last_at).contains(first_at));
            let hour = first_at.as_micros().div_euclid(HOUR_MICROS);
            let merged = model.entry((block.device, metric, hour)).or_default();
            merged.merge(&statistics);
        }
    }
    model
}

/// What a plain table grouped by hour says of readings.
#[derive(Debug, Default)]
struct Group {
    values: Vec<(i64, Value<'static>)>,
}

impl Group {
    fn agrees_with(&self, hour: &Statistics<'_>) -> bool {
        let numbers: Vec<f64> = self
            .values
            .iter()
            .filter_map(|(_, value)| value.as_number())
            .collect();
        // NaN is the greatest number, as in Postgres.
        let order = |left: &&f64, right: &&f64| {
            left.partial_cmp(right)
                .unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
        };
        let is_same = |found: Option<f64>, expected: Option<&f64>| match (found, expected) {
            (Some(found), Some(expected)) => {
                found == *expected || (found.is_nan() && expected.is_nan())
            }
            (found, expected) => found.is_none() && expected.is_none(),
        };
        let is_reading = |found: &Option<(Timestamp, Value<'_>)>, expected: &(i64, Value<'_>)| {
            found.as_ref().is_some_and(|(at, value)| {
                at.as_micros() == expected.0 && value.is_identical(&expected.1)
            })
        };
        let size: f64 = numbers.iter().map(|number| number.abs()).sum();
        let sum: f64 = numbers.iter().sum();
        let is_sum = |found: f64| !size.is_finite() || (found - sum).abs() <= size * 1e-12;
        hour.count == self.values.len() as u64
            && hour.numbers == numbers.len() as u64
            && is_same(hour.min, numbers.iter().min_by(order))
            && is_same(hour.max, numbers.iter().max_by(order))
            && hour.sum().is_none_or(is_sum)
            && is_reading(&hour.first, &self.values[0])
            && is_reading(&hour.last, &self.values[self.values.len() - 1])
    }
}

/// When something of the day of `at` is past its days.
fn ends(at: i64, days: Option<i32>) -> i64 {
    days.map_or(i64::MAX, |days| {
        (at / DAY_MICROS + 1 + i64::from(days)) * DAY_MICROS
    })
}

fn days_of(metric: i32, policies: &[Policy]) -> (Option<i32>, Option<i32>) {
    let of = |wanted| policies.iter().rfind(|policy| policy.0 == wanted);
    let policy = of(Some(metric)).or_else(|| of(None));
    let (raw, hourly) = policy.map_or((None, None), |policy| (policy.1, policy.2));
    (raw, raw.zip(hourly).map(|(raw, hourly)| raw + hourly))
}

fn model_of(rows: &[Row]) -> Model {
    let mut model = Model::new();
    for (device, at, cells) in rows {
        for (metric, value) in cells {
            model.insert((*device, *metric, *at), value.clone());
        }
    }
    model
}

/// What is left of readings: themselves, and groups by device, metric and hour.
fn expected(
    readings: &Model,
    as_of: i64,
    policies: &[Policy],
) -> (Model, BTreeMap<(i32, i32, i64), Group>) {
    let mut kept = Model::new();
    let mut groups: BTreeMap<(i32, i32, i64), Group> = BTreeMap::new();
    for (&(device, metric, at), value) in readings {
        let (raw, all) = days_of(metric, policies);
        if as_of < ends(at, raw) {
            kept.insert((device, metric, at), value.clone());
        } else if as_of < ends(at, all) && *value != Value::Null {
            let group = groups
                .entry((device, metric, at / HOUR_MICROS))
                .or_default();
            group.values.push((at, value.clone()));
        }
    }
    (kept, groups)
}

fn agree(hours: &HourModel, groups: &BTreeMap<(i32, i32, i64), Group>) -> bool {
    hours.keys().eq(groups.keys())
        && hours
            .values()
            .zip(groups.values())
            .all(|(hour, group)| group.agrees_with(hour))
}

fn past_of(blocks: &[Block], as_of: i64, policies: &[Policy]) -> BTreeMap<i32, Past> {
    let policies = sound(policies);
    let expiry = policies.at(Timestamp::from_micros(as_of));
    let mut sums: BTreeMap<i32, Past> = BTreeMap::new();
    for block in blocks {
        let past = past(&head_of(block), block.body.as_slice(), &expiry).expect("sound");
        for (metric, past) in past {
            let sum = sums.entry(metric).or_default();
            sum.readings += past.readings;
            sum.hours += past.hours;
        }
    }
    sums
}

fn is_due(block: &Block, as_of: i64, policies: &[Policy]) -> bool {
    due(&head_of(block), block.body.as_slice(), &sound(policies))
        .expect("sound")
        .is_some_and(|due| due.as_micros() <= as_of)
}

fn do_not_overlap(blocks: &[Block]) -> bool {
    blocks.windows(2).all(|pair| {
        pair[0].device < pair[1].device
            || pair[0].device == pair[1].device && pair[0].last_at < pair[1].first_at
    })
}

/// Days after the first row.
fn later(days: i64, micros: i64) -> i64 {
    START_MICROS + days * DAY_MICROS + micros
}

proptest! {
    #[test]
    fn hours_are_what_a_plain_table_grouped_by_hour_says(
        rows in any_rows(), policies in policies(), days in 0..9_i64, micros in 0..DAY_MICROS,
    ) {
        let as_of = later(days, micros);
        let blocks = kept(&compacted(&[], &[frame(&rows)]).blocks, as_of, &policies);
        let (readings, groups) = expected(&model_of(&rows), as_of, &policies);
        prop_assert!(identical(&readings_of(&blocks), &readings));
        prop_assert!(agree(&hours_of(&blocks), &groups), "{:?} is not {groups:?}", hours_of(&blocks));
        prop_assert!(do_not_overlap(&blocks));
    }

    #[test]
    fn what_is_past_is_foretold_and_then_gone(
        rows in any_rows(), policies in policies(), days in 0..9_i64,
    ) {
        let as_of = later(days, 0);
        let blocks = compacted(&[], &[frame(&rows)]).blocks;
        for block in &blocks {
            let before = std::slice::from_ref(block);
            let foretold = past_of(before, as_of, &policies);
            prop_assert_eq!(is_due(block, as_of, &policies), !foretold.is_empty());
            let after = kept(before, as_of, &policies);
            prop_assert!(!after.iter().any(|block| is_due(block, as_of, &policies)));
            prop_assert!(past_of(&after, as_of, &policies).is_empty());
            prop_assert_eq!(&kept(&after, as_of, &policies), &after, "a second time changes nothing");
            let gone = readings_of(before).len() - readings_of(&after).len();
            prop_assert_eq!(foretold.values().map(|past| past.readings).sum::<u64>(), gone as u64);
            if foretold.is_empty() {
                prop_assert_eq!(after, before);
            }
        }
    }

    #[test]
    fn step_by_step_comes_to_the_same_as_at_once_and_late_readings_join(
        rows in any_rows(), late in rows(), policies in policies(),
        days in (0..9_i64, 0..9_i64),
    ) {
        let (early, end) = (later(days.0.min(days.1), 0), later(days.0.max(days.1), 0));
        let fresh = compacted(&[], &[frame(&rows)]).blocks;
        let step_by_step = kept(&kept(&fresh, early, &policies), end, &policies);
        let at_once = kept(&fresh, end, &policies);
        prop_assert!(identical(&readings_of(&step_by_step), &readings_of(&at_once)));
        let (_, groups) = expected(&model_of(&rows), end, &policies);
        prop_assert!(agree(&hours_of(&step_by_step), &groups));
        let counts = |blocks: &[Block]| -> BTreeMap<_, _> {
            hours_of(blocks).into_iter().map(|(key, hour)| (key, hour.count)).collect()
        };
        prop_assert_eq!(counts(&step_by_step), counts(&at_once));

        // Late readings that were never there before.
        let late: Vec<Row> = late.into_iter().map(|(device, at, cells)| (device, at + 1, cells)).collect();
        let merged = compacted(&step_by_step, &[frame(&late)]).blocks;
        prop_assert!(do_not_overlap(&merged));
        let last = kept(&merged, end, &policies);
        prop_assert!(do_not_overlap(&last));
        let (_, groups) = expected(&model_of(&[rows, late].concat()), end, &policies);
        prop_assert!(agree(&hours_of(&last), &groups), "{:?} is not {groups:?}", hours_of(&last));
    }

    #[test]
    fn a_changed_byte_makes_an_error_or_the_right_answer(
        rows in any_rows(), policies in policies(), place: prop::sample::Index, flip in 1..=255_u8,
    ) {
        let as_of = later(3, 0);
        let sound = sound(&policies);
        let expiry = sound.at(Timestamp::from_micros(as_of));
        let blocks = compacted(&[], &[frame(&rows)]).blocks;
        let block = kept(&blocks[..1], as_of, &policies).into_iter().next().unwrap_or_else(|| blocks[0].clone());
        let mut changed = block.clone();
        let at = place.index(block.head.len() + block.body.len());
        match at.checked_sub(block.head.len()) {
            None => changed.head[at] ^= flip,
            Some(at) => changed.body[at] ^= flip,
        }
        if let Ok(head) = BlockHead::parse(&changed.head) {
            let mut compaction = Compaction::new();
            let body = changed.body.as_slice();
            if compaction.add_block_kept(block.device, &head, body, &expiry).is_ok() {
                prop_assert_eq!(compaction.finish().blocks, kept(&[block], as_of, &policies));
            }
            _ = due(&head, body, &sound);
            _ = past(&head, body, &expiry);
        }
    }
}

#[test]
fn hours_of_one_metric_among_the_readings_of_another_do_not_make_blocks_overlap() {
    // A row each five seconds: a block ends in the middle of an hour, because it is full.
    let rows: Vec<Row> = (0..17_280_i64)
        .map(|row| {
            (
                1,
                later(0, row * 5_000_000),
                vec![(1, Value::Int(row)), (2, Value::Int(-row))],
            )
        })
        .collect();
    let blocks = compacted(&[], &[frame(&rows)]).blocks;
    assert!(blocks.len() > 2);
    let mut kept = kept(&blocks, later(9, 0), &[(Some(1), Some(1), None)]);
    assert!(do_not_overlap(&kept));
    let late: Vec<Row> = rows
        .iter()
        .map(|(device, at, _)| (*device, at + 1, vec![(2, Value::Int(0))]))
        .collect();
    for late in late.chunks(4_000) {
        kept = compacted(&kept, &[frame(late)]).blocks;
        assert!(do_not_overlap(&kept));
    }
    let mut merged = Compaction::new();
    add(&mut merged, &kept);
    let merged = merged.finish().blocks;
    assert!(do_not_overlap(&merged));
    assert_eq!(readings_of(&merged).len(), 2 * 17_280);
    let counts: u64 = hours_of(&merged).values().map(|hour| hour.count).sum();
    assert_eq!(counts, 17_280);
}

proptest! {
    // What the head says of hours of which some are past altogether.
    #[test]
    fn hours_from_the_head_age_one_by_one(values in vec(samples::decimal(), 1..300), micros in 0..DAY_MICROS) {
        let rows: Vec<Row> = (0_i64..)
            .zip(values)
            .map(|(row, value)| (1, later(0, row * 200_000_000), vec![(1, value)]))
            .collect();
        let (as_of, policies) = (later(3, micros), [(None, Some(1), Some(2))]);
        let blocks = kept(&compacted(&[], &[frame(&rows)]).blocks, as_of, &policies);
        let (readings, groups) = expected(&model_of(&rows), as_of, &policies);
        prop_assert!(identical(&readings_of(&blocks), &readings));
        prop_assert!(agree(&hours_of(&blocks), &groups), "{:?} is not {groups:?}", hours_of(&blocks));
    }
}

#[test]
fn a_block_that_is_past_as_a_whole_is_not_read() {
    let rows: Vec<Row> = (0..1_000_i64)
        .map(|row| (1, later(0, row * 60_000_000), vec![(1, Value::Int(row))]))
        .collect();
    let block = &compacted(&[], &[frame(&rows)]).blocks[0];
    let mut compaction = Compaction::new();
    let nothing: &[u8] = &[];
    let policies = sound(&[(None, Some(1), None)]);
    compaction
        .add_block_kept(
            1,
            &head_of(block),
            nothing,
            &policies.at(Timestamp::from_micros(later(9, 0))),
        )
        .expect("the head says what each hour comes to");
    let blocks = compaction.finish().blocks;
    assert_eq!(
        hours_of(&blocks)
            .values()
            .map(|hour| hour.count)
            .sum::<u64>(),
        u64::from(block.readings)
    );
}

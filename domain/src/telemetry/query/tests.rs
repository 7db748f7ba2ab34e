use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::telemetry::block::{Block, BlockHead};
use crate::telemetry::compaction::Compaction;
use crate::telemetry::frame::Frame;
use crate::telemetry::samples::{self, ROWS_FROM_MICROS, Row, frame};
use crate::telemetry::statistics::Statistics;
use crate::telemetry::value::Value;

const HOUR: i64 = 3_600_000_000;

/// Device, metric and start of a bucket.
type BucketKey = (Option<i32>, Option<i32>, i64);

/// The readings that count, by device, metric and instant.
type Model = BTreeMap<(i32, i32, i64), Value<'static>>;

fn model(sources: &[Vec<Row>]) -> Model {
    let mut model = Model::new();
    for (device, at, cells) in sources.iter().flatten() {
        for (metric, value) in cells {
            model.insert((*device, *metric, *at), value.clone());
        }
    }
    model
}

fn blocks(sources: &[Vec<Row>]) -> Vec<Block> {
    let mut compaction = Compaction::new();
    for rows in sources {
        let frame = frame(rows);
        compaction
            .add_frame(&Frame::parse(&frame).expect("sound"))
            .expect("sound");
    }
    compaction.finish().blocks
}

/// The answer from blocks of `stored` and frames of `waiting`.
fn answer(query: &Query, stored: &[Vec<Row>], waiting: &[Vec<Row>]) -> Vec<u8> {
    let query = Query::decode(&query.encode()).expect("just encoded");
    let mut recent = Recent::default();
    // In any order, as a table has them.
    for (rank, rows) in (0..).zip(waiting).collect::<Vec<_>>().into_iter().rev() {
        let frame = frame(rows);
        recent
            .add(&query, rank, &Frame::parse(&frame).expect("sound"))
            .expect("few");
    }
    let recent = recent.finish();
    let mut blocks = blocks(stored);
    blocks.reverse();
    let mut answer = Answer::new(query, recent.as_deref()).expect("a question");
    for block in &blocks {
        let head = BlockHead::parse(&block.head).expect("sound");
        answer
            .add(block.device, &head, block.body.as_slice())
            .expect("sound");
    }
    answer.finish().expect("few")
}

fn by_hour() -> BucketForm {
    BucketForm {
        width: (0, 0, HOUR),
        zone: "UTC".into(),
        origin: None,
        fill: Fill::None,
        by_device: true,
        by_metric: true,
        aggregates: Aggregates::named(Aggregates::NAMES).expect("all"),
    }
}

fn query(from: i64, to: i64, form: Form) -> Query {
    Query {
        range: Range {
            from: Timestamp::from_micros(from),
            to: Timestamp::from_micros(to),
        },
        devices: None,
        metrics: None,
        form,
    }
}

fn selection() -> impl Strategy<Value = Option<Vec<i32>>> {
    let numbers = proptest::collection::btree_set(0..4_i32, 0..4);
    proptest::option::of(numbers.prop_map(|numbers| numbers.into_iter().collect()))
}

fn sources() -> impl Strategy<Value = Vec<Vec<Row>>> {
    // Steady series make slices of whole hours, the others everything else.
    let steady = (
        0..3_i32,
        0..4_i32,
        1..300_i64,
        proptest::collection::vec(-500..500_i64, 1..200),
    )
        .prop_map(|(device, metric, step_seconds, numbers)| {
            let at = |row: i64| ROWS_FROM_MICROS + row * step_seconds * 1_000_000;
            let value = |number: i64| Value::Float(number as f64 / 4.0);
            (0..)
                .zip(numbers)
                .map(|(row, number)| (device, at(row), vec![(metric, value(number))]))
                .collect()
        });
    proptest::collection::vec(prop_oneof![samples::rows().boxed(), steady.boxed()], 1..5)
}

/// Numbers as text, so that NaN is itself and sums may differ in their last digits.
fn text(number: Option<f64>) -> String {
    number.map_or("none".into(), |number| {
        if number == 0.0 {
            "0".into()
        } else {
            format!("{number:.9e}")
        }
    })
}

proptest! {
    #[test]
    fn buckets_are_what_their_readings_come_to(
        sources in sources(), compacted in 0..6_usize,
        from in -2 * HOUR..24 * HOUR, length in 1..72 * HOUR,
        width in prop_oneof![Just((0, 0, HOUR)), Just((0, 0, 7_000_000)), Just((0, 1, 0)), Just((1, 0, 0))],
        zone in prop_oneof![Just("UTC"), Just("Asia/Kathmandu"), Just("Europe/Berlin")],
        devices in selection(), metrics in selection(),
        by_device: bool, by_metric: bool, asked in proptest::sample::subsequence(Aggregates::NAMES.to_vec(), 0..12),
    ) {
        let (from, to) = (ROWS_FROM_MICROS + from, ROWS_FROM_MICROS + from + length);
        let form = BucketForm { width, zone: zone.into(), by_device, by_metric, aggregates: Aggregates::named(asked.iter().copied()).expect("known"), ..by_hour() };
        let asks = |name: &str| asked.contains(&name);
        let mut bucketing = form.bucketing().expect("known");
        let query = Query { devices, metrics, ..query(from, to, Form::Buckets(form)) };
        let (stored, waiting) = sources.split_at(compacted.min(sources.len()));
        let bytes = answer(&query, stored, waiting);

        let mut expected: BTreeMap<BucketKey, (Statistics<'static>, Vec<f64>)> = BTreeMap::new();
        for ((device, metric, at), value) in model(&sources) {
            if query.wants_device(device) && query.wants_metric(metric) && (from..to).contains(&at) {
                let at = Timestamp::from_micros(at);
                let start = bucketing.bucket_start(at).expect("in range").as_micros();
                let key = (by_device.then_some(device), by_metric.then_some(metric), start);
                let bucket = expected.entry(key).or_default();
                bucket.0.add(at, &value);
                bucket.1.extend(value.as_number());
            }
        }
        expected.retain(|_, (statistics, _)| statistics.count > 0);
        let rows = decode_buckets(&bytes).expect("just encoded");
        prop_assert_eq!(rows.len(), expected.len());
        for (row, ((device, metric, at), (statistics, mut numbers))) in rows.iter().zip(expected) {
            prop_assert_eq!((row.device, row.metric, row.at_micros), (device, metric, at));
            prop_assert_eq!(row.count, asks("count").then_some(statistics.count));
            prop_assert_eq!(text(row.numbers[0]), text(statistics.min.filter(|_| asks("min"))));
            prop_assert_eq!(text(row.numbers[1]), text(statistics.max.filter(|_| asks("max"))));
            let largest = numbers.iter().fold(0.0_f64, |most, number| most.max(number.abs()));
            match (row.numbers[3], statistics.sum().filter(|_| asks("sum"))) {
                (Some(sum), Some(expected)) if expected.is_finite() && largest < 1e290 => {
                    prop_assert!((sum - expected).abs() <= largest * 1e-9, "{} is not {}", sum, expected);
                }
                (sum, expected) => prop_assert_eq!(sum.is_some(), expected.is_some()),
            }
            // Of readings of one instant in several series any may be the first.
            if by_device && by_metric {
                let same = |left: &Option<Value<'_>>, right: Option<(Timestamp, Value<'_>)>| match (left, right) {
                    (Some(left), Some((_, right))) => left.is_identical(&right),
                    (left, right) => left.is_none() && right.is_none(),
                };
                prop_assert!(same(&row.first, statistics.first.filter(|_| asks("first"))));
                prop_assert!(same(&row.last, statistics.last.filter(|_| asks("last"))));
            }
            numbers.sort_by(|left, right| left.partial_cmp(right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan())));
            if numbers.len() % 2 == 1 || !asks("p50") {
                let median = numbers.get(numbers.len() / 2).copied();
                prop_assert_eq!(text(row.numbers[5]), text(median.filter(|_| asks("p50"))));
            }
            prop_assert_eq!(row.numbers[4].is_some(), numbers.len() > 1 && asks("stddev"));
        }
    }

    #[test]
    fn readings_are_those_asked_for(
        sources in sources(), compacted in 0..6_usize,
        from in -2 * HOUR..24 * HOUR, length in 1..72 * HOUR,
        devices in selection(), metrics in selection(),
        above in proptest::option::of(-100.0..100.0), below in proptest::option::of(-100.0..100.0),
    ) {
        let (from, to) = (ROWS_FROM_MICROS + from, ROWS_FROM_MICROS + from + length);
        let form = ReadingForm { above, below, points_max: None };
        let query = Query { devices, metrics, ..query(from, to, Form::Readings(form)) };
        let (stored, waiting) = sources.split_at(compacted.min(sources.len()));
        let bytes = answer(&query, stored, waiting);
        let expected: Vec<_> = model(&sources).into_iter().filter(|((device, metric, at), value)| {
            query.wants_device(*device) && query.wants_metric(*metric) && (from..to).contains(at)
                && match (value.as_number(), above, below) {
                    (_, None, None) => true,
                    (None, _, _) => false,
                    (Some(number), above, below) => {
                        above.is_none_or(|limit| number > limit || number.is_nan())
                            && below.is_none_or(|limit| number < limit)
                    }
                }
        }).collect();
        let found = decode_readings(&bytes).expect("just encoded");
        prop_assert_eq!(found.len(), expected.len());
        for (row, ((device, metric, at), value)) in found.iter().zip(expected) {
            prop_assert_eq!((row.device, row.metric, row.at.as_micros()), (device, metric, at));
            prop_assert!(row.value.is_identical(&value));
        }
    }

    #[test]
    fn any_bytes_are_a_question_an_answer_or_malformed(bytes: Vec<u8>) {
        let _ = Query::decode(&bytes);
        let _ = decode_buckets(&bytes);
        let _ = decode_readings(&bytes);
        let _ = recent::decode(&bytes);
    }
}

/// A reading of 10, 20, … at the given minutes of an hour that begins a day.
fn series(minutes: &[i64]) -> Vec<Vec<Row>> {
    let day = ROWS_FROM_MICROS.div_euclid(24 * HOUR) * 24 * HOUR;
    let row = |(place, &minute): (usize, &i64)| {
        (
            1,
            day + minute * 60_000_000,
            vec![(1, Value::Int(10 * (place as i64 + 1)))],
        )
    };
    vec![minutes.iter().enumerate().map(row).collect()]
}

/// Minute, count and mean of each bucket of a minute, from minute 0 to before 6.
fn filled(minutes: &[i64], fill: Fill) -> Vec<(i64, Option<u64>, Option<f64>)> {
    let day = ROWS_FROM_MICROS.div_euclid(24 * HOUR) * 24 * HOUR;
    let form = BucketForm {
        width: (0, 0, 60_000_000),
        fill,
        ..by_hour()
    };
    let query = query(day, day + 6 * 60_000_000, Form::Buckets(form));
    let bytes = answer(&query, &series(minutes), &[]);
    let rows = decode_buckets(&bytes).expect("just encoded");
    rows.iter()
        .map(|row| {
            (
                (row.at_micros - day) / 60_000_000,
                row.count,
                row.numbers[2],
            )
        })
        .collect()
}

#[test]
fn gaps_are_filled_as_asked() {
    assert_eq!(
        filled(&[1, 3], Fill::None),
        [(1, Some(1), Some(10.0)), (3, Some(1), Some(20.0))]
    );
    let ends = |between, after| {
        [
            (0, Some(0), None),
            (1, Some(1), Some(10.0)),
            (2, Some(0), between),
            (3, Some(1), Some(20.0)),
            (4, Some(0), after),
            (5, Some(0), after),
        ]
    };
    assert_eq!(filled(&[1, 3], Fill::Null), ends(None, None));
    assert_eq!(
        filled(&[1, 3], Fill::Previous),
        ends(Some(10.0), Some(20.0))
    );
    assert_eq!(filled(&[1, 3], Fill::Linear), ends(Some(15.0), None));
    assert_eq!(filled(&[], Fill::Null), []);
}

#[test]
fn a_chart_of_readings_has_at_most_so_many_points() {
    let day = ROWS_FROM_MICROS.div_euclid(24 * HOUR) * 24 * HOUR;
    let minutes: Vec<i64> = (0..1000).collect();
    let form = ReadingForm {
        points_max: Some(50),
        ..ReadingForm::default()
    };
    let query = query(day, day + 24 * HOUR, Form::Readings(form));
    let bytes = answer(&query, &series(&minutes), &[]);
    let points = decode_readings(&bytes).expect("just encoded");
    assert_eq!(points.len(), 50);
    assert_eq!(points[0].value, Value::Int(10));
    assert_eq!(points[49].value, Value::Int(10_000));
}

#[test]
fn too_many_buckets_are_refused_before_any_work() {
    let form = BucketForm {
        width: (0, 0, 1),
        ..by_hour()
    };
    let query = query(0, HOUR, Form::Buckets(form));
    assert_eq!(
        Answer::new(query, None).err(),
        Some(QueryError::TooManyBuckets)
    );
}

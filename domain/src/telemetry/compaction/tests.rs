use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::telemetry::samples;
use crate::telemetry::samples::{frame, rows};

/// Device, metric and instant of a reading.
type Key = (i32, i32, i64);

/// Every reading that counts.
pub(super) type Model = BTreeMap<Key, Value<'static>>;

pub(super) fn readings_of(blocks: &[Block]) -> Model {
    let mut model = Model::new();
    for block in blocks {
        let head = BlockHead::parse(&block.head).expect("sound");
        let mut readings = 0;
        for table in head.tables.iter().filter(|table| table.rows > 0) {
            let ats = read_times(table, block.body.as_slice()).expect("sound");
            for column in &table.columns {
                let metric = column.metric;
                let column = read_column(table, column, block.body.as_slice()).expect("sound");
                let rows = (0..table.rows).filter(|&row| {
                    column
                        .presence
                        .as_ref()
                        .is_none_or(|presence| presence[row])
                });
                for (place, row) in rows.enumerate() {
                    readings += 1;
                    let key = (block.device, metric, ats[row].as_micros());
                    assert!((block.first_at..=block.last_at).contains(&ats[row]));
                    let before = model.insert(key, column.cells.value(place));
                    assert!(before.is_none(), "{key:?} is there twice");
                }
            }
        }
        assert_eq!(block.readings, readings);
    }
    model
}

pub(super) fn identical(left: &Model, right: &Model) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|((key, left), (other, right))| key == other && left.is_identical(right))
}

pub(super) fn add(compaction: &mut Compaction, blocks: &[Block]) {
    for block in blocks {
        let head = BlockHead::parse(&block.head).expect("sound");
        compaction
            .add_block(block.device, &head, block.body.as_slice())
            .expect("sound");
    }
}

pub(super) fn compacted(blocks: &[Block], frames: &[Vec<u8>]) -> Compacted {
    let mut compaction = Compaction::new();
    add(&mut compaction, blocks);
    for frame in frames {
        compaction
            .add_frame(&Frame::parse(frame).expect("sound"))
            .expect("sound");
    }
    compaction.finish()
}

proptest! {
    #[test]
    fn every_reading_counts_once_and_the_later_arrival_wins(
        sources in vec((rows(), 0..3_u8), 1..5),
    ) {
        let mut model = Model::new();
        let mut blocks: Vec<Block> = Vec::new();
        let mut waiting = Vec::new();
        for (rows, cut) in &sources {
            for (device, at, cells) in rows {
                for (metric, value) in cells {
                    model.insert((*device, *metric, *at), value.clone());
                }
            }
            waiting.push(frame(rows));
            if *cut > 0 {
                blocks = compacted(&blocks, &std::mem::take(&mut waiting)).blocks;
            }
        }
        let compacted = compacted(&blocks, &waiting);
        let stored = readings_of(&compacted.blocks);
        prop_assert!(identical(&stored, &model), "{stored:?} is not {model:?}");
        for pair in compacted.blocks.windows(2) {
            let order = |block: &Block| (block.device, block.first_at);
            prop_assert!(order(&pair[0]) < order(&pair[1]));
            prop_assert!(pair[0].device < pair[1].device || pair[0].last_at < pair[1].first_at);
        }

        let mut expected: BTreeMap<(i32, i32), (i64, Value<'static>)> = BTreeMap::new();
        for ((device, metric, at), value) in model {
            expected.insert((device, metric), (at, value));
        }
        let mut found = BTreeMap::new();
        for (device, frame) in &compacted.latest {
            Frame::parse(frame)
                .expect("sound")
                .each(|reading| {
                    let value = reading.value.into_owned();
                    found.insert((*device, reading.metric), (reading.at.as_micros(), value));
                })
                .expect("sound");
        }
        prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));

        let bytes = compacted.encode();
        prop_assert_eq!(decode_blocks(&bytes), Ok(compacted.blocks));
        prop_assert_eq!(decode_latest(&bytes), Ok(compacted.latest));
    }

    #[test]
    fn a_changed_byte_is_an_error_or_the_right_answer(
        rows in rows(), place: prop::sample::Index, flip in 1..=255_u8,
    ) {
        let blocks = compacted(&[], &[frame(&rows)]).blocks;
        let intact = readings_of(&blocks[..1]);
        let mut changed = blocks[0].clone();
        let (head, body) = (changed.head.len(), changed.body.len());
        let at = place.index(head + body);
        if at < head {
            changed.head[at] ^= flip;
            prop_assert!(BlockHead::parse(&changed.head).is_err());
        } else {
            changed.body[at - head] ^= flip;
            let parsed = BlockHead::parse(&changed.head).expect("intact");
            let body = changed.body.as_slice();
            let mut faults = 0;
            for table in parsed.tables.iter().filter(|table| table.rows > 0) {
                faults += usize::from(read_times(table, body).is_err());
                for column in &table.columns {
                    faults += usize::from(read_column(table, column, body).is_err());
                }
            }
            prop_assert!(faults == 1, "{} faults in {:?}", faults, intact);
        }
    }

    #[test]
    fn what_slices_say_is_what_their_rows_come_to(
        column in samples::column(1..400), step_seconds in 1..600_i64,
    ) {
        let rows: Vec<_> = (0_i64..)
            .zip(&column)
            .map(|(row, value)| (1, row * step_seconds * 1_000_000, vec![(1, value.clone())]))
            .collect();
        for block in compacted(&[], &[frame(&rows)]).blocks {
            let head = BlockHead::parse(&block.head).expect("sound");
            for table in &head.tables {
                let ats = read_times(table, block.body.as_slice()).expect("sound");
                let column = read_column(table, &table.columns[0], block.body.as_slice()).expect("sound");
                let Some(said) = table.columns[0].summary.statistics(&table.slices).expect("sound") else {
                    continue;
                };
                let mut start = 0;
                for (slice, said) in table.slices.iter().zip(said) {
                    let mut counted = Statistics::default();
                    counted.add_cells(&ats, &column.cells, start..start + slice.rows, true);
                    start += slice.rows;
                    prop_assert_eq!(format!("{:?}", (said.count, said.numbers, said.min, said.max, said.sum(), &said.first, &said.last)),
                        format!("{:?}", (counted.count, counted.numbers, counted.min, counted.max, counted.sum(), &counted.first, &counted.last)));
                }
                prop_assert_eq!(start, table.rows);
            }
        }
    }
}

/// A reading each `step_seconds` over `days` days from 2026-01-30T00:00Z on.
fn steady(step_seconds: i64, days: i64) -> Vec<Block> {
    let start = 1_769_731_200_000_000;
    let rows: Vec<_> = (0..days * 86_400 / step_seconds)
        .map(|row| {
            (
                1,
                start + row * step_seconds * 1_000_000,
                vec![(1, Value::Int(row % 100))],
            )
        })
        .collect();
    let frames: Vec<_> = rows.chunks(10_000).map(frame).collect();
    compacted(&[], &frames).blocks
}

#[test]
fn a_fast_device_has_a_block_a_day_and_a_slow_one_a_block_a_month() {
    let counts = |blocks: Vec<Block>| blocks.iter().map(|block| block.rows).collect::<Vec<_>>();
    assert_eq!(counts(steady(60, 3)), [1440, 1440, 1440]);
    assert_eq!(
        counts(steady(3600, 4)),
        [48, 48],
        "two days of January, two of February"
    );
    assert_eq!(
        counts(steady(5, 1)),
        [8192, 8192, 896],
        "at most so many rows a block"
    );
}

#[test]
fn late_readings_find_their_place_in_a_block() {
    let day = steady(60, 1);
    let late = frame(&[(1, 1_769_731_230_000_000, vec![(1, Value::Int(-5))])]);
    let merged = compacted(&day, &[late]).blocks;
    assert_eq!(merged.len(), 1);
    assert_eq!(merged[0].rows, 1441);
    assert_eq!(
        readings_of(&merged)[&(1, 1, 1_769_731_230_000_000)],
        Value::Int(-5)
    );
}

#[test]
fn metrics_that_come_in_ever_other_company_share_a_table() {
    let rows: Vec<_> = (0..500_i64)
        .map(|row| {
            let metrics =
                (0..9).filter(|metric| row >> metric & 1 == 1 || *metric == (row % 9) as i32);
            (
                1,
                row * 1_000_000,
                metrics.map(|metric| (metric, Value::Int(row))).collect(),
            )
        })
        .collect();
    let blocks = compacted(&[], &[frame(&rows)]).blocks;
    let head = BlockHead::parse(&blocks[0].head).expect("sound");
    assert!(head.tables.len() < 3, "{} tables", head.tables.len());
}

#[test]
fn a_sensor_of_ten_metrics_takes_less_than_two_bytes_a_reading() {
    let jitter = |row: i64| (row * 7919) % 400 - 200;
    let cells = |row: i64| {
        let value = |metric: i64| Value::Float(((row * (metric + 3)) % 40 + 2000) as f64 / 100.0);
        (0..10)
            .map(|metric| (metric as i32, value(metric)))
            .collect::<Vec<_>>()
    };
    let rows: Vec<_> = (0..2000_i64)
        .map(|row| (1, row * 10_000_000 + jitter(row) * 1000, cells(row)))
        .collect();
    let blocks = compacted(&[], &[frame(&rows)]).blocks;
    let bytes: usize = blocks
        .iter()
        .map(|block| block.head.len() + block.body.len())
        .sum();
    assert!(bytes < 2 * 20_000, "{bytes} bytes");
}

#[test]
fn blocks_share_one_as_the_compaction_of_both_would() {
    // What follows a block of so many rows a minute apart from 2026-01-30T00:00Z, so many minutes
    // after its end.
    for (rows, gap) in [
        (1, 1),
        (1440, 1),
        (1439, 1),
        (511, 1440),
        (512, 1440),
        (512, 1),
        (8192, 1),
        (511, 2 * 1440),
    ] {
        let start = 1_769_731_200_000_000;
        let at = |row: i64| start + row * 60_000_000;
        let older = steady(60, 7);
        let older: Vec<_> = readings_of(&older)
            .into_iter()
            .take(rows)
            .map(|((device, metric, at), value)| (device, at, vec![(metric, value)]))
            .collect();
        let next = at(rows as i64 - 1 + gap);
        let both = compacted(
            &[],
            &[frame(&older), frame(&[(1, next, vec![(1, Value::Null)])])],
        );
        let alone = compacted(&[], &[frame(&older)]).blocks;
        let last = alone.last().expect("rows");
        assert_eq!(
            blocks::shares(
                last.rows as usize,
                last.last_at,
                Timestamp::from_micros(next)
            ),
            both.blocks.len() == alone.len(),
            "{rows} rows, then {gap} minutes"
        );
    }
}

//! What it costs to keep the times of a device once for all its metrics, and once for each.
//!
//! A device with ten metrics, a reading of each every 10 s, 200 ms early or late, values of two
//! decimals that walk at random, for 8,000 rounds. The second layout is that of ten devices with one
//! metric each. See ADR 0010.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use tenon_domain::telemetry::block::{Block, BlockHead};
use tenon_domain::telemetry::compaction::Compaction;
use tenon_domain::telemetry::frame::{Frame, FrameRows};
use tenon_domain::telemetry::query::{Aggregates, Answer, BucketForm, Fill, Form, Query, Range};
use tenon_domain::telemetry::value::Value;
use tenon_domain::time::Timestamp;

const METRICS: i32 = 10;
const ROUNDS: i64 = 8_000;
/// A Monday's midnight.
const START_MICROS: i64 = 1_790_553_600_000_000;

/// Where the times of a device's metrics are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    OncePerDevice,
    OncePerSeries,
}

const LAYOUTS: [Layout; 2] = [Layout::OncePerDevice, Layout::OncePerSeries];

/// Steps of Marsaglia's xorshift: the same at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit) as i64
    }
}

fn blocks(layout: Layout) -> Vec<Block> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut values: Vec<i64> = (1..=i64::from(METRICS))
        .map(|metric| metric * 1_000)
        .collect();
    let mut compaction = Compaction::new();
    for rounds in 0..ROUNDS / 1_000 {
        let mut rows = FrameRows::new();
        for round in rounds * 1_000..(rounds + 1) * 1_000 {
            let early_ms = random.below(401) - 200;
            let at = Timestamp::from_micros(START_MICROS + (round * 10_000 + early_ms) * 1_000);
            for (step, value) in (1..).zip(&mut values) {
                *value += random.below(20 * step + 1) - (10 * step) as i64;
            }
            let cells = (0..)
                .zip(&values)
                .map(|(metric, &value)| (metric, Value::Float(value as f64 / 100.0)));
            match layout {
                Layout::OncePerDevice => rows.push(0, at, cells),
                Layout::OncePerSeries => {
                    for (metric, value) in cells {
                        rows.push(metric, at, [(metric, value)]);
                    }
                }
            }
        }
        let frame = rows.encode().expect("room").0;
        compaction
            .add_frame(&Frame::parse(&frame).expect("sound"))
            .expect("sound");
    }
    compaction.finish().blocks
}

fn main() {
    for layout in LAYOUTS {
        let blocks = blocks(layout);
        let readings: u32 = blocks.iter().map(|block| block.readings).sum();
        let each = |bytes: usize| bytes as f64 / f64::from(readings);
        println!(
            "{layout:?}: {} blocks, {:.3} bytes a reading in heads, {:.3} in bodies",
            blocks.len(),
            each(blocks.iter().map(|block| block.head.len()).sum()),
            each(blocks.iter().map(|block| block.body.len()).sum()),
        );
    }
    divan::main();
}

fn answer(layout: Layout, blocks: &[Block], metrics: &[i32]) -> usize {
    let query = Query {
        range: Range {
            from: Timestamp::from_micros(START_MICROS),
            to: Timestamp::from_micros(START_MICROS + 86_400_000_000),
        },
        devices: match layout {
            Layout::OncePerDevice => None,
            Layout::OncePerSeries => Some(metrics.to_vec()),
        },
        metrics: Some(metrics.to_vec()),
        form: Form::Buckets(BucketForm {
            width: (0, 0, 60_000_000),
            zone: "UTC".to_owned(),
            origin: None,
            fill: Fill::None,
            by_device: true,
            by_metric: true,
            aggregates: Aggregates::named(["min", "max", "avg"]).expect("known"),
        }),
    };
    let mut answer = Answer::new(query, None).expect("a question");
    for block in blocks {
        let head = BlockHead::parse(&block.head).expect("sound");
        answer
            .add(block.device, &head, block.body.as_slice())
            .expect("sound");
    }
    answer.finish().expect("few").len()
}

#[divan::bench(args = LAYOUTS)]
fn buckets_of_one_metric(bencher: Bencher<'_, '_>, layout: Layout) {
    let blocks = blocks(layout);
    bencher
        .counter(ItemsCount::new(ROUNDS as usize))
        .bench(|| answer(layout, black_box(&blocks), &[4]));
}

#[divan::bench(args = LAYOUTS)]
fn buckets_of_all_metrics(bencher: Bencher<'_, '_>, layout: Layout) {
    let blocks = blocks(layout);
    let metrics: Vec<i32> = (0..METRICS).collect();
    bencher
        .counter(ItemsCount::new((ROUNDS * i64::from(METRICS)) as usize))
        .bench(|| answer(layout, black_box(&blocks), &metrics));
}

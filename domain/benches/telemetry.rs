//! What a reading costs on its way from a device's bytes to a chart's buckets.
//!
//! Two flushes of 1 s: 1,000 messages of as many devices, and 5,000 of 100 devices; 10 metrics each,
//! values of two decimals, times of milliseconds.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use tenon_domain::identity::DeviceAddress;
use tenon_domain::telemetry::batch::{self, Batch, BatchBuilder};
use tenon_domain::telemetry::block::{Block, BlockHead};
use tenon_domain::telemetry::compaction::Compaction;
use tenon_domain::telemetry::frame::Frame;
use tenon_domain::telemetry::payload;
use tenon_domain::telemetry::query::{
    Aggregates, Answer, BucketForm, Fill, Form, Query, Range, Recent,
};
use tenon_domain::time::Timestamp;

const METRICS: [&str; 10] = [
    "engine_rpm",
    "vehicle_speed",
    "coolant_temperature",
    "intake_pressure",
    "throttle_position",
    "fuel_level",
    "battery_voltage",
    "ambient_temperature",
    "oil_temperature",
    "engine_load",
];

const START_MICROS: i64 = 1_790_000_000_000_000;

/// A flush: how many devices send how many messages each.
#[derive(Clone, Copy, Debug)]
struct Flush {
    devices: usize,
    messages_each: usize,
}

const FLUSHES: [Flush; 2] = [
    Flush {
        devices: 1_000,
        messages_each: 1,
    },
    Flush {
        devices: 100,
        messages_each: 50,
    },
];

impl Flush {
    const fn messages(self) -> usize {
        self.devices * self.messages_each
    }

    const fn readings(self) -> usize {
        self.messages() * METRICS.len()
    }

    /// Device and payload of each message of a second, in the order sent.
    fn payloads(self, second: usize) -> Vec<(DeviceAddress, String)> {
        let messages = (0..self.messages()).map(|place| {
            let device = format!("device-{:04}", place % self.devices);
            let address = DeviceAddress::parse("acme", &device).expect("slugs");
            let at_millis =
                START_MICROS / 1_000 + (second * 1_000 + place * 1_000 / self.messages()) as i64;
            let values = METRICS.iter().enumerate().map(|(metric, name)| {
                let wave = (place as f64 / 97.0 + metric as f64).sin() * 20.0;
                format!("\"{name}\":{:.2}", 50.0 * (metric + 1) as f64 + wave)
            });
            let values = values.collect::<Vec<_>>().join(",");
            (
                address,
                format!("{{\"ts\":{at_millis},\"values\":{{{values}}}}}"),
            )
        });
        messages.collect()
    }

    fn batch(self, second: usize) -> Vec<u8> {
        let payloads = self.payloads(second);
        let mut builder = BatchBuilder::new();
        for (address, payload) in &payloads {
            for message in payload::parse(payload.as_bytes(), received_at()).expect("valid") {
                builder.push(address, &message).expect("room");
            }
        }
        builder.finish().bytes
    }

    /// What the flush of a second is packed into.
    fn frames(self, second: usize) -> Vec<Vec<u8>> {
        pack(&self.batch(second))
    }
}

fn received_at() -> Timestamp {
    Timestamp::from_micros(START_MICROS + 3_600_000_000)
}

fn pack(bytes: &[u8]) -> Vec<Vec<u8>> {
    let batch = Batch::parse(bytes).expect("sound");
    let numbers = |count: usize| (0..count as i32).map(Some).collect::<Vec<_>>();
    let (devices, metrics) = (
        numbers(batch.devices().len()),
        numbers(batch.metrics().len()),
    );
    let frames = batch::pack(&batch, &devices, &metrics).expect("sound");
    frames.into_iter().map(|frame| frame.part.frame).collect()
}

/// What so many seconds of 100 devices compact to.
fn blocks(seconds: usize) -> Vec<Block> {
    compact((0..seconds).flat_map(|second| FLUSHES[1].frames(second)))
}

fn compact(frames: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Block> {
    let mut compaction = Compaction::new();
    for frame in frames {
        let frame = Frame::parse(frame.as_ref()).expect("sound");
        compaction.add_frame(&frame).expect("sound");
    }
    compaction.finish().blocks
}

/// Mean, least and greatest of one metric in buckets of so many microseconds.
fn query(width_micros: i64, distribution: bool) -> Query {
    Query {
        range: Range {
            from: Timestamp::from_micros(START_MICROS),
            to: Timestamp::from_micros(START_MICROS + 40_000_000_000),
        },
        devices: None,
        metrics: Some(vec![4]),
        form: Form::Buckets(BucketForm {
            width: (0, 0, width_micros),
            zone: "UTC".to_owned(),
            origin: None,
            fill: Fill::None,
            by_device: true,
            by_metric: true,
            aggregates: Aggregates::named(if distribution {
                ["max", "p95"]
            } else {
                ["max", "avg"]
            })
            .expect("known"),
        }),
    }
}

fn answer(query: &Query, blocks: &[Block]) -> usize {
    let mut answer = Answer::new(query.clone(), None).expect("a question");
    for block in blocks {
        let head = BlockHead::parse(&block.head).expect("sound");
        answer
            .add(block.device, &head, block.body.as_slice())
            .expect("sound");
    }
    answer.finish().expect("few").len()
}

fn main() {
    for flush in FLUSHES {
        let (batch, frame) = (flush.batch(0).len(), flush.frames(0).concat().len());
        let each = |bytes: usize| bytes as f64 / flush.readings() as f64;
        println!(
            "{flush:?}: batch {:.2}, frame {:.2} bytes a reading",
            each(batch),
            each(frame)
        );
    }
    divan::main();
}

#[divan::bench(args = FLUSHES)]
fn ingest_1_parse(bencher: Bencher<'_, '_>, flush: Flush) {
    let payloads = flush.payloads(0);
    bencher
        .counter(ItemsCount::new(flush.readings()))
        .bench(|| {
            for (_, payload) in &payloads {
                let _ = black_box(payload::parse(black_box(payload.as_bytes()), received_at()));
            }
        });
}

#[divan::bench(args = FLUSHES)]
fn ingest_2_build(bencher: Bencher<'_, '_>, flush: Flush) {
    let payloads = flush.payloads(0);
    let messages: Vec<_> = payloads
        .iter()
        .flat_map(|(address, payload)| {
            let parsed = payload::parse(payload.as_bytes(), received_at()).expect("valid");
            parsed.into_iter().map(move |message| (address, message))
        })
        .collect();
    bencher
        .counter(ItemsCount::new(flush.readings()))
        .bench(|| {
            let mut builder = BatchBuilder::new();
            for (address, message) in &messages {
                let _ = black_box(builder.push(address, message));
            }
            builder.finish().bytes
        });
}

#[divan::bench(args = FLUSHES)]
fn ingest_3_dictionary(bencher: Bencher<'_, '_>, flush: Flush) {
    let batch = flush.batch(0);
    bencher
        .counter(ItemsCount::new(flush.readings()))
        .bench(|| {
            let batch = Batch::parse(black_box(&batch)).expect("sound");
            batch.devices().len() + batch.metrics().len()
        });
}

#[divan::bench(args = FLUSHES)]
fn ingest_4_pack(bencher: Bencher<'_, '_>, flush: Flush) {
    let batch = flush.batch(0);
    bencher
        .counter(ItemsCount::new(flush.readings()))
        .bench(|| pack(black_box(&batch)));
}

#[divan::bench(args = FLUSHES)]
fn query_1_series_of_a_frame(bencher: Bencher<'_, '_>, flush: Flush) {
    let frame = flush.frames(0).swap_remove(0);
    let query = Query {
        devices: Some(vec![3]),
        ..query(60_000_000, false)
    };
    bencher
        .counter(ItemsCount::new(flush.messages_each))
        .bench(|| {
            let mut recent = Recent::default();
            let frame = Frame::parse(black_box(&frame)).expect("sound");
            recent.add(&query, 1, &frame).expect("sound");
            recent
        });
}

#[divan::bench(args = FLUSHES)]
fn query_2_latest_of_a_frame(bencher: Bencher<'_, '_>, flush: Flush) {
    let frame = flush.frames(0).swap_remove(0);
    bencher.bench(|| {
        let frame = Frame::parse(black_box(&frame)).expect("sound");
        frame.device_latest(3, |_, _, value| drop(black_box(value)))
    });
}

#[divan::bench(args = FLUSHES)]
fn compaction_of_20_s(bencher: Bencher<'_, '_>, flush: Flush) {
    let frames: Vec<_> = (0..20).flat_map(|second| flush.frames(second)).collect();
    bencher
        .counter(ItemsCount::new(20 * flush.readings()))
        .bench(|| compact(black_box(&frames)));
}

/// Width in seconds, and whether percentiles are asked for.
#[divan::bench(args = [(1, false), (60, false), (3_600, false), (3_600, true)])]
fn query_3_buckets_of_blocks(bencher: Bencher<'_, '_>, (width_s, distribution): (i64, bool)) {
    let blocks = blocks(60);
    let rows: u32 = blocks.iter().map(|block| block.rows).sum();
    let query = query(width_s * 1_000_000, distribution);
    bencher
        .counter(ItemsCount::new(rows as usize))
        .bench(|| answer(black_box(&query), &blocks));
}

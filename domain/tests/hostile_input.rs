//! Hostile bytes end in an error: no panic, and no allocation beyond what the bytes or a named
//! bound account for. An allocator that counts each thread's bytes proves the second.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use tenon_domain::identity::{DeviceAddress, TenantSlug};
use tenon_domain::telemetry::batch::{self, Batch, BatchBuilder, BatchSummary};
use tenon_domain::telemetry::block::{BLOCK_ROWS_MAX, BlockHead};
use tenon_domain::telemetry::compaction::Compaction;
use tenon_domain::telemetry::frame::{FRAME_READINGS_MAX, Frame, FrameRows};
use tenon_domain::telemetry::value::Value;
use tenon_domain::telemetry::{latest, payload, submission};
use tenon_domain::time::Timestamp;

/// What decoding may take for each reading that a frame may hold, whatever its bytes claim.
const BYTES_PER_READING_MAX: usize = 96;

/// What it may take for each byte that came in: names and readings are larger in memory.
const BYTES_PER_BYTE_MAX: usize = 160;

/// What small things may take beyond that.
const BYTES_SPARE: usize = 64 * 1024;

const RECEIVED_AT: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

struct Counting;

thread_local! {
    static HELD: Cell<usize> = const { Cell::new(0) };
    static HELD_MAX: Cell<usize> = const { Cell::new(0) };
}

fn count(grown: usize, shrunk: usize) {
    HELD.set(HELD.get().saturating_add(grown).saturating_sub(shrunk));
    HELD_MAX.set(HELD_MAX.get().max(HELD.get()));
}

// SAFETY: every call goes on to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that `work` held at a time.
fn held_by(work: impl FnOnce()) -> usize {
    let before = HELD.get();
    HELD_MAX.set(before);
    work();
    HELD_MAX.get() - before
}

/// Random numbers from a seed (xorshift64*, Vigna 2016): a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).expect("below a usize")
    }
}

/// A value of any type.
fn value(random: &mut Random) -> Value<'static> {
    match random.below(8) {
        0 => Value::Null,
        1 => Value::Bool(random.below(2) == 1),
        2 => Value::Int(random.next().cast_signed() >> random.below(64)),
        3 => Value::Float(f64::from_bits(random.next())),
        4 => Value::Text(["on", "off", "ä"][random.below(3)].into()),
        5 => Value::Json(["[]", "[1]"][random.below(2)].into()),
        _ => Value::Float(random.below(10_000) as f64 / 100.0),
    }
}

fn frame(random: &mut Random) -> Vec<u8> {
    let mut rows = FrameRows::new();
    for _ in 0..random.below(40) {
        let device = random.below(5) as i32;
        let at = Timestamp::from_micros(random.below(50) as i64 * 1_000);
        let readings: Vec<_> = (0..=random.below(4))
            .map(|metric| (metric as i32, value(random)))
            .collect();
        rows.push(device, at, readings);
    }
    rows.encode().expect("few readings").0
}

fn batch(random: &mut Random) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    for _ in 0..random.below(20) {
        let address =
            DeviceAddress::parse(["acme", "globex"][random.below(2)], "d1").expect("slugs");
        let readings = (0..=random.below(4))
            .map(|metric| (["a", "b", "c", "d"][metric].into(), value(random)));
        let message = payload::Message {
            at: RECEIVED_AT,
            readings: readings.collect(),
        };
        builder.push(&address, &message).expect("room");
    }
    builder.finish().bytes
}

/// Spoils bytes in one of the ways that hostile bytes are spoilt.
fn spoil(random: &mut Random, mut bytes: Vec<u8>) -> Vec<u8> {
    /// A varint that claims 2^63 and more of whatever it counts.
    const LIE: [u8; 10] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    if bytes.is_empty() {
        return bytes;
    }
    let place = random.below(bytes.len());
    match random.below(6) {
        0 => bytes.truncate(place),
        1 => {
            bytes = (0..random.below(200))
                .map(|_| random.next() as u8)
                .collect()
        }
        2 => bytes[place] ^= 1 << random.below(8),
        3 => bytes[place] = random.next() as u8,
        4 => {
            let len = 1 + random.below(LIE.len());
            let lie = if len < LIE.len() {
                [&LIE[..len], &[0x7f]].concat()
            } else {
                LIE.to_vec()
            };
            bytes.splice(place..=place, lie);
        }
        _ => {
            let other = random.below(bytes.len());
            bytes.swap(place, other);
        }
    }
    bytes
}

/// Puts the right checksum over spoilt bytes, so that they get past it.
fn reseal(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.len() >= 5 {
        bytes[0] = 1;
        let checksum = crc32fast::hash(&bytes[5..]).to_le_bytes();
        bytes[1..5].copy_from_slice(&checksum);
    }
    bytes
}

fn read_frame(bytes: &[u8]) {
    if let Ok(frame) = Frame::parse(bytes) {
        let _ = frame.each(drop);
        for device in -1..6 {
            let _ = frame.device_latest(device, |_, _, _| ());
            for metric in -1..5 {
                let _ = frame.series(device, metric, |_, _| ());
            }
        }
    }
}

fn read_batch(bytes: &[u8]) {
    if let Ok(batch) = Batch::parse(bytes) {
        let devices: Vec<_> = (0..batch.devices().len() as i32).map(Some).collect();
        let metrics: Vec<_> = (0..batch.metrics().len() as i32).map(Some).collect();
        let _ = batch::pack(&batch, &devices, &metrics);
        let _ = BatchSummary::read(&batch);
    }
}

fn assert_bounded(bytes: &[u8], readings_max: usize, read: impl FnOnce(&[u8])) {
    let held = held_by(|| read(bytes));
    let bound =
        BYTES_SPARE + readings_max * BYTES_PER_READING_MAX + bytes.len() * BYTES_PER_BYTE_MAX;
    assert!(
        held <= bound,
        "{held} bytes held for {} bytes: {bytes:02x?}",
        bytes.len()
    );
}

#[test]
fn hostile_frames_are_bounded() {
    let mut random = Random(0x5eed_0001);
    for _ in 0..5_000 {
        let sound = frame(&mut random);
        let spoilt = spoil(&mut random, sound);
        assert_bounded(&reseal(spoilt.clone()), FRAME_READINGS_MAX, read_frame);
        assert_bounded(&spoilt, 0, read_frame);
        let _ = latest::merge(&reseal(spoilt.clone()), &reseal(spoilt));
    }
}

#[test]
fn hostile_batches_are_bounded_by_their_length() {
    let mut random = Random(0x5eed_0002);
    for _ in 0..5_000 {
        let sound = batch(&mut random);
        let spoilt = spoil(&mut random, sound);
        assert_bounded(&reseal(spoilt.clone()), 0, read_batch);
        assert_bounded(&spoilt, 0, read_batch);
    }
}

#[test]
fn hostile_blocks_are_bounded() {
    let mut random = Random(0x5eed_0003);
    for _ in 0..3_000 {
        let frame = frame(&mut random);
        let mut compaction = Compaction::new();
        let added = compaction.add_frame(&Frame::parse(&frame).expect("sound"));
        added.expect("sound");
        for block in compaction.finish().blocks {
            let head = spoil(&mut random, block.head);
            let body = spoil(&mut random, block.body);
            for head in [reseal(head.clone()), head] {
                assert_bounded(&head, BLOCK_ROWS_MAX * 64, |head| read_block(head, &body));
            }
        }
    }
}

fn read_block(head: &[u8], body: &[u8]) {
    if let Ok(head) = BlockHead::parse(head) {
        let _ = Compaction::new().add_block(1, &head, body);
    }
}

#[test]
fn hostile_payloads_are_bounded_by_their_length() {
    let mut random = Random(0x5eed_0004);
    let tenant = TenantSlug::parse("acme").expect("a slug");
    let sound = br#"[{"at":"2026-09-21T09:14:56Z","values":{"a":1.5,"b":{"c":[1,{"d":"\u00e4"}],"on":true}}}]"#;
    for _ in 0..5_000 {
        let mut spoilt = spoil(&mut random, sound.to_vec());
        spoilt = spoil(&mut random, [spoilt, b" ".to_vec()].concat());
        assert_bounded(&spoilt, 0, |bytes| drop(payload::parse(bytes, RECEIVED_AT)));
        let text = String::from_utf8_lossy(&spoilt);
        let _ = submission::read(&tenant, Some("d1"), &text, RECEIVED_AT);
    }
}

/// Frames of few bytes that stand for as many readings as a frame may hold.
#[test]
fn the_most_readings_that_few_bytes_can_claim_are_bounded() {
    let of_one_kind: fn(i64) -> Value<'static> = |_| Value::Bool(true);
    let of_two_kinds: fn(i64) -> Value<'static> = |at| {
        if at == 0 {
            Value::Null
        } else {
            Value::Text("on".into())
        }
    };
    for value_at in [of_one_kind, of_two_kinds] {
        let mut rows = FrameRows::new();
        for at in 0..FRAME_READINGS_MAX as i64 {
            rows.push(1, Timestamp::from_micros(at), [(1, value_at(at))]);
        }
        let (bytes, _) = rows.encode().expect("at the bound");
        assert!(bytes.len() < 30_000, "{} bytes", bytes.len());
        assert_bounded(&bytes, FRAME_READINGS_MAX, read_frame);
    }
}

#[test]
fn a_frame_that_claims_more_readings_than_allowed_is_refused_at_once() {
    let mut content = vec![0xff, 0xff, 0x7f];
    content.extend([1, 1, 2]);
    let bytes = reseal([vec![1, 0, 0, 0, 0], content].concat());
    assert_bounded(&bytes, 0, |bytes| assert!(Frame::parse(bytes).is_err()));
}

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::identity::DeviceAddress;
use crate::telemetry::frame::Frame;
use crate::telemetry::payload::Message;
use crate::telemetry::samples;
use crate::telemetry::sealed::HEADER_BYTES;
use crate::telemetry::value::{Value, ValueType};
use crate::time::Timestamp;

type Sent = (DeviceAddress, Message<'static>);

/// A message read back: tenant, device, and what they sent.
type Read = (String, String, Message<'static>);

fn address(tenant: &str, device: &str) -> DeviceAddress {
    DeviceAddress::parse(tenant, device).expect("valid slugs")
}

fn message(at: i64, readings: Vec<(&'static str, Value<'static>)>) -> Message<'static> {
    let readings = readings
        .into_iter()
        .map(|(name, value)| (Cow::Borrowed(name), value));
    Message {
        at: Timestamp::from_micros(at),
        readings: readings.collect(),
    }
}

fn sent() -> impl Strategy<Value = Vec<Sent>> {
    let device = (
        prop_oneof![Just("acme"), Just("globex")],
        prop_oneof![Just("a"), Just("b"), Just("c")],
    );
    let reading = (
        prop_oneof![Just("x"), Just("y"), Just("z")],
        samples::any_value(),
    );
    let message =
        (any::<i64>(), vec(reading, 0..4)).prop_map(|(at, readings)| message(at, readings));
    let device = device.prop_map(|(tenant, device)| address(tenant, device));
    vec((device, message), 0..30)
}

fn built(sent: &[Sent]) -> FinishedBatch {
    let mut builder = BatchBuilder::new();
    for (place, (address, message)) in sent.iter().enumerate() {
        let reference = builder.push(address, message).expect("few messages");
        assert_eq!(reference.index(), place);
    }
    assert_eq!(builder.messages(), sent.len());
    assert_eq!(builder.is_empty(), sent.is_empty());
    let bytes_max = builder.bytes();
    let finished = builder.finish();
    assert!(
        finished.bytes.len() <= bytes_max,
        "{} > {bytes_max}",
        finished.bytes.len()
    );
    finished
}

/// The messages of a batch, read back.
fn read(bytes: &[u8]) -> Result<Vec<Read>, BatchError> {
    let batch = Batch::parse(bytes)?;
    let devices: Vec<_> = batch.devices().collect();
    let metrics: Vec<_> = batch.metrics().collect();
    let mut cursor = batch.messages();
    let mut messages = Vec::new();
    while let Some(head) = cursor.next_message()? {
        let mut cells = Vec::new();
        cursor.read_cells(&head, |metric| i32::try_from(metric).ok(), &mut cells)?;
        let (tenant, device) = devices[head.device as usize];
        let readings = cells.into_iter().map(|(metric, value)| {
            (
                Cow::Owned(metrics[metric as usize].name.to_owned()),
                value.into_owned(),
            )
        });
        let message = Message {
            at: head.at,
            readings: readings.collect(),
        };
        messages.push((tenant.to_owned(), device.to_owned(), message));
    }
    Ok(messages)
}

fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some((header, content)) = bytes.split_first_chunk_mut::<HEADER_BYTES>() {
        header[1..].copy_from_slice(&crc32fast::hash(content).to_le_bytes());
    }
    bytes
}

/// Everything that reading a batch can do.
fn use_up(bytes: &[u8]) {
    let _ = read(bytes);
    if let Ok(batch) = Batch::parse(bytes) {
        let devices = vec![Some(1); batch.devices().len()];
        let metrics = vec![Some(1); batch.metrics().len()];
        let _ = pack(&batch, &devices, &metrics);
        let _ = DeviceRoll::of(&batch);
    }
}

proptest! {
    #[test]
    fn every_message_comes_back(sent in sent()) {
        let read = read(&built(&sent).bytes).expect("just built");
        prop_assert_eq!(read.len(), sent.len());
        for ((address, message), (tenant, device, read_message)) in sent.iter().zip(&read) {
            prop_assert_eq!((address.tenant.as_str(), address.device.as_str()), (&**tenant, &**device));
            prop_assert_eq!(message.at, read_message.at);
            prop_assert_eq!(message.readings.len(), read_message.readings.len());
            for (sent, read) in message.readings.iter().zip(&read_message.readings) {
                prop_assert_eq!(&sent.0, &read.0);
                prop_assert!(sent.1.is_identical(&read.1));
            }
        }
    }

    #[test]
    fn the_messages_that_packing_leaves_out_are_those_that_the_summary_names(
        sent in sent(), refused_devices in vec(any::<bool>(), 6), refused_metrics in vec(any::<bool>(), 6),
    ) {
        let finished = built(&sent);
        let batch = Batch::parse(&finished.bytes).expect("just built");
        let numbers = |count: usize, refused: &[bool]| -> Vec<Option<i32>> {
            (0..count).map(|ordinal| (!refused[ordinal]).then_some(ordinal as i32)).collect()
        };
        let devices = numbers(batch.devices().len(), &refused_devices);
        let metrics = numbers(batch.metrics().len(), &refused_metrics);
        let entries = |kind, numbers: &[Option<i32>]| -> Vec<RefusedEntry> {
            let refused = (1..).zip(numbers).filter(|(_, number)| number.is_none());
            refused.map(|(ordinal, _)| RefusedEntry { kind, ordinal, code: "x".into() }).collect()
        };
        let mut refused = entries(EntryKind::Device, &devices);
        refused.extend(entries(EntryKind::Metric, &metrics));
        let hits = finished.summary.messages_hit(&refused);
        let hits: Vec<_> = hits.iter().map(|(message, _)| message.index()).collect();
        let kept: Vec<_> = sent
            .iter()
            .enumerate()
            .filter(|(place, _)| !hits.contains(place))
            .map(|(_, sent)| sent.clone())
            .collect();

        // What is kept packs to the same readings as if the rest had never been sent.
        let packed = pack(&batch, &devices, &metrics).expect("sound");
        let kept_finished = built(&kept);
        let kept_batch = Batch::parse(&kept_finished.bytes).expect("just built");
        let all = |count| (0..count).map(Some).collect::<Vec<_>>();
        let kept_packed = pack(
            &kept_batch, &all(kept_batch.devices().len() as i32), &all(kept_batch.metrics().len() as i32),
        ).expect("sound");
        let summary = |frames: &[TenantFrame<'_>]| {
            let mut tenants: Vec<_> = frames
                .iter()
                .map(|frame| (frame.tenant.to_owned(), frame.part.span, frame.part.readings))
                .collect();
            tenants.sort();
            tenants
        };
        prop_assert_eq!(summary(&packed), summary(&kept_packed));
    }

    #[test]
    fn the_roll_numbers_the_devices_that_rows_give_and_no_other(
        sent in sent(), rows in vec((0..3_u32, "[a-d]", any::<i32>(), any::<bool>()), 0..12),
    ) {
        let finished = built(&sent);
        let batch = Batch::parse(&finished.bytes).expect("just built");
        let mut roll = DeviceRoll::of(&batch).expect("no device twice");
        let mut given = HashMap::new();
        let mut unmarked = HashSet::new();
        for (tenant, device, number, is_unmarked) in &rows {
            roll.note(*tenant, device, *number, *is_unmarked);
            let slug = batch.tenants().get(*tenant as usize).copied().unwrap_or_default();
            given.insert((slug, &**device), *number);
            if *is_unmarked {
                unmarked.insert((slug, &**device));
            }
        }
        let expected: Vec<_> = batch.devices().map(|device| given.get(&device).copied()).collect();
        prop_assert_eq!(roll.numbers(), expected);
        let devices: Vec<_> = batch.devices().collect();
        let marked: HashSet<_> = roll.unmarked().iter().map(|&ordinal| devices[ordinal as usize]).collect();
        unmarked.retain(|device| devices.contains(device));
        prop_assert_eq!(marked, unmarked);
    }

    #[test]
    fn a_changed_or_cut_batch_is_found_out(sent in sent(), place: prop::sample::Index, change in 1..=255_u8) {
        let bytes = built(&sent).bytes;
        let mut changed = bytes.clone();
        *place.get_mut(&mut changed) ^= change;
        prop_assert_eq!(read(&changed).map_err(|error| error.code()).err(), Some("telemetry.batch_corrupt"));
        let cut = &bytes[..place.index(bytes.len())];
        prop_assert_eq!(read(cut).map_err(|error| error.code()).err(), Some("telemetry.batch_corrupt"));
    }

    #[test]
    fn a_forged_batch_gives_messages_or_an_error(
        sent in sent(), place: prop::sample::Index, byte: u8, content: Vec<u8>,
    ) {
        let mut bytes = built(&sent).bytes;
        *place.get_mut(&mut bytes[HEADER_BYTES..]) = byte;
        use_up(&resealed(bytes));
        let random = [&[VERSION, 0, 0, 0, 0][..], &content].concat();
        use_up(&resealed(random));
    }
}

#[test]
fn names_are_listed_once_in_the_order_of_their_first_use() {
    let sent = [
        (
            address("acme", "a"),
            message(1, vec![("x", Value::Null), ("y", Value::Int(1))]),
        ),
        (
            address("globex", "a"),
            message(2, vec![("x", Value::Bool(true))]),
        ),
        (
            address("acme", "a"),
            message(3, vec![("x", Value::Int(1)), ("y", Value::Float(1.5))]),
        ),
        (address("acme", "a"), message(4, vec![("y", Value::Int(2))])),
    ];
    let finished = built(&sent);
    let batch = Batch::parse(&finished.bytes).expect("just built");
    assert_eq!(batch.tenants(), ["acme", "globex"]);
    assert_eq!(
        batch.devices().collect::<Vec<_>>(),
        [("acme", "a"), ("globex", "a")]
    );
    let metrics: Vec<_> = batch
        .metrics()
        .map(|metric| (metric.tenant, metric.name, metric.value_type))
        .collect();
    let expected = [
        ("acme", "x", ValueType::Integer),
        ("acme", "y", ValueType::Float),
        ("globex", "x", ValueType::Bool),
    ];
    assert_eq!(metrics, expected);
    assert_eq!(batch.readings(), 6);
}

#[test]
fn a_forged_batch_that_names_a_device_twice_has_no_roll() {
    let finished = built(&[
        (address("acme", "a"), message(1, vec![("x", Value::Null)])),
        (address("acme", "b"), message(2, vec![("x", Value::Null)])),
    ]);
    let place = finished.bytes.iter().position(|&byte| byte == b'b');
    let mut bytes = finished.bytes;
    bytes[place.expect("the second device")] = b'a';
    let bytes = resealed(bytes);
    let batch = Batch::parse(&bytes).expect("sound but for the names");
    assert_eq!(DeviceRoll::of(&batch).map(|_| ()), Err(BatchError::Layout));
}

#[test]
fn each_tenant_gets_a_frame_of_its_own() {
    let sent = [
        (address("acme", "a"), message(5, vec![("x", Value::Int(1))])),
        (
            address("globex", "a"),
            message(9, vec![("x", Value::Int(2))]),
        ),
        (address("acme", "b"), message(3, vec![("x", Value::Int(3))])),
    ];
    let finished = built(&sent);
    let batch = Batch::parse(&finished.bytes).expect("just built");
    let frames = pack(&batch, &[Some(10), Some(10), Some(11)], &[Some(7), Some(7)]).expect("sound");
    let spans: Vec<_> = frames
        .iter()
        .map(|frame| {
            (
                frame.tenant,
                frame.part.span.0.as_micros(),
                frame.part.span.1.as_micros(),
                frame.part.readings,
            )
        })
        .collect();
    assert_eq!(spans, [("acme", 3, 5, 2), ("globex", 9, 9, 1)]);
    let mut read = Vec::new();
    let frame = Frame::parse(&frames[0].part.frame).expect("just packed");
    frame
        .each(|reading| read.push((reading.device, reading.metric, reading.value.into_owned())))
        .expect("sound");
    assert_eq!(read, [(10, 7, Value::Int(1)), (11, 7, Value::Int(3))]);
}

#[test]
fn a_tenant_all_of_whose_messages_are_refused_gets_no_frame() {
    let sent = [
        (
            address("acme", "a"),
            message(5, vec![("x", Value::Int(1)), ("y", Value::Int(1))]),
        ),
        (
            address("globex", "a"),
            message(9, vec![("x", Value::Int(2))]),
        ),
    ];
    let finished = built(&sent);
    let batch = Batch::parse(&finished.bytes).expect("just built");
    let frames = pack(&batch, &[Some(1), Some(2)], &[Some(1), None, Some(3)]).expect("sound");
    assert_eq!(
        frames.iter().map(|frame| frame.tenant).collect::<Vec<_>>(),
        ["globex"]
    );
    let frames = pack(&batch, &[None, None], &[Some(1), Some(2), Some(3)]).expect("sound");
    assert!(frames.is_empty());
}

#[test]
fn as_many_numbers_as_names_are_needed() {
    let finished = built(&[(address("acme", "a"), message(5, vec![("x", Value::Int(1))]))]);
    let batch = Batch::parse(&finished.bytes).expect("just built");
    let error = pack(&batch, &[], &[Some(1)]).expect_err("no device number");
    assert_eq!(
        error,
        BatchError::NumbersMismatch {
            kind: "devices",
            entries: 1,
            numbers: 0
        }
    );
    let error = pack(&batch, &[Some(1)], &[Some(1), None]).expect_err("too many metric numbers");
    assert_eq!(
        error,
        BatchError::NumbersMismatch {
            kind: "metrics",
            entries: 1,
            numbers: 2
        }
    );
}

#[test]
fn a_refusal_names_the_message_and_its_first_reason() {
    let finished = built(&[
        (address("acme", "a"), message(1, vec![("x", Value::Null)])),
        (
            address("acme", "b"),
            message(2, vec![("x", Value::Null), ("y", Value::Null)]),
        ),
        (address("acme", "a"), message(3, vec![("y", Value::Null)])),
    ]);
    let entry = |kind, ordinal, code: &str| RefusedEntry {
        kind,
        ordinal,
        code: code.to_owned(),
    };
    let refused = [
        entry(EntryKind::Metric, 2, "metric.limit_reached"),
        entry(EntryKind::Device, 2, "device.unknown"),
    ];
    let hits = finished.summary.messages_hit(&refused);
    let hits: Vec<_> = hits
        .iter()
        .map(|(message, entry)| (message.index(), &*entry.code))
        .collect();
    assert_eq!(hits, [(1, "device.unknown"), (2, "metric.limit_reached")]);
}

#[test]
fn a_full_batch_takes_no_more_and_stays_whole() {
    let text = "x".repeat(1 << 20);
    let device = address("acme", "a");
    let long = message(1, vec![("x", Value::Text(text.into()))]);
    let mut builder = BatchBuilder::new();
    let pushed = (0..)
        .take_while(|_| builder.push(&device, &long).is_ok())
        .count();
    assert!((10..16).contains(&pushed), "{pushed}");
    assert_eq!(builder.push(&device, &long), Err(BatchError::Full));
    assert_eq!(builder.messages(), pushed);
    assert_eq!(read(&builder.finish().bytes).expect("sound").len(), pushed);

    let many: Vec<_> = (0..10_000).map(|_| ("x", Value::Null)).collect();
    let many = message(1, many);
    let mut builder = BatchBuilder::new();
    while builder.push(&device, &many).is_ok() {}
    assert_eq!(builder.readings(), BATCH_READINGS_MAX / 10_000 * 10_000);
}

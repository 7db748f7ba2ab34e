use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::telemetry::samples;
use crate::telemetry::sealed::HEADER_BYTES;
use crate::telemetry::value::Value;
use crate::time::Timestamp;

type Pushed = (i32, i64, Vec<(i32, Value<'static>)>);
type Model = BTreeMap<(i32, i32, i64), Value<'static>>;

/// Rows of few devices, instants and metrics, so that they meet often.
fn rows() -> impl Strategy<Value = Vec<Pushed>> {
    let device = prop_oneof![0..6_i32, any::<i32>()];
    let at = prop_oneof![
        (0..12_i64).prop_map(|second| 1_700_000_000_000_000 + second * 1_000_000),
        (0..5000_i64).prop_map(|milli| 1_700_000_000_000_000 + milli * 1_000),
        any::<i64>(),
    ];
    let metric = prop_oneof![0..5_i32, any::<i32>()];
    let value = prop_oneof![3 => samples::decimal(), 1 => samples::any_value()];
    vec((device, at, vec((metric, value), 0..6)), 0..60)
}

fn encoded(rows: &[Pushed]) -> (Vec<u8>, u32) {
    let mut frame = FrameRows::new();
    for (device, at, readings) in rows {
        frame.push(
            *device,
            Timestamp::from_micros(*at),
            readings.iter().cloned(),
        );
    }
    frame.encode().expect("few readings")
}

fn model(rows: &[Pushed]) -> Model {
    let readings = rows.iter().flat_map(|(device, at, readings)| {
        readings
            .iter()
            .map(move |(metric, value)| ((*device, *metric, *at), value.clone()))
    });
    readings.collect()
}

fn each(bytes: &[u8]) -> Result<Model, FrameError> {
    let mut readings = Model::new();
    Frame::parse(bytes)?.each(|reading| {
        let key = (reading.device, reading.metric, reading.at.as_micros());
        readings.insert(key, reading.value.into_owned());
    })?;
    Ok(readings)
}

fn assert_identical(left: &Model, right: &Model) {
    assert!(left.keys().eq(right.keys()), "{left:?}\n{right:?}");
    for (key, value) in left {
        assert!(
            value.is_identical(&right[key]),
            "{key:?}: {value:?} or {:?}",
            right[key]
        );
    }
}

/// The frame with its checksum made good again.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Some((header, content)) = bytes.split_first_chunk_mut::<HEADER_BYTES>() {
        header[1..].copy_from_slice(&crc32fast::hash(content).to_le_bytes());
    }
    bytes
}

proptest! {
    #[test]
    fn a_frame_holds_each_reading_once_the_later_pushed(rows in rows()) {
        let (bytes, readings) = encoded(&rows);
        let model = model(&rows);
        prop_assert_eq!(readings as usize, model.len());
        prop_assert_eq!(Frame::parse(&bytes).expect("sound").readings(), readings);
        assert_identical(&each(&bytes).expect("sound"), &model);
    }

    #[test]
    fn a_series_is_read_alone(rows in rows(), other: (i32, i32)) {
        let (bytes, _) = encoded(&rows);
        let frame = Frame::parse(&bytes).expect("sound");
        let model = model(&rows);
        let mut keys: Vec<_> = model.keys().map(|&(device, metric, _)| (device, metric)).collect();
        keys.dedup();
        keys.push(other);
        for (device, metric) in keys {
            let mut series = Model::new();
            frame
                .series(device, metric, |at, value| {
                    let before = series.insert((device, metric, at.as_micros()), value.into_owned());
                    assert!(before.is_none(), "an instant came twice");
                })
                .expect("sound");
            let expected = model.range((device, metric, i64::MIN)..=(device, metric, i64::MAX));
            assert_identical(&series, &expected.map(|(key, value)| (*key, value.clone())).collect());
        }
    }

    #[test]
    fn the_latest_of_a_device_is_read_alone(rows in rows()) {
        let (bytes, _) = encoded(&rows);
        let frame = Frame::parse(&bytes).expect("sound");
        let device = rows.first().map_or(0, |row| row.0);
        let mut latest = BTreeMap::new();
        frame
            .device_latest(device, |metric, at, value| {
                let reading = (at.as_micros(), value.into_owned());
                let entry = latest.entry(metric).or_insert_with(|| reading.clone());
                if entry.0 < reading.0 {
                    *entry = reading;
                }
            })
            .expect("sound");
        let latest: Model =
            latest.into_iter().map(|(metric, (at, value))| ((device, metric, at), value)).collect();
        let of_device = model(&rows).into_iter().filter(|((of, _, _), _)| *of == device);
        let by_metric: BTreeMap<_, _> =
            of_device.map(|((_, metric, at), value)| (metric, (at, value))).collect();
        let expected: Model =
            by_metric.into_iter().map(|(metric, (at, value))| ((device, metric, at), value)).collect();
        assert_identical(&latest, &expected);
    }

    #[test]
    fn a_changed_frame_is_found_out(rows in rows(), place: prop::sample::Index, change in 1..=255_u8) {
        let (mut bytes, _) = encoded(&rows);
        *place.get_mut(&mut bytes) ^= change;
        prop_assert!(Frame::parse(&bytes).is_err());
    }

    #[test]
    fn a_cut_frame_is_found_out(rows in rows(), place: prop::sample::Index) {
        let (bytes, _) = encoded(&rows);
        prop_assert!(Frame::parse(&bytes[..place.index(bytes.len())]).is_err());
    }

    #[test]
    fn a_forged_frame_gives_readings_or_an_error(
        rows in rows(), place: prop::sample::Index, byte: u8, cut: prop::sample::Index,
    ) {
        let (mut bytes, _) = encoded(&rows);
        if bytes.len() > HEADER_BYTES {
            *place.get_mut(&mut bytes[HEADER_BYTES..]) = byte;
            let _ = each(&resealed(bytes.clone()));
            bytes.truncate(HEADER_BYTES + cut.index(bytes.len() - HEADER_BYTES));
            let _ = each(&resealed(bytes));
        }
    }
}

#[test]
fn an_unknown_version_is_named() {
    let (mut bytes, _) = encoded(&[]);
    bytes[0] = 9;
    assert_eq!(
        Frame::parse(&bytes).err(),
        Some(FrameError::UnknownVersion(9))
    );
    assert_eq!(Frame::parse(&[]).err(), Some(FrameError::Checksum));
}

#[test]
fn one_reading_of_each_of_many_devices_is_compact() {
    let rows: Vec<Pushed> = (0..1000)
        .map(|device| {
            let at = 1_700_000_000_000_000 + i64::from(device % 97) * 1_000;
            let value =
                |metric: i32| Value::Float(f64::from((device * 31 + metric * 17) % 4000) / 100.0);
            (
                device,
                at,
                (0..10).map(|metric| (metric, value(metric))).collect(),
            )
        })
        .collect();
    let (bytes, readings) = encoded(&rows);
    assert_eq!(readings, 10_000);
    assert!(bytes.len() < 20_000, "{} bytes", bytes.len());
}

#[test]
fn many_readings_of_one_device_are_compact() {
    let rows: Vec<Pushed> = (0..60)
        .map(|second| {
            let value =
                |metric: i32| Value::Float(f64::from(2000 + metric * 100 + second % 7) / 100.0);
            let at = 1_700_000_000_000_000 + i64::from(second) * 1_000_000;
            (
                7,
                at,
                (0..10).map(|metric| (metric, value(metric))).collect(),
            )
        })
        .collect();
    let (bytes, _) = encoded(&rows);
    assert!(bytes.len() < 600, "{} bytes", bytes.len());
}

#[test]
fn a_device_with_a_stuck_clock_does_not_slow_a_frame_down() {
    let mut frame = FrameRows::new();
    for number in 0..100_000 {
        frame.push(1, Timestamp::from_micros(5), [(1, Value::Int(number))]);
    }
    let (bytes, readings) = frame.encode().expect("within the bound");
    assert_eq!(readings, 1);
    let expected = Model::from([((1, 1, 5), Value::Int(99_999))]);
    assert_identical(&each(&bytes).expect("sound"), &expected);
}

#[test]
fn a_frame_takes_no_more_than_its_bound() {
    let mut frame = FrameRows::new();
    let at = Timestamp::from_micros(0);
    frame.push(
        1,
        at,
        (0..)
            .take(FRAME_READINGS_MAX + 1)
            .map(|metric| (metric, Value::Null)),
    );
    assert_eq!(frame.encode().err(), Some(FrameError::TooManyReadings));
}

/// Rows with a column of each codec: constant, integers, decimals, decimals with integers, floats,
/// booleans, texts, JSON, mixed.
fn rows_of_each_codec() -> Vec<Pushed> {
    let json = |text: &'static str| Value::Json(text.into());
    let text = |text: &'static str| Value::Text(text.into());
    let row = |second: i64, values: [Value<'static>; 9]| -> Pushed {
        (
            7,
            1_700_000_000_000_000 + second * 1_000_000,
            (1..).zip(values).collect(),
        )
    };
    vec![
        row(
            0,
            [
                text("acme"),
                Value::Int(3),
                Value::Float(21.5),
                Value::Int(4),
                Value::Float(0.1 + 0.2),
                Value::Bool(true),
                text("on"),
                json("[1]"),
                Value::Null,
            ],
        ),
        row(
            1,
            [
                text("acme"),
                Value::Int(-5),
                Value::Float(22.0),
                Value::Float(4.25),
                Value::Float(0.1),
                Value::Bool(false),
                text("off"),
                json("[]"),
                Value::Int(i64::MIN),
            ],
        ),
        row(
            2,
            [
                text("acme"),
                Value::Int(1 << 40),
                Value::Float(22.75),
                Value::Int(5),
                Value::Float(-0.0),
                Value::Bool(true),
                text("on"),
                json("[1]"),
                text("ä"),
            ],
        ),
    ]
}

/// Data outlives the code that wrote it.
#[test]
fn a_frame_of_version_1_reads_as_it_always_did() {
    let written = "01d9670e781b010902020202020202020203018e010e000600060080c49fd50c02240711090919020c0c1b\
        00040461636d65010106000f2900000000001a0000000002020200cc210700591f028200a00607800c190334333333\
        3333d33f9a9999999999b93f00000000000000800405050202036f6e6f6666000102060203025b315d5b5d00010207\
        000310010200000c0002ffffffffffffffffff0105000402c3a4";
    let byte = |place: usize| u8::from_str_radix(&written[place..place + 2], 16).expect("hex");
    let bytes: Vec<u8> = (0..written.len()).step_by(2).map(byte).collect();
    assert_identical(&each(&bytes).expect("sound"), &model(&rows_of_each_codec()));
}

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::telemetry::samples;

const SERIES: (i32, i32) = (3, 4);

fn frame(readings: &[(i64, Value<'static>)]) -> Vec<u8> {
    let mut rows = FrameRows::new();
    for (at, value) in readings {
        rows.push(
            SERIES.0,
            Timestamp::from_micros(*at),
            [(SERIES.1, value.clone()), (9, Value::Null)],
        );
        rows.push(8, Timestamp::from_micros(*at), [(SERIES.1, Value::Null)]);
    }
    rows.encode().expect("few readings").0
}

fn merged(frames: &[(i64, Vec<u8>)], window: (i64, i64)) -> Option<Series<'static>> {
    let mut merge = SeriesMerge::new();
    let window = (
        Timestamp::from_micros(window.0),
        Timestamp::from_micros(window.1),
    );
    for (rank, bytes) in frames {
        merge
            .add(*rank, &Frame::parse(bytes).expect("sound"), SERIES, window)
            .expect("sound");
    }
    merge.finish()
}

proptest! {
    #[test]
    fn each_instant_counts_once_the_last_arrived_in_whatever_order_frames_come(
        frames in vec(vec((0..20_i64, samples::any_value()), 0..10), 1..6).prop_shuffle(),
        from in -1..22_i64, to in -1..22_i64, order: prop::sample::Index,
    ) {
        let mut expected = BTreeMap::new();
        for readings in &frames {
            for (at, value) in readings.iter().filter(|(at, _)| (from..to).contains(at)) {
                expected.insert(*at, value.clone());
            }
        }
        let ranked = frames.iter().enumerate();
        let mut ranked: Vec<_> = ranked.map(|(rank, readings)| (rank as i64, frame(readings))).collect();
        let middle = order.index(ranked.len());
        ranked.rotate_left(middle);
        let series = merged(&ranked, (from, to));
        prop_assert_eq!(series.is_none(), expected.is_empty());
        let readings = series.map(|series| series.readings).unwrap_or_default();
        prop_assert_eq!(readings.len(), expected.len());
        for ((at, value), (expected_at, expected_value)) in readings.iter().zip(&expected) {
            prop_assert_eq!(at.as_micros(), *expected_at);
            prop_assert!(value.is_identical(expected_value));
        }
    }

    #[test]
    fn a_series_comes_back_from_its_bytes(values in samples::column(1..200), start: i32, step in 1..1000_i64) {
        let at = |place: usize| Timestamp::from_micros(i64::from(start) + step * place as i64);
        let readings = values.into_iter().enumerate().map(|(place, value)| (at(place), value));
        let series = Series { readings: readings.collect() };
        let bytes = series.encode().expect("few readings");
        let decoded = Series::decode(&bytes).expect("just encoded");
        prop_assert_eq!(decoded.readings.len(), series.readings.len());
        for (left, right) in series.readings.iter().zip(&decoded.readings) {
            prop_assert_eq!(left.0, right.0);
            prop_assert!(left.1.is_identical(&right.1));
        }
    }

    #[test]
    fn any_bytes_are_a_series_or_an_error(bytes: Vec<u8>) {
        let _ = Series::decode(&bytes);
    }
}

#[test]
fn a_window_is_half_open() {
    let frames = [(
        1,
        frame(&[(1, Value::Int(1)), (2, Value::Int(2)), (3, Value::Int(3))]),
    )];
    let instants = |window| -> Vec<i64> {
        let readings = merged(&frames, window)
            .map(|series| series.readings)
            .unwrap_or_default();
        readings.iter().map(|(at, _)| at.as_micros()).collect()
    };
    assert_eq!(instants((1, 3)), [1, 2]);
    assert_eq!(instants((3, 4)), [3]);
    assert!(instants((3, 3)).is_empty());
}

#[test]
fn a_series_of_several_frames_comes_back() {
    let readings =
        (0..CHUNK_READINGS as i64 + 5).map(|at| (Timestamp::from_micros(at), Value::Int(at)));
    let series = Series {
        readings: readings.collect(),
    };
    let bytes = series.encode().expect("two frames");
    assert_eq!(Series::decode(&bytes), Ok(series));
}

#[test]
fn a_series_out_of_order_is_corrupt() {
    let one = Series {
        readings: vec![(Timestamp::from_micros(5), Value::Null)],
    };
    let bytes = one.encode().expect("one frame").repeat(2);
    assert_eq!(
        Series::decode(&bytes),
        Err(SeriesError::Frame(FrameError::Layout))
    );
}

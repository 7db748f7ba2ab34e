use proptest::prelude::*;

use super::*;
use crate::telemetry::samples;

/// Runs of the lengths that `cuts` leave of `rows` rows.
fn runs_of(rows: usize, cuts: &[usize]) -> Vec<Run> {
    let mut starts: Vec<usize> = cuts.iter().map(|cut| cut % rows).chain([0]).collect();
    starts.sort_unstable();
    starts.dedup();
    let ends = starts.iter().skip(1).copied().chain([rows]);
    let runs = starts.iter().zip(ends).enumerate();
    runs.map(|(index, (&start, end))| Run { index, start, end })
        .collect()
}

fn encoded(values: &[Value<'_>], runs: &[Run]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let run_lens: Vec<usize> = runs.iter().map(|run| run.end - run.start).collect();
    encode(&mut bytes, &values.iter().collect::<Vec<_>>(), &run_lens);
    bytes
}

fn identical(left: &[Value<'_>], right: &[Value<'_>]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| left.is_identical(right))
}

/// The codec of values in one run, which come back.
fn codec_of(values: &[Value<'_>]) -> u8 {
    let run = Run {
        index: 0,
        start: 0,
        end: values.len(),
    };
    let bytes = encoded(values, &[run]);
    let column = Column::parse(&bytes, values.len(), 1).expect("just encoded");
    let read = values_of(&column.read(run).expect("sound"));
    assert!(identical(values, &read), "{values:?} came back as {read:?}");
    bytes[0]
}

fn values_of(cells: &Cells<'_>) -> Vec<Value<'static>> {
    (0..cells.len())
        .map(|place| cells.value(place).into_owned())
        .collect()
}

fn floats(numbers: &[f64]) -> Vec<Value<'static>> {
    numbers.iter().copied().map(Value::Float).collect()
}

proptest! {
    #[test]
    fn every_run_comes_back_to_the_last_bit(
        values in samples::column(1..300), cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let runs = runs_of(values.len(), &cuts);
        let bytes = encoded(&values, &runs);
        let column = Column::parse(&bytes, values.len(), runs.len()).expect("just encoded");
        for &run in &runs {
            let read = values_of(&column.read(run).expect("sound"));
            prop_assert!(identical(&values[run.start..run.end], &read));
        }
        let all = values_of(&column.read_all(&runs).expect("sound"));
        prop_assert!(identical(&values, &all));
    }

    #[test]
    fn a_changed_byte_gives_values_or_an_error(
        values in samples::column(1..100), place: prop::sample::Index, byte: u8, codec in 0..12_u8,
    ) {
        let run = Run { index: 0, start: 0, end: values.len() };
        let mut bytes = encoded(&values, &[run]);
        *place.get_mut(&mut bytes) = byte;
        for first in [bytes[0], codec] {
            bytes[0] = first;
            if let Ok(column) = Column::parse(&bytes, values.len(), 1) {
                let read = column.read(run).map_or(0, |cells| cells.len());
                prop_assert!(read <= values.len());
            }
        }
    }
}

proptest! {
    #[test]
    fn the_cells_of_one_device_come_back_to_the_last_bit(
        values in prop_oneof![
            samples::column(1..300),
            // Long runs of one value.
            samples::column(1..8).prop_map(|values| {
                values.into_iter().flat_map(|value| vec![value; 40]).collect()
            }),
        ],
        place: prop::sample::Index, byte: u8, codec in 0..12_u8,
    ) {
        let cells: Cells<'static> = values.iter().cloned().collect();
        let mut bytes = Vec::new();
        encode_cells(&mut bytes, &cells);
        let run = Run::whole(values.len());
        let column = Column::parse(&bytes, values.len(), 1).expect("just encoded");
        prop_assert!(identical(&values, &values_of(&column.read(run).expect("sound"))));

        let intact = bytes[0];
        *place.get_mut(&mut bytes) = byte;
        for first in [intact, codec] {
            bytes[0] = first;
            if let Ok(cells) = Column::parse(&bytes, values.len(), 1).and_then(|column| column.read(run)) {
                prop_assert!(cells.len() <= values.len());
            }
        }
    }
}

/// The codec of values that stay, in one run, and how many bytes they take.
fn codec_of_cells(values: Vec<Value<'static>>) -> (u8, usize) {
    let mut bytes = Vec::new();
    encode_cells(&mut bytes, &values.into_iter().collect());
    (bytes[0], bytes.len())
}

#[test]
fn a_state_that_seldom_changes_takes_next_to_nothing() {
    let states = ["idle", "running", "idle", "failed"];
    let texts = states
        .iter()
        .flat_map(|&state| vec![Value::Text(state.into()); 500])
        .collect();
    let (codec, bytes) = codec_of_cells(texts);
    assert_eq!(codec, REPEATS);
    assert!(bytes < 50, "{bytes} bytes for 2,000 states");
}

#[test]
fn floats_of_full_precision_are_compressed() {
    let wave = |step: i32| Value::Float((f64::from(step) / 100.0).sin());
    let (codec, bytes) = codec_of_cells((0..2000).map(wave).collect());
    assert_eq!(codec, COMPRESSED_FLOATS);
    assert!(bytes < 2000 * 7, "{bytes} bytes for 2,000 floats");
}

#[test]
fn each_kind_of_value_has_its_codec() {
    assert_eq!(codec_of(&floats(&[f64::NAN, f64::NAN])), CONSTANT);
    assert_eq!(
        codec_of(&[Value::Int(i64::MIN), Value::Int(i64::MAX), Value::Int(0)]),
        INTEGERS
    );
    assert_eq!(codec_of(&floats(&[21.37, -4.5, 0.0, 1e9])), DECIMALS);
    assert_eq!(codec_of(&floats(&[0.1, 0.2, 0.1 + 0.2])), FLOATS);
    assert_eq!(codec_of(&floats(&[1.5, f64::NAN, f64::INFINITY])), FLOATS);
    assert_eq!(codec_of(&floats(&[1.5, -0.0])), FLOATS);
    assert_eq!(codec_of(&[Value::Bool(true), Value::Bool(false)]), BOOLEANS);
    assert_eq!(
        codec_of(&[Value::Text("a".into()), Value::Text("b".into())]),
        TEXTS
    );
    assert_eq!(
        codec_of(&[Value::Json("[]".into()), Value::Json("[1]".into())]),
        JSON_TEXTS
    );
    assert_eq!(codec_of(&[Value::Null, Value::Text("b".into())]), MIXED);
}

#[test]
fn numbers_of_a_device_that_prints_whole_floats_as_integers_stay_decimals() {
    let printed_short = [Value::Float(21.5), Value::Int(22), Value::Float(22.5)];
    assert_eq!(codec_of(&printed_short), DECIMALS);
    let both_ways = [Value::Float(21.5), Value::Int(22), Value::Float(22.0)];
    assert_eq!(codec_of(&both_ways), MIXED);
    let beyond_float = [Value::Float(21.5), Value::Int((1 << 53) + 1)];
    assert_eq!(codec_of(&beyond_float), MIXED);
}

#[test]
fn a_sensor_with_two_decimals_takes_two_bytes_a_value() {
    let values: Vec<_> = (0..1000_i32)
        .map(|step| Value::Float(f64::from((step * 7919) % 10_000) / 100.0))
        .collect();
    let run = Run {
        index: 0,
        start: 0,
        end: values.len(),
    };
    assert!(encoded(&values, &[run]).len() < 2 * values.len());
}

#[test]
fn a_slow_counter_takes_a_bit_a_value() {
    let values: Vec<_> = (0..1000_i64)
        .map(|step| Value::Int(1_000_000 + step / 2))
        .collect();
    let run = Run {
        index: 0,
        start: 0,
        end: values.len(),
    };
    assert!(encoded(&values, &[run]).len() < 180);
}

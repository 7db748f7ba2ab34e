//! Strategies for property tests: values of every type, alike enough to meet every codec.

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;

use super::frame::FrameRows;
use super::value::Value;
use crate::time::Timestamp;

/// Device, instant in microseconds, and the readings of it.
pub(crate) type Row = (i32, i64, Vec<(i32, Value<'static>)>);

/// Where the instants of [`rows`] begin.
pub(crate) const ROWS_FROM_MICROS: i64 = 1_700_000_000_000_000;

/// Rows of few devices, metrics and instants, so that they often meet.
pub(crate) fn rows() -> impl Strategy<Value = Vec<Row>> {
    let steps = prop_oneof![Just(1_000), Just(3_600_000_000), Just(28_800_000_000)];
    let at = (0..40_i64, steps).prop_map(|(step, unit)| ROWS_FROM_MICROS + step * unit);
    let cells = vec((0..4_i32, any_value()), 1..5);
    vec((0..3_i32, at, cells), 1..30)
}

/// Rows as a frame.
pub(crate) fn frame(rows: &[Row]) -> Vec<u8> {
    let mut frame = FrameRows::new();
    for (device, at, cells) in rows {
        frame.push(*device, Timestamp::from_micros(*at), cells.clone());
    }
    frame.encode().expect("few readings").0
}

/// Any value whatever.
pub(crate) fn any_value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        decimal(),
        "\\PC{0,12}".prop_map(|text| Value::Text(Cow::Owned(text))),
        vec(any::<i32>(), 0..4)
            .prop_map(|numbers| Value::Json(Cow::Owned(format!("{numbers:?}").replace(' ', "")))),
    ]
}

/// A number as a sensor sends it: few digits, sometimes whole, sometimes an integer.
pub(crate) fn decimal() -> impl Strategy<Value = Value<'static>> {
    (-100_000..100_000_i64, 0..4_u32).prop_map(|(number, scale)| {
        let text = format!("{number}e-{scale}");
        Value::Float(text.parse().expect("a number"))
    })
}

/// The values of one column: of all types, or alike in one of the ways that have a codec.
pub(crate) fn column(
    len: impl Into<proptest::collection::SizeRange>,
) -> BoxedStrategy<Vec<Value<'static>>> {
    let len = len.into();
    let whole = |value: Value<'static>| match value {
        Value::Float(float) if float.fract() == 0.0 => Value::Int(float as i64),
        other => other,
    };
    let number = prop_oneof![decimal(), (-50..50_i64).prop_map(Value::Int)];
    let status = prop_oneof![Just("on"), Just("off"), Just("")]
        .prop_map(|text| Value::Text(Cow::Borrowed(text)));
    prop_oneof![
        vec(any_value(), len.clone()),
        vec(Just(Value::Float(21.5)), len.clone()),
        vec(any::<i64>().prop_map(Value::Int), len.clone()),
        vec((0..1000_i64).prop_map(Value::Int), len.clone()),
        vec(decimal(), len.clone()),
        vec(decimal().prop_map(whole), len.clone()),
        vec(number, len.clone()),
        vec(
            any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
            len.clone()
        ),
        vec(any::<bool>().prop_map(Value::Bool), len.clone()),
        vec(status, len.clone()),
        vec(prop_oneof![decimal(), Just(Value::Null)], len),
    ]
    .boxed()
}

//! Strategies for property tests: values of every type, alike enough to meet every codec.

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::prelude::*;

use super::value::Value;

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

use proptest::prelude::*;

use super::*;

fn statistics<'a>(values: &[Value<'a>]) -> Statistics<'a> {
    let mut statistics = Statistics::default();
    values.iter().for_each(|value| statistics.add(value));
    statistics
}

fn of_floats(numbers: &[f64]) -> Statistics<'static> {
    statistics(
        &numbers
            .iter()
            .copied()
            .map(Value::Float)
            .collect::<Vec<_>>(),
    )
}

#[test]
fn numbers_of_both_kinds_count_together() {
    let statistics = statistics(&[Value::Int(3), Value::Float(0.5), Value::Int(-1)]);
    assert_eq!(
        (statistics.count, statistics.min, statistics.max),
        (3, Some(-1.0), Some(3.0))
    );
    assert_eq!(
        (statistics.sum(), statistics.average()),
        (Some(2.5), Some(2.5 / 3.0))
    );
    assert_eq!(
        (statistics.first, statistics.last),
        (Some(Value::Int(3)), Some(Value::Int(-1)))
    );
}

#[test]
fn nulls_are_no_readings() {
    let statistics = statistics(&[Value::Null, Value::Int(4), Value::Null]);
    assert_eq!((statistics.count, statistics.average()), (1, Some(4.0)));
    assert_eq!(
        (statistics.first, statistics.last),
        (Some(Value::Int(4)), Some(Value::Int(4)))
    );
    assert_eq!(super::Statistics::default().sum(), None);
}

#[test]
fn texts_count_but_are_no_numbers() {
    let statistics = statistics(&[
        Value::Text("on".into()),
        Value::Int(4),
        Value::Json("[]".into()),
    ]);
    assert_eq!(
        (statistics.count, statistics.sum(), statistics.average()),
        (3, Some(4.0), Some(4.0))
    );
    assert_eq!(statistics.first, Some(Value::Text("on".into())));
    assert_eq!(statistics.last, Some(Value::Json("[]".into())));
}

#[test]
fn truth_counts_as_one() {
    let statistics = statistics(&[
        Value::Bool(true),
        Value::Bool(false),
        Value::Bool(true),
        Value::Bool(true),
    ]);
    assert_eq!(
        (statistics.sum(), statistics.average()),
        (Some(3.0), Some(0.75))
    );
}

#[test]
fn nan_is_greater_than_every_number_as_in_postgres() {
    for numbers in [
        [f64::NAN, 1.0, f64::INFINITY],
        [f64::INFINITY, f64::NAN, 1.0],
    ] {
        let statistics = of_floats(&numbers);
        assert_eq!(statistics.min, Some(1.0));
        assert!(statistics.max.is_some_and(f64::is_nan));
        assert!(statistics.sum().is_some_and(f64::is_nan));
        assert!(statistics.average().is_some_and(f64::is_nan));
    }
    assert!(of_floats(&[f64::NAN]).min.is_some_and(f64::is_nan));
}

#[test]
fn infinities_add_up_as_in_postgres() {
    assert_eq!(of_floats(&[f64::INFINITY, 1.0]).sum(), Some(f64::INFINITY));
    assert_eq!(
        of_floats(&[1.0, f64::NEG_INFINITY]).average(),
        Some(f64::NEG_INFINITY)
    );
    assert!(
        of_floats(&[f64::INFINITY, f64::NEG_INFINITY])
            .sum()
            .is_some_and(f64::is_nan)
    );
}

#[test]
fn a_sum_keeps_what_plain_adding_loses() {
    assert_eq!(of_floats(&[0.1; 10]).sum(), Some(1.0));
    assert_eq!(of_floats(&[1e16, 1.0, -1e16]).sum(), Some(1.0));
}

proptest! {
    #[test]
    fn a_sum_of_whole_numbers_is_exact_in_any_order(numbers in proptest::collection::vec(-(1_i64 << 40)..1 << 40, 1..50)) {
        let statistics = statistics(&numbers.iter().copied().map(Value::Int).collect::<Vec<_>>());
        let sum: i64 = numbers.iter().sum();
        prop_assert_eq!(statistics.sum(), Some(sum as f64));
        prop_assert_eq!(statistics.min, numbers.iter().min().map(|&least| least as f64));
        prop_assert_eq!(statistics.max, numbers.iter().max().map(|&most| most as f64));
        prop_assert_eq!(statistics.count, numbers.len() as u64);
    }
}

use proptest::prelude::*;

use super::*;
use crate::telemetry::samples;

fn statistics<'a>(values: &[Value<'a>]) -> Statistics<'a> {
    let mut statistics = Statistics::default();
    for (at, value) in (0..).map(Timestamp::from_micros).zip(values) {
        statistics.add(at, value);
    }
    statistics
}

fn value<'a>(reading: Option<(Timestamp, Value<'a>)>) -> Option<Value<'a>> {
    reading.map(|(_, value)| value)
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
        (value(statistics.first), value(statistics.last)),
        (Some(Value::Int(3)), Some(Value::Int(-1)))
    );
}

#[test]
fn nulls_are_no_readings() {
    let statistics = statistics(&[Value::Null, Value::Int(4), Value::Null]);
    assert_eq!((statistics.count, statistics.average()), (1, Some(4.0)));
    assert_eq!(
        (value(statistics.first), value(statistics.last)),
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
    assert_eq!(value(statistics.first), Some(Value::Text("on".into())));
    assert_eq!(value(statistics.last), Some(Value::Json("[]".into())));
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

    #[test]
    fn parts_come_to_the_same_in_whatever_order_and_form_they_are_added(
        values in samples::column(1..60), cuts in proptest::collection::vec(any::<usize>(), 0..5), backwards: bool,
    ) {
        let whole = statistics(&values);
        let ats: Vec<Timestamp> = (0..values.len() as i64).map(Timestamp::from_micros).collect();
        let cells: Cells<'static> = values.iter().cloned().collect();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % values.len()).chain([0, values.len()]).collect();
        ends.sort_unstable();
        let mut parts: Vec<_> = ends.windows(2).map(|ends| ends[0]..ends[1]).collect();
        if backwards {
            parts.reverse();
        }
        let mut merged = Statistics::default();
        for range in parts {
            let mut part = Statistics::default();
            part.add_cells(&ats, &cells, range, true);
            merged.merge(&part);
        }
        prop_assert_eq!((merged.count, merged.numbers), (whole.count, whole.numbers));
        let bits = |number: Option<f64>| number.map(|number| if number.is_nan() { u64::MAX } else { (number + 0.0).to_bits() });
        prop_assert_eq!((bits(merged.min), bits(merged.max)), (bits(whole.min), bits(whole.max)));
        let same = |left: &Option<(Timestamp, Value<'_>)>, right: &Option<(Timestamp, Value<'_>)>| match (left, right) {
            (Some((at, left)), Some((other_at, right))) => at == other_at && left.is_identical(right),
            (None, None) => true,
            _ => false,
        };
        prop_assert!(same(&merged.first, &whole.first) && same(&merged.last, &whole.last));
        // Sums of numbers of every size agree as far as their largest leaves digits.
        let largest = values.iter().filter_map(Value::as_number).fold(0.0_f64, |most, number| most.max(number.abs()));
        match (merged.sum(), whole.sum()) {
            (Some(sum), Some(expected)) if expected.is_finite() && largest < 1e290 => {
                prop_assert!((sum - expected).abs() <= largest * 1e-12, "{} is not {}", sum, expected);
            }
            (sum, expected) => prop_assert_eq!(sum.is_some(), expected.is_some()),
        }
    }
}

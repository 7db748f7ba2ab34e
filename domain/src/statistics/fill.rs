//! Decides what stands where a reading is missing.

use crate::time::Timestamp;

/// Fills each gap with the value before it; before the first value there is nothing.
pub fn previous<T: Clone>(values: &mut [Option<T>]) {
    let mut last = None;
    for value in values {
        if value.is_some() {
            last.clone_from(value);
        } else {
            value.clone_from(&last);
        }
    }
}

/// Fills each gap from the straight line between the values around it; before the first value and
/// after the last there is nothing. `points` are in the order of time.
pub fn linear(points: &mut [(Timestamp, Option<f64>)]) {
    let mut last: Option<(usize, (Timestamp, f64))> = None;
    for place in 0..points.len() {
        let Some(&(at, Some(value))) = points.get(place) else {
            continue;
        };
        if let Some((before, from)) = last {
            let gap = points.get_mut(before + 1..place).unwrap_or_default();
            for (between, filled) in gap {
                *filled = Some(on_line(from, (at, value), *between));
            }
        }
        last = Some((place, (at, value)));
    }
}

/// The value at `at` of the straight line through two points, exactly theirs at their times.
/// Of two points of one instant the line is level at the first. Towards a value that is not finite
/// there is no line: the answer is NaN, as it is towards NaN.
#[must_use]
pub fn on_line(from: (Timestamp, f64), to: (Timestamp, f64), at: Timestamp) -> f64 {
    if at == from.0 {
        return from.1;
    }
    if at == to.0 {
        return to.1;
    }
    let (whole, part) = (micros_between(from.0, to.0), micros_between(from.0, at));
    if whole == 0.0 {
        return from.1;
    }
    let share = part / whole;
    // Weighing both ends stays in range where their difference would not.
    from.1 * (1.0 - share) + to.1 * share
}

/// Microseconds from one instant to another, negative when it is earlier.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to 285 years, and beyond to 53 bits"
)]
pub(super) fn micros_between(from: Timestamp, to: Timestamp) -> f64 {
    (i128::from(to.as_micros()) - i128::from(from.as_micros())) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    proptest! {
        #[test]
        fn previous_is_the_latest_value_so_far(values in prop::collection::vec(any::<Option<i32>>(), 0..50)) {
            let mut filled = values.clone();
            previous(&mut filled);
            for (place, value) in filled.into_iter().enumerate() {
                prop_assert_eq!(value, values[..=place].iter().rev().find_map(|&value| value));
            }
        }

        #[test]
        fn linear_is_on_the_line_between_the_neighbours(
            values in prop::collection::vec(prop::option::of(-1e6..1e6), 0..50),
            steps in prop::collection::vec(1..1_000_000_i64, 50),
        ) {
            let mut micros = 0;
            let points: Vec<(Timestamp, Option<f64>)> = values.iter().zip(steps).map(|(&value, step)| {
                micros += step;
                (at(micros), value)
            }).collect();
            let mut filled = points.clone();
            linear(&mut filled);
            for (place, &(time, value)) in filled.iter().enumerate() {
                let known = |&(at, value): &(Timestamp, Option<f64>)| value.map(|value| (at.as_micros() as f64, value));
                let before = points[..=place].iter().rev().find_map(known);
                let after = points[place..].iter().find_map(known);
                let expected = match (before, after) {
                    (Some((_, value)), Some((x, _))) if x == time.as_micros() as f64 => Some(value),
                    (Some((x0, y0)), Some((x1, y1))) => {
                        Some(y0 + (y1 - y0) * (time.as_micros() as f64 - x0) / (x1 - x0))
                    }
                    _ => None,
                };
                match (value, expected) {
                    (Some(value), Some(expected)) => prop_assert!((value - expected).abs() <= 1e-6),
                    (value, expected) => prop_assert_eq!(value, expected),
                }
            }
        }
    }

    #[test]
    fn a_line_between_the_ends_of_the_range_stays_in_range() {
        let middle = on_line((at(0), -f64::MAX), (at(2), f64::MAX), at(1));
        assert!(middle.abs() < 1.0);
        assert_eq!(
            on_line((at(i64::MIN), 1.0), (at(i64::MAX), 1.0), at(0)),
            1.0
        );
        assert!(on_line((at(0), f64::NAN), (at(2), 1.0), at(1)).is_nan());
    }
}

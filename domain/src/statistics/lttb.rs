//! Decides which points of a series a chart needs in order to look the same.
//!
//! Largest-Triangle-Three-Buckets: Sveinn Steinarsson, "Downsampling Time Series for Visual
//! Representation", University of Iceland, 2013, section 4.2. The points between the first and
//! the last are divided into buckets of equal count; of each bucket that point is kept which forms
//! the largest triangle with the point kept before and the average of the bucket after.
//!
//! A value that is not finite forms no triangle: it is kept only as the first or the last point,
//! or as the first of a bucket that holds no finite value, so that a gap stays one.

use std::ops::Range;

use crate::time::Timestamp;

/// A point of a chart, its time counted from another point.
#[derive(Clone, Copy, Debug)]
struct Point {
    micros: f64,
    value: f64,
}

/// The places of the points to keep, ascending: at most `max_points`, the first and the last among
/// them. `points` are in the order of time. All are kept when they are no more than that; of one
/// point to keep, it is the first.
#[must_use]
pub fn lttb(points: &[(Timestamp, f64)], max_points: usize) -> Vec<usize> {
    if points.len() <= max_points {
        return (0..points.len()).collect();
    }
    if max_points < 3 {
        let ends = [0, points.len() - 1];
        return ends.into_iter().take(max_points).collect();
    }
    let (inner, buckets) = (points.len() - 2, max_points - 2);
    let bound = |bucket: usize| 1 + scaled(bucket, inner, buckets);
    let mut kept = Vec::with_capacity(max_points);
    let mut before = 0;
    kept.push(before);
    for bucket in 0..buckets {
        let after_end = if bucket + 1 == buckets {
            points.len()
        } else {
            bound(bucket + 2)
        };
        let after = bound(bucket + 1)..after_end;
        before = largest(points, before, bound(bucket)..bound(bucket + 1), after);
        kept.push(before);
    }
    kept.push(points.len() - 1);
    kept
}

/// `part * whole / parts`, which never exceeds `whole`.
fn scaled(part: usize, whole: usize, parts: usize) -> usize {
    let scaled = part as u128 * whole as u128 / parts as u128;
    usize::try_from(scaled).unwrap_or(whole)
}

/// The point of the bucket with the largest triangle.
fn largest(
    points: &[(Timestamp, f64)],
    before: usize,
    bucket: Range<usize>,
    after: Range<usize>,
) -> usize {
    let Some(&(anchor_at, anchor)) = points.get(before) else {
        return bucket.start;
    };
    let mut after = average(points.get(after).unwrap_or_default(), anchor_at);
    if !after.value.is_finite() {
        after.value = if anchor.is_finite() { anchor } else { 0.0 };
    }
    let anchor = if anchor.is_finite() {
        anchor
    } else {
        after.value
    };
    let (mut best, mut best_area) = (bucket.start, -1.0);
    for (place, &(at, value)) in points
        .iter()
        .enumerate()
        .take(bucket.end)
        .skip(bucket.start)
    {
        if !value.is_finite() {
            continue;
        }
        let micros = micros_between(anchor_at, at);
        let area = (after.micros * (value - anchor) - micros * (after.value - anchor)).abs();
        // An area beyond the range of floats is not compared; the first finite point stands.
        if best_area < 0.0 || area > best_area {
            (best, best_area) = (place, area.max(0.0));
        }
    }
    best
}

/// The average time, and the average of the finite values: NaN when there is none.
fn average(points: &[(Timestamp, f64)], from: Timestamp) -> Point {
    let (mut micros, mut sum, mut finite) = (0.0, 0.0, 0_usize);
    for &(at, value) in points {
        micros += micros_between(from, at);
        if value.is_finite() {
            sum += value;
            finite += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 points")]
    Point {
        micros: micros / points.len().max(1) as f64,
        value: if finite > 0 {
            sum / finite as f64
        } else {
            f64::NAN
        },
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a chart does not show the 53rd bit"
)]
fn micros_between(from: Timestamp, to: Timestamp) -> f64 {
    to.as_micros().wrapping_sub(from.as_micros()) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(values: &[f64]) -> Vec<(Timestamp, f64)> {
        let values = values.iter().enumerate();
        values
            .map(|(place, &value)| (Timestamp::from_micros(1_000_000 * place as i64), value))
            .collect()
    }

    /// The paper's procedure, word by word, on floats.
    fn as_in_the_paper(points: &[(Timestamp, f64)], threshold: usize) -> Vec<usize> {
        let x = |place: usize| points[place].0.as_micros() as f64;
        let y = |place: usize| points[place].1;
        let every = (points.len() - 2) as f64 / (threshold - 2) as f64;
        let (mut kept, mut a) = (vec![0], 0);
        for bucket in 0..threshold - 2 {
            let start = (bucket as f64 * every + 1e-9).floor() as usize + 1;
            let next = ((bucket + 1) as f64 * every + 1e-9).floor() as usize + 1;
            let end = (((bucket + 2) as f64 * every + 1e-9).floor() as usize + 1).min(points.len());
            let count = (end - next) as f64;
            let average_x = (next..end).map(x).sum::<f64>() / count;
            let average_y = (next..end).map(y).sum::<f64>() / count;
            let area = |b: usize| {
                ((x(a) - average_x) * (y(b) - y(a)) - (x(a) - x(b)) * (average_y - y(a))).abs()
                    / 2.0
            };
            let mut best = start;
            for b in start..next {
                if area(b) > area(best) {
                    best = b;
                }
            }
            kept.push(best);
            a = best;
        }
        kept.push(points.len() - 1);
        kept
    }

    proptest! {
        #[test]
        fn it_keeps_what_the_paper_keeps(
            values in prop::collection::vec(-1000..1000_i32, 4..200), threshold in 3..50_usize,
        ) {
            let values: Vec<_> = values.iter().map(|&value| f64::from(value)).collect();
            let points = points(&values);
            prop_assume!(threshold < points.len());
            prop_assert_eq!(lttb(&points, threshold), as_in_the_paper(&points, threshold));
        }

        #[test]
        fn whatever_the_values_the_ends_stay_and_no_more_than_asked(
            values in prop::collection::vec(any::<f64>(), 0..100), max_points in 0..120_usize,
            times in prop::collection::vec(any::<i64>(), 100),
        ) {
            let mut points: Vec<_> = values.iter().zip(times)
                .map(|(&value, micros)| (Timestamp::from_micros(micros), value)).collect();
            points.sort_by_key(|&(at, _)| at);
            let kept = lttb(&points, max_points);
            prop_assert_eq!(kept.len(), points.len().min(max_points));
            prop_assert!(kept.is_sorted_by(|left, right| left < right));
            prop_assert!(kept.iter().all(|&place| place < points.len()));
            if kept.len() >= 2 {
                prop_assert_eq!(kept.first(), Some(&0));
                prop_assert_eq!(kept.last(), Some(&(points.len() - 1)));
            }
        }
    }

    #[test]
    fn a_value_that_is_not_finite_stays_only_where_nothing_else_is() {
        let nan = f64::NAN;
        let one_in_each = points(&[0.0, nan, 1.0, f64::INFINITY, 2.0, 0.0]);
        assert_eq!(lttb(&one_in_each, 4), [0, 2, 4, 5]);
        let none_in_the_first = points(&[0.0, nan, nan, 5.0, 2.0, 0.0]);
        assert_eq!(lttb(&none_in_the_first, 4), [0, 1, 3, 5]);
        let ends = points(&[nan, 1.0, 9.0, 1.0, nan]);
        assert_eq!(lttb(&ends, 3), [0, 2, 4]);
    }

    #[test]
    fn a_peak_survives() {
        let mut values = [0.0; 1000];
        values[617] = 5.0;
        assert!(lttb(&points(&values), 10).contains(&617));
    }
}

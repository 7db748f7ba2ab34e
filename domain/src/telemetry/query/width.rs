//! Decides how wide the buckets of a chart are when only its points are limited.

use super::{QueryError, Range, points_of};

const SECOND: i64 = 1_000_000;
const DAY_MICROS: i64 = 24 * 3600 * SECOND;

/// Widths that people read from an axis, ascending: months, days, microseconds, and the shortest
/// time that one takes.
const WIDTHS: [(i32, i32, i64); 32] = [
    (0, 0, 1_000),
    (0, 0, 2_000),
    (0, 0, 5_000),
    (0, 0, 10_000),
    (0, 0, 20_000),
    (0, 0, 50_000),
    (0, 0, 100_000),
    (0, 0, 200_000),
    (0, 0, 500_000),
    (0, 0, SECOND),
    (0, 0, 2 * SECOND),
    (0, 0, 5 * SECOND),
    (0, 0, 10 * SECOND),
    (0, 0, 15 * SECOND),
    (0, 0, 30 * SECOND),
    (0, 0, 60 * SECOND),
    (0, 0, 120 * SECOND),
    (0, 0, 300 * SECOND),
    (0, 0, 600 * SECOND),
    (0, 0, 900 * SECOND),
    (0, 0, 1800 * SECOND),
    (0, 0, 3600 * SECOND),
    (0, 0, 2 * 3600 * SECOND),
    (0, 0, 3 * 3600 * SECOND),
    (0, 0, 6 * 3600 * SECOND),
    (0, 0, 12 * 3600 * SECOND),
    (0, 1, 0),
    (0, 7, 0),
    (1, 0, 0),
    (3, 0, 0),
    (12, 0, 0),
    (120, 0, 0),
];

/// How wide buckets are where neither width nor points are given: what a chart shows well.
const POINTS_MAX_DEFAULT: usize = 500;

/// The width of buckets, as months, days and microseconds: the given one, or the narrowest of those
/// that people read from an axis that divides the range into at most `points_max` buckets.
///
/// # Errors
/// [`QueryError::WidthGivenTwice`] when both are given, [`QueryError::PointsInvalid`] when that is
/// no point, [`QueryError::TooManyBuckets`] when even decades are too many.
pub fn width_of(
    range: Range,
    width: Option<(i32, i32, i64)>,
    points_max: Option<usize>,
) -> Result<(i32, i32, i64), QueryError> {
    let points_max = match (width, points_of(points_max)?) {
        (Some(_), Some(_)) => return Err(QueryError::WidthGivenTwice),
        (Some(width), None) => return Ok(width),
        (None, points_max) => points_max.unwrap_or(POINTS_MAX_DEFAULT),
    };
    WIDTHS
        .into_iter()
        .find(|&width| most_buckets(range, width) <= points_max as i128)
        .ok_or(QueryError::TooManyBuckets)
}

/// How many buckets a range of microseconds may touch: days have 23 hours at least, months 28 days.
pub(super) fn most_buckets(range: Range, (months, days, micros): (i32, i32, i64)) -> i128 {
    let shortest = i128::from(months) * 28 * i128::from(DAY_MICROS)
        + i128::from(days) * i128::from(DAY_MICROS * 23 / 24)
        + i128::from(micros);
    if shortest <= 0 {
        return i128::MAX;
    }
    (range.micros() - 1).max(0) / shortest + 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn seconds(seconds: i64) -> Range {
        let at = Timestamp::from_micros;
        Range::of(Some(at(0)), Some(at(seconds * SECOND))).expect("a range")
    }

    fn width(range_seconds: i64, points_max: usize) -> (i32, i32, i64) {
        width_of(seconds(range_seconds), None, Some(points_max)).expect("few")
    }

    #[test]
    fn a_chart_gets_the_narrowest_width_that_fits() {
        assert_eq!(width(3600, 100), (0, 0, 60 * SECOND));
        assert_eq!(width(3600, 61), (0, 0, 60 * SECOND));
        assert_eq!(width(3600, 60), (0, 0, 120 * SECOND));
        assert_eq!(width(365 * 86_400, 400), (0, 1, 0));
        assert_eq!(width(365 * 86_400, 20), (1, 0, 0));
        assert_eq!(width(10, 10_000_000), (0, 0, 1000));
        assert_eq!(width_of(seconds(3600), None, None), Ok((0, 0, 10 * SECOND)));
    }

    #[test]
    fn a_width_stands_as_it_is_given_and_once() {
        assert_eq!(width_of(seconds(1), Some((0, 7, 0)), None), Ok((0, 7, 0)));
        let twice = width_of(seconds(1), Some((0, 7, 0)), Some(9));
        assert_eq!(twice, Err(QueryError::WidthGivenTwice));
        assert_eq!(
            width_of(seconds(1), None, Some(0)),
            Err(QueryError::PointsInvalid)
        );
        // A range may touch two buckets of any width.
        assert_eq!(
            width_of(seconds(1), None, Some(1)),
            Err(QueryError::TooManyBuckets)
        );
    }
}

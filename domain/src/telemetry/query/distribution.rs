//! Decides what the spread of some numbers is: standard deviation and percentiles.

use super::Aggregates;

/// Numbers of which all are kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Distribution {
    numbers: Vec<f64>,
}

/// The spread of numbers, as far as it is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Spread {
    /// Standard deviation of the sample; of a single number there is none.
    pub(super) deviation: Option<f64>,
    /// The percentiles.
    pub(super) percentiles: [Option<f64>; 4],
}

/// The percentiles that can be asked for, ascending.
const FRACTIONS: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)];

impl Distribution {
    pub(super) fn push(&mut self, number: f64) {
        self.numbers.push(number);
    }

    /// The spread; without a number there is none. NaN is greater than every other number.
    pub(super) fn spread(mut self, aggregates: Aggregates) -> Spread {
        if self.numbers.is_empty() {
            return Spread::default();
        }
        let deviation = if aggregates.asks("stddev") {
            self.deviation()
        } else {
            None
        };
        let mut done = 0;
        let percentiles = FRACTIONS.map(|(name, fraction)| {
            let asked = aggregates.asks(name);
            asked.then(|| percentile(&mut self.numbers, &mut done, fraction))
        });
        Spread {
            deviation,
            percentiles,
        }
    }

    /// In two passes, which loses least.
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^53 readings")]
    fn deviation(&self) -> Option<f64> {
        let count = self.numbers.len() as f64;
        let mean = self.numbers.iter().sum::<f64>() / count;
        let squares: f64 = self
            .numbers
            .iter()
            .map(|number| (number - mean).powi(2))
            .sum();
        (self.numbers.len() > 1).then(|| (squares / (count - 1.0)).sqrt())
    }
}

/// The percentile as Postgres' `percentile_cont`: on the line between the two nearest ranks. What
/// stands before `done` is in place already.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks are places in memory"
)]
fn percentile(numbers: &mut [f64], done: &mut usize, fraction: f64) -> f64 {
    let rank = fraction * (numbers.len() - 1) as f64;
    let below = rank.floor() as usize;
    let start = *done;
    let (_, &mut low, above) =
        numbers[start..].select_nth_unstable_by(below - start, |left, right| order(*left, *right));
    *done = below;
    let share = rank - rank.floor();
    let high = above
        .iter()
        .copied()
        .min_by(|left, right| order(*left, *right));
    match high {
        Some(high) if share > 0.0 => low + share * (high - low),
        _ => low,
    }
}

fn order(left: f64, right: f64) -> std::cmp::Ordering {
    left.partial_cmp(&right)
        .unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all() -> Aggregates {
        Aggregates::named(Aggregates::NAMES).expect("all")
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_sorted_numbers(numbers in proptest::collection::vec(-1e6..1e6, 1..200)) {
            let mut distribution = Distribution::default();
            numbers.iter().for_each(|&number| distribution.push(number));
            let spread = distribution.spread(all());
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            for ((_, fraction), percentile) in FRACTIONS.into_iter().zip(spread.percentiles) {
                let percentile = percentile.expect("asked");
                let rank = fraction * (sorted.len() - 1) as f64;
                let (low, high) = (sorted[rank.floor() as usize], sorted[rank.ceil() as usize]);
                prop_assert!((low + rank.fract() * (high - low) - percentile).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn nan_is_greater_than_every_other_number() {
        let mut distribution = Distribution::default();
        [f64::NAN, 1.0, 2.0]
            .into_iter()
            .for_each(|number| distribution.push(number));
        let spread = distribution.spread(all());
        assert_eq!(spread.percentiles[0], Some(2.0));
        assert!(spread.percentiles[3].is_some_and(f64::is_nan));
    }
}

//! Counts durations and sizes in buckets, for Prometheus and for summaries on the terminal.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Each power of two is divided into so many buckets: a quantile is right to 1/16.
const STEPS: u64 = 16;

/// Buckets for everything that a `u64` holds.
const BUCKETS: usize = (64 * STEPS) as usize;

/// How often which value was seen. Values are whole numbers: microseconds, readings.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = (0..BUCKETS).map(|_| AtomicU64::new(0)).collect();
        Self {
            buckets,
            sum: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Counts a value.
    pub fn record(&self, value: u64) {
        if let Some(bucket) = self.buckets.get(bucket_of(value)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// How many values were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .sum()
    }

    /// The value that a share `part` (0..=1) of those counted do not exceed; 0 when there is none.
    #[must_use]
    pub fn quantile(&self, part: f64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            clippy::cast_possible_truncation
        )]
        let wanted = (self.count() as f64 * part).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (place, bucket) in self.buckets.iter().enumerate() {
            seen += bucket.load(Ordering::Relaxed);
            if seen >= wanted {
                return end_of(place);
            }
        }
        0
    }

    /// Appends the histogram in Prometheus' text format with upper limits `limits`, in the units
    /// that were counted; values are divided by `unit` to become what the name says.
    pub fn write_prometheus(&self, text: &mut String, name: &str, limits: &[u64], unit: f64) {
        let mut place = 0;
        let mut seen = 0;
        #[expect(clippy::cast_precision_loss, reason = "limits are small")]
        let scaled = |value: u64| value as f64 / unit;
        for &limit in limits {
            while place < BUCKETS && end_of(place) <= limit {
                seen += self.buckets[place].load(Ordering::Relaxed);
                place += 1;
            }
            let _ = writeln!(text, "{name}_bucket{{le=\"{}\"}} {seen}", scaled(limit));
        }
        let count = self.count();
        let sum = scaled(self.sum.load(Ordering::Relaxed));
        let _ = writeln!(text, "{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "{name}_sum {sum}\n{name}_count {count}");
    }
}

/// Values below 16 have a bucket each; above, the four bits behind the highest one choose it.
fn bucket_of(value: u64) -> usize {
    if value < STEPS {
        return value as usize;
    }
    let shift = u64::from(value.ilog2()) - u64::from(STEPS.ilog2());
    (shift * STEPS + (value >> shift)) as usize
}

/// The largest value in a bucket.
fn end_of(place: usize) -> u64 {
    let place = place as u64;
    if place < STEPS {
        return place;
    }
    let shift = place / STEPS - 1;
    let first = place - shift * STEPS;
    first
        .checked_shl(shift as u32)
        .map_or(u64::MAX, |start| start + ((1 << shift) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket() {
        let mut values = vec![0, 1, 15, 16, 17, 31, 32, 33, 1000, u64::MAX / 2, u64::MAX];
        values.extend((0..64).map(|bit| 1_u64 << bit));
        for value in values {
            let place = bucket_of(value);
            assert!(place < BUCKETS, "{value}");
            assert!(end_of(place) >= value, "{value}");
            assert!(place == 0 || end_of(place - 1) < value, "{value}");
        }
    }

    #[test]
    fn quantiles_are_right_to_a_sixteenth() {
        let histogram = Histogram::default();
        (1..=1000).for_each(|value| histogram.record(value));
        assert_eq!(histogram.count(), 1000);
        for (part, exact) in [(0.5, 500), (0.99, 990), (1.0, 1000)] {
            let value = histogram.quantile(part);
            assert!(
                value >= exact && value <= exact + exact / 16 + 1,
                "{part}: {value}"
            );
        }
        assert_eq!(Histogram::default().quantile(0.5), 0);
    }

    #[test]
    fn prometheus_buckets_add_up() {
        let histogram = Histogram::default();
        for value in [500, 1500, 2_000_000] {
            histogram.record(value);
        }
        let mut text = String::new();
        histogram.write_prometheus(&mut text, "x_seconds", &[1_000, 1_000_000], 1e6);
        let expected = "x_seconds_bucket{le=\"0.001\"} 1\nx_seconds_bucket{le=\"1\"} 2\n\
            x_seconds_bucket{le=\"+Inf\"} 3\nx_seconds_sum 2.002\nx_seconds_count 3\n";
        assert_eq!(text, expected);
    }
}

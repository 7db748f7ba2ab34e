//! Counts what the simulated devices achieve, and says so.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::options::SimulateOptions;

/// A longer latency counts as this one: no more is told apart, and memory stays bounded.
const LATENCY_MAX: Duration = Duration::from_secs(3600);

/// Quantiles are right to a percent.
const LATENCY_DIGITS: u8 = 2;

/// What all connections together have done.
#[derive(Debug, Default)]
pub struct Tally {
    /// Messages published, each counted once however often it was sent.
    pub published: AtomicU64,
    /// Messages that the broker took over.
    pub confirmed: AtomicU64,
    /// Messages that the broker took and dropped, because nobody subscribes to them.
    pub unheard: AtomicU64,
    /// Messages that the broker refused.
    pub refused: AtomicU64,
    /// Connections that broke and were made again.
    pub reconnects: AtomicU64,
    /// From publishing to the broker's confirmation.
    pub latencies: Latencies,
}

/// How often which latency was seen, in microseconds.
#[derive(Debug)]
pub struct Latencies(Mutex<Histogram<u64>>);

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_max(micros(LATENCY_MAX), LATENCY_DIGITS);
        Self(Mutex::new(
            histogram.expect("invariant: the limits are constants that fit"),
        ))
    }
}

impl Latencies {
    /// Counts a latency.
    pub fn record(&self, latency: Duration) {
        if let Ok(mut histogram) = self.0.lock() {
            histogram.saturating_record(micros(latency));
        }
    }

    /// The milliseconds that a share `part` (0..=1) of latencies do not exceed; 0 when there is
    /// none.
    #[expect(clippy::cast_precision_loss, reason = "a latency for people")]
    fn quantile_ms(&self, part: f64) -> f64 {
        let histogram = self.0.lock();
        histogram.map_or(0, |histogram| histogram.value_at_quantile(part)) as f64 / 1e3
    }
}

impl Tally {
    /// Prints the summary on standard output.
    pub fn print(&self, elapsed: Duration, as_json: bool) {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (published, confirmed) = (count(&self.published), count(&self.confirmed));
        let (unheard, refused) = (count(&self.unheard), count(&self.refused));
        let reconnects = count(&self.reconnects);
        let seconds = elapsed.as_secs_f64();
        let rate = per_second(confirmed, seconds);
        let latency = |part: f64| self.latencies.quantile_ms(part);
        let (p50, p99, max) = (latency(0.5), latency(0.99), latency(1.0));
        if as_json {
            let summary = json!({
                "published": published, "confirmed": confirmed, "unheard": unheard, "refused": refused,
                "reconnects": reconnects, "seconds": seconds, "confirmed_per_s": rate,
                "latency_ms_p50": p50, "latency_ms_p99": p99, "latency_ms_max": max,
            });
            println!("{summary}");
            return;
        }
        println!(
            "{confirmed} of {published} messages confirmed in {seconds:.1} s: {rate:.0} a second"
        );
        println!(
            "confirmation took {p50:.1} ms (median), {p99:.1} ms (p99), {max:.1} ms (longest)"
        );
        println!("{unheard} without a subscriber, {refused} refused, {reconnects} reconnects");
    }
}

impl Tally {
    /// How many messages the broker neither took over nor dropped nor refused.
    #[must_use]
    pub fn unanswered(&self) -> u64 {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let answered = count(&self.confirmed) + count(&self.unheard) + count(&self.refused);
        count(&self.published).saturating_sub(answered)
    }
}

/// One line on the terminal that changes every second; nothing where there is no terminal.
pub struct Progress {
    bar: ProgressBar,
    confirmed_before: u64,
}

impl Progress {
    /// A line for this simulation.
    pub fn new(options: &SimulateOptions) -> Self {
        let bar = match options.messages {
            Some(messages) => ProgressBar::new(messages),
            None => ProgressBar::new_spinner(),
        };
        let template = match options.messages {
            Some(_) => "{bar:30} {pos}/{len} confirmed, {msg}, {eta} left",
            None => "{spinner} {pos} confirmed, {msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self {
            bar,
            confirmed_before: 0,
        }
    }

    /// Brings the line up to date; once a second.
    pub fn show(&mut self, tally: &Tally) {
        let confirmed = tally.confirmed.load(Ordering::Relaxed);
        let waiting = tally
            .published
            .load(Ordering::Relaxed)
            .saturating_sub(confirmed);
        let rate = confirmed - self.confirmed_before;
        self.confirmed_before = confirmed;
        let p99 = tally.latencies.quantile_ms(0.99);
        self.bar
            .set_message(format!("{rate}/s, {waiting} waiting, p99 {p99:.1} ms"));
        self.bar.set_position(confirmed);
    }

    /// Takes the line away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn per_second(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 {
        count as f64 / seconds
    } else {
        0.0
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_percent() {
        let latencies = Latencies::default();
        assert!(latencies.quantile_ms(0.5).abs() < f64::EPSILON);
        (1..=1000).for_each(|millis| latencies.record(Duration::from_millis(millis)));
        for (part, exact) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1000.0)] {
            let found = latencies.quantile_ms(part);
            assert!((found / exact - 1.0).abs() < 0.01, "{part}: {found}");
        }
    }

    #[test]
    fn a_latency_past_the_limit_counts_as_the_limit() {
        let latencies = Latencies::default();
        latencies.record(Duration::MAX);
        let found = latencies.quantile_ms(1.0);
        assert!((found / 3.6e6 - 1.0).abs() < 0.01, "{found}");
    }
}

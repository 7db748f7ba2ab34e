//! Counts what the simulated devices achieve, and says so.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::options::SimulateOptions;
use crate::histogram::Histogram;

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
    /// From publishing to the broker's confirmation, in microseconds.
    pub latency_micros: Histogram,
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
        let latency = |part: f64| millis(self.latency_micros.quantile(part));
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
        let p99 = millis(tally.latency_micros.quantile(0.99));
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

#[expect(clippy::cast_precision_loss, reason = "a latency for people")]
fn millis(micros: u64) -> f64 {
    micros as f64 / 1e3
}

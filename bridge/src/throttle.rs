//! Keeps one line of the log from drowning the others.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Lets something pass once per interval and counts what it held back.
#[derive(Debug)]
pub struct Throttle {
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    passed_at: Option<Instant>,
    untold: usize,
}

impl Throttle {
    /// A throttle that lets one pass per `interval`.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        Self {
            interval,
            state: Mutex::default(),
        }
    }

    /// If this may pass: how many things there are to tell, `count` and those held back before.
    pub fn pass(&self, count: usize) -> Option<usize> {
        self.pass_at(count, Instant::now())
    }

    fn pass_at(&self, count: usize, now: Instant) -> Option<usize> {
        let mut state = self.state.lock().ok()?;
        state.untold += count;
        if state
            .passed_at
            .is_some_and(|at| now.duration_since(at) < self.interval)
        {
            return None;
        }
        state.passed_at = Some(now);
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_passes_per_interval_and_the_next_knows_of_the_others() {
        let throttle = Throttle::new(Duration::from_secs(10));
        let start = Instant::now();
        assert_eq!(throttle.pass_at(1, start), Some(1));
        assert_eq!(throttle.pass_at(2, start + Duration::from_secs(1)), None);
        assert_eq!(throttle.pass_at(3, start + Duration::from_secs(9)), None);
        assert_eq!(
            throttle.pass_at(4, start + Duration::from_secs(10)),
            Some(9)
        );
    }
}

//! Decides how long to wait before the next attempt at something that failed.

use std::time::Duration;

/// The first wait: a broker or a database that restarts is usually back within a second.
const WAIT_MIN: Duration = Duration::from_millis(100);

/// The longest wait: an operator who has repaired something should not wait for us.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Waits that double from attempt to attempt, each drawn between half of itself and itself, so
/// that bridges which lost the same broker do not all come back at once.
#[derive(Clone, Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// How often it has failed since the last success.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// Counts a failure and says how long to wait; `chance` is a random number in 0..1.
    pub fn next_wait(&mut self, chance: f64) -> Duration {
        let doublings = self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let wait = WAIT_MIN.saturating_mul(1 << doublings).min(WAIT_MAX);
        wait.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
    }

    /// Forgets the failures.
    pub const fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and waits.
    pub async fn wait(&mut self) {
        tokio::time::sleep(self.next_wait(fastrand::f64())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_limit_and_start_again_after_success() {
        let mut backoff = Backoff::default();
        let waits: Vec<u128> = (0..9).map(|_| backoff.next_wait(1.0).as_millis()).collect();
        assert_eq!(
            waits,
            [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]
        );
        assert_eq!(backoff.failures(), 9);
        backoff.reset();
        assert_eq!(backoff.next_wait(1.0), WAIT_MIN);
    }

    #[test]
    fn chance_takes_at_most_half_away() {
        assert_eq!(Backoff::default().next_wait(0.0), WAIT_MIN / 2);
        assert_eq!(Backoff { failures: u32::MAX }.next_wait(0.0), WAIT_MAX / 2);
    }
}

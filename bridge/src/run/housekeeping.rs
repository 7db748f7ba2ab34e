//! Keeps house in a database where nothing else does it: has readings compacted and dropped when
//! their time is over, every so often, beside the work and never in its way.
//!
//! What has to be done, and whether somebody else does it, the database knows. Several bridges may
//! do it at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::select;
use tokio::time::sleep;
use tracing::{debug, info, warn};

use super::metrics::Metrics;
use super::store::{Housekeeping, Store, StoreError};
use crate::shutdown::Shutdown;

/// How long one call may work. It is one transaction, so this is how long rows that it deletes stay
/// for others, and how much is done again when it is cut off.
const BUDGET: Duration = Duration::from_secs(30);

/// How long to wait where one call has not done all.
const PAUSE: Duration = Duration::from_secs(1);

/// Up to so many doublings of the interval follow failures: a quarter of an hour at the default.
const DOUBLINGS_MAX: u32 = 4;

/// What keeping house needs.
pub struct Housekeeper<S> {
    /// The database.
    pub store: Arc<S>,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// From the end of one call to the next; none when it is not to be done.
    pub interval: Option<Duration>,
    /// Says when to stop.
    pub shutdown: Shutdown,
}

impl<S: Store> Housekeeper<S> {
    /// Keeps house until shutdown. A call that is under way then is left to the database, which
    /// ends it as one transaction.
    pub async fn run(mut self) {
        let Some(interval) = self.interval else {
            return;
        };
        let mut shutdown = self.shutdown.clone();
        let keeping = async {
            let mut failures = 0;
            // Bridges that start together do not call together.
            sleep(interval.mul_f64(fastrand::f64())).await;
            loop {
                let wait = self.keep(interval, &mut failures).await;
                sleep(wait).await;
            }
        };
        select! {
            () = keeping => {}
            () = shutdown.requested() => {}
        }
    }

    /// Makes one call and says how long to wait until the next.
    async fn keep(&mut self, interval: Duration, failures: &mut u32) -> Duration {
        let started_at = Instant::now();
        let result = self.store.housekeep(BUDGET).await;
        let seconds = started_at.elapsed().as_secs_f64();
        self.metrics.housekeeping_runs.inc();
        self.metrics.housekeeping_seconds.observe(seconds);
        let done = match result {
            Ok(done) => done,
            Err(error) => Housekeeping::failed(error),
        };
        self.metrics.readings_compacted.inc_by(done.readings);
        if let Some(problem) = done.failure {
            self.metrics.housekeeping_failures.inc();
            *failures += 1;
            if failures.is_power_of_two() {
                warn!(failures, problem, "housekeeping failed; trying again later");
            }
        } else {
            if *failures > 0 {
                info!(failures, "housekeeping works again");
            }
            *failures = 0;
            debug!(readings = done.readings, seconds, "kept house");
        }
        wait(
            interval,
            *failures,
            done.readings > 0 && !done.is_done,
            fastrand::f64(),
        )
    }
}

impl Housekeeping {
    fn failed(error: StoreError) -> Self {
        Self {
            failure: Some(error.to_string()),
            ..Self::default()
        }
    }
}

/// How long to wait after so many failures one after the other, or where there is `more` to do;
/// `chance` is a random number in 0..1.
pub(super) fn wait(interval: Duration, failures: u32, more: bool, chance: f64) -> Duration {
    match failures {
        0 if more => PAUSE.min(interval),
        0 => interval.mul_f64(0.9 + chance.clamp(0.0, 1.0) / 5.0),
        _ => {
            let longest = interval.saturating_mul(1 << failures.min(DOUBLINGS_MAX));
            longest.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
        }
    }
}

#[cfg(test)]
mod tests;

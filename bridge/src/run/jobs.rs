//! Has the database run its jobs where pg_cron does not, beside the work and never in its way.
//!
//! Which jobs there are, whose turn it is and what becomes of them, the database knows; the bridge
//! calls. Several bridges may call at once, and share the jobs.

use std::sync::Arc;
use std::time::Duration;

use tokio::select;
use tokio::time::sleep;
use tracing::{info, warn};

use super::housekeeping::wait;
use super::metrics::Metrics;
use super::store::Store;
use crate::shutdown::Shutdown;

/// How long one call goes on to new steps. Each step is a transaction of its own, so this costs
/// nobody anything; a call that finds no job returns at once.
const BUDGET: Duration = Duration::from_secs(50);

/// What running jobs needs.
pub struct JobRunner<S> {
    /// The database.
    pub store: Arc<S>,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// From the end of one call to the next; none when jobs are not to be run.
    pub interval: Option<Duration>,
    /// Says when to stop.
    pub shutdown: Shutdown,
}

impl<S: Store> JobRunner<S> {
    /// Runs jobs until shutdown. A step that is under way then is left to the database.
    pub async fn run(self) {
        let Some(interval) = self.interval else {
            return;
        };
        let mut shutdown = self.shutdown.clone();
        let running = async {
            let mut failures = 0;
            // Bridges that start together do not call together.
            sleep(interval.mul_f64(fastrand::f64())).await;
            loop {
                self.call(&mut failures).await;
                sleep(wait(interval, failures, false, fastrand::f64())).await;
            }
        };
        select! {
            () = running => {}
            () = shutdown.requested() => {}
        }
    }

    async fn call(&self, failures: &mut u32) {
        let result = self.store.run_jobs(BUDGET).await;
        self.metrics.job_runs.inc();
        if let Err(error) = result {
            self.metrics.job_run_failures.inc();
            *failures += 1;
            if failures.is_power_of_two() {
                warn!(failures, %error, "jobs could not be run; trying again later");
            }
        } else {
            if *failures > 0 {
                info!(failures, "jobs are run again");
            }
            *failures = 0;
        }
    }
}

#[cfg(test)]
mod tests;

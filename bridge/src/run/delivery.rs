//! Brings a batch into the database, whatever it takes: a database that is away is waited for, and
//! a message that cannot be stored is found and stored as rejected.
//!
//! When this returns, every message of the batch is safe and may be acknowledged.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use tenon_domain::telemetry::batch::RefusedEntry;
use tracing::{debug, info, warn};

use super::batch::{Received, Rejection, SealedBatch};
use super::metrics::Metrics;
use super::status::Status;
use super::store::{RejectedMessage, Store, StoreError};
use crate::backoff::Backoff;
use crate::throttle::Throttle;

/// The code of a message that the database fails to store for no reason of its own making.
const INGEST_FAILED: &str = "ingest.failed";

/// So many rejected messages are stored at once, so that a flood of them stays a small statement.
const REJECTIONS_MAX: usize = 500;

/// So many attempts are made with a batch that takes too long before it is divided.
const SLOW_ATTEMPTS: u32 = 3;

/// What delivering needs besides the batch.
pub struct Delivery<S> {
    /// The database.
    pub store: Arc<S>,
    /// Counts what happens.
    pub metrics: Arc<Metrics>,
    /// Knows whether the database answers.
    pub status: Arc<Status>,
    /// Keeps a flood of rejected messages from flooding the log.
    pub rejection_log: Throttle,
}

impl<S: Store> Delivery<S> {
    /// Stores the batch and returns when nothing of it can be lost any more.
    pub async fn deliver(&self, mut batch: SealedBatch) {
        let mut rejections = std::mem::take(&mut batch.rejections);
        if batch.readings > 0 {
            match self.ingest(&batch, batch.messages.len()).await {
                Ok(refused) if refused.is_empty() => {}
                Ok(refused) => rejections.extend(batch.rejections_of(&refused)),
                Err(problem) => {
                    warn!(
                        messages = batch.messages.len(),
                        problem, "dividing a batch that fails"
                    );
                    self.isolate(&batch.messages, &mut rejections).await;
                }
            }
        }
        let accepted = batch.messages.len().saturating_sub(rejections.len());
        self.reject(&batch.messages, &rejections).await;
        self.metrics.messages_accepted.inc_by(accepted as u64);
    }

    /// Stores what can be stored of messages that cannot be stored together: halves of halves,
    /// in order, down to the single messages that fail.
    async fn isolate(&self, messages: &[Received], rejections: &mut Vec<Rejection>) {
        let mut ranges = halves(&(0..messages.len()));
        while let Some(range) = ranges.pop() {
            let part = SealedBatch::of(&messages[range.clone()]);
            if part.readings == 0 {
                continue;
            }
            match self.ingest(&part, range.len()).await {
                Ok(refused) => {
                    let refused = part.rejections_of(&refused).into_iter();
                    rejections.extend(refused.map(|rejection| Rejection {
                        message: rejection.message + range.start,
                        ..rejection
                    }));
                }
                Err(reason) if range.len() == 1 => {
                    let (message, code) = (range.start, Cow::Borrowed(INGEST_FAILED));
                    rejections.push(Rejection {
                        message,
                        code,
                        reason,
                    });
                }
                Err(_) => ranges.extend(halves(&range)),
            }
        }
    }

    /// Stores a batch of `messages` messages, waiting as long as the database is away.
    ///
    /// # Errors
    /// The database's words, when it is the batch that cannot be stored.
    async fn ingest(
        &self,
        batch: &SealedBatch,
        messages: usize,
    ) -> Result<Vec<RefusedEntry>, String> {
        let mut backoff = Backoff::default();
        loop {
            match self.store.ingest(&batch.packed.bytes).await {
                Ok(refused) => {
                    self.recovered(&backoff);
                    self.metrics.readings_stored.inc_by(batch.readings as u64);
                    return Ok(refused);
                }
                Err(StoreError::Poison(problem)) => return Err(problem),
                Err(StoreError::TooSlow(problem))
                    if messages > 1 && backoff.failures() + 1 >= SLOW_ATTEMPTS =>
                {
                    return Err(problem);
                }
                Err(StoreError::Unavailable(problem) | StoreError::TooSlow(problem)) => {
                    self.failed(&mut backoff, problem).await;
                }
            }
        }
    }

    async fn reject(&self, messages: &[Received], rejections: &[Rejection]) {
        for some in rejections.chunks(REJECTIONS_MAX) {
            let rejected: Vec<RejectedMessage<'_>> = some
                .iter()
                .filter_map(|rejection| {
                    let message = messages.get(rejection.message)?;
                    let (code, reason) = (&*rejection.code, &*rejection.reason);
                    debug!(code, reason, topic = ?message.topic, "rejecting a message");
                    let (topic, payload) = (&message.topic, &message.payload);
                    Some(RejectedMessage {
                        topic,
                        payload,
                        code,
                        reason,
                    })
                })
                .collect();
            let mut backoff = Backoff::default();
            while let Err(error) = self.store.reject(&rejected).await {
                self.failed(&mut backoff, error.to_string()).await;
            }
            self.recovered(&backoff);
            for message in &rejected {
                self.metrics.rejected(message.code);
            }
            let (count, first) = (self.rejection_log.pass(rejected.len()), rejected.first());
            if let (Some(count), Some(first)) = (count, first) {
                let topic = String::from_utf8_lossy(first.topic);
                let (code, reason) = (first.code, first.reason);
                warn!(count, code, reason, %topic, "messages rejected, such as this one");
            }
        }
    }

    /// Notes a failure that time may heal, says so now and then, and waits.
    async fn failed(&self, backoff: &mut Backoff, problem: String) {
        let failures = backoff.failures() + 1;
        if failures.is_power_of_two() {
            warn!(
                failures,
                problem, "the database does not take a batch; trying again"
            );
        }
        self.metrics.database_retries.inc();
        self.status.database_failed(problem);
        backoff.wait().await;
    }

    fn recovered(&self, backoff: &Backoff) {
        self.status.database_answered();
        if backoff.failures() > 0 {
            info!(
                failures = backoff.failures(),
                "the database takes batches again"
            );
        }
    }
}

/// The two halves of a range, the first one last, so that popping goes in order.
fn halves(range: &Range<usize>) -> Vec<Range<usize>> {
    let middle = range.start + range.len().div_ceil(2);
    let halves = [middle..range.end, range.start..middle];
    halves.into_iter().filter(|half| !half.is_empty()).collect()
}

#[cfg(test)]
mod tests;

//! Decides what travels together: messages become batches by readings, bytes and age.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::batch::{Batch, Received};

/// What a message takes in memory besides its topic and payload, packed form included.
const MESSAGE_OVERHEAD_BYTES: usize = 256;

/// When a batch is handed to the database.
#[derive(Clone, Copy, Debug)]
pub struct BatchPolicy {
    /// So many readings make a batch.
    pub readings: usize,
    /// So many bytes of payloads make a batch, whatever is in them.
    pub bytes: usize,
    /// The longest that a message waits for others.
    pub age: Duration,
    /// So many bytes may wait for a database that is slow or away.
    pub backlog_bytes: usize,
}

/// The batch that is being filled, and those that wait for the database.
#[derive(Debug)]
pub struct Batcher {
    policy: BatchPolicy,
    closed: VecDeque<Batch>,
    open: Batch,
    opened_at: Option<Instant>,
    backlog_bytes: usize,
}

impl Batcher {
    /// Fills batches as `policy` says.
    #[must_use]
    pub fn new(policy: BatchPolicy) -> Self {
        Self {
            policy,
            closed: VecDeque::new(),
            open: Batch::default(),
            opened_at: None,
            backlog_bytes: 0,
        }
    }

    /// Adds a message that was received at `now`.
    pub fn push(&mut self, message: Received, now: Instant) {
        self.backlog_bytes += cost(&message);
        if let Err(message) = self.open.push(message) {
            self.close();
            // An empty batch takes every message.
            let _ = self.open.push(message);
        }
        self.opened_at.get_or_insert(now);
        if self.open.readings() >= self.policy.readings
            || self.open.payload_bytes() >= self.policy.bytes
        {
            self.close();
        }
    }

    fn close(&mut self) {
        self.closed.push_back(std::mem::take(&mut self.open));
        self.opened_at = None;
    }

    /// Whether no more should be read until a batch has been taken.
    #[must_use]
    pub const fn is_full(&self) -> bool {
        self.backlog_bytes >= self.policy.backlog_bytes
    }

    /// Whether there is nothing to take.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.closed.is_empty() && self.open.is_empty()
    }

    /// When the oldest message of the open batch has waited long enough; nothing while there is
    /// none.
    #[must_use]
    pub fn due_at(&self) -> Option<Instant> {
        self.opened_at.map(|opened_at| opened_at + self.policy.age)
    }

    /// The next batch if one is closed or due at `now`, or if `everything` must go.
    pub fn take(&mut self, now: Instant, everything: bool) -> Option<Batch> {
        let is_due = self.due_at().is_some_and(|due_at| due_at <= now);
        if self.closed.is_empty() && !self.open.is_empty() && (is_due || everything) {
            self.close();
        }
        let batch = self.closed.pop_front()?;
        self.backlog_bytes -= batch.messages.iter().map(cost).sum::<usize>();
        Some(batch)
    }
}

fn cost(message: &Received) -> usize {
    MESSAGE_OVERHEAD_BYTES + message.topic.len() + message.payload.len()
}

#[cfg(test)]
mod tests;

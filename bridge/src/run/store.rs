//! What the bridge asks of a database, and what can go wrong with it.

use std::future::Future;
use std::time::Duration;

use tenon_domain::telemetry::batch::RefusedEntry;
use thiserror::Error;

use super::gauges::Gauge;

/// A message that cannot be stored as readings, on its way to `iot.rejected_messages`.
#[derive(Clone, Copy, Debug)]
pub struct RejectedMessage<'a> {
    /// The topic as it came.
    pub topic: &'a [u8],
    /// The payload as it came.
    pub payload: &'a [u8],
    /// A stable code such as `payload.not_json`.
    pub code: &'a str,
    /// The reason, for people.
    pub reason: &'a str,
}

/// Why the database did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// It may well do so later: it restarts, it is busy, or it is not yet set up.
    #[error("{0}")]
    Unavailable(String),
    /// It never will: there is something about these messages.
    #[error("{0}")]
    Poison(String),
    /// It ran out of time: later, or with fewer messages at once, it may do so.
    #[error("{0}")]
    TooSlow(String),
}

/// What came of keeping house.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Housekeeping {
    /// So many readings were compacted.
    pub readings: u64,
    /// Whether nothing is left to do.
    pub is_done: bool,
    /// What failed, for people.
    pub failure: Option<String>,
}

/// The database, seen from the bridge. Each call is one transaction.
pub trait Store: Send + Sync + 'static {
    /// Stores a batch, and returns the names that were refused; messages that use them are not
    /// stored.
    fn ingest(
        &self,
        batch: &[u8],
    ) -> impl Future<Output = Result<Vec<RefusedEntry>, StoreError>> + Send;

    /// Stores messages as rejected.
    fn reject(
        &self,
        messages: &[RejectedMessage<'_>],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Asks whether the database could store a batch now.
    fn probe(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Keeps house for about as long as `budget`, unless something else does it.
    fn housekeep(
        &self,
        budget: Duration,
    ) -> impl Future<Output = Result<Housekeeping, StoreError>> + Send;

    /// Runs jobs that are ready until none is left or `budget` is used, unless something else does
    /// it; a transaction for each step. A database without jobs has nothing to run.
    fn run_jobs(&self, _budget: Duration) -> impl Future<Output = Result<(), StoreError>> + Send {
        async { Ok(()) }
    }

    /// What the database measures of itself, in little time.
    fn gauges(&self) -> impl Future<Output = Result<Vec<Gauge>, StoreError>> + Send {
        async { Ok(Vec::new()) }
    }
}

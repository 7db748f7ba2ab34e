//! Leads messages from the subscription through batches into the database, and their
//! acknowledgements back.
//!
//! One task, so that order needs no locks. While the database is away, what the receive window
//! admits is taken and kept, because it is safer here than in a broker that may die as well; past
//! a bound on memory nothing more is taken, and the subscription stops reading.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::select;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::acks::AckQueue;
use super::batch::Batch;
use super::batcher::{BatchPolicy, Batcher};
use super::delivery::Delivery;
use super::metrics::Metrics;
use super::session::{Event, now};
use super::store::Store;

/// The state between subscription and database.
pub struct Pipeline<S> {
    delivery: Arc<Delivery<S>>,
    metrics: Arc<Metrics>,
    deliveries_max: usize,
    batcher: Batcher,
    queue: AckQueue,
    acks: Option<mpsc::UnboundedSender<Vec<u16>>>,
    deliveries: JoinSet<u64>,
    draining: bool,
}

impl<S: Store> Pipeline<S> {
    /// A pipeline that has at most `deliveries_max` batches on their way to the database at once.
    #[must_use]
    pub fn new(delivery: Delivery<S>, policy: BatchPolicy, deliveries_max: usize) -> Self {
        Self {
            metrics: Arc::clone(&delivery.metrics),
            delivery: Arc::new(delivery),
            deliveries_max: deliveries_max.max(1),
            batcher: Batcher::new(policy),
            queue: AckQueue::default(),
            acks: None,
            deliveries: JoinSet::new(),
            draining: false,
        }
    }

    /// Works until the subscription has ended and everything it brought is safe.
    ///
    /// # Errors
    /// A defect of the bridge. What was not acknowledged, the broker still has: start it again.
    pub async fn run(mut self, mut events: mpsc::Receiver<Event>) -> Result<()> {
        loop {
            self.start_deliveries();
            if self.draining && self.batcher.is_empty() && self.deliveries.is_empty() {
                return Ok(());
            }
            let may_start = self.deliveries.len() < self.deliveries_max;
            let due_at = self.batcher.due_at().filter(|_| may_start);
            select! {
                event = events.recv(), if !self.draining && !self.batcher.is_full() => {
                    self.take(event.unwrap_or(Event::Drain));
                }
                Some(delivered) = self.deliveries.join_next() => {
                    self.acknowledge(delivered.context("delivering a batch came to a sudden end")?);
                }
                () = until(due_at) => {}
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Connected { epoch, acks } => {
                self.queue.connected(epoch);
                self.acks = Some(acks);
            }
            Event::Messages(messages) => {
                let now = Instant::now();
                for message in messages {
                    self.batcher.push(message, now);
                }
            }
            Event::Drain => self.draining = true,
        }
    }

    fn start_deliveries(&mut self) {
        while self.deliveries.len() < self.deliveries_max
            && let Some(batch) = self.batcher.take(Instant::now(), self.draining)
        {
            let number = self
                .queue
                .push(batch.messages.iter().map(|one| one.receipt).collect());
            let (delivery, metrics) = (Arc::clone(&self.delivery), Arc::clone(&self.metrics));
            self.deliveries.spawn(async move {
                deliver(&delivery, &metrics, batch).await;
                number
            });
        }
    }

    fn acknowledge(&mut self, number: u64) {
        let released = self.queue.commit(number);
        self.metrics
            .messages_unacknowledged
            .dec_by(released.messages as i64);
        self.metrics
            .acknowledgements_stale
            .inc_by(released.stale as u64);
        if !released.packet_ids.is_empty()
            && let Some(acks) = &self.acks
        {
            // Fails when the connection has just ended: the broker sends the messages again.
            let _ = acks.send(released.packet_ids);
        }
    }
}

async fn deliver<S: Store>(delivery: &Delivery<S>, metrics: &Metrics, batch: Batch) {
    let started_at = Instant::now();
    let oldest = batch.messages.first().map(|message| message.received_at);
    let batch = batch.seal();
    let readings = batch.readings;
    delivery.deliver(batch).await;
    metrics.batches.inc();
    metrics.batch_readings.observe(readings as f64);
    metrics
        .flush_seconds
        .observe(started_at.elapsed().as_secs_f64());
    if let Some(oldest) = oldest {
        let lag_micros = now().as_micros() - oldest.as_micros();
        let lag = Duration::from_micros(u64::try_from(lag_micros).unwrap_or(0));
        metrics.lag_seconds.observe(lag.as_secs_f64());
    }
}

/// Waits until `due_at`, or for ever.
async fn until(due_at: Option<Instant>) {
    match due_at {
        Some(due_at) => sleep_until(due_at.into()).await,
        None => std::future::pending().await,
    }
}

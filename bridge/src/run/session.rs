//! Keeps the subscription: connects, reads until the connection ends, sends acknowledgements, and
//! connects again.
//!
//! What was read is always handed on, also when the connection breaks right behind it: the broker
//! may have told the publisher that the message is safe, and may have lost it since.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Error, Result, anyhow, bail};
use tenon_domain::time::Timestamp;
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval_at, timeout};
use tracing::{debug, info, warn};

use super::acks::{Epoch, Receipt};
use super::batch::Received;
use super::metrics::Metrics;
use super::status::Status;
use crate::backoff::Backoff;
use crate::mqtt::broker::Broker;
use crate::mqtt::connection::{self, Connection, PacketReader, PacketWriter, Session};
use crate::mqtt::packet::{self, Incoming};
use crate::mqtt::reason;
use crate::shutdown::Shutdown;

/// A connection that lasted so long was a good one: the next wait starts small again.
const GOOD_CONNECTION: Duration = Duration::from_secs(10);

/// The subscription is the only packet of ours that has an id.
const SUBSCRIBE_PACKET_ID: u16 = 1;

/// What happens at the broker, in the order in which it happens.
#[derive(Debug)]
pub enum Event {
    /// A connection was made; `acks` takes packet ids to acknowledge on it, in order.
    Connected {
        /// Counts the connections.
        epoch: Epoch,
        /// Leads to the connection.
        acks: mpsc::UnboundedSender<Vec<u16>>,
    },
    /// Messages were read, in the order received.
    Messages(Vec<Received>),
    /// No more will be read: finish what is there.
    Drain,
}

/// What the subscription needs.
pub struct Subscriber {
    /// Where to connect.
    pub broker: Broker,
    /// As whom.
    pub session: Session,
    /// To what.
    pub filter: String,
    /// Takes what happens.
    pub events: mpsc::Sender<Event>,
    /// Counts it.
    pub metrics: Arc<Metrics>,
    /// Knows whether the subscription is active.
    pub status: Arc<Status>,
    /// Says when to stop.
    pub shutdown: Shutdown,
}

/// How a connection ended.
enum End {
    /// It broke, or the broker ended it.
    Lost(Error),
    /// We were asked to stop, and everything has been acknowledged that could be.
    Stopped,
}

impl Subscriber {
    /// Keeps the subscription until shutdown, then has everything finished that was received.
    pub async fn run(mut self) {
        let mut backoff = Backoff::default();
        let mut epoch: Epoch = 0;
        while !self.shutdown.is_requested() {
            let connected_at = Instant::now();
            let attempt = connection::connect(&self.broker, &self.session);
            let attempt = select! {
                attempt = attempt => attempt,
                () = self.shutdown.requested() => break,
            };
            let trouble = match attempt {
                Ok(connection) => {
                    epoch += 1;
                    match self.converse(connection, epoch).await {
                        End::Lost(error) => error,
                        End::Stopped => return,
                    }
                }
                Err(error) => error,
            };
            if connected_at.elapsed() >= GOOD_CONNECTION {
                backoff.reset();
            }
            self.status.broker_failed(format!("{trouble:#}"));
            let failures = backoff.failures() + 1;
            if failures.is_power_of_two() {
                warn!(failures, problem = %format!("{trouble:#}"), "no subscription; trying again");
            }
            select! {
                () = backoff.wait() => {}
                () = self.shutdown.requested() => {}
            }
        }
        let _ = self.events.send(Event::Drain).await;
    }

    async fn converse(&mut self, connection: Connection, epoch: Epoch) -> End {
        let Connection {
            mut reader,
            mut writer,
            connack,
        } = connection;
        let keep_alive = connack
            .server_keep_alive_seconds
            .map_or(self.session.keep_alive, |seconds| {
                Duration::from_secs(u64::from(seconds.max(1)))
            });
        self.metrics.broker_connections.inc();
        if epoch > 1 && !connack.session_present {
            warn!("the broker has forgotten the session: check its persistence and session expiry");
        }
        let (acks, ack_queue) = mpsc::unbounded_channel();
        packet::write_subscribe(&mut writer.buffer, SUBSCRIBE_PACKET_ID, &self.filter);
        let mut writing = std::pin::pin!(write(&mut writer, ack_queue, keep_alive / 2));
        let mut is_writing = true;
        {
            let mut shutdown = self.shutdown.clone();
            let mut reading = std::pin::pin!(async {
                // Not awaited before: pings must go out while the pipeline has no room.
                if self
                    .events
                    .send(Event::Connected { epoch, acks })
                    .await
                    .is_err()
                {
                    return anyhow!("the pipeline has ended");
                }
                self.read(&mut reader, epoch, keep_alive).await
            });
            loop {
                select! {
                    error = &mut reading => return End::Lost(error),
                    // A broken way out is no reason to stop reading: what the broker sent before
                    // it died is still on its way in, and reading ends where that ends.
                    result = &mut writing, if is_writing => {
                        is_writing = false;
                        debug!(?result, "the connection takes no more");
                    }
                    () = shutdown.requested() => break,
                }
            }
        }
        let _ = self.events.send(Event::Drain).await;
        if is_writing && let Err(error) = writing.await {
            warn!(problem = %error, "the broker was gone before everything was acknowledged");
        }
        End::Stopped
    }

    /// Reads until there is nothing more to read, and says why.
    async fn read(&self, reader: &mut PacketReader, epoch: Epoch, keep_alive: Duration) -> Error {
        loop {
            let mut messages = Vec::new();
            let result = self.take_packets(reader, epoch, &mut messages);
            if !messages.is_empty() {
                self.metrics.messages_received.inc_by(messages.len() as u64);
                self.metrics
                    .messages_unacknowledged
                    .inc_by(messages.len() as i64);
                if self.events.send(Event::Messages(messages)).await.is_err() {
                    return anyhow!("the pipeline has ended");
                }
            }
            if let Err(error) = result {
                return error;
            }
            // Counts only while the socket is waited for, not while the database holds us up.
            match timeout(keep_alive * 3 / 2, reader.fill()).await {
                Ok(Ok(0)) => return anyhow!("the broker closed the connection"),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Error::new(error).context("the connection broke"),
                Err(_) => return anyhow!("the broker has been silent for too long"),
            }
        }
    }

    /// Takes what has been read apart.
    fn take_packets(
        &self,
        reader: &mut PacketReader,
        epoch: Epoch,
        messages: &mut Vec<Received>,
    ) -> Result<()> {
        let received_at = now();
        while let Some(incoming) = reader.next_packet()? {
            match incoming {
                Incoming::Publish(publish) => {
                    self.metrics
                        .payload_bytes
                        .inc_by(publish.payload.len() as u64);
                    messages.push(Received {
                        receipt: Receipt {
                            epoch,
                            packet_id: publish.packet_id,
                        },
                        topic: publish.topic,
                        payload: publish.payload,
                        received_at,
                    });
                }
                Incoming::SubAck {
                    reason,
                    reason_text,
                } => {
                    self.subscribed(reason, &reason_text)?;
                }
                Incoming::Disconnect {
                    reason: reason::SESSION_TAKEN_OVER,
                    ..
                } => bail!(
                    "another client uses the client id {:?}: give each bridge its own --client-id",
                    self.session.client_id
                ),
                Incoming::Disconnect {
                    reason,
                    reason_text,
                } => return Err(reason::ended(reason, &reason_text)),
                Incoming::PingResp => {}
                Incoming::ConnAck(_) | Incoming::PubAck { .. } => {
                    bail!("the broker answered what was not asked")
                }
            }
        }
        Ok(())
    }

    fn subscribed(&self, reason: u8, reason_text: &str) -> Result<()> {
        if reason >= reason::FAILURE_MIN {
            return Err(anyhow!("{} {reason_text}", reason::name(reason)))
                .with_context(|| format!("the broker refused the subscription {}", self.filter));
        }
        self.status.subscribed();
        info!(broker = %self.broker, filter = self.filter, "subscribed");
        Ok(())
    }
}

/// Sends acknowledgements and pings until there can be no more acknowledgements; then says good-bye.
async fn write(
    writer: &mut PacketWriter,
    mut acks: mpsc::UnboundedReceiver<Vec<u16>>,
    ping_interval: Duration,
) -> Result<()> {
    let mut ping = interval_at((Instant::now() + ping_interval).into(), ping_interval);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        writer.flush().await?;
        select! {
            packet_ids = acks.recv() => match packet_ids {
                Some(packet_ids) => write_acks(writer, &packet_ids),
                None => return Ok(writer.disconnect().await?),
            },
            _ = ping.tick() => packet::write_pingreq(&mut writer.buffer),
        }
        while let Ok(packet_ids) = acks.try_recv() {
            write_acks(writer, &packet_ids);
        }
    }
}

fn write_acks(writer: &mut PacketWriter, packet_ids: &[u16]) {
    for &packet_id in packet_ids {
        packet::write_puback(&mut writer.buffer, packet_id);
    }
}

/// The time of day, as the domain takes it.
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_micros(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
}

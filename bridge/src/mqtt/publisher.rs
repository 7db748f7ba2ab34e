//! Publishes at QoS 1 and knows which messages the broker has taken over.
//!
//! A message that the broker has not confirmed when the connection breaks is sent again on the
//! next one, so that it arrives at least once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::select;
use tokio::time::{sleep_until, timeout};

use super::broker::Broker;
use super::connection::{self, Connection, Session};
use super::packet::{self, Incoming};
use super::reason;

/// The longest silence towards the broker.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// A publisher reads short answers only.
const PACKET_BYTES_MAX: u32 = 64 * 1024;

/// A publisher of messages that the caller knows by tags of type `T`.
pub struct Publisher<T> {
    broker: Broker,
    session: Session,
    window: u16,
    connection: Option<Connection>,
    /// Messages not yet confirmed, by packet id less one.
    unconfirmed: Vec<Option<Unconfirmed<T>>>,
    /// Their packet ids, in the order of publishing.
    order: VecDeque<u16>,
    free: Vec<u16>,
    pinged_at: Instant,
    heard_at: Instant,
}

struct Unconfirmed<T> {
    tag: T,
    topic: String,
    payload: Vec<u8>,
    published_at: Instant,
}

/// The broker's answer to a message.
#[derive(Debug)]
pub struct Confirmed<T> {
    /// What the caller knows the message by.
    pub tag: T,
    /// 0 or a refusal; see [`reason`].
    pub reason: u8,
    /// How long the answer took, from publishing.
    pub latency: Duration,
}

impl<T> Confirmed<T> {
    /// Whether the broker took the message over.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.reason < reason::FAILURE_MIN
    }
}

impl<T> Publisher<T> {
    /// A publisher that has at most `window` messages unconfirmed; not yet connected.
    #[must_use]
    pub fn new(broker: Broker, client_id: String, window: u16) -> Self {
        let now = Instant::now();
        let session = Session {
            client_id,
            clean_start: true,
            keep_alive: KEEP_ALIVE,
            session_expiry: Duration::ZERO,
            receive_maximum: 1,
            packet_bytes_max: PACKET_BYTES_MAX,
        };
        Self {
            broker,
            session,
            window: window.max(1),
            connection: None,
            unconfirmed: (0..window.max(1)).map(|_| None).collect(),
            order: VecDeque::new(),
            free: (1..=window.max(1)).rev().collect(),
            pinged_at: now,
            heard_at: now,
        }
    }

    /// Connects, and sends again what is unconfirmed.
    ///
    /// # Errors
    /// Why it cannot connect.
    pub async fn connect(&mut self) -> Result<()> {
        self.connection = None;
        let mut connection = connection::connect(&self.broker, &self.session).await?;
        self.window = connection.connack.receive_maximum.unwrap_or(u16::MAX);
        for &packet_id in &self.order {
            if let Some(message) = &self.unconfirmed[usize::from(packet_id) - 1] {
                let buffer = &mut connection.writer.buffer;
                packet::write_publish(buffer, packet_id, &message.topic, &message.payload);
            }
        }
        self.heard_at = Instant::now();
        self.connection = Some(connection);
        Ok(())
    }

    /// Whether there is a connection, as far as is known.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// How many messages may be published before one is confirmed.
    #[must_use]
    pub fn room(&self) -> usize {
        let window = usize::from(self.window).min(self.unconfirmed.len());
        window.saturating_sub(self.order.len())
    }

    /// How many messages are unconfirmed.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.order.len()
    }

    /// Publishes a message; [`Self::drive`] sends it. Only while there is [`Self::room`].
    pub fn publish(&mut self, tag: T, topic: &str, payload: &[u8]) {
        let packet_id = self
            .free
            .pop()
            .expect("invariant: callers ask for room first");
        if let Some(connection) = &mut self.connection {
            packet::write_publish(&mut connection.writer.buffer, packet_id, topic, payload);
        }
        self.order.push_back(packet_id);
        self.unconfirmed[usize::from(packet_id) - 1] = Some(Unconfirmed {
            tag,
            topic: topic.to_owned(),
            payload: payload.to_vec(),
            published_at: Instant::now(),
        });
    }

    /// Sends what was published, and takes confirmations until there is one or `until` has come.
    ///
    /// # Errors
    /// Why the connection ended; [`Self::connect`] makes another.
    pub async fn drive(&mut self, until: Instant, confirmed: &mut Vec<Confirmed<T>>) -> Result<()> {
        let result = self.drive_connection(until, confirmed).await;
        if result.is_err() {
            self.connection = None;
        }
        result
    }

    async fn drive_connection(
        &mut self,
        until: Instant,
        confirmed: &mut Vec<Confirmed<T>>,
    ) -> Result<()> {
        let had = confirmed.len();
        loop {
            self.keep_alive()?;
            let Some(Connection { reader, writer, .. }) = &mut self.connection else {
                bail!("there is no connection");
            };
            let has_output = !writer.buffer.is_empty();
            let bytes = select! {
                biased;
                result = writer.flush(), if has_output => {
                    result?;
                    None
                }
                result = reader.fill() => Some(result?),
                () = sleep_until(until.into()) => return Ok(()),
            };
            match bytes {
                None => continue,
                Some(0) => bail!("the broker closed the connection"),
                Some(_) => self.take_answers(confirmed)?,
            }
            if confirmed.len() > had {
                return Ok(());
            }
        }
    }

    /// Sends what was published, and takes the confirmations that are there without waiting.
    ///
    /// # Errors
    /// As [`Self::drive`].
    pub async fn exchange(&mut self, confirmed: &mut Vec<Confirmed<T>>) -> Result<()> {
        let now = Instant::now();
        loop {
            let had = confirmed.len();
            self.drive(now, confirmed).await?;
            if confirmed.len() == had {
                return Ok(());
            }
        }
    }

    fn take_answers(&mut self, confirmed: &mut Vec<Confirmed<T>>) -> Result<()> {
        self.heard_at = Instant::now();
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        while let Some(incoming) = connection.reader.next_packet()? {
            match incoming {
                Incoming::PubAck { packet_id, reason } => {
                    let slot = usize::from(packet_id).checked_sub(1);
                    let slot = slot.and_then(|slot| self.unconfirmed.get_mut(slot));
                    let Some(message) = slot.and_then(Option::take) else {
                        continue;
                    };
                    if let Some(place) = self.order.iter().position(|&id| id == packet_id) {
                        self.order.remove(place);
                    }
                    self.free.push(packet_id);
                    let latency = message.published_at.elapsed();
                    confirmed.push(Confirmed {
                        tag: message.tag,
                        reason,
                        latency,
                    });
                }
                Incoming::Disconnect {
                    reason,
                    reason_text,
                } => {
                    bail!(
                        "the broker ended the connection: {} {reason_text}",
                        reason::name(reason)
                    )
                }
                Incoming::PingResp => {}
                _ => bail!("the broker answered what was not asked"),
            }
        }
        Ok(())
    }

    fn keep_alive(&mut self) -> Result<()> {
        let now = Instant::now();
        if now.duration_since(self.heard_at) > KEEP_ALIVE * 3 / 2 {
            bail!("the broker has been silent for too long");
        }
        if now.duration_since(self.pinged_at) > KEEP_ALIVE / 3
            && let Some(connection) = &mut self.connection
        {
            self.pinged_at = now;
            packet::write_pingreq(&mut connection.writer.buffer);
        }
        Ok(())
    }

    /// Says good-bye to the broker.
    pub async fn disconnect(mut self) {
        if let Some(connection) = &mut self.connection {
            let _ = timeout(Duration::from_secs(1), connection.writer.disconnect()).await;
        }
    }
}

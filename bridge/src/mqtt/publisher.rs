//! Publishes at QoS 1 and knows which messages the broker has taken over.
//!
//! A message that the broker has not confirmed when the connection breaks is sent again on the
//! next one, so that it arrives at least once.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::select;
use tokio::time::{sleep_until, timeout};

use tracing::{info, warn};

use super::broker::Broker;
use super::connection::{self, Connection, Session};
use super::packet::{self, Incoming};
use super::reason;
use crate::backoff::Backoff;
use crate::shutdown::Shutdown;

/// The longest silence towards the broker.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// So many attempts are made to reach the broker before the first success.
const FIRST_ATTEMPTS: u32 = 3;

/// A connection that lasted so long was a good one: the next wait starts small again.
const GOOD_CONNECTION: Duration = Duration::from_secs(5);

/// A publisher reads short answers only.
const PACKET_BYTES_MAX: u32 = 64 * 1024;

/// A publisher of messages that the caller knows by tags of type `T`.
pub struct Publisher<T> {
    broker: Broker,
    session: Session,
    connection: Option<Connection>,
    /// How many messages the broker takes before it confirms one.
    window: usize,
    /// Messages not yet confirmed, by packet id less one.
    unconfirmed: Vec<Option<Unconfirmed<T>>>,
    /// Their packet ids, in the order of publishing.
    order: VecDeque<u16>,
    /// So many of them, from the front, have been sent on this connection.
    sent: usize,
    free: Vec<u16>,
    backoff: Backoff,
    connected_at: Instant,
    pinged_at: Instant,
    heard_at: Instant,
}

struct Unconfirmed<T> {
    tag: T,
    topic: String,
    payload: Vec<u8>,
    sent_at: Option<Instant>,
}

/// The broker's answer to a message.
#[derive(Debug)]
pub struct Confirmed<T> {
    /// What the caller knows the message by.
    pub tag: T,
    /// The reason code of the answer; see [`Confirmed::fate`].
    pub reason: u8,
    /// How long the answer took, from sending the message for the first time.
    pub latency: Duration,
}

/// What the broker's answer means for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The broker took it over for its subscribers.
    Taken,
    /// The broker took it, and dropped it because nobody subscribes to its topic.
    Unheard,
    /// The broker refused it, for a reason of [`reason`].
    Refused(u8),
}

impl<T> Confirmed<T> {
    /// What the answer means.
    #[must_use]
    pub const fn fate(&self) -> Fate {
        match self.reason {
            reason::NO_MATCHING_SUBSCRIBERS => Fate::Unheard,
            code if code >= reason::FAILURE_MIN => Fate::Refused(code),
            _ => Fate::Taken,
        }
    }
}

impl<T> Publisher<T> {
    /// A publisher that holds at most `capacity` unconfirmed messages; not yet connected.
    #[must_use]
    pub fn new(broker: Broker, client_id: String, capacity: u16) -> Self {
        let (now, capacity) = (Instant::now(), capacity.max(1));
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
            connection: None,
            window: 0,
            unconfirmed: (0..capacity).map(|_| None).collect(),
            order: VecDeque::new(),
            sent: 0,
            free: (1..=capacity).rev().collect(),
            backoff: Backoff::default(),
            connected_at: now,
            pinged_at: now,
            heard_at: now,
        }
    }

    /// Makes one attempt to connect; what is unconfirmed will be sent again.
    ///
    /// # Errors
    /// Why it cannot connect.
    pub async fn connect(&mut self) -> Result<()> {
        self.connection = None;
        self.sent = 0;
        let connection = connection::connect(&self.broker, &self.session).await?;
        self.window = usize::from(connection.connack.receive_maximum.unwrap_or(u16::MAX));
        self.heard_at = Instant::now();
        self.connected_at = self.heard_at;
        self.connection = Some(connection);
        Ok(())
    }

    /// Connects for the first time: after a few attempts that fail, the options are taken to be
    /// wrong.
    ///
    /// # Errors
    /// Why it cannot connect.
    pub async fn connect_first(&mut self, shutdown: &mut Shutdown) -> Result<()> {
        let mut backoff = Backoff::default();
        while let Err(error) = self.connect().await {
            if backoff.failures() + 1 >= FIRST_ATTEMPTS || shutdown.is_requested() {
                return Err(error);
            }
            backoff.wait().await;
        }
        Ok(())
    }

    /// Connects again after the connection has ended with `error`, however long that takes; gives
    /// up at shutdown only.
    pub async fn reconnect(&mut self, error: &anyhow::Error, shutdown: &mut Shutdown) {
        warn!(problem = %format!("{error:#}"), "connection lost; connecting again");
        if self.connected_at.elapsed() >= GOOD_CONNECTION {
            self.backoff.reset();
        }
        let mut failures = 0_u32;
        while !shutdown.is_requested() {
            select! {
                () = self.backoff.wait() => {}
                () = shutdown.requested() => return,
            }
            match self.connect().await {
                Ok(()) => {
                    info!(unconfirmed = self.order.len(), "connected again");
                    return;
                }
                Err(error) => {
                    failures += 1;
                    if failures.is_power_of_two() {
                        let problem = format!("{error:#}");
                        warn!(failures, problem, "still no connection");
                    }
                }
            }
        }
    }

    /// How many messages may be published before one is confirmed.
    #[must_use]
    pub fn room(&self) -> usize {
        self.free.len()
    }

    /// How many messages are unconfirmed.
    #[must_use]
    pub fn unconfirmed(&self) -> usize {
        self.order.len()
    }

    /// Takes a message; [`Self::drive`] sends it. Only while there is [`Self::room`].
    pub fn publish(&mut self, tag: T, topic: &str, payload: &[u8]) {
        let packet_id = self
            .free
            .pop()
            .expect("invariant: callers ask for room first");
        let (topic, payload) = (topic.to_owned(), payload.to_vec());
        self.order.push_back(packet_id);
        self.unconfirmed[usize::from(packet_id) - 1] = Some(Unconfirmed {
            tag,
            topic,
            payload,
            sent_at: None,
        });
    }

    /// Writes messages into the connection's buffer, as many as the broker's window allows.
    fn write_unsent(&mut self) {
        let Some(Connection { writer, .. }) = &mut self.connection else {
            return;
        };
        let now = Instant::now();
        while self.sent < self.window
            && let Some(&packet_id) = self.order.get(self.sent)
        {
            if let Some(message) = &mut self.unconfirmed[usize::from(packet_id) - 1] {
                message.sent_at.get_or_insert(now);
                let (topic, payload) = (&message.topic, &message.payload);
                packet::write_publish(&mut writer.buffer, packet_id, topic, payload);
            }
            self.sent += 1;
        }
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
            self.write_unsent();
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
                        self.sent = self.sent.saturating_sub(1);
                    }
                    self.free.push(packet_id);
                    let latency = message.sent_at.map(|at| at.elapsed()).unwrap_or_default();
                    confirmed.push(Confirmed {
                        tag: message.tag,
                        reason,
                        latency,
                    });
                }
                Incoming::Disconnect {
                    reason,
                    reason_text,
                } => return Err(reason::ended(reason, &reason_text)),
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

//! One connection of the simulation, and the devices that share it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tenon_domain::identity::DeviceAddress;
use tokio::time::timeout;

use super::device::{Device, metric_keys};
use super::ledger::Ledger;
use super::options::SimulateOptions;
use super::report::Tally;
use crate::mqtt::broker::Broker;
use crate::mqtt::publisher::{Confirmed, Fate, Publisher};
use crate::run::session::now;
use crate::shutdown::Shutdown;

/// Messages are sent and confirmations are taken in so short rounds, not one by one: a thousand
/// system calls a second instead of tens of thousands.
const ROUND: Duration = Duration::from_millis(2);

/// How long the last confirmations are waited for.
const FAREWELL: Duration = Duration::from_secs(30);

/// What a message is known by: the device's place and the time of its readings.
struct Tag {
    device: usize,
    at_micros: i64,
}

/// A connection with its devices.
pub struct Line {
    publisher: Publisher<Tag>,
    devices: Vec<Device>,
    next_device: usize,
    keys: Vec<String>,
    /// Messages a second; none for as many as possible.
    rate: Option<f64>,
    seconds: Option<u32>,
    messages: u64,
    published: u64,
    tally: Arc<Tally>,
    ledger: Option<Arc<Ledger>>,
}

impl Line {
    /// The connection with this number and its share of devices, rate and messages.
    pub fn new(
        options: &SimulateOptions,
        broker: &Broker,
        number: u16,
        tally: Arc<Tally>,
        ledger: Option<Arc<Ledger>>,
    ) -> Result<Self> {
        let (connections, number) = (u64::from(options.connections), u64::from(number));
        let devices = (0..options.devices)
            .filter(|place| u64::from(*place) % connections == number)
            .map(|place| {
                let slug = format!("{}{}", options.device_prefix, place + 1);
                let topic = DeviceAddress::parse(&options.tenant, &slug)?.telemetry_topic();
                Ok(Device::new(slug, topic, options.metrics))
            })
            .collect::<Result<Vec<_>>>()?;
        if devices.is_empty() {
            bail!("there must be at least as many --devices as --connections");
        }
        let client_id = format!("tenon-simulate-{}-{number}", std::process::id());
        let share = |total: u64| total / connections + u64::from(number < total % connections);
        Ok(Self {
            publisher: Publisher::new(broker.clone(), client_id, options.window),
            devices,
            next_device: 0,
            keys: metric_keys(options.metrics),
            rate: (options.rate > 0)
                .then(|| f64::from(options.rate) / f64::from(options.connections)),
            seconds: options.seconds,
            messages: options.messages.map_or(u64::MAX, share),
            published: 0,
            tally,
            ledger,
        })
    }

    /// Publishes until it is over, then waits for the last confirmations.
    pub async fn run(mut self, started_at: Instant, mut shutdown: Shutdown) -> Result<()> {
        self.publisher.connect_first(&mut shutdown).await?;
        let mut confirmed = Vec::new();
        let mut payload = Vec::new();
        while !self.is_over(started_at) && !shutdown.is_requested() {
            let due = self.due(started_at.elapsed());
            let sending = due.min(self.publisher.room() as u64);
            for _ in 0..sending {
                self.publish(&mut payload);
            }
            let result = if sending < due && self.publisher.room() == 0 {
                self.publisher
                    .drive(Instant::now() + ROUND, &mut confirmed)
                    .await
            } else {
                tokio::time::sleep(ROUND).await;
                self.publisher.exchange(&mut confirmed).await
            };
            self.settle(&mut confirmed)?;
            if let Err(error) = result {
                self.reconnect(&error, &mut shutdown).await;
            }
        }
        let _ = timeout(FAREWELL, self.finish(&mut confirmed, &mut shutdown)).await;
        self.settle(&mut confirmed)?;
        self.publisher.disconnect().await;
        Ok(())
    }

    /// Takes the last confirmations.
    async fn finish(
        &mut self,
        confirmed: &mut Vec<Confirmed<Tag>>,
        shutdown: &mut Shutdown,
    ) -> Result<()> {
        while self.publisher.unconfirmed() > 0 {
            let result = self
                .publisher
                .drive(Instant::now() + FAREWELL, confirmed)
                .await;
            self.settle(confirmed)?;
            if let Err(error) = result {
                if shutdown.is_requested() {
                    break;
                }
                self.reconnect(&error, shutdown).await;
            }
        }
        Ok(())
    }

    fn is_over(&self, started_at: Instant) -> bool {
        let limit = self
            .seconds
            .map(|seconds| Duration::from_secs(u64::from(seconds)));
        self.published >= self.messages || limit.is_some_and(|limit| started_at.elapsed() >= limit)
    }

    /// How many messages should be published now.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small and positive"
    )]
    fn due(&self, elapsed: Duration) -> u64 {
        let left = self.messages - self.published;
        let Some(rate) = self.rate else { return left };
        let planned = (elapsed.as_secs_f64() * rate) as u64;
        planned.saturating_sub(self.published).min(left)
    }

    fn publish(&mut self, payload: &mut Vec<u8>) {
        let place = self.next_device;
        self.next_device = (place + 1) % self.devices.len();
        let device = &mut self.devices[place];
        let at_micros = device.measure(now().as_micros(), &self.keys, payload);
        self.publisher.publish(
            Tag {
                device: place,
                at_micros,
            },
            &device.topic,
            payload,
        );
        self.published += 1;
        count(&self.tally.published);
    }

    fn settle(&self, confirmed: &mut Vec<Confirmed<Tag>>) -> Result<()> {
        for message in confirmed.drain(..) {
            match message.fate() {
                Fate::Taken => count(&self.tally.confirmed),
                Fate::Unheard => count(&self.tally.unheard),
                Fate::Refused(_) => count(&self.tally.refused),
            }
            if message.fate() != Fate::Taken {
                continue;
            }
            self.tally.latencies.record(message.latency);
            if let Some(ledger) = &self.ledger {
                ledger.confirm(
                    &self.devices[message.tag.device].slug,
                    message.tag.at_micros,
                )?;
            }
        }
        Ok(())
    }

    async fn reconnect(&mut self, error: &anyhow::Error, shutdown: &mut Shutdown) {
        count(&self.tally.reconnects);
        self.publisher.reconnect(error, shutdown).await;
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

//! `tenon-bridge collect`: this machine as a device.

pub mod machine;
pub mod options;

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use self::machine::Machine;
use self::options::CollectOptions;
use crate::mqtt::publisher::{Confirmed, Fate, Publisher};
use crate::mqtt::reason;
use crate::run::session::now;
use crate::shutdown::Shutdown;
use crate::throttle::Throttle;

/// So many measurements wait for the broker: an hour of them, one a second.
const WAITING_MAX: u16 = 3600;

/// How often the log tells of measurements that were lost or refused.
const TROUBLE_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// How long the last confirmations are waited for.
const FAREWELL: Duration = Duration::from_secs(2);

/// Measures and publishes until shutdown.
///
/// # Errors
/// Options that make no sense, or a broker that cannot be reached to begin with.
pub async fn run(options: CollectOptions, mut shutdown: Shutdown) -> Result<()> {
    let mut broker = options.broker.broker()?;
    let username = options.device.username();
    broker.username.get_or_insert_with(|| username.clone());
    let topic = options.device.telemetry_topic();
    let mut publisher = Publisher::new(broker, format!("{username}-collect"), WAITING_MAX);
    publisher.connect_first(&mut shutdown).await?;
    info!(
        topic,
        interval_ms = options.interval_ms,
        "publishing what this machine measures"
    );

    let (sender, mut measurements) = mpsc::channel(usize::from(WAITING_MAX));
    let period = Duration::from_millis(u64::from(options.interval_ms));
    tokio::spawn(measure(period, sender));
    let trouble = Throttle::new(TROUBLE_LOG_INTERVAL);
    let mut confirmed = Vec::new();
    while !shutdown.is_requested() {
        let far = Instant::now() + Duration::from_secs(3600);
        let result = select! {
            payload = measurements.recv(), if publisher.room() > 0 => {
                if let Some(payload) = payload {
                    publisher.publish((), &topic, &payload);
                }
                Ok(())
            }
            result = publisher.drive(far, &mut confirmed) => result,
            () = shutdown.requested() => break,
        };
        tell_trouble(&mut confirmed, &trouble, &username);
        if let Err(error) = result {
            publisher.reconnect(&error, &mut shutdown).await;
        }
    }
    let deadline = Instant::now() + FAREWELL;
    while publisher.unconfirmed() > 0 && Instant::now() < deadline {
        if publisher.drive(deadline, &mut confirmed).await.is_err() {
            break;
        }
    }
    publisher.disconnect().await;
    Ok(())
}

/// Measures at every tick, also while the publisher is busy finding the broker again.
async fn measure(period: Duration, payloads: mpsc::Sender<Vec<u8>>) {
    let mut machine = Machine::new();
    let lost = Throttle::new(TROUBLE_LOG_INTERVAL);
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let at = now().as_micros();
        let mut message = machine.measure();
        message.insert("at".to_owned(), Value::from(at));
        match payloads.try_send(Value::Object(message).to_string().into_bytes()) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                if let Some(count) = lost.pass(1) {
                    warn!(
                        count,
                        "measurements lost: the broker has been away for too long"
                    );
                }
            }
            Err(mpsc::error::TrySendError::Closed(_)) => return,
        }
    }
}

fn tell_trouble(confirmed: &mut Vec<Confirmed<()>>, trouble: &Throttle, username: &str) {
    for message in confirmed.drain(..) {
        let told = match message.fate() {
            Fate::Taken => continue,
            Fate::Unheard => "nobody subscribes: has the bridge run?".to_owned(),
            Fate::Refused(code) => {
                format!(
                    "{}: may this user publish for {username}?",
                    reason::name(code)
                )
            }
        };
        if let Some(count) = trouble.pass(1) {
            warn!(count, "measurements lost, {told}");
        }
    }
}

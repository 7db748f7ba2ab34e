//! `tenon-bridge run`: from the broker into the database.
//!
//! [`session`] reads and acknowledges, [`pipeline`] batches and keeps order, [`delivery`] brings
//! batches into the database; they are joined by one channel each way and nothing else. Beside them
//! [`housekeeping`] has the database put its readings in order, [`jobs`] has it do its jobs, and
//! [`gauges`] asks what it measures.

pub mod acks;
pub mod batch;
pub mod batcher;
pub mod delivery;
pub mod gauges;
pub mod housekeeping;
pub mod http;
pub mod jobs;
pub mod metrics;
pub mod options;
pub mod pipeline;
pub mod postgres;
#[cfg(test)]
mod samples;
pub mod session;
pub mod status;
pub mod store;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::net::TcpListener;
use tokio::select;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{info, warn};

use self::batcher::BatchPolicy;
use self::delivery::Delivery;
use self::housekeeping::Housekeeper;
use self::http::Answers;
use self::jobs::JobRunner;
use self::metrics::Metrics;
use self::options::{RunOptions, telemetry_filter};
use self::pipeline::Pipeline;
use self::postgres::Postgres;
use self::session::Subscriber;
use self::status::Status;
use self::store::Store;
use crate::mqtt::connection::Session;
use crate::shutdown::{self, Shutdown};
use crate::throttle::Throttle;

/// So many reads may wait between subscription and pipeline: enough to keep both busy.
const READS_WAITING_MAX: usize = 4;

/// So many bytes of messages may wait for a database that is slow or away; then reading stops. It
/// holds the default receive window of ordinary messages: what is here is not lost when the broker
/// dies meanwhile. The bridge takes about two and a half times as much memory then.
const BACKLOG_BYTES_MAX: usize = 24 * 1024 * 1024;

/// The longest packet that the broker may send. Longer than any payload that is accepted, so that
/// a payload that is too long is stored as rejected; the broker drops what is longer still.
const PACKET_BYTES_MAX: u32 = 4 * 1024 * 1024;

/// How often the log tells of rejected messages.
const REJECTION_LOG_INTERVAL: Duration = Duration::from_secs(10);

/// How long the end waits for answers over HTTP that are on their way.
const ANSWERS_FAREWELL: Duration = Duration::from_secs(1);

/// Runs the bridge until shutdown.
///
/// # Errors
/// Options that make no sense, a port that is taken, or a defect. A broker or a database that is
/// away is no error: they are waited for.
pub async fn run(options: RunOptions, shutdown: Shutdown) -> Result<()> {
    let connections_max = usize::from(options.database_connections);
    let store = Postgres::new(
        &options.database_url,
        options.database_ca.clone(),
        connections_max,
    )?;
    run_with(options, Arc::new(store), shutdown).await
}

/// Runs the bridge with any store.
///
/// # Errors
/// As [`run`].
pub async fn run_with<S: Store>(
    options: RunOptions,
    store: Arc<S>,
    mut shutdown: Shutdown,
) -> Result<()> {
    let metrics = Arc::<Metrics>::default();
    let status = Arc::<Status>::default();
    let listener = match &*options.http {
        "off" => None,
        address => Some(http::listen(address).await?),
    };
    let (events, event_queue) = mpsc::channel(READS_WAITING_MAX);
    let subscriber = Subscriber {
        broker: options.broker.broker()?,
        session: session(&options),
        filter: telemetry_filter(options.share_group.as_deref()),
        events,
        metrics: Arc::clone(&metrics),
        status: Arc::clone(&status),
        shutdown: shutdown.clone(),
    };
    let delivery = Delivery {
        store: Arc::clone(&store),
        metrics: Arc::clone(&metrics),
        status: Arc::clone(&status),
        rejection_log: Throttle::new(REJECTION_LOG_INTERVAL),
    };
    let policy = BatchPolicy {
        readings: options.batch_readings as usize,
        bytes: options.batch_bytes as usize,
        age: Duration::from_millis(u64::from(options.batch_age_ms)),
        backlog_bytes: BACKLOG_BYTES_MAX,
    };
    let deliveries_max = usize::from(options.database_connections);
    let pipeline = Pipeline::new(delivery, policy, deliveries_max);
    let housekeeper = Housekeeper {
        store: Arc::clone(&store),
        metrics: Arc::clone(&metrics),
        interval: every(options.housekeeping_interval_seconds),
        shutdown: shutdown.clone(),
    };
    let job_runner = JobRunner {
        store: Arc::clone(&store),
        metrics: Arc::clone(&metrics),
        interval: every(options.jobs_interval_seconds),
        shutdown: shutdown.clone(),
    };
    let measuring = listener.as_ref().map(|_| {
        let (store, metrics) = (Arc::clone(&store), Arc::clone(&metrics));
        gauges::poll(store, metrics, shutdown.clone())
    });
    let answers = Arc::new(Answers {
        metrics: Arc::clone(&metrics),
        status,
        store,
    });

    let subscribing = async {
        subscriber.run().await;
        Ok(())
    };
    let keeping_house = async {
        housekeeper.run().await;
        Ok(())
    };
    let running_jobs = async {
        let measuring = async {
            if let Some(measuring) = measuring {
                measuring.await;
            }
        };
        tokio::join!(job_runner.run(), measuring);
        Ok(())
    };
    let work = async {
        tokio::try_join!(
            subscribing,
            pipeline.run(event_queue),
            keeping_house,
            running_jobs
        )
    };
    let deadline = async {
        shutdown.requested().await;
        info!("stopping: no more is read, what is here is stored and acknowledged");
        tokio::time::sleep(Duration::from_secs(u64::from(options.drain_seconds))).await;
    };
    // Whoever wants to watch the end, can: answers end after the work.
    let (work_done, end_of_work) = shutdown::channel();
    let mut answering = pin!(answer(listener, answers, end_of_work));
    select! {
        result = work => drop(result?),
        () = deadline => warn!(
            unacknowledged = metrics.messages_unacknowledged.get(),
            "not everything was stored in time; the broker delivers the rest again"
        ),
        result = &mut answering => {
            result.context("the HTTP port failed")?;
            bail!("the HTTP port closed");
        }
    }
    work_done.request();
    let _ = timeout(ANSWERS_FAREWELL, answering).await;
    info!(
        received = metrics.messages_received.get(),
        accepted = metrics.messages_accepted.get(),
        rejected = metrics.messages_rejected.get(),
        "stopped"
    );
    Ok(())
}

/// An interval of so many seconds; none for 0, which is never.
fn every(seconds: u32) -> Option<Duration> {
    (seconds > 0).then(|| Duration::from_secs(seconds.into()))
}

fn session(options: &RunOptions) -> Session {
    Session {
        client_id: options.client_id.clone(),
        clean_start: false,
        keep_alive: Duration::from_secs(u64::from(options.keep_alive_seconds)),
        session_expiry: Duration::from_secs(u64::from(options.session_expiry_seconds)),
        receive_maximum: options.receive_maximum,
        packet_bytes_max: PACKET_BYTES_MAX,
    }
}

async fn answer<S: Store>(
    listener: Option<TcpListener>,
    answers: Arc<Answers<S>>,
    mut shutdown: Shutdown,
) -> std::io::Result<()> {
    match listener {
        Some(listener) => http::serve(listener, answers, shutdown).await,
        None => {
            shutdown.requested().await;
            Ok(())
        }
    }
}

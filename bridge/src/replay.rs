//! `tenon-bridge replay`: a CSV file as the readings of a device.

pub mod columns;
pub mod options;
pub mod schedule;
pub mod table;

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::select;
use tokio::time::timeout;
use tracing::info;

use self::options::ReplayOptions;
use self::schedule::Schedule;
use self::table::{Row, Table};
use crate::mqtt::publisher::{Confirmed, Fate, Publisher};
use crate::mqtt::reason;
use crate::run::session::now;
use crate::shutdown::Shutdown;

/// So many rows may wait for the broker's confirmation.
const UNCONFIRMED_MAX: u16 = 500;

/// How long the last confirmations are waited for.
const FAREWELL: Duration = Duration::from_secs(30);

/// What has become of the rows.
#[derive(Debug, Default)]
struct Tally {
    published: usize,
    readings: usize,
    confirmed: usize,
    unheard: usize,
    refusal: Option<u8>,
    empty: usize,
    without_time: usize,
    first_at: Option<i64>,
    last_at: Option<i64>,
}

/// Publishes the file, waits for the broker's confirmations, and prints a summary.
///
/// # Errors
/// A file or options that make no sense, a broker that cannot be reached, or rows that the broker
/// refused or did not confirm.
pub async fn run(options: ReplayOptions, mut shutdown: Shutdown) -> Result<()> {
    let rows = table::count_rows(&options)?.min(options.rows.unwrap_or(usize::MAX));
    let mut table = Table::open(&options)?;
    let topic = options.device.telemetry_topic();
    info!(
        rows,
        metrics = table.columns().metrics.len(),
        topic,
        "replaying"
    );
    let mut broker = options.broker.broker()?;
    broker
        .username
        .get_or_insert_with(|| options.device.username());
    let client_id = format!(
        "{}-replay-{}",
        options.device.username(),
        std::process::id()
    );
    let mut publisher = Publisher::new(broker, client_id, UNCONFIRMED_MAX);
    publisher.connect_first(&mut shutdown).await?;

    let started_at = Instant::now();
    let pace = (options.speed, options.rate);
    let times = (options.start, table.columns().time.is_some());
    let mut schedule = Schedule::new(rows, options.interval, pace, times, now().as_micros());
    let progress = progress_bar(rows);
    let mut tally = Tally::default();
    let mut payload = Vec::new();
    for place in 0..rows {
        let recorded = match table.next_row()? {
            Some(Row::Readings(recorded)) => recorded,
            Some(Row::Empty) => {
                tally.empty += 1;
                continue;
            }
            Some(Row::NoTime) => {
                tally.without_time += 1;
                continue;
            }
            None => break,
        };
        let (at, send_after) = schedule.row(place, recorded);
        let due_at = started_at.checked_add(send_after).unwrap_or(started_at);
        wait_for_room(&mut publisher, due_at, &mut tally, &progress, &mut shutdown).await;
        if shutdown.is_requested() || tally.refusal.is_some() {
            break;
        }
        tally.readings += table.write_payload(at, &mut payload);
        tally.published += 1;
        tally.first_at.get_or_insert(at);
        tally.last_at = Some(at);
        publisher.publish((), &topic, &payload);
    }
    let finish = async {
        while publisher.unconfirmed() > 0 && tally.refusal.is_none() {
            let mut confirmed = Vec::new();
            let result = publisher
                .drive(Instant::now() + FAREWELL, &mut confirmed)
                .await;
            tally.settle(&confirmed);
            if let Err(error) = result {
                if shutdown.is_requested() {
                    break;
                }
                publisher.reconnect(&error, &mut shutdown).await;
            }
        }
    };
    let _ = timeout(FAREWELL, finish).await;
    publisher.disconnect().await;
    progress.finish_and_clear();
    tally.print(started_at.elapsed());
    tally.judge(&options.device.username())
}

/// Waits until a row is due and can be taken, while confirmations come in.
async fn wait_for_room(
    publisher: &mut Publisher<()>,
    due_at: Instant,
    tally: &mut Tally,
    progress: &ProgressBar,
    shutdown: &mut Shutdown,
) {
    while (Instant::now() < due_at || publisher.room() == 0)
        && !shutdown.is_requested()
        && tally.refusal.is_none()
    {
        let until = if publisher.room() == 0 {
            Instant::now() + FAREWELL
        } else {
            due_at
        };
        drive(publisher, until, tally, progress, shutdown).await;
    }
}

async fn drive(
    publisher: &mut Publisher<()>,
    until: Instant,
    tally: &mut Tally,
    progress: &ProgressBar,
    shutdown: &mut Shutdown,
) {
    let mut confirmed = Vec::new();
    let result = select! {
        result = publisher.drive(until, &mut confirmed) => result,
        () = shutdown.requested() => Ok(()),
    };
    tally.settle(&confirmed);
    progress.set_position((tally.confirmed + tally.unheard) as u64);
    if let Err(error) = result {
        publisher.reconnect(&error, shutdown).await;
    }
}

impl Tally {
    fn settle(&mut self, confirmed: &[Confirmed<()>]) {
        for message in confirmed {
            match message.fate() {
                Fate::Taken => self.confirmed += 1,
                Fate::Unheard => self.unheard += 1,
                Fate::Refused(code) => self.refusal = Some(code),
            }
        }
    }

    fn print(&self, elapsed: Duration) {
        let time = |micros: Option<i64>| {
            let time = micros.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
            time.map_or_else(|| "never".to_owned(), |time| time.to_string())
        };
        println!(
            "{} of {} rows confirmed, {} readings, in {:.1} s",
            self.confirmed,
            self.published,
            self.readings,
            elapsed.as_secs_f64()
        );
        println!("times {} to {}", time(self.first_at), time(self.last_at));
        if self.empty > 0 {
            println!("{} rows had no value and were left out", self.empty);
        }
        if self.without_time > 0 {
            println!(
                "{} rows had no readable time and were left out",
                self.without_time
            );
        }
    }

    /// Fails when a row did not arrive.
    fn judge(&self, username: &str) -> Result<()> {
        if let Some(code) = self.refusal {
            let reason = reason::name(code);
            bail!("the broker refuses ({reason}): may this user publish for {username}?");
        }
        if self.confirmed < self.published {
            bail!(
                "{} rows are not confirmed by the broker",
                self.published - self.confirmed
            );
        }
        if self.published == 0 && self.without_time > 0 {
            bail!(
                "no row has a readable time: name the column by --time-column, or \"-\" for none"
            );
        }
        Ok(())
    }
}

fn progress_bar(rows: usize) -> ProgressBar {
    let bar = ProgressBar::new(rows as u64);
    let template = "{bar:40} {pos}/{len} rows, {per_sec}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

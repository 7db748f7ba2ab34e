//! `tenon-bridge simulate`: many devices that do not exist, for load.

mod connection;
pub mod device;
pub mod ledger;
pub mod options;
mod report;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio::task::JoinSet;

use self::connection::Line;
use self::ledger::Ledger;
use self::options::SimulateOptions;
use self::report::Tally;
use crate::shutdown::Shutdown;

/// Publishes until the time or the messages are over, or shutdown, and prints a summary.
///
/// # Errors
/// Options that make no sense, a broker that cannot be reached or does not confirm, or a ledger
/// that cannot be written.
pub async fn run(options: SimulateOptions, shutdown: Shutdown) -> Result<()> {
    let broker = options.broker.broker()?;
    let tally = Arc::<Tally>::default();
    let ledger = options
        .ledger
        .as_deref()
        .map(Ledger::create)
        .transpose()?
        .map(Arc::new);
    let started_at = Instant::now();
    let mut lines = JoinSet::new();
    for number in 0..options.connections {
        let line = Line::new(
            &options,
            &broker,
            number,
            Arc::clone(&tally),
            ledger.clone(),
        )?;
        lines.spawn(line.run(started_at, shutdown.clone()));
    }
    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut progress = report::Progress::new(&options);
    while !lines.is_empty() {
        tokio::select! {
            Some(done) = lines.join_next() => done??,
            _ = second.tick() => {
                progress.show(&tally);
                if let Some(ledger) = &ledger {
                    ledger.flush()?;
                }
            }
        }
    }
    progress.clear();
    if let Some(ledger) = &ledger {
        ledger.flush()?;
    }
    tally.print(started_at.elapsed(), options.json);
    match tally.unanswered() {
        0 => Ok(()),
        count => bail!("the broker has not answered {count} messages: is it there?"),
    }
}

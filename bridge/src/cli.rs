//! The command line.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::collect::options::CollectOptions;
use crate::logging::LogOptions;
use crate::replay::options::ReplayOptions;
use crate::run::options::RunOptions;
use crate::simulate::options::SimulateOptions;
use crate::{collect, replay, run, shutdown, simulate};

/// Carries device messages from MQTT into Postgres, acknowledged only after commit.
///
/// Options can also be set by the environment variables that are named beside them.
#[derive(Parser, Debug)]
#[command(version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// How to log.
    #[command(flatten)]
    pub log: LogOptions,

    /// The job.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do: one variant for each job.
#[derive(Subcommand, Debug)]
#[expect(
    missing_docs,
    reason = "the help shows what the options' own structs say"
)]
pub enum Command {
    Run(RunOptions),
    Replay(ReplayOptions),
    Simulate(SimulateOptions),
    Collect(CollectOptions),
}

/// Does what the command line says, until it is done or a signal ends it.
///
/// # Errors
/// What went wrong, with what to do about it.
pub async fn execute(command: Command) -> Result<()> {
    let shutdown = shutdown::on_signals()?;
    match command {
        Command::Run(options) => run::run(options, shutdown).await,
        Command::Replay(options) => replay::run(options, shutdown).await,
        Command::Collect(options) => collect::run(options, shutdown).await,
        Command::Simulate(options) => simulate::run(options, shutdown).await,
    }
}

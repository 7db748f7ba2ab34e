//! The binary `tenon-bridge`: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser as _;
use tenon_bridge::{cli, logging};

/// One thread carries far more than one broker connection brings; more bridges scale further, and
/// more threads would only pass the same messages between them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = cli::Cli::parse();
    logging::start(&arguments.log);
    match cli::execute(arguments.command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

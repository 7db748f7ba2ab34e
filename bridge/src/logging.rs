//! Sets up the log: lines of text for people, or lines of JSON for machines, on standard error.

use std::io::{IsTerminal as _, stderr};

use clap::{Args, ValueEnum};
use tracing::Level;

/// How the log looks.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Log")]
pub struct LogOptions {
    /// How lines of the log are written.
    #[arg(
        long,
        env = "TENON_LOG_FORMAT",
        value_enum,
        default_value = "text",
        global = true,
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,

    /// The least serious that is logged: error, warn, info, debug or trace.
    #[arg(
        long,
        env = "TENON_LOG_LEVEL",
        default_value = "info",
        global = true,
        value_name = "LEVEL"
    )]
    pub log_level: Level,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging.
pub fn start(options: &LogOptions) {
    let log = tracing_subscriber::fmt()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        .with_max_level(options.log_level);
    match options.log_format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

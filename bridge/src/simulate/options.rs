//! The options of `tenon-bridge simulate`.

use std::path::PathBuf;

use clap::Args;

use crate::mqtt::broker::BrokerOptions;

/// Publishes the readings of many simulated devices, for load tests.
///
/// The devices share a few connections, so the broker must let this user publish for all of them.
/// A message that the broker has not confirmed when a connection breaks is sent again: at the end
/// every message is answered, and each carries its time, so that it counts once.
#[derive(Args, Clone, Debug)]
pub struct SimulateOptions {
    /// Where the broker is.
    #[command(flatten)]
    pub broker: BrokerOptions,

    /// The tenant that the devices belong to.
    #[arg(
        long,
        env = "TENON_SIMULATE_TENANT",
        default_value = "acme",
        value_name = "SLUG"
    )]
    pub tenant: String,

    /// How many devices there are.
    #[arg(
        long,
        env = "TENON_SIMULATE_DEVICES",
        default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        value_name = "COUNT"
    )]
    pub devices: u32,

    /// What the devices' slugs begin with; a number follows.
    #[arg(
        long,
        env = "TENON_SIMULATE_DEVICE_PREFIX",
        default_value = "sim-",
        value_name = "TEXT"
    )]
    pub device_prefix: String,

    /// How many metrics each message has.
    #[arg(
        long,
        env = "TENON_SIMULATE_METRICS",
        default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..=1000),
        value_name = "COUNT"
    )]
    pub metrics: u16,

    /// How many messages a second all devices send together; 0 for as many as the broker takes.
    #[arg(
        long,
        env = "TENON_SIMULATE_RATE",
        default_value_t = 100,
        value_name = "COUNT"
    )]
    pub rate: u32,

    /// For how long; until Ctrl-C where neither this nor --messages is given.
    #[arg(long, env = "TENON_SIMULATE_SECONDS", value_name = "SECONDS")]
    pub seconds: Option<u32>,

    /// How many messages, all devices together.
    #[arg(long, env = "TENON_SIMULATE_MESSAGES", value_name = "COUNT")]
    pub messages: Option<u64>,

    /// How many connections the devices share.
    #[arg(
        long,
        env = "TENON_SIMULATE_CONNECTIONS",
        default_value_t = 4,
        value_parser = clap::value_parser!(u16).range(1..=1000),
        value_name = "COUNT"
    )]
    pub connections: u16,

    /// How many messages a connection has unconfirmed at most; the broker may allow fewer.
    #[arg(
        long,
        env = "TENON_SIMULATE_WINDOW",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u16).range(1..),
        value_name = "COUNT"
    )]
    pub window: u16,

    /// Writes a line "device,at" for each confirmed message: what must be queryable afterwards.
    ///
    /// `at` is in microseconds since 1970. Lines are on disk a second later at most.
    #[arg(long, env = "TENON_SIMULATE_LEDGER", value_name = "FILE")]
    pub ledger: Option<PathBuf>,

    /// Prints the summary as one JSON object.
    #[arg(long)]
    pub json: bool,
}

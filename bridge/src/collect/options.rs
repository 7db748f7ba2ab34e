//! The options of `tenon-bridge collect`.

use clap::Args;
use tenon_domain::identity::DeviceAddress;

use crate::mqtt::broker::BrokerOptions;
use crate::replay::options::parse_device;

/// Publishes what this machine measures of itself as the readings of a device.
///
/// Load, memory, disks, networks and, where the system shows them, temperatures. Readings wait here
/// while the broker is away, an hour's worth at most.
#[derive(Args, Clone, Debug)]
pub struct CollectOptions {
    /// The device, as TENANT/d/DEVICE; also the user name at the broker, unless one is given.
    #[arg(long, env = "TENON_DEVICE", value_parser = parse_device, value_name = "DEVICE")]
    pub device: DeviceAddress,

    /// Where the broker is.
    #[command(flatten)]
    pub broker: BrokerOptions,

    /// The time between measurements.
    #[arg(
        long,
        env = "TENON_COLLECT_INTERVAL_MS",
        default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(100..=3_600_000),
        value_name = "MILLISECONDS"
    )]
    pub interval_ms: u32,
}

//! The options of `tenon-bridge run`.

use std::path::PathBuf;

use clap::Args;

use crate::mqtt::broker::BrokerOptions;

/// Carries device messages from the broker into Postgres.
///
/// Subscribes to t/+/d/+/telemetry with a persistent session, stores what arrives in batches, and
/// acknowledges a message only after the transaction that stores it has committed. A message that
/// cannot be read is stored in iot.rejected_messages with the reason, and acknowledged. When the
/// database is away, nothing is acknowledged: the broker keeps what it has.
///
/// Several bridges share the work when they have the same --share-group and different
/// --client-id's. On SIGTERM the bridge stops reading, stores what it has, acknowledges it and
/// leaves; its session stays at the broker.
#[derive(Args, Clone, Debug)]
pub struct RunOptions {
    /// Where the broker is.
    #[command(flatten)]
    pub broker: BrokerOptions,

    /// The database, as postgresql://USER:PASSWORD@HOST:PORT/DATABASE[?sslmode=MODE].
    ///
    /// MODE is disable, prefer, require (encrypted, server unchecked) or verify-full. A
    /// transaction-pooling PgBouncer or Supavisor in between is fine.
    #[arg(
        long,
        env = "TENON_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Database"
    )]
    pub database_url: String,

    /// PEM file of the authority that signed the database's certificate; implies verify-full.
    #[arg(
        long,
        env = "TENON_DATABASE_CA",
        value_name = "FILE",
        help_heading = "Database"
    )]
    pub database_ca: Option<PathBuf>,

    /// How many batches may be on their way to the database at once, each on its own connection.
    ///
    /// One keeps pace with 20,000 messages a second. More help where the database is far away, but
    /// then batches may commit in another order, which decides between two values that a device
    /// gave one metric for the same time. Acknowledgements stay in order.
    #[arg(
        long,
        env = "TENON_DATABASE_CONNECTIONS",
        default_value_t = 1,
        value_parser = clap::value_parser!(u8).range(1..=8),
        value_name = "COUNT",
        help_heading = "Database"
    )]
    pub database_connections: u8,

    /// How often to keep house in the database, where pg_cron does not; 0 for never.
    ///
    /// Has readings compacted, and dropped when their time is over, on a connection of its own.
    /// Several bridges may do it at once.
    #[arg(
        long,
        env = "TENON_HOUSEKEEPING_INTERVAL_SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(0..=86_400),
        value_name = "SECONDS",
        help_heading = "Database"
    )]
    pub housekeeping_interval_seconds: u32,

    /// How often to run jobs that are ready in the database, where pg_cron does not; 0 for never.
    ///
    /// On a connection of its own. Several bridges may do it at once, and share the jobs.
    #[arg(
        long,
        env = "TENON_JOBS_INTERVAL_SECONDS",
        default_value_t = 5,
        value_parser = clap::value_parser!(u32).range(0..=86_400),
        value_name = "SECONDS",
        help_heading = "Database"
    )]
    pub jobs_interval_seconds: u32,

    /// The name of this bridge's session at the broker: fixed, and different for each bridge.
    #[arg(
        long,
        env = "TENON_CLIENT_ID",
        default_value = "tenon-bridge",
        value_parser = parse_client_id,
        value_name = "NAME",
        help_heading = "Subscription"
    )]
    pub client_id: String,

    /// Shares the messages with the other bridges of this group: an MQTT shared subscription.
    ///
    /// Without a group the bridge receives every message, which is right for a single bridge:
    /// Mosquitto forgets shared subscriptions when it restarts, and drops what is published until
    /// the bridge is back. Bridges of a group need different --client-id's.
    #[arg(
        long,
        env = "TENON_SHARE_GROUP",
        value_parser = parse_share_group,
        value_name = "NAME",
        help_heading = "Subscription"
    )]
    pub share_group: Option<String>,

    /// How many messages the broker may send before the first of them is acknowledged.
    ///
    /// This is the back-pressure: with the database away, the bridge takes so many and no more.
    #[arg(
        long,
        env = "TENON_RECEIVE_MAXIMUM",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u16).range(1..),
        value_name = "COUNT",
        help_heading = "Subscription"
    )]
    pub receive_maximum: u16,

    /// How long the broker keeps the session, and the messages for it, while no bridge is there.
    #[arg(
        long,
        env = "TENON_SESSION_EXPIRY_SECONDS",
        default_value_t = 7 * 24 * 3600,
        value_parser = clap::value_parser!(u32).range(1..),
        value_name = "SECONDS",
        help_heading = "Subscription"
    )]
    pub session_expiry_seconds: u32,

    /// The longest silence before the connection to the broker counts as lost.
    #[arg(
        long,
        env = "TENON_KEEP_ALIVE_SECONDS",
        default_value_t = 30,
        value_parser = clap::value_parser!(u16).range(2..),
        value_name = "SECONDS",
        help_heading = "Subscription"
    )]
    pub keep_alive_seconds: u16,

    /// So many readings make a batch, however young.
    #[arg(
        long,
        env = "TENON_BATCH_READINGS",
        default_value_t = 20_000,
        value_parser = clap::value_parser!(u32).range(1..=200_000),
        value_name = "COUNT",
        help_heading = "Batches"
    )]
    pub batch_readings: u32,

    /// So many bytes of payloads make a batch, whatever is in them.
    #[arg(
        long,
        env = "TENON_BATCH_BYTES",
        default_value_t = 4 * 1024 * 1024,
        value_parser = clap::value_parser!(u32).range(1024..=8 * 1024 * 1024),
        value_name = "BYTES",
        help_heading = "Batches"
    )]
    pub batch_bytes: u32,

    /// The longest that a message waits for others to share its transaction.
    #[arg(
        long,
        env = "TENON_BATCH_AGE_MS",
        default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(0..=60_000),
        value_name = "MILLISECONDS",
        help_heading = "Batches"
    )]
    pub batch_age_ms: u32,

    /// Address for /healthz, /readyz and /metrics; "off" for none.
    #[arg(
        long,
        env = "TENON_HTTP",
        default_value = "127.0.0.1:9464",
        value_name = "ADDRESS"
    )]
    pub http: String,

    /// How long storing and acknowledging may take after SIGTERM.
    ///
    /// What is not done by then, the broker delivers again.
    #[arg(
        long,
        env = "TENON_DRAIN_SECONDS",
        default_value_t = 20,
        value_name = "SECONDS"
    )]
    pub drain_seconds: u32,
}

/// Every device's telemetry: shared among the bridges of a group, where there is one. An empty
/// name, as an environment variable without a value gives it, is none.
#[must_use]
pub fn telemetry_filter(share_group: Option<&str>) -> String {
    match share_group {
        None | Some("") => "t/+/d/+/telemetry".to_owned(),
        Some(group) => format!("$share/{group}/t/+/d/+/telemetry"),
    }
}

fn parse_client_id(text: &str) -> Result<String, String> {
    if (1..=128).contains(&text.len()) && !text.contains(char::is_control) {
        return Ok(text.to_owned());
    }
    Err("a client id has 1 to 128 bytes and no control characters".to_owned())
}

fn parse_share_group(text: &str) -> Result<String, String> {
    let forbidden = |letter: char| letter.is_control() || "/+#".contains(letter);
    if text.len() <= 128 && !text.contains(forbidden) {
        return Ok(text.to_owned());
    }
    Err("a share name has at most 128 bytes and none of / + #".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_takes_every_tenant_and_device_and_is_shared_in_a_group() {
        assert_eq!(telemetry_filter(Some("g")), "$share/g/t/+/d/+/telemetry");
        assert_eq!(telemetry_filter(Some("")), "t/+/d/+/telemetry");
        assert_eq!(telemetry_filter(None), "t/+/d/+/telemetry");
    }

    #[test]
    fn a_share_name_cannot_change_the_filter() {
        for bad in ["a/b", "+", "#", "a\nb", &"x".repeat(129)] {
            assert!(parse_share_group(bad).is_err(), "{bad:?}");
        }
        assert!(parse_share_group("tenon-eu").is_ok());
    }
}

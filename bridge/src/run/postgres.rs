//! The database: functions of the schema `iot`, called over ordinary connections.
//!
//! Statements are unnamed and typed, and nothing depends on the session: each call may reach
//! another server connection, as behind PgBouncer or Supavisor in transaction mode.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tenon_domain::telemetry::batch::{EntryKind, RefusedEntry};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use tracing::{debug, warn};

use super::gauges::Gauge;
use super::store::{Housekeeping, RejectedMessage, Store, StoreError};
use crate::tls::{self, Trust};

/// How long reaching the database may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a call may take: a batch takes milliseconds, so this one hangs.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long the network may leave sent bytes unconfirmed before the connection counts as lost.
const NETWORK_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a call to run jobs may go on beyond its budget: as long as the longest step.
const STEP_TIMEOUT: Duration = Duration::from_secs(11 * 60);

/// How long the database may take to say what it measures.
const GAUGES_TIMEOUT: Duration = Duration::from_secs(5);

const INGEST: &str = "select kind, ordinal, code from iot.ingest($1)";

const REJECT: &str = "select iot.reject($1, $2, $3, $4)";

const HOUSEKEEP: &str = "select coalesce(readings, 0), coalesce(done, false), failure \
    from core.housekeep_unscheduled(make_interval(secs => $1))";

const GAUGES: &str = "select name, labels::text, value from core.delivery_metrics()";

const PROBE: &str = "select not pg_is_in_recovery() and has_schema_privilege('iot', 'usage') \
    and has_function_privilege('iot.ingest(bytea)', 'execute') \
    and has_function_privilege('iot.reject(text[],bytea[],text[],text[])', 'execute')";

/// Connections to a Postgres database with Tenon's migrations.
pub struct Postgres {
    config: Config,
    tls: MakeRustlsConnect,
    connections_max: usize,
    idle: Mutex<Vec<Client>>,
    /// Of the runner of jobs.
    jobs: Mutex<Option<Client>>,
    /// Of whoever asks for gauges.
    gauges: Mutex<Option<Client>>,
}

impl Postgres {
    /// A database at `url`; nothing is connected yet. At most `connections_max` connections are
    /// kept. With `authority`, a PEM file, the server's certificate must be signed by it.
    ///
    /// # Errors
    /// A URL that is none, or a file that cannot be read.
    pub fn new(url: &str, authority: Option<PathBuf>, connections_max: usize) -> Result<Self> {
        let (url, verified) = verification(url);
        let mut config: Config = url.parse().context(
            "the database's URL is postgresql://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…",
        )?;
        if config.get_hosts().is_empty() {
            bail!("the database's URL names no host");
        }
        let trust = match (authority, verified) {
            (Some(file), _) if config.get_ssl_mode() != SslMode::Disable => Trust::Authority(file),
            (Some(_), _) => bail!("--database-ca and sslmode=disable exclude each other"),
            (None, true) => Trust::System,
            (None, false) => Trust::Anyone,
        };
        if trust != Trust::Anyone {
            config.ssl_mode(SslMode::Require);
        } else if config.get_ssl_mode() == SslMode::Require {
            warn!(
                "sslmode=require encrypts but does not check whom it speaks to: \
                 use sslmode=verify-full or --database-ca"
            );
        }
        config
            .application_name("tenon-bridge")
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_user_timeout(NETWORK_TIMEOUT);
        let tls = MakeRustlsConnect::new(tls::client_config(&trust, None)?);
        Ok(Self {
            config,
            tls,
            connections_max,
            idle: Mutex::default(),
            jobs: Mutex::default(),
            gauges: Mutex::default(),
        })
    }

    /// Runs a statement on an idle connection or a new one.
    async fn query(
        &self,
        statement: &str,
        values: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, StoreError> {
        let client = match self.take_idle() {
            Some(client) => client,
            None => self.connect().await?,
        };
        let rows = call(&client, statement, values, CALL_TIMEOUT).await;
        if !matches!(rows, Err(StoreError::TooSlow(_))) {
            self.put_back(client);
        }
        rows
    }

    async fn connect(&self) -> Result<Client, StoreError> {
        let connecting = timeout(CONNECT_TIMEOUT, self.config.connect(self.tls.clone()));
        let (client, connection) = connecting
            .await
            .map_err(|_| StoreError::Unavailable("cannot connect: no answer".to_owned()))?
            .map_err(|error| {
                StoreError::Unavailable(format!("cannot connect: {}", describe(&error)))
            })?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(problem = describe(&error), "a database connection ended");
            }
        });
        Ok(client)
    }

    /// The connection that was kept, or a new one.
    async fn kept(&self, place: &Mutex<Option<Client>>) -> Result<Client, StoreError> {
        let kept = place.lock().ok().and_then(|mut kept| kept.take());
        match kept.filter(|client| !client.is_closed()) {
            Some(client) => Ok(client),
            None => self.connect().await,
        }
    }

    fn take_idle(&self) -> Option<Client> {
        let mut idle = self.idle.lock().ok()?;
        idle.retain(|client| !client.is_closed());
        idle.pop()
    }

    fn put_back(&self, client: Client) {
        if let Ok(mut idle) = self.idle.lock()
            && !client.is_closed()
            && idle.len() < self.connections_max
        {
            idle.push(client);
        }
    }
}

impl Store for Postgres {
    async fn ingest(&self, batch: &[u8]) -> Result<Vec<RefusedEntry>, StoreError> {
        let rows = self.query(INGEST, &[(&batch, Type::BYTEA)]).await?;
        rows.iter().map(refused_entry).collect()
    }

    async fn reject(&self, messages: &[RejectedMessage<'_>]) -> Result<(), StoreError> {
        let topics: Vec<String> = messages.iter().map(|message| text(message.topic)).collect();
        let payloads: Vec<&[u8]> = messages.iter().map(|message| message.payload).collect();
        let codes: Vec<&str> = messages.iter().map(|message| message.code).collect();
        let reasons: Vec<String> = messages
            .iter()
            .map(|message| text(message.reason.as_bytes()))
            .collect();
        let values: [(&(dyn ToSql + Sync), Type); 4] = [
            (&topics, Type::TEXT_ARRAY),
            (&payloads, Type::BYTEA_ARRAY),
            (&codes, Type::TEXT_ARRAY),
            (&reasons, Type::TEXT_ARRAY),
        ];
        self.query(REJECT, &values).await.map(drop)
    }

    async fn probe(&self) -> Result<(), StoreError> {
        let rows = self.query(PROBE, &[]).await?;
        match rows.first().and_then(|row| row.try_get(0).ok()) {
            Some(true) => Ok(()),
            _ => Err(StoreError::Unavailable(
                "the database is a read-only replica, or the login may not call iot.ingest: \
                 connect to the primary as tenon_bridge"
                    .to_owned(),
            )),
        }
    }

    /// On a connection of its own, so that no batch waits for it.
    async fn housekeep(&self, budget: Duration) -> Result<Housekeeping, StoreError> {
        let client = self.connect().await?;
        let values: [(&(dyn ToSql + Sync), Type); 1] = [(&budget.as_secs_f64(), Type::FLOAT8)];
        let rows = call(&client, HOUSEKEEP, &values, budget + CALL_TIMEOUT).await?;
        housekeeping(&rows)
    }

    /// One simple statement, in which a procedure may commit, also through a pooler.
    async fn run_jobs(&self, budget: Duration) -> Result<(), StoreError> {
        let client = self.kept(&self.jobs).await?;
        let seconds = budget.as_secs();
        let statement = format!("call core.run_jobs(make_interval(secs => {seconds}), true)");
        let result = match timeout(budget + STEP_TIMEOUT, client.batch_execute(&statement)).await {
            Ok(result) => result.map_err(|error| classify(&error)),
            // The connection ends with the client, and the call with its transaction.
            Err(_) => return Err(StoreError::TooSlow("jobs are still run".to_owned())),
        };
        keep(&self.jobs, client);
        result
    }

    async fn gauges(&self) -> Result<Vec<Gauge>, StoreError> {
        let client = self.kept(&self.gauges).await?;
        let rows = call(&client, GAUGES, &[], GAUGES_TIMEOUT).await?;
        keep(&self.gauges, client);
        rows.iter().map(gauge).collect()
    }
}

fn keep(place: &Mutex<Option<Client>>, client: Client) {
    if let Ok(mut kept) = place.lock() {
        *kept = Some(client);
    }
}

fn gauge(row: &Row) -> Result<Gauge, StoreError> {
    let read = || -> Option<Gauge> {
        let labels: BTreeMap<String, String> = serde_json::from_str(row.try_get(1).ok()?).ok()?;
        Some(Gauge {
            name: row.try_get(0).ok()?,
            labels: labels.into_iter().collect(),
            value: row.try_get(2).ok()?,
        })
    };
    read().ok_or_else(|| {
        StoreError::Unavailable(
            "core.delivery_metrics answered in an unknown form: update the bridge".into(),
        )
    })
}

/// Runs a statement that takes no longer than `time`.
async fn call(
    client: &Client,
    statement: &str,
    values: &[(&(dyn ToSql + Sync), Type)],
    time: Duration,
) -> Result<Vec<Row>, StoreError> {
    match timeout(time, client.query_typed(statement, values)).await {
        Ok(result) => result.map_err(|error| classify(&error)),
        Err(_) => {
            let seconds = time.as_secs();
            Err(StoreError::TooSlow(format!("no answer within {seconds} s")))
        }
    }
}

/// What `core.housekeep_unscheduled` returned; without a row there was nothing to do for us.
fn housekeeping(rows: &[Row]) -> Result<Housekeeping, StoreError> {
    let Some(row) = rows.first() else {
        return Ok(Housekeeping {
            is_done: true,
            ..Housekeeping::default()
        });
    };
    let read = || -> Option<Housekeeping> {
        Some(Housekeeping {
            readings: u64::try_from(row.try_get::<_, i64>(0).ok()?).ok()?,
            is_done: row.try_get(1).ok()?,
            failure: row.try_get(2).ok()?,
        })
    };
    read().ok_or_else(|| {
        StoreError::Unavailable(
            "core.housekeep_unscheduled answered in an unknown form: update the bridge".into(),
        )
    })
}

/// A URL that the driver understands, and whether it wanted the server's certificate verified:
/// the driver knows `require` at most.
fn verification(url: &str) -> (String, bool) {
    let plain = ["verify-full", "verify-ca"]
        .iter()
        .fold(url.to_owned(), |url, mode| {
            url.replace(&format!("sslmode={mode}"), "sslmode=require")
        });
    let verified = plain != url;
    (plain, verified)
}

/// Bytes as text that Postgres takes: valid UTF-8 without U+0000.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}")
}

fn refused_entry(row: &Row) -> Result<RefusedEntry, StoreError> {
    let read = || -> Option<RefusedEntry> {
        let kind = EntryKind::from_name(row.try_get(0).ok()?)?;
        let ordinal = u32::try_from(row.try_get::<_, i32>(1).ok()?).ok()?;
        Some(RefusedEntry {
            kind,
            ordinal,
            code: row.try_get(2).ok()?,
        })
    };
    read().ok_or_else(|| {
        StoreError::Unavailable("iot.ingest answered in an unknown form: update the bridge".into())
    })
}

/// Sorts an error by whether time, fewer messages or nothing can help.
fn classify(error: &tokio_postgres::Error) -> StoreError {
    let description = describe(error);
    match error.code() {
        None => StoreError::Unavailable(description),
        Some(code) => classify_state(code.code(), description),
    }
}

fn classify_state(state: &str, description: String) -> StoreError {
    if state == SqlState::QUERY_CANCELED.code() {
        return StoreError::TooSlow(description);
    }
    match state.get(..2) {
        // Connection lost, transaction to be repeated, resources short, object in use, server
        // going down, input or output failing: all of this passes.
        Some("08" | "40" | "53" | "55" | "57" | "58") => StoreError::Unavailable(description),
        // Wrong login, database, schema, right or function, or a read-only server: what is set up
        // is wrong, not the messages, and someone has to correct it.
        Some("25" | "28" | "3D" | "3F" | "42") => StoreError::Unavailable(format!(
            "{description}; are the migrations applied, and may this login call iot.ingest?"
        )),
        _ => StoreError::Poison(description),
    }
}

/// The server's own words where there are any: the driver says "db error" and no more.
fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(server) => format!("{} ({})", server.message(), server.code().code()),
        None => chain(error),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_sorted_by_what_can_help() {
        let sort = |state| classify_state(state, String::new());
        for state in [
            "08006", "40001", "40P01", "53300", "55P03", "57P01", "57P03", "58030",
        ] {
            assert!(matches!(sort(state), StoreError::Unavailable(_)), "{state}");
        }
        for state in ["42883", "42501", "3F000", "28P01", "25006"] {
            assert!(matches!(sort(state), StoreError::Unavailable(_)), "{state}");
        }
        for state in ["22003", "23505", "P0001", "PGRST", "XX000"] {
            assert!(matches!(sort(state), StoreError::Poison(_)), "{state}");
        }
        assert!(matches!(sort("57014"), StoreError::TooSlow(_)));
    }

    #[test]
    fn stricter_modes_than_the_driver_knows_are_kept() {
        let verified = ("postgresql://h/d?sslmode=require".to_owned(), true);
        assert_eq!(
            verification("postgresql://h/d?sslmode=verify-full"),
            verified
        );
        let plain = ("postgresql://h/d?sslmode=require".to_owned(), false);
        assert_eq!(verification("postgresql://h/d?sslmode=require"), plain);
    }

    #[test]
    fn text_for_postgres_holds_neither_broken_utf_8_nor_zero() {
        assert_eq!(text(b"a\0b\xff"), "a\u{fffd}b\u{fffd}");
    }
}

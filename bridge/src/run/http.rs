//! Answers the three questions that operators ask over HTTP: does it live, is it ready, what has it
//! counted. For a local port: there is no TLS and no login, and a client may take its time.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::timeout;
use tower::limit::GlobalConcurrencyLimitLayer;

use super::metrics::{self, Metrics};
use super::status::Status;
use super::store::Store;
use crate::shutdown::Shutdown;

/// So many requests are answered at once; the others wait, and the database is not flooded with
/// probes.
const REQUESTS_MAX: usize = 16;

/// How long the database may take to say that it is there.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// What is answered from.
pub struct Answers<S> {
    /// The counts.
    pub metrics: Arc<Metrics>,
    /// The state of broker and database.
    pub status: Arc<Status>,
    /// Asked whether it is there, when someone asks us.
    pub store: Arc<S>,
}

/// Opens the port.
///
/// # Errors
/// When the address is taken or not ours.
pub async fn listen(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}: choose another address by --http"))
}

/// Answers until shutdown, and then those who have asked before.
///
/// # Errors
/// When the port fails.
pub async fn serve<S: Store>(
    listener: TcpListener,
    answers: Arc<Answers<S>>,
    mut shutdown: Shutdown,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz::<S>))
        .route("/metrics", get(exported::<S>))
        .fallback(not_found)
        .layer(GlobalConcurrencyLimitLayer::new(REQUESTS_MAX))
        .with_state(answers);
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { shutdown.requested().await })
        .await
}

async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether messages flow. Asks the database, so that an idle bridge knows as well as a busy one.
async fn readyz<S: Store>(State(answers): State<Arc<Answers<S>>>) -> Response {
    let status = &answers.status;
    match timeout(PROBE_TIMEOUT, answers.store.probe()).await {
        Ok(Ok(())) => status.database_answered(),
        Ok(Err(error)) => status.database_failed(error.to_string()),
        Err(_) => status.database_failed("no answer in time".to_owned()),
    }
    let (ready, body) = status.readiness();
    let code = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, now("application/json"), body + "\n").into_response()
}

async fn exported<S: Store>(State(answers): State<Arc<Answers<S>>>) -> Response {
    let (broker, database) = (answers.status.broker_up(), answers.status.database_up());
    let text = answers.metrics.exported(broker, database);
    (now(metrics::CONTENT_TYPE), text).into_response()
}

async fn not_found() -> (StatusCode, &'static str) {
    let body = "there are /healthz, /readyz and /metrics\n";
    (StatusCode::NOT_FOUND, body)
}

/// The headers of an answer that is true at this moment only.
fn now(kind: &'static str) -> [(axum::http::HeaderName, &'static str); 2] {
    [(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")]
}

#[cfg(test)]
mod tests;

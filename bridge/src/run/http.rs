//! Answers the three questions that operators ask over HTTP: does it live, is it ready, what has it
//! counted. For a local port: there is no TLS and no login.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::metrics::{self, Metrics};
use super::status::Status;
use super::store::Store;

/// The longest request: a line and some headers.
const REQUEST_BYTES_MAX: usize = 8 * 1024;

/// How long a request may take to arrive, and an answer to be taken.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// So many requests are answered at once; the others wait.
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

/// Answers for ever.
pub async fn serve<S: Store>(listener: TcpListener, answers: Arc<Answers<S>>) {
    let slots = Arc::new(Semaphore::new(REQUESTS_MAX));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let answers = Arc::clone(&answers);
                tokio::spawn(async move {
                    let _ = timeout(REQUEST_TIMEOUT, answers.answer(stream)).await;
                    drop(slot);
                });
            }
            // Out of file descriptors, most likely: give others time to close some.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

impl<S: Store> Answers<S> {
    async fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let Some(path) = read_path(&mut stream).await? else {
            return Ok(());
        };
        let (status, kind, body) = self.body(&path).await;
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await?;
        stream.write_all(body.as_bytes()).await?;
        stream.shutdown().await
    }

    async fn body(&self, path: &str) -> (&'static str, &'static str, String) {
        match path {
            "/healthz" => ("200 OK", "text/plain; charset=utf-8", "ok\n".to_owned()),
            "/readyz" => {
                self.probe().await;
                let (ready, body) = self.status.readiness();
                let status = if ready {
                    "200 OK"
                } else {
                    "503 Service Unavailable"
                };
                (status, "application/json", body + "\n")
            }
            "/metrics" => {
                let (broker, database) = (self.status.broker_up(), self.status.database_up());
                let text = self.metrics.exported(broker, database);
                ("200 OK", metrics::CONTENT_TYPE, text)
            }
            _ => {
                let body = "there are /healthz, /readyz and /metrics\n".to_owned();
                ("404 Not Found", "text/plain; charset=utf-8", body)
            }
        }
    }

    /// Asks the database, so that an idle bridge knows as well as a busy one.
    async fn probe(&self) {
        match timeout(PROBE_TIMEOUT, self.store.probe()).await {
            Ok(Ok(())) => self.status.database_answered(),
            Ok(Err(error)) => self.status.database_failed(error.to_string()),
            Err(_) => self.status.database_failed("no answer in time".to_owned()),
        }
    }
}

/// The path of a GET request, without its query; nothing when it is no such request.
async fn read_path(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut request = Vec::with_capacity(1024);
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        if request.len() >= REQUEST_BYTES_MAX || stream.read_buf(&mut request).await? == 0 {
            return Ok(None);
        }
    }
    Ok(path_of(&request).map(str::to_owned))
}

fn path_of(request: &[u8]) -> Option<&str> {
    let line = request.split(|&byte| byte == b'\r').next()?;
    let target = std::str::from_utf8(line)
        .ok()?
        .strip_prefix("GET ")?
        .split(' ')
        .next()?;
    target.split('?').next()
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn the_path_is_between_method_and_version() {
        assert_eq!(
            path_of(b"GET /metrics?x=1 HTTP/1.1\r\nHost: a\r\n\r\n"),
            Some("/metrics")
        );
        assert_eq!(path_of(b"POST /metrics HTTP/1.1\r\n\r\n"), None);
        assert_eq!(path_of(b"\xff\r\n\r\n"), None);
    }
}

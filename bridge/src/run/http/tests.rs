//! What operators get to read, over a real port.

use std::sync::atomic::{AtomicUsize, Ordering};

use tenon_domain::telemetry::batch::RefusedEntry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::run::store::{Housekeeping, RejectedMessage, StoreError};
use crate::shutdown::{self, ShutdownTrigger};

/// A database that answers a probe as soon as the test has said how.
struct ProbedStore {
    answer: watch::Receiver<Option<Result<(), StoreError>>>,
    probes: AtomicUsize,
}

impl Store for ProbedStore {
    async fn ingest(&self, _batch: &[u8]) -> Result<Vec<RefusedEntry>, StoreError> {
        Ok(Vec::new())
    }

    async fn reject(&self, _messages: &[RejectedMessage<'_>]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.probes.fetch_add(1, Ordering::Relaxed);
        let mut answer = self.answer.clone();
        let answer = answer.wait_for(Option::is_some).await;
        answer
            .expect("the test keeps the sender")
            .clone()
            .expect("waited for")
    }

    async fn housekeep(&self, _budget: Duration) -> Result<Housekeeping, StoreError> {
        Ok(Housekeeping::default())
    }
}

/// A server, and what the test holds of it.
struct Scene {
    port: u16,
    answers: Arc<Answers<ProbedStore>>,
    database: watch::Sender<Option<Result<(), StoreError>>>,
    trigger: ShutdownTrigger,
    server: JoinHandle<std::io::Result<()>>,
}

impl Scene {
    async fn new() -> Self {
        let listener = listen("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (database, answer) = watch::channel(None);
        let answers = Arc::new(Answers {
            metrics: Arc::default(),
            status: Arc::default(),
            store: Arc::new(ProbedStore {
                answer,
                probes: AtomicUsize::new(0),
            }),
        });
        let (trigger, shutdown) = shutdown::channel();
        let server = tokio::spawn(serve(listener, Arc::clone(&answers), shutdown));
        Self {
            port,
            answers,
            database,
            trigger,
            server,
        }
    }

    /// Asks in the background; what comes back is status line, headers and body.
    fn ask(&self, request: &str) -> JoinHandle<String> {
        let request = format!("{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let port = self.port;
        tokio::spawn(async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await;
            let mut stream = stream.expect("the port is open");
            let written = stream.write_all(request.as_bytes()).await;
            written.expect("the server listens");
            let mut answer = String::new();
            let read = stream.read_to_string(&mut answer).await;
            read.expect("an answer in UTF-8");
            answer
        })
    }

    async fn answer(&self, request: &str) -> String {
        self.ask(request).await.expect("an answer")
    }

    /// Waits until the database has been asked so often.
    async fn probed(&self, times: usize) {
        while self.answers.store.probes.load(Ordering::Relaxed) < times {
            tokio::task::yield_now().await;
        }
    }
}

fn assert_parts(answer: &str, parts: &[&str]) {
    for part in parts {
        assert!(answer.contains(part), "{part:?} is not in\n{answer}");
    }
}

#[tokio::test]
async fn each_path_has_its_answer() {
    let scene = Scene::new().await;
    scene.answers.metrics.messages_accepted.inc_by(7);
    let answer = scene.answer("GET /healthz").await;
    assert_parts(&answer, &["HTTP/1.1 200 OK\r\n", "\r\n\r\nok\n"]);
    let answer = scene.answer("GET /metrics?x=1").await;
    let kind = format!("\r\ncontent-type: {}\r\n", metrics::CONTENT_TYPE);
    let line = "\ntenon_bridge_messages_accepted_total 7\n";
    assert_parts(&answer, &["HTTP/1.1 200 OK\r\n", &kind, line]);
    let answer = scene.answer("GET /").await;
    assert_parts(&answer, &["HTTP/1.1 404 Not Found\r\n", "/readyz"]);
    let answer = scene.answer("POST /metrics").await;
    assert_parts(&answer, &["HTTP/1.1 405 Method Not Allowed\r\n"]);
}

#[tokio::test]
async fn ready_is_a_bridge_whose_broker_and_database_are_there() {
    let scene = Scene::new().await;
    let not_ready = "HTTP/1.1 503 Service Unavailable\r\n";
    let json = "\r\ncontent-type: application/json\r\n";

    scene.database.send_replace(Some(Ok(())));
    let body = r#"{"broker":"not yet connected","database":"ok"}"#;
    assert_parts(&scene.answer("GET /readyz").await, &[not_ready, json, body]);

    scene.answers.status.subscribed();
    let body = r#"{"broker":"ok","database":"ok"}"#;
    let ready = "HTTP/1.1 200 OK\r\n";
    assert_parts(&scene.answer("GET /readyz").await, &[ready, json, body]);

    let away = StoreError::Unavailable("starting up".to_owned());
    scene.database.send_replace(Some(Err(away)));
    let body = r#"{"broker":"ok","database":"starting up"}"#;
    assert_parts(&scene.answer("GET /readyz").await, &[not_ready, json, body]);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_says_nothing_is_not_ready() {
    let scene = Scene::new().await;
    let answer = scene.answer("GET /readyz").await;
    assert_parts(&answer, &["HTTP/1.1 503", "no answer in time"]);
}

#[tokio::test]
async fn the_database_is_not_flooded_with_probes() {
    let scene = Scene::new().await;
    let asking: Vec<_> = (0..2 * REQUESTS_MAX)
        .map(|_| scene.ask("GET /readyz"))
        .collect();
    scene.probed(REQUESTS_MAX).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let probes = &scene.answers.store.probes;
    assert_eq!(probes.load(Ordering::Relaxed), REQUESTS_MAX);
    scene.database.send_replace(Some(Ok(())));
    for asked in asking {
        assert_parts(&asked.await.expect("an answer"), &["\"database\":\"ok\""]);
    }
}

#[tokio::test]
async fn who_has_asked_before_the_end_is_answered() {
    let scene = Scene::new().await;
    let asked = scene.ask("GET /readyz");
    scene.probed(1).await;
    scene.trigger.request();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!scene.server.is_finished(), "someone waits");
    scene.database.send_replace(Some(Ok(())));
    assert_parts(&asked.await.expect("an answer"), &["\"database\":\"ok\""]);
    let ended = timeout(Duration::from_secs(20), scene.server).await;
    ended.expect("soon").expect("no panic").expect("no failure");
}

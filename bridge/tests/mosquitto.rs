//! The bridge against a real Mosquitto that is killed without warning. Skipped, with a message,
//! where no Mosquitto is installed.

mod support;

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use support::{Call, HeldStore, options, topic};
use tenon_bridge::mqtt::publisher::Publisher;
use tenon_bridge::{run, shutdown};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker without persistence: what it has not handed on when it dies, it has lost.
struct Mosquitto {
    folder: PathBuf,
    port: u16,
    process: Child,
}

impl Mosquitto {
    /// Starts a broker, or says why not.
    async fn start(name: &str) -> Option<Self> {
        let folder = std::env::temp_dir().join(format!("tenon-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for the broker");
        let free = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\n\
             max_queued_messages 0\n"
        );
        std::fs::write(folder.join("mosquitto.conf"), config).expect("a writable folder");
        let Some(process) = spawn(&folder) else {
            eprintln!("skipped: mosquitto is not installed");
            return None;
        };
        let broker = Self {
            folder,
            port,
            process,
        };
        broker.ready().await;
        Some(broker)
    }

    async fn ready(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(Instant::now() < deadline, "mosquitto does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn kill(&mut self) {
        self.process.kill().await.expect("it runs");
    }

    async fn restart(&mut self) {
        self.process = spawn(&self.folder).expect("it ran before");
        self.ready().await;
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn spawn(folder: &std::path::Path) -> Option<Child> {
    let sbin = PathBuf::from("/usr/sbin/mosquitto");
    let program = if sbin.exists() {
        sbin
    } else {
        PathBuf::from("mosquitto")
    };
    let mut command = Command::new(program);
    command.arg("-c").arg(folder.join("mosquitto.conf"));
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command.spawn().ok()
}

/// Publishes a message for each device and returns when the broker has answered all.
async fn publish_confirmed(port: u16, devices: std::ops::Range<usize>) {
    let broker = options(port, &[]).broker.broker().expect("a URL");
    let mut publisher = Publisher::new(broker, format!("test-{}", devices.start), 1000);
    publisher.connect().await.expect("the broker runs");
    let mut confirmed = Vec::new();
    let mut left = devices.clone();
    let deadline = Instant::now() + PATIENCE;
    while confirmed.len() < devices.len() {
        while publisher.room() > 0
            && let Some(device) = left.next()
        {
            let payload = br#"{"at":1764000000,"a":1,"b":2.5,"c":true}"#;
            publisher.publish((), &topic(&format!("d{device}")), payload);
        }
        publisher
            .drive(deadline, &mut confirmed)
            .await
            .expect("the broker runs");
        assert!(Instant::now() < deadline, "the broker does not confirm");
    }
    publisher.disconnect().await;
}

/// Publishes the message of device d0 until the bridge has subscribed and wants to store it.
async fn first_call(calls: &mut UnboundedReceiver<Call>, port: u16) -> Call {
    let deadline = Instant::now() + PATIENCE;
    loop {
        publish_confirmed(port, 0..1).await;
        if let Ok(call) = timeout(Duration::from_millis(200), calls.recv()).await {
            return call.expect("the bridge runs");
        }
        assert!(Instant::now() < deadline, "the bridge does not subscribe");
    }
}

/// Waits until so many different devices are committed.
async fn wait_for(store: &HeldStore, devices: usize) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut committed = store.committed();
        committed.sort_unstable();
        committed.dedup();
        if committed.len() == devices {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "{} of {devices} are committed",
            committed.len()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_the_broker_confirmed_before_it_was_killed_is_stored() {
    let Some(mut broker) = Mosquitto::start("killed").await else {
        return;
    };
    let (store, mut calls) = HeldStore::new();
    let (_trigger, shutdown) = shutdown::channel();
    // Small batches, held by the database: most messages are still in the socket.
    let options = options(broker.port, &["--batch-readings", "60"]);
    let bridge = tokio::spawn(run::run_with(options, store.clone(), shutdown));
    let first = first_call(&mut calls, broker.port).await;
    publish_confirmed(broker.port, 1..3000).await;
    broker.kill().await;
    store.open();
    first.commit();
    while let Ok(call) = calls.try_recv() {
        call.commit();
    }
    wait_for(&store, 3000).await;

    broker.restart().await;
    let deadline = Instant::now() + PATIENCE;
    while !store.committed().contains(&"d3000".to_owned()) {
        publish_confirmed(broker.port, 3000..3001).await;
        assert!(Instant::now() < deadline, "the bridge does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bridge.abort();
}

#[tokio::test]
async fn what_a_killed_bridge_had_not_stored_comes_again() {
    let Some(broker) = Mosquitto::start("again").await else {
        return;
    };
    let (store, mut calls) = HeldStore::new();
    let (_trigger, shutdown) = shutdown::channel();
    let held = options(broker.port, &["--batch-readings", "60"]);
    let first = tokio::spawn(run::run_with(held.clone(), store.clone(), shutdown.clone()));
    let _held = first_call(&mut calls, broker.port).await;
    publish_confirmed(broker.port, 1..1000).await;
    first.abort();
    assert!(store.committed().is_empty());
    let (store, _calls) = HeldStore::new();
    store.open();
    let second = tokio::spawn(run::run_with(held, store.clone(), shutdown));
    wait_for(&store, 1000).await;
    second.abort();
}

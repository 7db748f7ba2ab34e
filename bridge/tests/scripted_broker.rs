//! The bridge against a broker that follows the test's script byte by byte.

mod support;

use std::time::Duration;

use bytes::{BufMut as _, BytesMut};
use support::{Call, HeldStore, options, topic};
use tenon_bridge::mqtt::packet;
use tenon_bridge::{run, shutdown};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const PUBACK: u8 = 4;
const SUBSCRIBE: u8 = 8;
const DISCONNECT: u8 = 14;

/// Long enough for a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough to see that nothing comes.
const SILENCE: Duration = Duration::from_millis(300);

/// A bridge, the broker that it is connected to, and the batches that it wants to store.
struct Scene {
    listener: TcpListener,
    broker: TcpStream,
    calls: mpsc::UnboundedReceiver<Call>,
    trigger: shutdown::ShutdownTrigger,
    bridge: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Scene {
    /// Starts a bridge that makes a batch of each message and has two on their way at once.
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let (store, calls) = HeldStore::new();
        let (trigger, shutdown) = shutdown::channel();
        let options = options(
            port,
            &[
                "--share-group",
                "bridges",
                "--batch-readings",
                "1",
                "--database-connections",
                "2",
            ],
        );
        let bridge = tokio::spawn(run::run_with(options, store, shutdown));
        let broker = accept(&listener, false).await;
        Self {
            listener,
            broker,
            calls,
            trigger,
            bridge,
        }
    }

    /// Sends messages with these packet ids, each of a device named after its id.
    async fn send(&mut self, packet_ids: &[u16]) {
        let mut bytes = BytesMut::new();
        for &packet_id in packet_ids {
            let payload = br#"{"at":1764000000,"a":1}"#;
            let topic = topic(&format!("d{packet_id}"));
            packet::write_publish(&mut bytes, packet_id, &topic, payload);
        }
        self.broker
            .write_all(&bytes)
            .await
            .expect("the bridge listens");
    }

    async fn call(&mut self) -> Call {
        timeout(PATIENCE, self.calls.recv())
            .await
            .expect("a batch")
            .expect("the bridge runs")
    }

    /// The packet ids of the next acknowledgements.
    async fn acknowledged(&mut self, count: usize) -> Vec<u16> {
        let mut packet_ids = Vec::new();
        while packet_ids.len() < count {
            let (kind, body) = read_packet(&mut self.broker).await.expect("a packet");
            if kind == PUBACK {
                packet_ids.push(u16::from_be_bytes([body[0], body[1]]));
            }
        }
        packet_ids
    }

    async fn assert_silence(&mut self) {
        let mut byte = [0];
        let read = timeout(SILENCE, self.broker.read(&mut byte)).await;
        assert!(read.is_err(), "the bridge sent {byte:?} too early");
    }
}

/// Accepts the bridge, its CONNECT and its subscription.
async fn accept(listener: &TcpListener, session_present: bool) -> TcpStream {
    let (mut stream, _) = timeout(PATIENCE, listener.accept())
        .await
        .expect("soon")
        .expect("tcp");
    read_packet(&mut stream).await.expect("CONNECT");
    let connack = [0x20, 3, u8::from(session_present), 0, 0];
    stream
        .write_all(&connack)
        .await
        .expect("the bridge listens");
    let (kind, body) = read_packet(&mut stream).await.expect("SUBSCRIBE");
    assert_eq!(kind, SUBSCRIBE);
    let filter = String::from_utf8_lossy(&body[5..body.len() - 1]);
    assert_eq!(filter, "$share/bridges/t/+/d/+/telemetry");
    stream
        .write_all(&[0x90, 4, 0, 1, 0, 1])
        .await
        .expect("the bridge listens");
    stream
}

/// Type and body of the next packet; nothing at the end of the stream. All are short.
async fn read_packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let read = async {
        let first = stream.read_u8().await.ok()?;
        let length = stream.read_u8().await.ok()?;
        assert!(length < 0x80, "a short packet");
        let mut body = vec![0; usize::from(length)];
        stream.read_exact(&mut body).await.ok()?;
        Some((first >> 4, body))
    };
    timeout(PATIENCE, read).await.expect("a packet in time")
}

#[tokio::test]
async fn a_message_is_acknowledged_after_its_commit_and_not_before() {
    let mut scene = Scene::new().await;
    scene.send(&[7]).await;
    let call = scene.call().await;
    scene.assert_silence().await;
    call.commit();
    assert_eq!(scene.acknowledged(1).await, [7]);
}

#[tokio::test]
async fn acknowledgements_follow_the_order_of_receipt_whatever_the_order_of_commit() {
    let mut scene = Scene::new().await;
    scene.send(&[3, 1, 2]).await;
    let (first, second) = (scene.call().await, scene.call().await);
    second.commit();
    let third = scene.call().await;
    third.commit();
    scene.assert_silence().await;
    first.commit();
    assert_eq!(scene.acknowledged(3).await, [3, 1, 2]);
}

#[tokio::test]
async fn what_an_earlier_connection_brought_is_stored_but_not_acknowledged_on_the_next() {
    let mut scene = Scene::new().await;
    scene.send(&[1]).await;
    let held = scene.call().await;
    // In the socket when the connection ends, not yet read.
    scene.send(&[2]).await;
    scene.broker.shutdown().await.expect("open until now");
    scene.broker = accept(&scene.listener, true).await;
    // The broker gives packet id 1 to another message.
    let mut bytes = BytesMut::new();
    packet::write_publish(
        &mut bytes,
        1,
        &topic("other"),
        br#"{"at":1764000000,"a":1}"#,
    );
    scene
        .broker
        .write_all(&bytes)
        .await
        .expect("the bridge listens");
    let also_held = scene.call().await;
    assert_eq!(also_held.devices, ["d2"]);
    held.commit();
    also_held.commit();
    let third = scene.call().await;
    assert_eq!(third.devices, ["other"]);
    scene.assert_silence().await;
    third.commit();
    assert_eq!(scene.acknowledged(1).await, [1]);
    scene.assert_silence().await;
}

#[tokio::test]
async fn a_write_that_fails_does_not_stop_reading() {
    let mut scene = Scene::new().await;
    scene.send(&[1]).await;
    let held = scene.call().await;
    // The broker dies with acknowledgements unread: the bridge's next write fails.
    let mut bytes = BytesMut::new();
    for device in ["x", "y"] {
        packet::write_publish(&mut bytes, 5, &topic(device), br#"{"at":1764000000,"a":1}"#);
    }
    bytes.put_u8(0x32);
    scene
        .broker
        .write_all(&bytes)
        .await
        .expect("the bridge listens");
    let Scene {
        broker, mut calls, ..
    } = scene;
    drop(broker);
    held.commit();
    for device in ["x", "y"] {
        let rest = timeout(PATIENCE, calls.recv()).await.expect("a batch");
        let rest = rest.expect("the bridge runs");
        assert_eq!(rest.devices, [device]);
        rest.commit();
    }
}

#[tokio::test]
async fn stopping_stores_and_acknowledges_what_is_here_and_says_good_bye() {
    let mut scene = Scene::new().await;
    scene.send(&[1]).await;
    let call = scene.call().await;
    scene.trigger.request();
    scene.assert_silence().await;
    // Sent too late to be read: the broker will deliver it again.
    scene.send(&[2]).await;
    call.commit();
    assert_eq!(scene.acknowledged(1).await, [1]);
    let (kind, _) = read_packet(&mut scene.broker).await.expect("DISCONNECT");
    assert_eq!(kind, DISCONNECT);
    let ended = timeout(PATIENCE, scene.bridge).await.expect("it ends");
    assert!(ended.expect("no panic").is_ok());
}

//! One connection to a broker: packets in and packets out, as two halves that fail independently.
//!
//! That independence is the point: when a write fails because the broker has died, everything it
//! had sent before is still in the socket and still to be read.

use std::io;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::broker::Broker;
use super::packet::{self, ConnAck, Connect, Incoming};
use super::reason;

/// How long TCP, TLS and the broker's answer to CONNECT may take together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Room for one read: a few hundred ordinary messages, so that one system call and one allocation
/// serve them all.
const READ_BYTES: usize = 64 * 1024;

/// What a client says of itself when it connects.
#[derive(Clone, Debug)]
pub struct Session {
    /// Names the session.
    pub client_id: String,
    /// Whether an earlier session of this client id is dropped.
    pub clean_start: bool,
    /// The longest silence towards the broker.
    pub keep_alive: Duration,
    /// How long the broker keeps the session after the connection has ended.
    pub session_expiry: Duration,
    /// How many unacknowledged messages the broker may send.
    pub receive_maximum: u16,
    /// The longest packet that the broker may send.
    pub packet_bytes_max: u32,
}

/// A connection that the broker has accepted.
pub struct Connection {
    /// Packets from the broker.
    pub reader: PacketReader,
    /// Packets to the broker.
    pub writer: PacketWriter,
    /// What the broker said.
    pub connack: ConnAck,
}

/// The incoming half.
pub struct PacketReader {
    stream: Box<dyn AsyncRead + Send + Unpin>,
    buffer: BytesMut,
    packet_bytes_max: usize,
}

/// The outgoing half.
pub struct PacketWriter {
    stream: Box<dyn AsyncWrite + Send + Unpin>,
    /// Packets written by [`super::packet`] and not yet sent.
    pub buffer: BytesMut,
}

/// Connects to the broker and waits until it accepts.
///
/// # Errors
/// What failed, with what to do about it where that is known.
pub async fn connect(broker: &Broker, session: &Session) -> Result<Connection> {
    timeout(CONNECT_TIMEOUT, connect_patiently(broker, session))
        .await
        .unwrap_or_else(|_| bail!("no answer within {} s", CONNECT_TIMEOUT.as_secs()))
        .with_context(|| format!("cannot connect to the broker at {broker}"))
}

async fn connect_patiently(broker: &Broker, session: &Session) -> Result<Connection> {
    let (mut reader, mut writer) = open(broker, session).await?;
    let seconds = |time: Duration| time.as_secs();
    let connect = Connect {
        client_id: &session.client_id,
        clean_start: session.clean_start,
        keep_alive_seconds: u16::try_from(seconds(session.keep_alive)).unwrap_or(u16::MAX),
        session_expiry_seconds: u32::try_from(seconds(session.session_expiry)).unwrap_or(u32::MAX),
        receive_maximum: session.receive_maximum,
        packet_bytes_max: session.packet_bytes_max,
        username: broker.username.as_deref(),
        password: broker.password.as_deref(),
    };
    packet::write_connect(&mut writer.buffer, &connect);
    writer.flush().await?;
    let connack = loop {
        match reader.next_packet()? {
            Some(Incoming::ConnAck(connack)) => break connack,
            Some(Incoming::Disconnect {
                reason,
                reason_text,
            }) => {
                bail!(refusal(reason, &reason_text))
            }
            Some(_) => bail!("the broker spoke before it answered CONNECT"),
            None if reader.fill().await? == 0 => bail!("the broker closed the connection"),
            None => {}
        }
    };
    if connack.reason != 0 {
        bail!(refusal(connack.reason, &connack.reason_text));
    }
    Ok(Connection {
        reader,
        writer,
        connack,
    })
}

async fn open(broker: &Broker, session: &Session) -> Result<(PacketReader, PacketWriter)> {
    let tcp = TcpStream::connect((broker.host.as_str(), broker.port)).await?;
    tcp.set_nodelay(true)?;
    let packet_bytes_max = usize::try_from(session.packet_bytes_max).unwrap_or(usize::MAX);
    Ok(match &broker.tls {
        None => {
            let (read, write) = tcp.into_split();
            (
                PacketReader::new(read, packet_bytes_max),
                PacketWriter::new(write),
            )
        }
        Some((connector, name)) => {
            let tls = connector
                .connect(name.clone(), tcp)
                .await
                .context("TLS failed")?;
            let (read, write) = tokio::io::split(tls);
            (
                PacketReader::new(read, packet_bytes_max),
                PacketWriter::new(write),
            )
        }
    })
}

/// A refusal in words, with what to do about the frequent ones.
fn refusal(code: u8, reason_text: &str) -> String {
    let name = reason::name(code);
    let advice = match code {
        0x84 => "; Tenon needs a broker that speaks MQTT 5",
        0x86 | 0x87 => "; check user name, password and the broker's access rules",
        _ => "",
    };
    let colon = if reason_text.is_empty() { "" } else { ": " };
    format!("the broker refused: {name} (0x{code:02x}){colon}{reason_text}{advice}")
}

impl PacketReader {
    fn new(stream: impl AsyncRead + Send + Unpin + 'static, packet_bytes_max: usize) -> Self {
        Self {
            stream: Box::new(stream),
            buffer: BytesMut::new(),
            packet_bytes_max,
        }
    }

    /// Waits for bytes and takes what is there; 0 when the broker has closed its side. Loses
    /// nothing when it is dropped while it waits.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn fill(&mut self) -> io::Result<usize> {
        if self.buffer.capacity() - self.buffer.len() < READ_BYTES / 4 {
            self.buffer.reserve(READ_BYTES);
        }
        self.stream.read_buf(&mut self.buffer).await
    }

    /// The next packet among the bytes taken so far.
    ///
    /// # Errors
    /// Bytes that are no packet: the connection is of no use any more.
    pub fn next_packet(&mut self) -> Result<Option<Incoming>, packet::PacketError> {
        packet::read(&mut self.buffer, self.packet_bytes_max)
    }
}

impl PacketWriter {
    fn new(stream: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        Self {
            stream: Box::new(stream),
            buffer: BytesMut::new(),
        }
    }

    /// Sends what is in the buffer, as far as the socket takes it at once; when dropped while it
    /// waits, what has not been sent is still in the buffer.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn flush(&mut self) -> io::Result<()> {
        while !self.buffer.is_empty() {
            self.stream.write_buf(&mut self.buffer).await?;
        }
        self.stream.flush().await
    }

    /// Sends DISCONNECT, which keeps the session for its expiry interval, and ends the stream.
    ///
    /// # Errors
    /// What the socket says.
    pub async fn disconnect(&mut self) -> io::Result<()> {
        packet::write_disconnect(&mut self.buffer);
        self.flush().await?;
        self.stream.shutdown().await
    }
}

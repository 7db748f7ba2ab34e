//! Reads and writes the MQTT 5 packets that a subscriber and a QoS 1 publisher exchange with a
//! broker. Section numbers are those of the OASIS standard of 2019-03-07.
//!
//! A PUBLISH is read without copying, and its properties are stepped over as one block: whatever a
//! device puts there, it cannot make the packet unreadable and so stop those behind it.

use bytes::{BufMut, Bytes, BytesMut};
use thiserror::Error;

use super::property::{self, Property};

/// Why bytes are no packet that the broker may send here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PacketError {
    /// The bytes break the format.
    #[error("the broker sent {0}")]
    Malformed(&'static str),
    /// A packet that a broker never sends to such a client.
    #[error("the broker sent a packet of type {0}, which was not asked for")]
    Unexpected(u8),
    /// A packet beyond the maximum that CONNECT announced.
    #[error("the broker sent a packet of {bytes} bytes, at most {bytes_max} were announced")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
}

/// A packet from the broker.
#[derive(Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The answer to CONNECT.
    ConnAck(ConnAck),
    /// A message.
    Publish(Publish),
    /// The broker took a message over, or refused it.
    PubAck {
        /// Which message.
        packet_id: u16,
        /// See [`super::reason`].
        reason: u8,
    },
    /// The answer to SUBSCRIBE with one filter.
    SubAck {
        /// The granted QoS, or a failure; see [`super::reason`].
        reason: u8,
        /// The broker's explanation, often empty.
        reason_text: String,
    },
    /// The answer to PINGREQ.
    PingResp,
    /// The broker ends the connection.
    Disconnect {
        /// See [`super::reason`].
        reason: u8,
        /// The broker's explanation, often empty.
        reason_text: String,
    },
}

/// The broker's answer to CONNECT (section 3.2).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ConnAck {
    /// Whether the broker still has the session of this client id.
    pub session_present: bool,
    /// 0 or a failure; see [`super::reason`].
    pub reason: u8,
    /// The broker's explanation, often empty.
    pub reason_text: String,
    /// How long the broker keeps the session, where that differs from what was asked.
    pub session_expiry_seconds: Option<u32>,
    /// The keep-alive that the broker imposes.
    pub server_keep_alive_seconds: Option<u16>,
    /// How many unacknowledged messages the broker takes; absent means 65,535.
    pub receive_maximum: Option<u16>,
    /// The longest packet that the broker takes.
    pub packet_bytes_max: Option<u32>,
    /// False when the broker says that it has no shared subscriptions.
    pub shared_subscriptions: Option<bool>,
}

/// A message (section 3.3); `topic` and `payload` share the bytes they were read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// The topic, not yet checked to be UTF-8.
    pub topic: Bytes,
    /// To be acknowledged under this id; absent at QoS 0.
    pub packet_id: Option<u16>,
    /// The application's bytes.
    pub payload: Bytes,
}

/// What CONNECT says (section 3.1).
#[derive(Clone, Debug)]
pub struct Connect<'a> {
    /// Names the session.
    pub client_id: &'a str,
    /// Whether an earlier session of this client id is dropped.
    pub clean_start: bool,
    /// The longest silence towards the broker.
    pub keep_alive_seconds: u16,
    /// How long the broker keeps the session after the connection has ended.
    pub session_expiry_seconds: u32,
    /// How many unacknowledged messages the broker may send.
    pub receive_maximum: u16,
    /// The longest packet that the broker may send.
    pub packet_bytes_max: u32,
    /// User name, where the broker asks for one.
    pub username: Option<&'a str>,
    /// Password, where the broker asks for one.
    pub password: Option<&'a str>,
}

/// Takes the next packet off the front of `buffer`; nothing when it is not complete yet.
///
/// # Errors
/// [`PacketError`]; the connection is of no use any more.
pub fn read(buffer: &mut BytesMut, bytes_max: usize) -> Result<Option<Incoming>, PacketError> {
    let Some((header_bytes, body_bytes)) = frame(buffer)? else {
        return Ok(None);
    };
    let bytes = header_bytes + body_bytes;
    if bytes > bytes_max {
        return Err(PacketError::TooLong { bytes, bytes_max });
    }
    if buffer.len() < bytes {
        buffer.reserve(bytes - buffer.len());
        return Ok(None);
    }
    let first = buffer[0];
    let mut body = buffer.split_to(bytes).freeze().split_off(header_bytes);
    match first >> 4 {
        2 => read_connack(&mut body).map(Incoming::ConnAck),
        3 => read_publish(first, body).map(Incoming::Publish),
        4 => read_puback(&mut body),
        9 => read_suback(&mut body),
        13 => Ok(Incoming::PingResp),
        14 => read_disconnect(&mut body),
        other => Err(PacketError::Unexpected(other)),
    }
    .map(Some)
}

/// The lengths of the fixed header and of the rest, once the header is there (section 2.1).
fn frame(buffer: &[u8]) -> Result<Option<(usize, usize)>, PacketError> {
    let mut body_bytes = 0;
    for (place, &byte) in buffer.iter().skip(1).take(4).enumerate() {
        body_bytes |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok(Some((place + 2, body_bytes)));
        }
    }
    if buffer.len() > 4 {
        return Err(PacketError::Malformed(
            "a remaining length of more than four bytes",
        ));
    }
    Ok(None)
}

fn read_connack(body: &mut Bytes) -> Result<ConnAck, PacketError> {
    let session_present = property::take_u8(body)? & 1 == 1;
    let mut connack = ConnAck {
        session_present,
        reason: property::take_u8(body)?,
        ..ConnAck::default()
    };
    let mut section = property::take_section(body)?;
    while !section.is_empty() {
        match property::take(&mut section)? {
            Property::SessionExpirySeconds(value) => connack.session_expiry_seconds = Some(value),
            Property::ServerKeepAliveSeconds(value) => {
                connack.server_keep_alive_seconds = Some(value);
            }
            Property::ReasonText(text) => connack.reason_text = text,
            Property::ReceiveMaximum(value) => connack.receive_maximum = Some(value),
            Property::PacketBytesMax(value) => connack.packet_bytes_max = Some(value),
            Property::SharedSubscriptions(value) => connack.shared_subscriptions = Some(value),
            Property::Other => {}
        }
    }
    Ok(connack)
}

fn read_publish(first: u8, mut body: Bytes) -> Result<Publish, PacketError> {
    let topic = property::take_text(&mut body)?;
    let packet_id = match (first >> 1) & 3 {
        0 => None,
        1 => Some(property::take_u16(&mut body)?),
        _ => {
            return Err(PacketError::Malformed(
                "a message with more than the QoS 1 asked for",
            ));
        }
    };
    property::take_section(&mut body)?;
    Ok(Publish {
        topic,
        packet_id,
        payload: body,
    })
}

fn read_puback(body: &mut Bytes) -> Result<Incoming, PacketError> {
    let packet_id = property::take_u16(body)?;
    let reason = if body.is_empty() {
        0
    } else {
        property::take_u8(body)?
    };
    Ok(Incoming::PubAck { packet_id, reason })
}

fn read_suback(body: &mut Bytes) -> Result<Incoming, PacketError> {
    property::take_u16(body)?;
    let reason_text = read_reason_text(body)?;
    Ok(Incoming::SubAck {
        reason: property::take_u8(body)?,
        reason_text,
    })
}

fn read_disconnect(body: &mut Bytes) -> Result<Incoming, PacketError> {
    let reason = if body.is_empty() {
        0
    } else {
        property::take_u8(body)?
    };
    let reason_text = if body.is_empty() {
        String::new()
    } else {
        read_reason_text(body)?
    };
    Ok(Incoming::Disconnect {
        reason,
        reason_text,
    })
}

fn read_reason_text(body: &mut Bytes) -> Result<String, PacketError> {
    let mut section = property::take_section(body)?;
    while !section.is_empty() {
        if let Property::ReasonText(text) = property::take(&mut section)? {
            return Ok(text);
        }
    }
    Ok(String::new())
}

/// Appends a CONNECT.
pub fn write_connect(buffer: &mut BytesMut, connect: &Connect<'_>) {
    /// Session expiry interval, receive maximum and maximum packet size with their ids.
    const PROPERTIES_BYTES: usize = 5 + 3 + 5;
    let texts = [Some(connect.client_id), connect.username, connect.password];
    let texts_bytes = texts
        .iter()
        .flatten()
        .map(|text| 2 + text.len())
        .sum::<usize>();
    write_header(buffer, 0x10, 10 + 1 + PROPERTIES_BYTES + texts_bytes);
    buffer.put_slice(b"\0\x04MQTT\x05");
    let flags = [
        (connect.clean_start, 0x02),
        (connect.password.is_some(), 0x40),
        (connect.username.is_some(), 0x80),
    ];
    buffer.put_u8(
        flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, bit)| bit)
            .sum(),
    );
    buffer.put_u16(connect.keep_alive_seconds);
    write_length(buffer, PROPERTIES_BYTES);
    buffer.put_u8(0x11);
    buffer.put_u32(connect.session_expiry_seconds);
    buffer.put_u8(0x21);
    buffer.put_u16(connect.receive_maximum.max(1));
    buffer.put_u8(0x27);
    buffer.put_u32(connect.packet_bytes_max);
    for text in texts.into_iter().flatten() {
        write_text(buffer, text.as_bytes());
    }
}

/// Appends a SUBSCRIBE with one filter at QoS 1 (section 3.8).
pub fn write_subscribe(buffer: &mut BytesMut, packet_id: u16, filter: &str) {
    write_header(buffer, 0x82, 2 + 1 + 2 + filter.len() + 1);
    buffer.put_u16(packet_id);
    write_length(buffer, 0);
    write_text(buffer, filter.as_bytes());
    buffer.put_u8(1);
}

/// Appends a PUBLISH at QoS 1 without properties (section 3.3).
pub fn write_publish(buffer: &mut BytesMut, packet_id: u16, topic: &str, payload: &[u8]) {
    write_header(buffer, 0x32, 2 + topic.len() + 2 + 1 + payload.len());
    write_text(buffer, topic.as_bytes());
    buffer.put_u16(packet_id);
    write_length(buffer, 0);
    buffer.put_slice(payload);
}

/// Appends a PUBACK that says success (section 3.4).
pub fn write_puback(buffer: &mut BytesMut, packet_id: u16) {
    buffer.put_slice(&[0x40, 2]);
    buffer.put_u16(packet_id);
}

/// Appends a PINGREQ (section 3.12).
pub fn write_pingreq(buffer: &mut BytesMut) {
    buffer.put_slice(&[0xc0, 0]);
}

/// Appends a normal DISCONNECT (section 3.14), which keeps the session for its expiry interval.
pub fn write_disconnect(buffer: &mut BytesMut) {
    buffer.put_slice(&[0xe0, 0]);
}

fn write_header(buffer: &mut BytesMut, first: u8, body_bytes: usize) {
    buffer.reserve(5 + body_bytes);
    buffer.put_u8(first);
    write_length(buffer, body_bytes);
}

fn write_length(buffer: &mut BytesMut, mut length: usize) {
    loop {
        let low = (length & 0x7f) as u8;
        length >>= 7;
        if length == 0 {
            buffer.put_u8(low);
            return;
        }
        buffer.put_u8(low | 0x80);
    }
}

fn write_text(buffer: &mut BytesMut, text: &[u8]) {
    let length = u16::try_from(text.len());
    buffer.put_u16(length.expect("invariant: names and topics are checked to be short"));
    buffer.put_slice(text);
}

#[cfg(test)]
mod tests;

//! Walks the properties of a packet (MQTT 5, section 2.2.2) and picks out those that matter here.

use bytes::{Buf, Bytes};

use super::packet::PacketError;

/// How a property's value is written.
enum Form {
    Byte,
    TwoBytes,
    FourBytes,
    VariableInteger,
    Text,
    Pair,
}

/// A property that someone here asks for; the others are passed over.
#[derive(Debug, PartialEq, Eq)]
pub enum Property {
    /// How long the server keeps the session, in seconds.
    SessionExpirySeconds(u32),
    /// The keep-alive that the server imposes, in seconds.
    ServerKeepAliveSeconds(u16),
    /// Why, for people.
    ReasonText(String),
    /// How many unacknowledged QoS 1 messages the server takes.
    ReceiveMaximum(u16),
    /// The longest packet that the server takes.
    PacketBytesMax(u32),
    /// Whether the server has shared subscriptions.
    SharedSubscriptions(bool),
    /// Any other.
    Other,
}

/// Takes a variable byte integer (section 1.5.5) off the front.
pub fn take_variable_integer(bytes: &mut Bytes) -> Result<usize, PacketError> {
    let mut value = 0;
    for shift in [0, 7, 14, 21] {
        let byte = take_u8(bytes)?;
        value |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(PacketError::Malformed(
        "a variable byte integer longer than four bytes",
    ))
}

/// Takes the whole property section off the front, unread.
pub fn take_section(bytes: &mut Bytes) -> Result<Bytes, PacketError> {
    let length = take_variable_integer(bytes)?;
    take_bytes(bytes, length)
}

/// Takes one property off the front of a section.
pub fn take(section: &mut Bytes) -> Result<Property, PacketError> {
    let id = take_variable_integer(section)?;
    let form = match id {
        0x01 | 0x17 | 0x19 | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => Form::Byte,
        0x13 | 0x21..=0x23 => Form::TwoBytes,
        0x02 | 0x11 | 0x18 | 0x27 => Form::FourBytes,
        0x0b => Form::VariableInteger,
        0x03 | 0x08 | 0x09 | 0x12 | 0x15 | 0x16 | 0x1a | 0x1c | 0x1f => Form::Text,
        0x26 => Form::Pair,
        _ => return Err(PacketError::Malformed("an unknown property")),
    };
    match form {
        Form::Byte => {
            let value = take_u8(section)?;
            Ok(if id == 0x2a {
                Property::SharedSubscriptions(value != 0)
            } else {
                Property::Other
            })
        }
        Form::TwoBytes => {
            let value = take_u16(section)?;
            Ok(match id {
                0x13 => Property::ServerKeepAliveSeconds(value),
                0x21 => Property::ReceiveMaximum(value),
                _ => Property::Other,
            })
        }
        Form::FourBytes => {
            let value = take_bytes(section, 4)?.get_u32();
            Ok(match id {
                0x11 => Property::SessionExpirySeconds(value),
                0x27 => Property::PacketBytesMax(value),
                _ => Property::Other,
            })
        }
        Form::VariableInteger => take_variable_integer(section).map(|_| Property::Other),
        Form::Text => {
            let text = take_text(section)?;
            let text = || String::from_utf8_lossy(&text).into_owned();
            Ok(if id == 0x1f {
                Property::ReasonText(text())
            } else {
                Property::Other
            })
        }
        Form::Pair => {
            take_text(section)?;
            take_text(section)?;
            Ok(Property::Other)
        }
    }
}

/// Takes a length of two bytes and as many bytes off the front.
pub fn take_text(bytes: &mut Bytes) -> Result<Bytes, PacketError> {
    let length = take_u16(bytes)?;
    take_bytes(bytes, usize::from(length))
}

/// Takes one byte off the front.
pub fn take_u8(bytes: &mut Bytes) -> Result<u8, PacketError> {
    Ok(take_bytes(bytes, 1)?.get_u8())
}

/// Takes a number of two bytes off the front.
pub fn take_u16(bytes: &mut Bytes) -> Result<u16, PacketError> {
    Ok(take_bytes(bytes, 2)?.get_u16())
}

fn take_bytes(bytes: &mut Bytes, length: usize) -> Result<Bytes, PacketError> {
    if bytes.len() < length {
        return Err(PacketError::Malformed("a packet that ends too early"));
    }
    Ok(bytes.split_to(length))
}

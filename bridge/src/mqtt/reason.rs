//! Names the reason codes with which a broker refuses (MQTT 5, section 2.4).

use anyhow::{Error, anyhow};

/// Another client took over the session by connecting with the same client id.
pub const SESSION_TAKEN_OVER: u8 = 0x8e;

/// The broker took a message over, and then dropped it: nobody subscribes to its topic.
pub const NO_MATCHING_SUBSCRIBERS: u8 = 0x10;

/// From here on a reason code means failure.
pub const FAILURE_MIN: u8 = 0x80;

/// What the code means, in the words of the standard.
#[must_use]
pub const fn name(code: u8) -> &'static str {
    match code {
        0x00 => "success",
        0x01 => "granted QoS 1",
        0x02 => "granted QoS 2",
        NO_MATCHING_SUBSCRIBERS => "no matching subscribers",
        0x80 => "unspecified error",
        0x81 => "malformed packet",
        0x82 => "protocol error",
        0x83 => "implementation specific error",
        0x84 => "unsupported protocol version",
        0x85 => "client identifier not valid",
        0x86 => "bad user name or password",
        0x87 => "not authorized",
        0x88 => "server unavailable",
        0x89 => "server busy",
        0x8a => "banned",
        0x8b => "server shutting down",
        0x8c => "bad authentication method",
        0x8d => "keep alive timeout",
        SESSION_TAKEN_OVER => "session taken over",
        0x8f => "topic filter invalid",
        0x90 => "topic name invalid",
        0x91 => "packet identifier in use",
        0x93 => "receive maximum exceeded",
        0x94 => "topic alias invalid",
        0x95 => "packet too large",
        0x96 => "message rate too high",
        0x97 => "quota exceeded",
        0x98 => "administrative action",
        0x99 => "payload format invalid",
        0x9a => "retain not supported",
        0x9b => "QoS not supported",
        0x9c => "use another server",
        0x9d => "server moved",
        0x9e => "shared subscriptions not supported",
        0x9f => "connection rate exceeded",
        0xa0 => "maximum connect time",
        0xa1 => "subscription identifiers not supported",
        0xa2 => "wildcard subscriptions not supported",
        _ => "unknown reason",
    }
}

/// The error of a connection that the broker ended for the reason `code`, with its own words.
#[must_use]
pub fn ended(code: u8, text: &str) -> Error {
    anyhow!("the broker ended the connection: {} {text}", name(code))
}

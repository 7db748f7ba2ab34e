//! The part of MQTT 5 that a bridge and a device need, without a client library.
//!
//! Why not a library: `docs/adr/0006-which-mqtt-client.md`. What is left out: QoS 2, wills, topic
//! aliases and enhanced authentication, none of which is ever asked of the broker.

pub mod broker;
pub mod connection;
pub mod packet;
mod property;
pub mod publisher;
pub mod reason;

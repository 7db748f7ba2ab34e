//! Carries device messages from MQTT into Postgres, acknowledged only after commit.
//!
//! One binary, `tenon-bridge`, with a command for each job; this library holds them so that tests
//! can run them. Which payloads and topics are valid, and how readings are packed, is decided by
//! `tenon-domain`; which devices exist, by the database.

pub mod backoff;
pub mod cli;
pub mod collect;
pub mod logging;
pub mod mqtt;
pub mod replay;
pub mod run;
pub mod shutdown;
pub mod simulate;
pub mod throttle;
pub mod tls;

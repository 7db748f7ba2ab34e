//! Messages for the tests of batches.

use bytes::Bytes;
use tenon_domain::time::Timestamp;

use super::acks::Receipt;
use super::batch::Received;

/// A message on `topic`.
pub(super) fn message(topic: &str, payload: &str) -> Received {
    Received {
        receipt: Receipt {
            epoch: 1,
            packet_id: Some(1),
        },
        topic: Bytes::copy_from_slice(topic.as_bytes()),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        received_at: Timestamp::from_micros(1_764_000_000_000_000),
    }
}

/// A message with one reading of `device`.
pub(super) fn reading(device: &str) -> Received {
    message(
        &format!("t/acme/d/{device}/telemetry"),
        r#"{"at":1764000000,"a":1}"#,
    )
}

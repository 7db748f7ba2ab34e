//! What becomes of messages that cannot be read, or whose names the database refuses.

use super::*;
use crate::run::samples::{message, reading};
use tenon_domain::telemetry::batch::{Batch as ParsedBatch, EntryKind};

#[test]
fn what_cannot_be_read_is_kept_with_its_reason_and_stops_nothing() {
    let mut batch = Batch::default();
    for bad in [
        message("t/acme/d/a/telemetry", "nonsense"),
        reading("good"),
        message("somewhere/else", "{}"),
        Received {
            topic: Bytes::from_static(b"\xff"),
            ..reading("a")
        },
    ] {
        batch.push(bad).expect("room");
    }
    let sealed = batch.seal();
    let codes: Vec<_> = sealed
        .rejections
        .iter()
        .map(|found| (found.message, &*found.code))
        .collect();
    assert_eq!(
        codes,
        [
            (0, "payload.not_json"),
            (2, "topic.invalid"),
            (3, "topic.invalid")
        ]
    );
    assert_eq!((sealed.messages.len(), sealed.readings), (4, 1));
    assert_eq!(
        ParsedBatch::parse(&sealed.packed.bytes).map(|batch| batch.devices().count()),
        Ok(1)
    );
}

#[test]
fn refused_names_lead_to_the_messages_that_use_them_once_each() {
    let mut batch = Batch::default();
    let several = r#"[{"at":1764000000,"x":1},{"at":1764000001,"x":2}]"#;
    batch.push(reading("a")).expect("room");
    batch
        .push(message("t/acme/d/b/telemetry", several))
        .expect("room");
    batch.push(reading("c")).expect("room");
    let sealed = batch.seal();
    let refused = |kind, ordinal, code: &str| RefusedEntry {
        kind,
        ordinal,
        code: code.to_owned(),
    };
    let rejections = sealed.rejections_of(&[
        refused(EntryKind::Device, 3, "device.unknown"),
        refused(EntryKind::Metric, 2, "metric.limit_reached"),
    ]);
    let found: Vec<_> = rejections
        .iter()
        .map(|found| (found.message, &*found.code))
        .collect();
    assert_eq!(found, [(1, "metric.limit_reached"), (2, "device.unknown")]);
}

//! Messages that arrive as JSON by a function call.

use pgrx::prelude::*;
use tenon_domain::identity::TenantSlug;
use tenon_domain::telemetry::submission;

use crate::convert::to_timestamp;
use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// The batch of a client's good messages, and the refused ones.
#[pg_extern(immutable, parallel_safe)]
fn batch_from_json(
    tenant: Option<&str>,
    device: Option<&str>,
    messages: Option<JsonbText>,
    received_at: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(batch, Option<Vec<u8>>),
        name!(indexes, Vec<i32>),
        name!(rejected, JsonbText),
    ),
> {
    // Only the device may be null: apart from it the function is strict.
    let (Some(tenant), Some(messages), Some(received_at)) = (tenant, messages, received_at) else {
        return TableIterator::empty();
    };
    let tenant = TenantSlug::parse(tenant).or_report();
    let received_at = to_timestamp(received_at);
    let submission = submission::read(&tenant, device, &messages.0, received_at).or_report();
    let rejected = submission.rejected.iter().map(|rejection| {
        serde_json::json!({
            "index": rejection.index,
            "device": rejection.device,
            "code": rejection.code,
            "message": rejection.message,
        })
    });
    let rejected = serde_json::Value::Array(rejected.collect()).to_string();
    let indexes = submission.indexes.iter();
    let indexes = indexes.map(|&index| i32::try_from(index).unwrap_or(i32::MAX));
    TableIterator::once((submission.batch, indexes.collect(), JsonbText(rejected)))
}

extension_sql!(
    r#"
comment on function batch_from_json(text, text, jsonb, timestamptz) is
    'The batch of one message or an array of them, null when none is good, the place (from 0) that each message of the batch had in the input, and the refused ones as [{"index", "device", "code", "message"}]. A message that names no device is for the given one.';
"#,
    name = "submission_comments",
    requires = [batch_from_json]
);

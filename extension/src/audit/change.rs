//! What a trigger records of a change, and what a request came from.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::Uuid;
use pgrx::prelude::*;
use tenon_domain::audit::change::{Change, PersonalValue, Salt, Settings, changes};
use tenon_domain::audit::entry::Entry;
use tenon_domain::audit::origin;

use crate::convert::to_timestamp;
use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// More tables than these are audited in few databases; then all are read anew.
const SETTINGS_KEPT_MAX: usize = 256;

thread_local! {
    /// The settings of triggers by their text, which a session meets again with every row.
    static KNOWN: RefCell<HashMap<String, Rc<Settings>>> = RefCell::default();
}

fn settings_of(text: &str) -> Rc<Settings> {
    if let Some(known) = KNOWN.with_borrow(|known| known.get(text).cloned()) {
        return known;
    }
    let settings = Rc::new(Settings::parse(text).or_report());
    KNOWN.with_borrow_mut(|known| {
        if known.len() >= SETTINGS_KEPT_MAX {
            known.clear();
        }
        known.insert(text.to_owned(), Rc::clone(&settings));
    });
    settings
}

/// What is recorded of a change: for each entry operation, tenant, key, old, new and the values
/// that stand in it by reference; null when nothing is.
#[pg_extern(immutable, parallel_safe)]
fn audit_changes(
    settings: Option<&str>,
    old: Option<&str>,
    new: Option<&str>,
    seed: Option<&str>,
) -> Option<Vec<Option<String>>> {
    let settings = settings_of(settings?);
    let seed = seed.unwrap_or_default().as_bytes();
    let changes = changes(&settings, old, new, seed).or_report();
    let columns = changes.into_iter().flat_map(columns);
    let columns: Vec<_> = columns.collect();
    (!columns.is_empty()).then_some(columns)
}

fn columns(change: Change) -> [Option<String>; 6] {
    let values = (!change.values.is_empty()).then(|| values(&change.values));
    [
        Some(change.operation.as_str().to_owned()),
        change.tenant,
        Some(change.key),
        change.old,
        change.new,
        values,
    ]
}

fn values(values: &[PersonalValue]) -> String {
    let values = values.iter().map(|value| {
        serde_json::json!({
            "column": value.column,
            "salt": value.salt.to_hex(),
            "old": value.old,
            "new": value.new,
        })
    });
    serde_json::Value::Array(values.collect()).to_string()
}

/// What stands in an entry for a value.
#[pg_extern(immutable, parallel_safe, strict)]
fn audit_reference(salt: &[u8], value: &str) -> JsonbText {
    JsonbText(Salt::from_bytes(salt).or_report().reference(value))
}

/// Where a request came from.
#[pg_extern(immutable, parallel_safe)]
fn audit_origin(
    headers: Option<&str>,
    method: Option<&str>,
    path: Option<&str>,
    address: Option<&str>,
) -> Option<JsonbText> {
    Some(JsonbText(origin::origin(headers?, method, path, address)))
}

/// An entry's canonical form.
#[pg_extern(immutable, parallel_safe)]
#[expect(clippy::too_many_arguments, reason = "the columns of an entry")]
fn audit_line(
    tenant_id: Option<Uuid>,
    at: Option<TimestampWithTimeZone>,
    operation: Option<&str>,
    table_name: Option<&str>,
    key: Option<JsonbText>,
    old: Option<JsonbText>,
    new: Option<JsonbText>,
    event: Option<&str>,
    details: Option<JsonbText>,
    caller_kind: Option<&str>,
    caller_id: Option<Uuid>,
    origin: Option<JsonbText>,
) -> Option<String> {
    let json = |value: &'_ Option<JsonbText>| value.as_ref().map(|text| text.0.clone());
    let (key, old, new) = (json(&key), json(&old), json(&new));
    let (details, origin) = (json(&details), json(&origin));
    let (tenant_id, caller_id) = (tenant_id?.to_string(), caller_id.map(|id| id.to_string()));
    let entry = Entry {
        tenant: &tenant_id,
        at: to_timestamp(at?),
        operation: operation?,
        table: table_name,
        key: key.as_deref(),
        old: old.as_deref(),
        new: new.as_deref(),
        event,
        details: details.as_deref(),
        caller_kind: caller_kind?,
        caller_id: caller_id.as_deref(),
        origin: origin.as_deref(),
    };
    Some(entry.line())
}

extension_sql!(
    r#"
comment on function audit_changes(text, text, text, text) is
    'What is recorded of a change, for each entry six texts: operation, tenant, key, old, new, and as [{"column", "salt", "old", "new"}] the values that stand in it by reference, or null. settings: the argument of an audit trigger. old, new: row_to_json of the row, null for none. seed: randomness for salts. Null when nothing is recorded.';
comment on function audit_reference(bytea, text) is
    'What stands in an entry for the JSON text of a personal value: {"$ref": SHA-256 of salt and text}.';
comment on function audit_origin(text, text, text, text) is
    'Where a request came from: address, method, path, request_id and user_agent, cut to stated lengths. headers: JSON with lower-case names.';
comment on function audit_line(uuid, timestamptz, text, text, jsonb, jsonb, jsonb, text, jsonb, text, uuid, jsonb) is
    'The canonical form of an audit entry, whose SHA-256 is its digest; see docs/audit-format.md.';
"#,
    name = "audit_change_comments",
    requires = [audit_changes, audit_reference, audit_origin, audit_line]
);

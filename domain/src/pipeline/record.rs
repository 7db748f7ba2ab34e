//! Which fields of a record are filled.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

type Object<'j> = BTreeMap<String, &'j RawValue>;

/// The fields that the record has nothing in: which are missing, null, or an empty text, list or
/// object. Blanks are nothing.
pub(super) fn missing(record: &str, fields: &[String]) -> Vec<String> {
    if fields.is_empty() {
        return Vec::new();
    }
    let columns: Object<'_> = serde_json::from_str(record).unwrap_or_default();
    let custom: Object<'_> = columns
        .get("custom")
        .and_then(|custom| serde_json::from_str(custom.get()).ok())
        .unwrap_or_default();
    let is_missing = |field: &&String| {
        let value = match field.strip_prefix("custom.") {
            Some(name) => custom.get(name),
            None => columns.get(field.as_str()),
        };
        value.is_none_or(|value| is_nothing(value.get()))
    };
    fields.iter().filter(is_missing).cloned().collect()
}

fn is_nothing(json: &str) -> bool {
    let inner = json
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .or_else(|| {
            json.strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
        });
    match serde_json::from_str::<String>(json) {
        Ok(text) => text.trim().is_empty(),
        Err(_) => json == "null" || inner.is_some_and(|inner| inner.trim().is_empty()),
    }
}

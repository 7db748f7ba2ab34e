//! Records as their columns in JSON, and what fields they have.

use std::collections::BTreeMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// What begins the name of a tenant's own field.
pub(super) const CUSTOM_PREFIX: &str = "custom.";

/// A record: its columns, and the tenant's own fields in `custom`. Values stay as they are written,
/// because a tree of them would lose what its numbers cannot hold.
#[derive(Clone, Debug, Default)]
pub struct Record {
    columns: BTreeMap<String, Box<RawValue>>,
    custom: BTreeMap<String, Box<RawValue>>,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut columns = BTreeMap::<String, Box<RawValue>>::deserialize(deserializer)?;
        let custom = match columns.remove("custom") {
            Some(custom) => serde_json::from_str::<Option<_>>(custom.get())
                .map_err(D::Error::custom)?
                .unwrap_or_default(),
            None => BTreeMap::new(),
        };
        Ok(Self { columns, custom })
    }
}

impl Record {
    /// The value of a field as JSON; `custom.color` is the tenant's own field color. None where
    /// there is none, or null.
    #[must_use]
    pub fn value(&self, field: &str) -> Option<&str> {
        let value = match field.strip_prefix(CUSTOM_PREFIX) {
            Some(key) => self.custom.get(key),
            None => self.columns.get(field),
        };
        value
            .map(|value| value.get())
            .filter(|&json| json != "null")
    }

    /// The text in a field, without space around it; none where there is no other.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<String> {
        let text: String = serde_json::from_str(self.value(field)?).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Whether there is nothing in a field: null, an empty list, or a text of nothing but space.
    #[must_use]
    pub fn is_empty(&self, field: &str) -> bool {
        self.value(field).is_none_or(|json| {
            json == "[]" || (json.starts_with('"') && self.text(field).is_none())
        })
    }

    /// The names of the tenant's own fields that are there, with their prefix.
    pub fn custom_fields(&self) -> impl Iterator<Item = String> {
        self.custom
            .keys()
            .map(|key| format!("{CUSTOM_PREFIX}{key}"))
    }
}

/// What is known of a field: part of what `core.fields_of` answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Field {
    /// text, number, boolean, instant, date, id, list or json.
    #[serde(rename = "type")]
    pub kind: String,
    /// The only values that it may have, where they are listed.
    #[serde(default)]
    pub values: Option<Vec<String>>,
}

/// The fields of objects, by object and by name.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Schema(BTreeMap<String, BTreeMap<String, Field>>);

impl Schema {
    /// A field of an object.
    #[must_use]
    pub fn field(&self, object: &str, field: &str) -> Option<&Field> {
        self.0.get(object)?.get(field)
    }
}

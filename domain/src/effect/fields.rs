//! The fields that records have, as far as effects and pipelines ask for them.

use std::collections::BTreeMap;

use serde_json::Value;

/// The fields of the records of one object, by name.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<String, FieldType>);

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Any text, or one of these where there are some.
    Text(Vec<String>),
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// An instant.
    Instant,
    /// A day of the calendar.
    Date,
    /// A UUID.
    Id,
    /// A list of texts.
    List,
    /// Anything.
    Json,
}

impl Fields {
    /// Reads `{"amount": {"type": "number"}, …}`; a type that is not known holds anything, as what
    /// is stored has been checked by whoever added the type.
    #[must_use]
    pub fn parse(json: &str) -> Self {
        let fields: BTreeMap<String, Value> = serde_json::from_str(json).unwrap_or_default();
        let fields = fields.into_iter().map(|(name, field)| {
            let values = || {
                let values = field.get("values").and_then(Value::as_array);
                let values = values.into_iter().flatten().filter_map(Value::as_str);
                values.map(str::to_owned).collect()
            };
            let field_type = match field.get("type").and_then(Value::as_str) {
                Some("text") => FieldType::Text(values()),
                Some("number") => FieldType::Number,
                Some("boolean") => FieldType::Boolean,
                Some("instant") => FieldType::Instant,
                Some("date") => FieldType::Date,
                Some("id") => FieldType::Id,
                Some("list") => FieldType::List,
                _ => FieldType::Json,
            };
            (name, field_type)
        });
        Self(fields.collect())
    }

    /// What a field holds; none when there is no such field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&FieldType> {
        self.0.get(name)
    }
}

//! Writes definitions as a JSON Schema (2020-12), from which programs build forms, and as the fields
//! that conditions are checked with.

use serde_json::{Map, Value, json};

use super::definition::Definition;
use super::kind::Kind;
use super::record::Definitions;

impl Definitions {
    /// The JSON Schema of the values of a record: of the fields that are not archived.
    #[must_use]
    pub fn schema(&self) -> String {
        let active = || self.0.iter().filter(|stored| !stored.is_archived);
        let properties: Map<String, Value> = active()
            .map(|stored| {
                (
                    stored.definition.field.clone(),
                    property(&stored.definition),
                )
            })
            .collect();
        let required: Vec<_> = active()
            .filter(|stored| stored.definition.is_required)
            .map(|stored| stored.definition.field.as_str())
            .collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        })
        .to_string()
    }

    /// What conditions may ask of the values: `{"custom.color": {"type": "text", "label": "Colour",
    /// "values": ["red", "blue"]}, …}`; of archived fields too, whose values stay.
    #[must_use]
    pub fn fields(&self) -> String {
        let field = |definition: &Definition| {
            let mut field = json!({
                "type": definition.kind.of_conditions(),
                "label": definition.label,
            });
            if !definition.choices.is_empty() {
                let values = definition
                    .choices
                    .iter()
                    .map(|choice| choice.value.as_str());
                field["values"] = values.collect();
            }
            (format!("custom.{}", definition.field), field)
        };
        let fields = self.0.iter().map(|stored| field(&stored.definition));
        Value::Object(fields.collect()).to_string()
    }
}

fn property(definition: &Definition) -> Value {
    let mut property = match definition.kind {
        Kind::Number => json!({ "type": "number" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Choice => json!({ "type": "string", "oneOf": choices(definition) }),
        Kind::Choices => json!({
            "type": "array",
            "uniqueItems": true,
            "items": { "type": "string", "oneOf": choices(definition) },
        }),
        Kind::Text | Kind::Phone => json!({ "type": "string" }),
        Kind::Date => json!({ "type": "string", "format": "date" }),
        Kind::Instant => json!({ "type": "string", "format": "date-time" }),
        Kind::Email => json!({ "type": "string", "format": "email" }),
        Kind::Url => json!({ "type": "string", "format": "uri" }),
        Kind::User => json!({ "type": "string", "format": "uuid" }),
    };
    let mut set = |key: &str, value: Option<Value>| {
        if let (Some(value), Some(object)) = (value, property.as_object_mut()) {
            object.insert(key.to_owned(), value);
        }
    };
    let written = |json: Option<String>| json.and_then(|json| serde_json::from_str(&json).ok());
    let bounds = &definition.bounds;
    let is_number = definition.kind == Kind::Number;
    let [least, greatest] = if is_number {
        ["minimum", "maximum"]
    } else {
        ["formatMinimum", "formatMaximum"]
    };
    set("title", Some(definition.label.as_str().into()));
    set(
        "description",
        definition.description.as_deref().map(Value::from),
    );
    set(
        least,
        written(bounds.min.as_ref().map(super::value::Form::write)),
    );
    set(
        greatest,
        written(bounds.max.as_ref().map(super::value::Form::write)),
    );
    set("multipleOf", bounds.decimals.and_then(step));
    set("minLength", bounds.length_min.map(Value::from));
    if definition.kind == Kind::Text {
        set("maxLength", Some(definition.chars_max().into()));
    }
    set(
        "pattern",
        bounds.pattern.as_ref().map(|it| it.as_str().into()),
    );
    set("default", written(definition.default.clone()));
    set("x-type", Some(definition.kind.as_str().into()));
    set(
        "x-unique",
        definition.is_unique.then_some(Value::Bool(true)),
    );
    property
}

/// The smallest step of a number with so many digits after the point.
fn step(decimals: u32) -> Option<Value> {
    let zeros = "0".repeat(decimals.saturating_sub(1) as usize);
    let step = if decimals == 0 {
        "1".to_owned()
    } else {
        format!("0.{zeros}1")
    };
    serde_json::from_str(&step).ok()
}

fn choices(definition: &Definition) -> Vec<Value> {
    let choices = definition.choices.iter();
    choices
        .map(|choice| json!({ "const": choice.value, "title": choice.label }))
        .collect()
}

//! Conditions over a schema of fields as JSON Schema, for those who build forms.

use serde_json::{Map, Value, json};

use super::fields::{FieldOf, FieldType, Fields};
use super::operator::{Operand, Operator};
use super::{PATTERN_BYTES_MAX, VALUES_MAX};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The conditions that a schema of fields lets through, as JSON Schema 2020-12.
///
/// Each field is a definition with its label as the title. How deep and large a condition may be,
/// and whether a pattern is one, a schema cannot say.
#[must_use]
pub fn schema(fields: &Fields) -> String {
    let reference = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
    let mut definitions = Map::new();
    let mut nodes = vec![reference("all"), reference("any"), reference("not")];
    for (path, field) in fields.iter() {
        let name = format!("field {path}");
        nodes.push(json!({ "$ref": format!("#/$defs/{}", escaped(&name)) }));
        definitions.insert(name, leaf(path, field));
    }
    for (key, title) in [("all", "All of these"), ("any", "Any of these")] {
        let list = json!({ "type": "array", "minItems": 1, "items": reference("condition") });
        definitions.insert(key.to_owned(), branch(key, title, &list));
    }
    definitions.insert(
        "not".to_owned(),
        branch("not", "Not this", &reference("condition")),
    );
    definitions.insert("condition".to_owned(), json!({ "oneOf": nodes }));
    definitions.insert("relative".to_owned(), relative());
    let schema = json!({
        "$schema": DIALECT,
        "title": "Condition",
        "$ref": "#/$defs/condition",
        "$defs": definitions,
    });
    schema.to_string()
}

fn branch(key: &str, title: &str, inner: &Value) -> Value {
    json!({
        "title": title,
        "type": "object",
        "properties": { key: inner },
        "required": [key],
        "additionalProperties": false,
    })
}

/// The leaves that ask for a field: one form for each kind of value.
fn leaf(path: &str, field: &FieldOf) -> Value {
    let operands = [
        Operand::Scalar,
        Operand::Ordered,
        Operand::List,
        Operand::TwoOrdered,
        Operand::Text,
        Operand::Pattern,
        Operand::None,
    ];
    let forms: Vec<_> = operands
        .into_iter()
        .filter_map(|operand| {
            let operators: Vec<_> = Operator::ALL
                .into_iter()
                .filter(|it| it.operand() == operand && field.kind.takes(*it))
                .map(Operator::name)
                .collect();
            (!operators.is_empty()).then(|| form(path, &operators, value(field, operand)))
        })
        .collect();
    let mut leaf = json!({ "title": field.label.as_deref().unwrap_or(path), "oneOf": forms });
    if let Some(description) = &field.description {
        leaf["description"] = json!(description);
    }
    leaf
}

fn form(path: &str, operators: &[&str], value: Option<Value>) -> Value {
    let mut form = json!({
        "type": "object",
        "properties": { "field": { "const": path }, "op": { "enum": operators } },
        "required": ["field", "op"],
        "additionalProperties": false,
    });
    if let Some(value) = value {
        form["properties"]["value"] = value;
        form["required"] = json!(["field", "op", "value"]);
    }
    form
}

/// What an operator takes; none if it takes nothing.
fn value(field: &FieldOf, operand: Operand) -> Option<Value> {
    let one = scalar(field.kind);
    let listed = || {
        let values: Vec<Value> = field
            .values
            .iter()
            .filter_map(|value| serde_json::from_str(value.get()).ok())
            .collect();
        json!({ "enum": values })
    };
    let or_relative = |value: Value| match field.kind {
        FieldType::Instant | FieldType::Date => {
            json!({ "anyOf": [value, { "$ref": "#/$defs/relative" }] })
        }
        _ => value,
    };
    match operand {
        Operand::None => None,
        Operand::Scalar if !field.values.is_empty() => Some(listed()),
        Operand::Scalar | Operand::Ordered => Some(or_relative(one)),
        Operand::List => {
            let items = if field.values.is_empty() {
                one
            } else {
                listed()
            };
            Some(json!({
                "type": "array", "minItems": 1, "maxItems": VALUES_MAX, "items": items,
            }))
        }
        Operand::TwoOrdered => Some(json!({
            "type": "array", "minItems": 2, "maxItems": 2, "items": or_relative(one),
        })),
        Operand::Text if field.kind == FieldType::List && !field.values.is_empty() => {
            Some(listed())
        }
        Operand::Text => Some(json!({ "type": "string" })),
        Operand::Pattern => Some(json!({
            "type": "string", "format": "regex", "maxLength": PATTERN_BYTES_MAX,
        })),
    }
}

fn scalar(kind: FieldType) -> Value {
    match kind {
        FieldType::Text | FieldType::List | FieldType::Json => json!({ "type": "string" }),
        FieldType::Number => json!({ "type": "number" }),
        FieldType::Boolean => json!({ "type": "boolean" }),
        FieldType::Instant => json!({
            "type": "string", "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9:.]+([Zz]|[+-][0-9:]+)$",
        }),
        FieldType::Date => json!({
            "type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        }),
        FieldType::Id => json!({
            "type": "string", "format": "uuid",
            "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        }),
    }
}

fn relative() -> Value {
    let duration = json!({ "type": "string", "format": "duration", "pattern": "^P" });
    json!({
        "title": "Relative time",
        "description": "An ISO 8601 duration before or after the instant of asking, in UTC.",
        "oneOf": [
            branch("ago", "Ago", &duration),
            branch("ahead", "Ahead", &duration),
        ],
    })
}

/// A name as a step of a JSON pointer in a URI.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for byte in name.replace('~', "~0").replace('/', "~1").bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

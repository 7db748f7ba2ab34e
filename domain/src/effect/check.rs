//! Whether the fields that an effect names are there, and can hold what it puts into them.

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::fields::{FieldType, Fields};
use super::kind::is_id;
use super::problem::{EffectError, EffectProblem};
use super::{Effect, WAIT_S_MAX};

impl Effect {
    /// All that is wrong with the effect, and those of its timer, for records with these fields.
    #[must_use]
    pub fn check(&self, fields: &Fields) -> Vec<EffectError> {
        self.all()
            .into_iter()
            .flat_map(|effect| effect.check_own(fields))
            .collect()
    }

    fn check_own(&self, fields: &Fields) -> Vec<EffectError> {
        let set = self.fields.iter().filter_map(|(name, value)| {
            let path = format!("{}/fields/{name}", self.path);
            let problem = match fields.get(name) {
                None => Some(EffectProblem::FieldUnknown(name.clone())),
                Some(field_type) if holds(field_type, value) => None,
                Some(field_type) => Some(EffectProblem::ValueInvalid {
                    field: name.clone(),
                    expected: expected(field_type),
                }),
            };
            problem.map(|problem| EffectError { path, problem })
        });
        let unknown = |name: &str| fields.get(name).is_none();
        let taken = self.sources.iter().filter(|source| unknown(&source.0));
        let taken = taken.map(|(name, path)| EffectError {
            path: path.clone(),
            problem: EffectProblem::FieldUnknown(name.clone()),
        });
        set.chain(taken).collect()
    }
}

/// Null empties any field; `{"after_s": 0}` is an instant or a day from now on.
fn holds(field_type: &FieldType, json: &str) -> bool {
    let Ok(value) = serde_json::from_str::<Value>(json) else {
        // A number too large for a tree, which only what holds anything takes.
        return matches!(field_type, FieldType::Json | FieldType::Number);
    };
    let text = value.as_str();
    value.is_null()
        || match field_type {
            FieldType::Text(values) => text
                .is_some_and(|text| values.is_empty() || values.iter().any(|known| known == text)),
            FieldType::Number => value.is_number(),
            FieldType::Boolean => value.is_boolean(),
            FieldType::Instant => {
                is_from_now(&value) || text.is_some_and(|text| text.parse::<Timestamp>().is_ok())
            }
            FieldType::Date => {
                is_from_now(&value) || text.is_some_and(|text| text.parse::<Date>().is_ok())
            }
            FieldType::Id => text.is_some_and(is_id),
            FieldType::List => value
                .as_array()
                .is_some_and(|list| list.iter().all(Value::is_string)),
            FieldType::Json => true,
        }
}

fn is_from_now(value: &Value) -> bool {
    value.as_object().is_some_and(|object| {
        let wait = object.get("after_s").and_then(Value::as_u64);
        object.len() == 1 && wait.is_some_and(|seconds| seconds <= u64::from(WAIT_S_MAX))
    })
}

fn expected(field_type: &FieldType) -> String {
    match field_type {
        FieldType::Text(values) if !values.is_empty() => format!("one of {}", values.join(", ")),
        FieldType::Text(_) => "a text".to_owned(),
        FieldType::Number => "a number".to_owned(),
        FieldType::Boolean => "true or false".to_owned(),
        FieldType::Instant => r#"a date-time, or {"after_s": seconds}"#.to_owned(),
        FieldType::Date => r#"a date, or {"after_s": seconds}"#.to_owned(),
        FieldType::Id => "an id".to_owned(),
        FieldType::List => "a list of texts".to_owned(),
        FieldType::Json => "anything".to_owned(),
    }
}

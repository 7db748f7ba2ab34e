//! The schema of fields: what conditions may ask for, and of which type each field is.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Field;
use super::operator::Operator;
use super::parse::pointer_step;
use super::problem::{ConditionError, ConditionProblem};
use super::test::scalar;
use super::time::parse_instant;
use super::value::Wanted;

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text, compared as bytes.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A date-time with an offset.
    Instant,
    /// A date.
    Date,
    /// An id: a UUID in lower case.
    Id,
    /// A list of texts.
    List,
    /// Anything else.
    Json,
}

/// The fields that there are, by their paths.
#[derive(Debug)]
pub struct Fields {
    fields: BTreeMap<String, FieldOf>,
}

/// One field.
#[derive(Debug)]
pub(super) struct FieldOf {
    pub(super) kind: FieldType,
    pub(super) label: Option<String>,
    pub(super) description: Option<String>,
    /// The only values that it may have; empty if it may have any.
    pub(super) values: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Described {
    r#type: String,
    label: Option<String>,
    description: Option<String>,
    #[serde(default)]
    values: Option<Vec<Box<RawValue>>>,
}

impl Fields {
    /// Reads a schema of fields: `{"amount": {"type": "number", "label": "Amount"}, …}`, where a
    /// field may list its `values`; other keys are passed over.
    ///
    /// # Errors
    /// [`ConditionError`] with the place of what is wrong.
    pub fn parse(json: &str) -> Result<Self, ConditionError> {
        let error = |path: String, expected| ConditionError {
            path,
            problem: ConditionProblem::Fields(expected),
        };
        let entries: BTreeMap<String, &RawValue> = serde_json::from_str(json)
            .map_err(|_| error(String::new(), "an object with an entry a field"))?;
        let mut fields = BTreeMap::new();
        for (path, described) in entries {
            let error = |expected| error(pointer_step(&path), expected);
            if Field::parse(&path).is_none() {
                return Err(error("names with dots between them"));
            }
            let described: Described = serde_json::from_str(described.get())
                .map_err(|_| error("an object with type, label, description and values"))?;
            let kind = FieldType::parse(&described.r#type)
                .ok_or_else(|| error("text, number, boolean, instant, date, id, list or json"))?;
            let values = described.values.unwrap_or_default();
            if values.iter().any(|value| scalar(value).is_none()) {
                return Err(error("values that are texts, numbers or booleans"));
            }
            let field = FieldOf {
                kind,
                label: described.label,
                description: described.description,
                values,
            };
            fields.insert(path, field);
        }
        Ok(Self { fields })
    }

    pub(super) fn get(&self, path: &str) -> Option<&FieldOf> {
        self.fields.get(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &FieldOf)> {
        self.fields
            .iter()
            .map(|(path, field)| (path.as_str(), field))
    }
}

impl FieldOf {
    /// Whether the field may have a value.
    pub(super) fn lists(&self, wanted: &Wanted) -> bool {
        self.values.is_empty()
            || self
                .values
                .iter()
                .filter_map(|it| scalar(it))
                .any(|listed| {
                    match (&listed, wanted) {
                        (Wanted::Number(listed), Wanted::Number(wanted)) => {
                            listed.decimal().get() == wanted.decimal().get()
                        }
                        (Wanted::Boolean(listed), Wanted::Boolean(wanted)) => listed == wanted,
                        (Wanted::Text(listed), Wanted::Text(wanted)) => listed == wanted,
                        (Wanted::Instant(listed), Wanted::Instant(wanted)) => listed == wanted,
                        // In a list that holds other texts too a date-time is a text.
                        (Wanted::Instant(listed), Wanted::Text(text)) => {
                            parse_instant(text) == Some(*listed)
                        }
                        _ => false,
                    }
                })
    }
}

impl FieldType {
    pub(super) const ALL: [Self; 8] = [
        Self::Text,
        Self::Number,
        Self::Boolean,
        Self::Instant,
        Self::Date,
        Self::Id,
        Self::List,
        Self::Json,
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// As schemas have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Instant => "instant",
            Self::Date => "date",
            Self::Id => "id",
            Self::List => "list",
            Self::Json => "json",
        }
    }

    /// Whether an operator says something about fields of this type.
    pub(super) const fn takes(self, operator: Operator) -> bool {
        use Operator as O;

        match operator {
            O::IsNull | O::IsNotNull | O::Changed => true,
            O::Equal | O::NotEqual | O::In => !matches!(self, Self::List | Self::Json),
            O::Less | O::LessOrEqual | O::Greater | O::GreaterOrEqual | O::Between => {
                matches!(self, Self::Text | Self::Number | Self::Instant | Self::Date)
            }
            O::Contains => matches!(self, Self::Text | Self::List),
            O::StartsWith | O::EndsWith | O::Matches => matches!(self, Self::Text),
        }
    }

    /// What a field of this type is compared with, in words.
    pub(super) const fn expected(self) -> &'static str {
        match self {
            Self::Text | Self::List => "a text",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::Instant => {
                "a date-time with its offset such as 2026-11-21T12:00:00Z, or a relative time such \
                 as {\"ago\": \"P30D\"}"
            }
            Self::Date => {
                "a date such as 2026-11-21, or a relative time such as {\"ago\": \"P30D\"}"
            }
            Self::Id => "an id in lower case, such as 00000000-0000-4000-8000-00000000000a",
            Self::Json => "nothing",
        }
    }
}

//! Decides what an entry says about a change of a row: its tenant, its key, and the columns that
//! differ, with their values before and after.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::AuditError;
use super::value::within_limit;
pub use super::value::{Salt, VALUE_BYTES_MAX};

/// What is known of an audited table when its trigger is made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Its name, with its schema.
    pub table: String,
    /// The column that says whose row it is.
    pub tenant: String,
    /// The columns that tell the tenant's rows apart.
    pub key: Vec<String>,
    /// Columns that are not recorded.
    pub ignored: Vec<String>,
    /// Columns whose values stand in entries by reference.
    pub personal: Vec<String>,
}

impl Settings {
    /// Reads the JSON text of an audit trigger's argument.
    ///
    /// # Errors
    /// [`AuditError::Settings`] when it is not one.
    pub fn parse(json: &str) -> Result<Self, AuditError> {
        serde_json::from_str(json).map_err(|_| AuditError::Settings)
    }
}

/// What happened to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is new.
    Insert,
    /// It has other values.
    Update,
    /// It is gone.
    Delete,
}

impl Operation {
    /// The word in entries.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// A change as an entry records it. All JSON is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub operation: Operation,
    /// The tenant's id, if the row has one.
    pub tenant: Option<String>,
    /// The record's key, a JSON object.
    pub key: String,
    /// What columns held before, a JSON object; nothing for an insert.
    pub old: Option<String>,
    /// What they hold now, a JSON object; nothing for a delete.
    pub new: Option<String>,
    /// The values that stand in `old` and `new` by reference.
    pub values: Vec<PersonalValue>,
}

/// A personal value before and after, apart from the entry so that it can be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalValue {
    /// The column.
    pub column: String,
    /// What the references in the entry were made with.
    pub salt: Salt,
    /// The value before, JSON text.
    pub old: Option<String>,
    /// The value now, JSON text.
    pub new: Option<String>,
}

/// What happened between a row's JSON text `old` and `new`, of which one may be missing; `seed` is
/// randomness for the salts of personal values.
///
/// Nothing when no column differs that is recorded. Two changes, a delete and an insert, when the
/// row has gone to another tenant or has another key: it is another record then.
///
/// # Errors
/// [`AuditError::Row`] when a row is no JSON object or lacks its key.
pub fn changes(
    settings: &Settings,
    old: Option<&str>,
    new: Option<&str>,
    seed: &[u8],
) -> Result<Vec<Change>, AuditError> {
    let old = old.map(Row::parse).transpose()?;
    let new = new.map(Row::parse).transpose()?;
    match (&old, &new) {
        (Some(old), Some(new)) if old.identity(settings)? != new.identity(settings)? => Ok(vec![
            one(settings, Operation::Delete, Some(old), None, seed)?,
            one(settings, Operation::Insert, None, Some(new), seed)?,
        ]),
        (Some(old), Some(new)) => {
            let change = one(settings, Operation::Update, Some(old), Some(new), seed)?;
            Ok(if change.new.as_deref() == Some("{}") {
                Vec::new()
            } else {
                vec![change]
            })
        }
        (Some(old), None) => {
            one(settings, Operation::Delete, Some(old), None, seed).map(|it| vec![it])
        }
        (None, Some(new)) => {
            one(settings, Operation::Insert, None, Some(new), seed).map(|it| vec![it])
        }
        (None, None) => Ok(Vec::new()),
    }
}

fn one(
    settings: &Settings,
    operation: Operation,
    old: Option<&Row<'_>>,
    new: Option<&Row<'_>>,
    seed: &[u8],
) -> Result<Change, AuditError> {
    let row = new.or(old).ok_or(AuditError::Row)?;
    let (mut before, mut after) = (Object::new(), Object::new());
    let mut values = Vec::new();
    for (place, (column, value)) in row.0.iter().enumerate() {
        let other = if new.is_some() { old } else { None };
        let other = other.map_or("null", |other| other.value_at(place, column));
        if other == *value || settings.passes_over(column) {
            continue;
        }
        let (was, is) = if new.is_some() {
            (other, *value)
        } else {
            (*value, "null")
        };
        let (mut was, mut is) = (within_limit(was), within_limit(is));
        if settings.personal.iter().any(|personal| personal == column) {
            let salt = Salt::derive(seed, column);
            let references = (salt.reference(&was), salt.reference(&is));
            values.push(PersonalValue {
                column: column.clone().into_owned(),
                salt,
                old: (was != "null").then_some(was),
                new: (is != "null").then_some(is),
            });
            (was, is) = references;
        }
        before.push(column, &was);
        after.push(column, &is);
    }
    let (tenant, key) = row.identity(settings)?;
    Ok(Change {
        operation,
        tenant: serde_json::from_str(tenant).map_err(|_| AuditError::Row)?,
        key,
        old: old.map(|_| before.finish()),
        new: new.map(|_| after.finish()),
        values,
    })
}

impl Settings {
    /// Whether an entry says nothing of the column: it is ignored, or stands in the key.
    fn passes_over(&self, column: &str) -> bool {
        let is = |name: &String| name == column;
        self.tenant == column || self.key.iter().any(is) || self.ignored.iter().any(is)
    }
}

/// A row's columns and their values as JSON text, in the order of the table.
struct Row<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Row<'a> {
    fn parse(json: &'a str) -> Result<Self, AuditError> {
        serde_json::from_str(json).map_err(|_| AuditError::Row)
    }

    fn value(&self, column: &str) -> Option<&'a str> {
        let found = self.0.iter().find(|(name, _)| name == column);
        found.map(|(_, value)| *value)
    }

    /// The value of the column that another row of the table has at `place`.
    fn value_at(&self, place: usize, column: &str) -> &'a str {
        match self.0.get(place) {
            Some((name, value)) if name == column => value,
            _ => self.value(column).unwrap_or("null"),
        }
    }

    /// The tenant's id as JSON text, and the key as a JSON object.
    fn identity(&self, settings: &Settings) -> Result<(&'a str, String), AuditError> {
        let mut key = Object::new();
        for column in &settings.key {
            key.push(column, self.value(column).ok_or(AuditError::Row)?);
        }
        let tenant = self.value(&settings.tenant).ok_or(AuditError::Row)?;
        Ok((tenant, key.finish()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Row<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(Columns).map(Row)
    }
}

struct Columns;

impl<'de> Visitor<'de> for Columns {
    type Value = Vec<(Cow<'de, str>, &'de str)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut columns = Vec::with_capacity(16);
        while let Some(Name(name)) = map.next_key()? {
            columns.push((name, map.next_value::<&RawValue>()?.get()));
        }
        Ok(columns)
    }
}

/// A name, borrowed unless it holds an escape.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// A JSON object as it is written.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self("{".to_owned())
    }

    fn push(&mut self, name: &str, json: &str) {
        if self.0.len() > 1 {
            self.0.push_str(", ");
        }
        self.0.push_str(&serde_json::Value::from(name).to_string());
        self.0.push_str(": ");
        self.0.push_str(json);
    }

    fn finish(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

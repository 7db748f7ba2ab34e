//! Holds the values of a record against the definitions of its fields.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::CUSTOM_BYTES_MAX;
use super::definition::Definition;
use super::error::{DefinitionError, DefinitionProblem};
use super::kind::Kind;
use super::problem::{Problem, ValueProblem};
use super::value::Key;

/// All fields of an object of a tenant.
#[derive(Debug)]
pub struct Definitions(pub(super) Vec<Stored>);

/// A definition, and whether its field is archived.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) definition: Definition,
    pub(super) is_archived: bool,
}

#[derive(Deserialize)]
struct StoredJson<'j> {
    field: String,
    #[serde(default)]
    archived: bool,
    #[serde(borrow)]
    definition: &'j RawValue,
}

/// What came of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The values in their one form, as a JSON object.
    pub custom: String,
    /// What is wrong; nothing where the values may be kept.
    pub problems: Vec<Problem>,
    /// Users whom the write names: field and id.
    pub users: Vec<(String, String)>,
}

type Object<'j> = BTreeMap<String, &'j RawValue>;

impl Definitions {
    /// Reads `[{"field": "color", "archived": false, "definition": {…}}, …]`.
    ///
    /// # Errors
    /// [`DefinitionError`] for what was stored in another form.
    pub fn parse(json: &str) -> Result<Self, DefinitionError> {
        let corrupt = || DefinitionError {
            path: String::new(),
            problem: DefinitionProblem::Corrupt,
        };
        let stored: Vec<StoredJson<'_>> = serde_json::from_str(json).map_err(|_| corrupt())?;
        let read = |stored: StoredJson<'_>| {
            let definition = Definition::parse(&stored.field, stored.definition.get());
            Ok(Stored {
                definition: definition.map_err(|_| corrupt())?,
                is_archived: stored.archived,
            })
        };
        stored
            .into_iter()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Checks the values of a record, a JSON object as text. previous: its values before, none for
    /// a new record, which gets the defaults.
    ///
    /// Values that stay as they are pass. Those of archived fields stay whether they are sent or
    /// not; those of fields that are gone may stay away or be sent as they were, and are dropped.
    #[must_use]
    pub fn check(&self, custom: &str, previous: Option<&str>) -> Checked {
        let mut check = Check::default();
        let (Some(sent), true) = (object(custom), custom.len() <= CUSTOM_BYTES_MAX) else {
            check.refuse(None, ValueProblem::TooLarge);
            return check.end();
        };
        let before = previous.map(|previous| object(previous).unwrap_or_default());
        for stored in &self.0 {
            let field = stored.definition.field.as_str();
            let old = before
                .as_ref()
                .and_then(|before| before.get(field).copied());
            let new = sent.get(field).copied().filter(|json| json.get() != "null");
            if stored.is_archived {
                check.archived(field, new, old);
            } else if before.is_none() && !sent.contains_key(field) {
                check.missing(&stored.definition);
            } else {
                check.active(&stored.definition, new, old, before.is_some());
            }
        }
        for (field, json) in &sent {
            let is_known = |stored: &Stored| stored.definition.field == *field;
            let old = before.as_ref().and_then(|before| before.get(field));
            let stays = old.is_some_and(|old| old.get() == json.get());
            if !stays && !self.0.iter().any(is_known) {
                check.refuse(Some(field), ValueProblem::Unknown);
            }
        }
        check.end()
    }

    /// By what the values of a record are found and told from others, for fields that are kept
    /// apart: field, whether it is unique, key.
    #[must_use]
    pub fn keys(&self, custom: &str) -> Vec<(&str, bool, Key)> {
        let custom = object(custom).unwrap_or_default();
        let kept = self
            .0
            .iter()
            .filter(|stored| stored.definition.is_kept_apart());
        kept.filter_map(|stored| {
            let definition = &stored.definition;
            let key = definition.key(custom.get(definition.field.as_str())?)?;
            Some((definition.field.as_str(), definition.is_unique, key))
        })
        .collect()
    }
}

impl Definition {
    /// Whether a value that was kept under another definition is one of this, as it is.
    #[must_use]
    pub fn fits(&self, json: &str) -> bool {
        let Ok(value) = serde_json::from_str::<&RawValue>(json) else {
            return false;
        };
        let form = self.value(value).ok().flatten();
        form.is_some_and(|form| {
            let [kept, wanted] = [json, &form.write()].map(serde_json::from_str::<Value>);
            kept.is_ok() && kept.ok() == wanted.ok()
        })
    }
}

#[derive(Default)]
struct Check {
    values: BTreeMap<String, String>,
    problems: Vec<Problem>,
    users: Vec<(String, String)>,
}

impl Check {
    fn refuse(&mut self, field: Option<&str>, problem: ValueProblem) {
        self.problems.push(Problem {
            field: field.map(str::to_owned),
            problem,
        });
    }

    fn keep(&mut self, field: &str, json: &str) {
        self.values.insert(field.to_owned(), json.to_owned());
    }

    fn archived(&mut self, field: &str, new: Option<&RawValue>, old: Option<&RawValue>) {
        if let Some(old) = old {
            self.keep(field, old.get());
        }
        if new.is_some_and(|new| old.is_none_or(|old| old.get() != new.get())) {
            self.refuse(Some(field), ValueProblem::Archived);
        }
    }

    /// A new record says nothing of the field.
    fn missing(&mut self, definition: &Definition) {
        match &definition.default {
            Some(default) => self.keep(&definition.field, default),
            None if definition.is_required => {
                self.refuse(Some(&definition.field), ValueProblem::Required);
            }
            None => {}
        }
    }

    fn active(
        &mut self,
        definition: &Definition,
        new: Option<&RawValue>,
        old: Option<&RawValue>,
        is_change: bool,
    ) {
        let field = definition.field.as_str();
        if let Some(old) = old
            && new.is_some_and(|new| new.get() == old.get())
        {
            return self.keep(field, old.get());
        }
        match new.map_or(Ok(None), |new| definition.value(new)) {
            Ok(Some(form)) => {
                let json = form.write();
                if definition.kind == Kind::User {
                    let id = json.trim_matches('"').to_owned();
                    self.users.push((field.to_owned(), id));
                }
                self.keep(field, &json);
            }
            // What was missing before it was required may go on missing.
            Ok(None) if definition.is_required && (!is_change || old.is_some()) => {
                self.refuse(Some(field), ValueProblem::Required);
            }
            Ok(None) => {}
            Err(problem) => self.refuse(Some(field), problem),
        }
    }

    fn end(self) -> Checked {
        let values = self.values.iter();
        let values: Vec<_> = values
            .map(|(field, json)| format!("{}:{json}", Value::from(field.as_str())))
            .collect();
        Checked {
            custom: format!("{{{}}}", values.join(",")),
            problems: self.problems,
            users: self.users,
        }
    }
}

fn object(json: &str) -> Option<Object<'_>> {
    serde_json::from_str(json).ok()
}

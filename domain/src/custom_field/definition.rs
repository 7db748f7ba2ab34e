//! Reads a definition, and says at which place it is wrong.

use std::collections::BTreeMap;

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value;
use serde_json::value::RawValue;

use super::error::{DefinitionError, DefinitionProblem as Problem};
use super::kind::Kind;
use super::value::{self, Form};
use super::{
    CHOICES_MAX, DECIMALS_MAX, DEFINITION_BYTES_MAX, DESCRIPTION_CHARS_MAX, FIELD_CHARS_MAX,
    INDEXED_CHARS_MAX, LABEL_CHARS_MAX, MATCHED_CHARS_MAX, TEXT_CHARS_MAX,
};
use crate::condition::{PATTERN_BYTES_MAX, PATTERN_COMPILED_BYTES_MAX};

const LABEL: &str = "a text of 1 to 200 characters";
const DESCRIPTION: &str = "a text of at most 2000 characters";
const BOOLEAN: &str = "true or false";
const CHOICES: &str =
    "a list of 1 to 200 different texts, or objects with value and label, of 1 to 200 characters";
const LENGTH: &str = "a number of characters, min_length not above max_length, at most 10000; 1000 \
                      with a pattern; 500 where the field is unique or indexed";
const DECIMALS: &str = "a whole number from 0 to 20";
const BOUND: &str = "a value of the field's own type, min not above max";
const TEXT: &str = "a text";
const NO_DEFAULT: &str = "no default where values are unique";

/// One of the choices of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What is stored.
    pub value: String,
    /// What people see.
    pub label: String,
}

/// A definition that has been checked.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The name of the field.
    pub field: String,
    /// What it holds.
    pub kind: Kind,
    /// What people see.
    pub label: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether a record has to have a value.
    pub is_required: bool,
    /// Whether no two records may have the same value.
    pub is_unique: bool,
    /// Whether records are found by its values.
    pub is_indexed: bool,
    /// Of the types choice and choices.
    pub choices: Vec<Choice>,
    /// The default, as JSON in its one form.
    pub default: Option<String>,
    pub(super) bounds: Bounds,
}

/// What narrows the values of a type.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    /// The least and the greatest value, as JSON in their one form.
    pub(super) min: Option<Form>,
    pub(super) max: Option<Form>,
    pub(super) decimals: Option<u32>,
    pub(super) length_min: Option<usize>,
    pub(super) length_max: Option<usize>,
    pub(super) pattern: Option<Regex>,
}

impl Definition {
    /// Reads the definition of a field from JSON.
    ///
    /// # Errors
    /// [`DefinitionError`] with the place of what is wrong.
    pub fn parse(field: &str, json: &str) -> Result<Self, DefinitionError> {
        let whole = |problem| DefinitionError {
            path: String::new(),
            problem,
        };
        if !is_key(field) {
            return Err(whole(Problem::Key));
        }
        let options: BTreeMap<String, &RawValue> = Some(json)
            .filter(|json| json.len() <= DEFINITION_BYTES_MAX)
            .and_then(|json| serde_json::from_str(json).ok())
            .ok_or_else(|| whole(Problem::Malformed))?;
        Options(options).read(field)
    }

    /// The definition in its one form, as JSON: what is not said is left out.
    #[must_use]
    pub fn to_json(&self) -> String {
        let text = |text: &str| Value::from(text).to_string();
        let flag = |is_set: bool| is_set.then(|| "true".to_owned());
        let number = |number: Option<usize>| number.map(|number| number.to_string());
        let choices: Vec<_> = self
            .choices
            .iter()
            .map(|choice| serde_json::json!({ "value": choice.value, "label": choice.label }))
            .collect();
        let bounds = &self.bounds;
        let options = [
            ("type", Some(text(self.kind.as_str()))),
            ("label", Some(text(&self.label))),
            ("description", self.description.as_deref().map(text)),
            ("required", flag(self.is_required)),
            ("unique", flag(self.is_unique)),
            ("indexed", flag(self.is_indexed)),
            (
                "choices",
                (!choices.is_empty()).then(|| Value::from(choices).to_string()),
            ),
            ("min", bounds.min.as_ref().map(Form::write)),
            ("max", bounds.max.as_ref().map(Form::write)),
            (
                "decimals",
                bounds.decimals.map(|decimals| decimals.to_string()),
            ),
            ("min_length", number(bounds.length_min)),
            ("max_length", number(bounds.length_max)),
            (
                "pattern",
                bounds.pattern.as_ref().map(|it| text(it.as_str())),
            ),
            ("default", self.default.clone()),
        ];
        let options = options
            .into_iter()
            .filter_map(|(name, json)| Some(format!("{}:{}", text(name), json?)));
        format!("{{{}}}", options.collect::<Vec<_>>().join(","))
    }

    /// The most characters that a text of the field has.
    #[must_use]
    pub fn chars_max(&self) -> usize {
        let most = self.bounds.length_max.unwrap_or(TEXT_CHARS_MAX);
        most.min(if self.is_unique || self.is_indexed {
            INDEXED_CHARS_MAX
        } else if self.bounds.pattern.is_some() {
            MATCHED_CHARS_MAX
        } else {
            TEXT_CHARS_MAX
        })
    }

    /// Whether the field's values are kept where they can be found.
    #[must_use]
    pub const fn is_kept_apart(&self) -> bool {
        self.is_unique || self.is_indexed
    }
}

fn is_key(field: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase();
    (1..=FIELD_CHARS_MAX).contains(&field.len())
        && field.bytes().next().is_some_and(is_letter)
        && field
            .bytes()
            .all(|byte| is_letter(byte) || byte.is_ascii_digit() || byte == b'_')
}

/// What an object has under its keys; null is as good as nothing.
struct Options<'j>(BTreeMap<String, &'j RawValue>);

impl Options<'_> {
    fn read(&self, field: &str) -> Result<Definition, DefinitionError> {
        let whole = |problem| DefinitionError {
            path: String::new(),
            problem,
        };
        let (Some(kind), Some(_)) = (self.get("type"), self.get("label")) else {
            return Err(whole(Problem::Malformed));
        };
        let kind = text(kind).and_then(|word| Kind::parse(&word));
        let kind = kind.ok_or_else(|| at("type", Problem::Kind))?;
        let names = self.0.keys().filter(|name| self.get(name).is_some());
        for name in names {
            if !kind.takes(name) {
                return Err(at(name, Problem::OptionUnknown(kind.as_str())));
            }
        }
        let mut definition = Definition {
            field: field.to_owned(),
            kind,
            label: self
                .text("label", LABEL, 1, LABEL_CHARS_MAX)?
                .unwrap_or_default(),
            description: self.text("description", DESCRIPTION, 0, DESCRIPTION_CHARS_MAX)?,
            is_required: self.flag("required")?,
            is_unique: self.flag("unique")?,
            is_indexed: self.flag("indexed")?,
            choices: self.choices(kind)?,
            default: None,
            bounds: Bounds::default(),
        };
        definition.bounds = self.bounds(kind)?;
        let length = (definition.bounds.length_min, definition.bounds.length_max);
        if length.1.is_some_and(|max| max > definition.chars_max())
            || length.0.is_some_and(|min| min > definition.chars_max())
        {
            return Err(at("max_length", Problem::Option(LENGTH)));
        }
        definition.default = self.default(&definition)?;
        Ok(definition)
    }

    fn get(&self, name: &str) -> Option<&RawValue> {
        let json = self.0.get(name).copied()?;
        (json.get() != "null").then_some(json)
    }

    fn text(
        &self,
        name: &str,
        expected: &'static str,
        min: usize,
        max: usize,
    ) -> Result<Option<String>, DefinitionError> {
        self.option(name, expected, |json| {
            text(json).filter(|text| is_long(text.trim(), min, max))
        })
    }

    fn flag(&self, name: &str) -> Result<bool, DefinitionError> {
        let flag = self.option(name, BOOLEAN, |json| serde_json::from_str(json.get()).ok())?;
        Ok(flag.unwrap_or(false))
    }

    fn option<'o, T>(
        &'o self,
        name: &str,
        expected: &'static str,
        read: impl FnOnce(&'o RawValue) -> Option<T>,
    ) -> Result<Option<T>, DefinitionError> {
        self.get(name)
            .map(|json| read(json).ok_or_else(|| at(name, Problem::Option(expected))))
            .transpose()
    }

    fn choices(&self, kind: Kind) -> Result<Vec<Choice>, DefinitionError> {
        let wrong = || at("choices", Problem::Option(CHOICES));
        if !kind.takes("choices") {
            return Ok(Vec::new());
        }
        let list = self.option("choices", CHOICES, |json| {
            serde_json::from_str::<Vec<&RawValue>>(json.get()).ok()
        })?;
        let list = list.filter(|list| (1..=CHOICES_MAX).contains(&list.len()));
        let mut choices = Vec::<Choice>::new();
        for (place, json) in list.ok_or_else(wrong)?.into_iter().enumerate() {
            let choice = choice(json)
                .filter(|choice| choices.iter().all(|known| known.value != choice.value));
            let path = format!("choices/{place}");
            choices.push(choice.ok_or_else(|| at(&path, Problem::Option(CHOICES)))?);
        }
        Ok(choices)
    }

    fn bounds(&self, kind: Kind) -> Result<Bounds, DefinitionError> {
        let bound = |name| self.option(name, BOUND, |json| value::form(kind, json).ok().flatten());
        let length = |name| {
            let read = |json: &RawValue| serde_json::from_str::<usize>(json.get()).ok();
            self.option(name, LENGTH, |json| {
                read(json).filter(|&it| it <= TEXT_CHARS_MAX)
            })
        };
        let bounds = Bounds {
            min: bound("min")?,
            max: bound("max")?,
            decimals: self.option("decimals", DECIMALS, |json| {
                let decimals = serde_json::from_str(json.get()).ok();
                decimals.filter(|&decimals| decimals <= DECIMALS_MAX)
            })?,
            length_min: length("min_length")?,
            length_max: length("max_length")?,
            pattern: self.pattern()?,
        };
        if let (Some(min), Some(max)) = (&bounds.min, &bounds.max)
            && min.compare(max).is_none_or(std::cmp::Ordering::is_gt)
        {
            return Err(at("max", Problem::Option(BOUND)));
        }
        if bounds
            .length_max
            .is_some_and(|max| max < bounds.length_min.unwrap_or(1))
        {
            return Err(at("max_length", Problem::Option(LENGTH)));
        }
        Ok(bounds)
    }

    fn pattern(&self) -> Result<Option<Regex>, DefinitionError> {
        let Some(pattern) = self.option("pattern", TEXT, text)? else {
            return Ok(None);
        };
        let built = if pattern.len() > PATTERN_BYTES_MAX {
            Err(format!("it has {}", pattern.len()))
        } else {
            RegexBuilder::new(&pattern)
                .size_limit(PATTERN_COMPILED_BYTES_MAX)
                .build()
                .map_err(|error| error.to_string())
        };
        built
            .map(Some)
            .map_err(|error| at("pattern", Problem::Pattern(error)))
    }

    fn default(&self, definition: &Definition) -> Result<Option<String>, DefinitionError> {
        let Some(json) = self.get("default") else {
            return Ok(None);
        };
        if definition.is_unique {
            return Err(at("default", Problem::Option(NO_DEFAULT)));
        }
        match definition.value(json) {
            Ok(Some(form)) => Ok(Some(form.write())),
            Ok(None) => Err(at("default", Problem::Default("it is empty".to_owned()))),
            Err(problem) => Err(at("default", Problem::Default(problem.to_string()))),
        }
    }
}

/// A choice, which is a text or an object with value and label.
fn choice(json: &RawValue) -> Option<Choice> {
    let choice = if let Some(value) = text(json) {
        Choice {
            label: value.clone(),
            value,
        }
    } else {
        let object: BTreeMap<String, String> = serde_json::from_str(json.get()).ok()?;
        let value = object.get("value")?.clone();
        let label = object.get("label").unwrap_or(&value).clone();
        let known = 1 + usize::from(object.contains_key("label"));
        (object.len() == known).then_some(Choice { value, label })?
    };
    let is_right = |text: &str| text.trim() == text && is_long(text, 1, LABEL_CHARS_MAX);
    (is_right(&choice.value) && is_right(&choice.label)).then_some(choice)
}

fn is_long(text: &str, min: usize, max: usize) -> bool {
    (min..=max).contains(&text.chars().count())
}

fn text(json: &RawValue) -> Option<String> {
    serde_json::from_str(json.get()).ok()
}

/// A problem at an option; names that come from outside are escaped as RFC 6901 says.
fn at(name: &str, problem: Problem) -> DefinitionError {
    let path = match &problem {
        Problem::OptionUnknown(_) => name.replace('~', "~0").replace('/', "~1"),
        _ => name.to_owned(),
    };
    DefinitionError {
        path: format!("/{path}"),
        problem,
    }
}

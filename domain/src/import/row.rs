//! Decides what the cells of a row become by a plan: values of fields, and what is wrong.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use super::cell::{self, Kind, Manner, Problem};
use super::plan::{Column, Plan};
use super::{number, write};

/// What is wrong with a cell.
#[derive(Debug, Serialize)]
pub struct CellError {
    /// The header of its column; none for what is wrong with the row.
    pub column: Option<String>,
    /// The stable code.
    pub code: &'static str,
    /// For people.
    pub message: String,
}

/// An address, or a further e-mail, phone or web page.
#[derive(Debug, Default, PartialEq, Serialize)]
pub struct Point {
    /// email, phone, url or address.
    pub kind: String,
    /// Such as work.
    pub label: String,
    /// What it is, unless it is an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The parts of an address.
    #[serde(flatten)]
    pub parts: BTreeMap<String, String>,
}

/// What a row holds.
#[derive(Debug, Default, Serialize)]
pub struct Row {
    /// Fields with their values as Postgres reads them; null where an empty cell clears one.
    pub fields: BTreeMap<String, Option<String>>,
    /// What names another record, by the field that is to hold its id.
    pub lookups: BTreeMap<String, String>,
    /// Fields of the tenant's own.
    pub custom: BTreeMap<String, Box<RawValue>>,
    /// Tags.
    pub tags: Vec<String>,
    /// Addresses and more.
    pub points: Vec<Point>,
    /// What is wrong: then nothing of the row is to be written.
    pub errors: Vec<CellError>,
}

impl Row {
    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("invariant: texts are JSON")
    }

    /// What these cells become.
    #[must_use]
    pub fn of(cells: &[String], plan: &Plan, manner: &Manner) -> Self {
        let mut row = Self::default();
        if cells
            .iter()
            .skip(plan.width)
            .any(|cell| !cell.trim().is_empty())
        {
            row.refuse(None, Problem::RowTooWide);
        }
        let text_of = |column: &Column| {
            let cell = cells.get(column.column).map_or("", String::as_str);
            write::plain(if plan.settings.keep_space {
                cell
            } else {
                cell.trim()
            })
        };
        let currency = plan
            .columns
            .iter()
            .find(|column| column.field == "currency")
            .map(|column| text_of(column).trim().to_uppercase())
            .filter(|code| !code.is_empty())
            .or_else(|| plan.settings.currency.clone());
        for column in &plan.columns {
            let text = text_of(column);
            if text.trim().is_empty() {
                row.clear(column, plan);
            } else if let Err(problem) = row.fill(column, text, plan, manner, currency.as_deref()) {
                row.refuse(Some(column), problem);
            }
        }
        row
    }

    fn refuse(&mut self, column: Option<&Column>, problem: Problem) {
        self.errors.push(CellError {
            column: column.map(|column| column.header.clone()),
            code: problem.code(),
            message: problem.to_string(),
        });
    }

    fn clear(&mut self, column: &Column, plan: &Plan) {
        if plan.settings.empty.as_deref() != Some("clear") {
            return;
        }
        if let Some(own) = column.field.strip_prefix("custom.") {
            self.custom.insert(own.to_owned(), raw("null"));
        } else if !column.field.contains('.') && column.field != "tags" {
            self.fields.insert(column.field.clone(), None);
        }
    }

    fn fill(
        &mut self,
        column: &Column,
        text: &str,
        plan: &Plan,
        manner: &Manner,
        currency: Option<&str>,
    ) -> Result<(), Problem> {
        let field = column.field.as_str();
        // Only texts have white space that means something.
        let text = if column.kind == Kind::Text {
            text
        } else {
            text.trim()
        };
        if column.by.is_some() {
            self.lookups
                .insert(field.to_owned(), text.trim().to_owned());
            return Ok(());
        }
        if column.kind == Kind::List {
            return self.fill_list(column, text);
        }
        let value = if column.kind == Kind::Money {
            let (minor, currency) = number::money(text, manner.decimal, currency)?;
            if plan.sets_currency {
                self.fields.insert("currency".to_owned(), Some(currency));
            }
            minor
        } else {
            cell::value(text, column.kind, manner)?
        };
        let value = known_value(column, value)?;
        if let Some(own) = field.strip_prefix("custom.") {
            let json = match column.kind {
                Kind::Number | Kind::Boolean => raw(&value),
                _ => raw_text(&value),
            };
            self.custom.insert(own.to_owned(), json);
        } else if let Some((group, part)) = field.split_once('.') {
            self.add_point(column, group, part, value);
        } else {
            self.fields.insert(field.to_owned(), Some(value));
        }
        Ok(())
    }

    fn fill_list(&mut self, column: &Column, text: &str) -> Result<(), Problem> {
        let elements = cell::list(text, column.separator.as_deref().unwrap_or(","));
        let elements: Vec<String> = elements
            .into_iter()
            .map(|element| known_value(column, element))
            .collect::<Result<_, _>>()?;
        if column.field == "tags" {
            for tag in elements {
                if !self.tags.contains(&tag) {
                    self.tags.push(tag);
                }
            }
        } else if let Some(own) = column.field.strip_prefix("custom.") {
            let json = serde_json::to_string(&elements).expect("invariant: texts are JSON");
            self.custom.insert(own.to_owned(), raw(&json));
        } else {
            // As Postgres reads an array of texts.
            let quoted: Vec<String> = elements
                .iter()
                .map(|element| {
                    format!("\"{}\"", element.replace('\\', "\\\\").replace('"', "\\\""))
                })
                .collect();
            let array = format!("{{{}}}", quoted.join(","));
            self.fields.insert(column.field.clone(), Some(array));
        }
        Ok(())
    }

    fn add_point(&mut self, column: &Column, group: &str, part: &str, value: String) {
        let label = column.label.clone().unwrap_or_default();
        if group == "more" {
            self.points.push(Point {
                kind: part.to_owned(),
                label,
                value: Some(value),
                parts: BTreeMap::new(),
            });
            return;
        }
        let is_same = |point: &&mut Point| point.kind == group && point.label == label;
        if let Some(address) = self.points.iter_mut().find(is_same) {
            address.parts.insert(part.to_owned(), value);
        } else {
            self.points.push(Point {
                kind: group.to_owned(),
                label,
                value: None,
                parts: BTreeMap::from([(part.to_owned(), value)]),
            });
        }
    }
}

/// The value as the field spells it, where it has few.
fn known_value(column: &Column, value: String) -> Result<String, Problem> {
    let Some(values) = &column.values else {
        return Ok(value);
    };
    if values.contains(&value) {
        return Ok(value);
    }
    let lower = value.to_lowercase();
    values
        .iter()
        .find(|known| known.to_lowercase() == lower)
        .cloned()
        .ok_or(Problem::ValueUnknown)
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).expect("invariant: canonical numbers and words are JSON")
}

fn raw_text(text: &str) -> Box<RawValue> {
    raw(&serde_json::to_string(text).expect("invariant: a text is JSON"))
}

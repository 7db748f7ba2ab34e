//! Decides whether a mapping of columns to fields can be carried out, and makes it ready.
//!
//! A mapping is a JSON object, `{"E-Mail": "email", "Firma": {"field": "company_id", "by": "name",
//! "create": true}}`: for a column of the header a field, or more of how it fills it. Columns that
//! it leaves out are not imported.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::cell::{self, Kind, Manner};
use super::number::{self, Decimal};
use super::time::DateOrder;
use super::{COLUMNS_MAX, ImportError};

/// A field of the records, as SQL describes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Field {
    /// text, number, boolean, instant, date, id, list or json.
    pub r#type: String,
    /// What people call it.
    #[serde(default)]
    pub label: String,
    /// The type of the column, where there is one.
    #[serde(default)]
    pub sql: Option<String>,
    /// The values that it may have, where they are few.
    #[serde(default)]
    pub values: Option<Vec<String>>,
    /// By which fields of the record that it names that may be looked up.
    #[serde(default)]
    pub lookup: Vec<String>,
}

/// The fields of an object by their names.
pub type Fields = BTreeMap<String, Field>;

/// How a file is to be read. What is left out is decided by what stands in it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Settings {
    /// The sign before decimals.
    #[serde(default)]
    pub decimal: Option<Decimal>,
    /// The order of dates.
    #[serde(default)]
    pub date: Option<DateOrder>,
    /// Of instants that name none: UTC, unless it is said.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Of amounts that name none (ISO 4217).
    #[serde(default)]
    pub currency: Option<String>,
    /// What an empty cell does to a field: leave it, or clear it.
    #[serde(default)]
    pub empty: Option<String>,
    /// Whether white space around cells is kept.
    #[serde(default)]
    pub keep_space: bool,
    /// What fields of new records hold that no cell fills.
    #[serde(default)]
    pub defaults: BTreeMap<String, String>,
}

/// What a column is for, as a client says it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Wish {
    Field(String),
    Full(Box<FullWish>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FullWish {
    field: String,
    #[serde(rename = "as", default)]
    kind: Option<String>,
    #[serde(default)]
    by: Option<String>,
    #[serde(default)]
    create: bool,
    #[serde(default)]
    separator: Option<String>,
    #[serde(default)]
    label: Option<String>,
}

/// What a column is for.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Column {
    /// Its place, from 0.
    pub column: usize,
    /// What stands above it.
    pub header: String,
    /// The field that it fills.
    pub field: String,
    /// What its cells are.
    pub kind: Kind,
    /// By what the record is looked up that it names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Whether a record that is not found is made.
    #[serde(default)]
    pub create: bool,
    /// What stands between the elements of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// Of an address, or a further e-mail or phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The values that the field may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}

/// A mapping that can be carried out.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Plan {
    /// The columns that are imported.
    pub columns: Vec<Column>,
    /// How many columns the file has.
    pub width: usize,
    /// What new records hold that no cell fills.
    pub defaults: BTreeMap<String, String>,
    /// How cells are read.
    pub settings: Settings,
    /// Whether amounts bring their currency along.
    pub sets_currency: bool,
}

/// The names of the columns: those without one, and those of one name, are numbered.
#[must_use]
pub fn header(cells: &[String]) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(cells.len());
    for (place, cell) in cells.iter().enumerate() {
        let name = match cell.trim() {
            "" => format!("Column {}", place + 1),
            name => name.to_owned(),
        };
        let mut unique = name.clone();
        let mut count = 1;
        while names.contains(&unique) {
            count += 1;
            unique = format!("{name} ({count})");
        }
        names.push(unique);
    }
    names
}

impl Plan {
    /// What [`Plan::to_json`] wrote.
    ///
    /// # Errors
    /// [`ImportError::StateMalformed`]
    pub fn parse(json: &str) -> Result<Self, ImportError> {
        serde_json::from_str(json).map_err(|_| ImportError::StateMalformed)
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("invariant: texts, numbers and booleans are JSON")
    }

    /// How its cells are read.
    #[must_use]
    pub fn manner(&self) -> Manner {
        let zone = self.settings.time_zone.as_deref();
        Manner {
            decimal: self.settings.decimal,
            date: self.settings.date,
            zone: zone
                .and_then(|name| TimeZone::get(name).ok())
                .unwrap_or(TimeZone::UTC),
        }
    }

    /// The plan for a file with this header, of [`header`].
    ///
    /// # Errors
    /// [`ImportError::MappingInvalid`], with the column, and [`ImportError::SettingInvalid`].
    pub fn new(
        header: &[String],
        mapping: &str,
        settings: &str,
        fields: &Fields,
    ) -> Result<Self, ImportError> {
        if header.len() > COLUMNS_MAX {
            return Err(ImportError::TooManyColumns);
        }
        let settings = settings_of(settings)?;
        let wishes: BTreeMap<String, Wish> =
            serde_json::from_str(mapping).map_err(|error| ImportError::MappingInvalid {
                column: String::new(),
                reason: format!("a mapping is an object of columns and fields: {error}"),
            })?;
        let mut columns = Vec::with_capacity(wishes.len());
        let mut filled = BTreeSet::new();
        for (name, wish) in wishes {
            let column = column_of(header, &name, wish, fields)
                .and_then(|column| {
                    if is_repeatable(&column.field)
                        || filled.insert((column.field.clone(), column.label.clone()))
                    {
                        Ok(column)
                    } else {
                        Err(format!("another column fills {}", column.field))
                    }
                })
                .map_err(|reason| ImportError::MappingInvalid {
                    column: name,
                    reason,
                })?;
            columns.push(column);
        }
        columns.sort_by_key(|column| column.column);
        let sets_currency = fields.contains_key("currency")
            && columns.iter().any(|column| column.kind == Kind::Money)
            && !columns.iter().any(|column| column.field == "currency");
        let mut plan = Self {
            columns,
            width: header.len(),
            defaults: BTreeMap::new(),
            settings,
            sets_currency,
        };
        plan.defaults = plan.defaults_of(fields)?;
        Ok(plan)
    }

    fn defaults_of(&self, fields: &Fields) -> Result<BTreeMap<String, String>, ImportError> {
        let manner = self.manner();
        self.settings
            .defaults
            .iter()
            .map(|(name, text)| {
                let invalid = |reason: String| ImportError::MappingInvalid {
                    column: format!("defaults.{name}"),
                    reason,
                };
                let field = fields
                    .get(name)
                    .filter(|field| !name.contains('.') && field.r#type != "list")
                    .ok_or_else(|| invalid(format!("there is no field {name} for it")))?;
                let value = cell::value(text, kind_of(name, field), &manner)
                    .map_err(|problem| invalid(problem.to_string()))?;
                Ok((name.clone(), value))
            })
            .collect()
    }
}

fn settings_of(json: &str) -> Result<Settings, ImportError> {
    let invalid = |name, wanted| ImportError::SettingInvalid { name, wanted };
    let asked: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    let has = |name: &str, allowed: &[&str]| {
        asked.get(name).is_none_or(|value| {
            value.is_null() || value.as_str().is_some_and(|text| allowed.contains(&text))
        })
    };
    if !has("decimal", &[".", ","]) {
        return Err(invalid("decimal", "a point or a comma"));
    } else if !has("date", &["dmy", "mdy", "ymd"]) {
        return Err(invalid("date", "dmy, mdy or ymd"));
    } else if !has("empty", &["leave", "clear"]) {
        return Err(invalid("empty", "leave or clear"));
    }
    let settings: Settings =
        serde_json::from_str(json).map_err(|_| invalid("settings", "an object of settings"))?;
    let zone = settings.time_zone.as_deref();
    if zone.is_some_and(|name| TimeZone::get(name).is_err()) {
        return Err(invalid("time_zone", "a time zone of the IANA database"));
    } else if settings
        .currency
        .as_deref()
        .is_some_and(|code| !number::is_code(code))
    {
        return Err(invalid("currency", "a code of ISO 4217"));
    }
    Ok(settings)
}

/// Whether several columns may fill the field, each with a value of its own.
fn is_repeatable(field: &str) -> bool {
    field == "tags" || field.starts_with("more.")
}

fn column_of(header: &[String], name: &str, wish: Wish, fields: &Fields) -> Result<Column, String> {
    let place = header
        .iter()
        .position(|column| column == name)
        .ok_or("the file has no such column")?;
    let wish = match wish {
        Wish::Full(wish) => *wish,
        Wish::Field(field) => FullWish {
            field,
            kind: None,
            by: None,
            create: false,
            separator: None,
            label: None,
        },
    };
    let known = fields
        .get(&wish.field)
        .ok_or_else(|| format!("there is no field {} to fill", wish.field))?;
    let by = wish.by.filter(|by| by != "id");
    if let Some(by) = by.as_ref().filter(|by| !known.lookup.contains(by)) {
        return Err(format!("{} is not looked up by {by}", wish.field));
    }
    let kind = match wish.kind.as_deref() {
        None if by.is_some() => Kind::Text,
        None => kind_of(&wish.field, known),
        Some("money") if known.sql.as_deref() == Some("bigint") => Kind::Money,
        Some(_) => return Err("only a field of an amount is read as money".to_owned()),
    };
    let takes_label = wish.field.starts_with("more.") || wish.field.starts_with("address.");
    let takes_separator = known.r#type == "list";
    if wish.separator.as_deref() == Some("") || (wish.separator.is_some() && !takes_separator) {
        return Err("a separator is of a list, and is not empty".to_owned());
    }
    Ok(Column {
        column: place,
        header: name.to_owned(),
        kind,
        by,
        create: wish.create,
        separator: takes_separator.then(|| wish.separator.unwrap_or_else(|| ",".to_owned())),
        label: takes_label.then(|| wish.label.unwrap_or_else(|| "work".to_owned())),
        values: known.values.clone(),
        field: wish.field,
    })
}

/// What the cells of a field are.
fn kind_of(name: &str, field: &Field) -> Kind {
    match (field.r#type.as_str(), field.sql.as_deref()) {
        ("number", Some("smallint")) => Kind::Smallint,
        ("number", Some("integer")) => Kind::Integer,
        ("number", Some("bigint")) => Kind::Bigint,
        ("number", _) => Kind::Number,
        ("boolean", _) => Kind::Boolean,
        ("instant", _) => Kind::Instant,
        ("date", _) => Kind::Date,
        ("id", _) => Kind::Id,
        ("list", _) => Kind::List,
        _ => match name.rsplit('.').next().unwrap_or(name) {
            _ if name.starts_with("custom.") => Kind::Text,
            "email" => Kind::Email,
            "phone" => Kind::Phone,
            "currency" | "country_code" => Kind::Code,
            _ => Kind::Text,
        },
    }
}

//! Decides whether data fit the declared variables, and makes of them what a template runs with.
//!
//! What is not declared is left out, so that a template can never show it. Variables that are not
//! optional must be there and of their type; the error names the first that is not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use minijinja::Value;
use minijinja::value::{Object, ObjectRepr};
use serde_json::{Map, Value as Json};

use super::TemplateError;
use super::variables::{Kind, Variable, Variables};

/// The longest address: what browsers take, with room for what Supabase Auth appends.
const URL_BYTES_MAX: usize = 8192;

/// A value that is more than text and numbers: written as the language does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Special {
    Date(Date),
    Time(Time),
    Datetime(Timestamp),
    Money { amount_minor: i64, currency: String },
    Html(String),
}

impl Object for Special {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

/// The values of all variables.
pub(super) fn values(variables: &Variables, data: &str) -> Result<Value, TemplateError> {
    match serde_json::from_str(data) {
        Ok(Json::Object(fields)) => object(variables, &fields, ""),
        _ => Err(TemplateError::DataMalformed),
    }
}

fn object(
    variables: &Variables,
    fields: &Map<String, Json>,
    path: &str,
) -> Result<Value, TemplateError> {
    let mut values = BTreeMap::new();
    for (name, variable) in variables {
        let path = format!("{path}{name}");
        let value = match fields.get(name) {
            None | Some(Json::Null) if variable.optional => Value::from(()),
            None | Some(Json::Null) => return Err(TemplateError::VariableMissing { name: path }),
            Some(given) => value(variable, given, path)?,
        };
        values.insert(name.clone(), value);
    }
    Ok(Value::from(values))
}

fn value(variable: &Variable, given: &Json, path: String) -> Result<Value, TemplateError> {
    let special = |special| Value::from_object(special);
    let text = given.as_str();
    let (made, wanted) = match variable.kind {
        Kind::Text => (text.map(Value::from), "text"),
        Kind::Url => (
            text.filter(|url| is_web_address(url)).map(Value::from),
            "address that begins with https:// or http://",
        ),
        Kind::Number => (number(given), "number"),
        Kind::Date => (
            text.and_then(|text| text.parse().ok())
                .map(|date| special(Special::Date(date))),
            "day such as 2026-11-21",
        ),
        Kind::Time => (
            text.and_then(|text| text.parse().ok())
                .map(|time| special(Special::Time(time))),
            "time such as 14:05",
        ),
        Kind::Datetime => (
            text.and_then(|text| text.parse().ok())
                .map(|at| special(Special::Datetime(at))),
            "time such as 2026-11-21T14:05:00Z",
        ),
        Kind::Money => (
            money(given).map(special),
            "sum such as {\"amount_minor\": 123450, \"currency\": \"EUR\"}",
        ),
        Kind::Boolean => (given.as_bool().map(Value::from), "true or false"),
        Kind::Color => (
            text.filter(|color| is_color(color)).map(Value::from),
            "colour such as #1a2b3c",
        ),
        Kind::Html => (
            text.map(|html| special(Special::Html(html.to_owned()))),
            "HTML",
        ),
        Kind::Object => match given.as_object() {
            Some(fields) => return object(&variable.fields, fields, &format!("{path}.")),
            None => (None, "object"),
        },
        Kind::List => match given.as_array() {
            Some(items) => (
                Some(list(&variable.fields, items, &path)?),
                "list of objects",
            ),
            None => (None, "list of objects"),
        },
    };
    made.ok_or(TemplateError::VariableInvalid { name: path, wanted })
}

fn list(fields: &Variables, items: &[Json], path: &str) -> Result<Value, TemplateError> {
    let mut values = Vec::with_capacity(items.len());
    for (place, item) in items.iter().enumerate() {
        let path = format!("{path}[{place}]");
        let Some(item) = item.as_object() else {
            return Err(TemplateError::VariableInvalid {
                name: path,
                wanted: "object",
            });
        };
        values.push(object(fields, item, &format!("{path}."))?);
    }
    Ok(Value::from(values))
}

fn number(given: &Json) -> Option<Value> {
    given
        .as_i64()
        .map(Value::from)
        .or_else(|| given.as_f64().map(Value::from))
}

fn money(given: &Json) -> Option<Special> {
    let currency = given.get("currency")?.as_str()?;
    (currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase())).then_some(
        Special::Money {
            amount_minor: given.get("amount_minor")?.as_i64()?,
            currency: currency.to_owned(),
        },
    )
}

/// Whether a text is `#1a2b3c`.
fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

/// Whether a text is an address of the web, with nothing in it that could end it early, and without
/// a user's name in front of the host, behind which another host can hide.
fn is_web_address(text: &str) -> bool {
    let lower = text
        .get(..8.min(text.len()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|scheme| lower.starts_with(scheme));
    let Some(rest) = scheme.and_then(|scheme| text.get(scheme.len()..)) else {
        return false;
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    text.len() <= URL_BYTES_MAX
        && host.starts_with(|first: char| first.is_alphanumeric() || first == '[')
        && !host.contains('@')
        && !text.contains(|character: char| {
            character.is_control()
                || character.is_whitespace()
                || matches!(
                    character,
                    '"' | '\'' | '<' | '>' | '`' | '\\' | '{' | '}' | '|' | '^'
                )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_web_is_one() {
        for (address, is_one) in [
            ("https://example.com", true),
            (
                "http://localhost:54321/auth/v1/verify?token=a&type=b#c",
                true,
            ),
            ("HTTPS://[::1]/", true),
            ("https://münchen.example/", true),
            ("", false),
            ("https://", false),
            ("https:///example.com", false),
            ("https://user@example.com/", false),
            ("https://example.com/ a", false),
            ("https://example.com/\"", false),
            ("https://example.com\\@evil.example/", false),
            ("javascript:alert(1)", false),
            ("JaVaScRiPt:alert(1)//https://", false),
            (" https://example.com", false),
            ("data:text/html,x", false),
            ("//example.com", false),
            ("httpsé", false),
        ] {
            assert_eq!(is_web_address(address), is_one, "{address}");
        }
    }
}

//! The glue of `tenon_domain::custom_field`: checks definitions of fields, and values against them.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::prelude::*;
use serde_json::{Value, json};
use tenon_domain::custom_field::change::Change;
use tenon_domain::custom_field::{Checked, Definition, Definitions, Key, Problem};

use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// Sets of definitions that a session keeps ready: those of some tenants and all their objects.
const CACHED_MAX: usize = 64;

thread_local! {
    static CACHED: RefCell<HashMap<String, Definitions>> = RefCell::default();
}

/// Calls with the definitions of a text, which is parsed once in a session.
fn with_definitions<T>(text: String, call: impl Fn(&Definitions) -> T) -> T {
    let known = CACHED.with_borrow(|cached| cached.get(&text).map(&call));
    known.unwrap_or_else(|| {
        let parsed = Definitions::parse(&text).or_report();
        let result = call(&parsed);
        CACHED.with_borrow_mut(|cached| {
            if cached.len() >= CACHED_MAX {
                cached.clear();
            }
            cached.insert(text, parsed);
        });
        result
    })
}

fn parse(field: &str, definition: &JsonbText) -> Definition {
    Definition::parse(field, &definition.0).or_report()
}

/// The definition in its one form, or what is wrong with it.
#[pg_extern(immutable, parallel_safe, strict)]
fn custom_field_definition(field: &str, definition: JsonbText) -> JsonbText {
    JsonbText(parse(field, &definition).to_json())
}

/// Whether a value that was kept under another definition is one of this, as it is.
#[pg_extern(immutable, parallel_safe, strict)]
fn custom_field_fits(field: &str, definition: JsonbText, value: JsonbText) -> bool {
    parse(field, &definition).fits(&value.0)
}

/// What a new definition takes of the values that are there.
#[pg_extern(immutable, parallel_safe)]
fn custom_field_change(
    field: Option<&str>,
    old: Option<JsonbText>,
    new: Option<JsonbText>,
) -> Option<JsonbText> {
    let (field, new) = (field?, new?);
    let old = old.map(|old| parse(field, &old));
    let change = Change::between(old.as_ref(), &parse(field, &new));
    let change = json!({
        "checks_values": change.checks_values,
        "gathers_values": change.gathers_values,
        "scatters_values": change.scatters_values,
    });
    Some(JsonbText(change.to_string()))
}

/// The values of a record in their one form, and all that is wrong with them.
#[pg_extern(immutable, parallel_safe)]
fn custom_fields_check(
    definitions: Option<JsonbText>,
    custom: Option<JsonbText>,
    previous: default!(Option<JsonbText>, "null"),
) -> Option<JsonbText> {
    let (custom, previous) = (custom?, previous.map(|previous| previous.0));
    let checked = with_definitions(definitions?.0, |definitions| {
        definitions.check(&custom.0, previous.as_deref())
    });
    Some(JsonbText(answer(&checked)))
}

/// By what the values of a record are found, of the fields that are unique or indexed.
#[pg_extern(immutable, parallel_safe, strict)]
fn custom_field_values(definitions: JsonbText, custom: JsonbText) -> JsonbText {
    let values = with_definitions(definitions.0, |definitions| {
        let keys = definitions.keys(&custom.0).into_iter();
        keys.map(|(field, is_unique, key)| {
            let (column, value) = match key {
                Key::Text(text) => ("text_value", text),
                Key::Number(number) => ("number_value", number),
                Key::Instant(at) => ("instant_value", at),
            };
            json!({ "field": field, "is_unique": is_unique, column: value })
        })
        .collect::<Value>()
    });
    JsonbText(values.to_string())
}

/// The JSON Schema of the values of a record.
#[pg_extern(immutable, parallel_safe, strict)]
fn custom_fields_schema(definitions: JsonbText) -> JsonbText {
    JsonbText(with_definitions(definitions.0, Definitions::schema))
}

/// What conditions may ask of the values.
#[pg_extern(immutable, parallel_safe, strict)]
fn custom_fields_of_conditions(definitions: JsonbText) -> JsonbText {
    JsonbText(with_definitions(definitions.0, Definitions::fields))
}

/// The values stand in it as they are written, because a number may have more digits than a float.
fn answer(checked: &Checked) -> String {
    let problem = |it: &Problem| {
        json!({
            "field": it.field, "code": it.problem.code(), "message": it.problem.to_string(),
        })
    };
    let problems: Value = checked.problems.iter().map(problem).collect();
    let user = |(field, id): &(String, String)| json!({ "field": field, "id": id });
    let users: Value = checked.users.iter().map(user).collect();
    format!(
        "{{\"custom\":{},\"problems\":{problems},\"users\":{users}}}",
        checked.custom
    )
}

extension_sql!(
    r#"
comment on function custom_field_definition(text, jsonb) is
'The definition of a custom field in its one form: {"type", "label"} and, as the type has them,
description, required, unique, indexed, choices, min, max, decimals, min_length, max_length, pattern,
default. Types: text, number, boolean, date, instant, choice, choices, email, phone, url, user. Raises
field.key_invalid, definition_malformed, type_unknown, option_unknown, option_invalid,
pattern_invalid, default_invalid (400), with the place as a JSON pointer in the details.';
comment on function custom_field_fits(text, jsonb, jsonb) is
'Whether a value that was kept under another definition is a value of this one, as it is.';
comment on function custom_field_change(text, jsonb, jsonb) is
'What a new definition of a field takes of the values that are there, old being null for a new field:
{"checks_values", "gathers_values", "scatters_values"}.';
comment on function custom_fields_check(jsonb, jsonb, jsonb) is
'Holds the values of a record against the definitions of its fields, [{"field", "archived",
"definition"}, …]; previous: its values before, null for a new record, which gets the defaults.
{"custom": the values in their one form, "problems": [{"field", "code", "message"}, …], "users":
[{"field", "id"}, …], the users that the write names}. Null where there are no definitions or values.';
comment on function custom_field_values(jsonb, jsonb) is
'By what the values of a record are found, of the fields that are unique or indexed: [{"field",
"is_unique", and one of "text_value", "number_value", "instant_value"}, …].';
comment on function custom_fields_schema(jsonb) is
'The JSON Schema (2020-12) of the values of a record, by the definitions of its fields.';
comment on function custom_fields_of_conditions(jsonb) is
'What conditions may ask of the values: {"custom.color": {"type", "label", "values"}, …}.';
"#,
    name = "custom_field_comments",
    requires = [
        custom_field_definition,
        custom_field_fits,
        custom_field_change,
        custom_fields_check,
        custom_field_values,
        custom_fields_schema,
        custom_fields_of_conditions
    ]
);

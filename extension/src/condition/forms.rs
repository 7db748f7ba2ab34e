//! A condition in its other forms: one spelling, words, JSON Schema, SQL.

use pgrx::prelude::*;
use tenon_domain::condition::{Condition, Fields, Sql, schema};

use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// The condition in its one spelling.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_canonical(condition: JsonbText) -> JsonbText {
    JsonbText(Condition::parse(&condition.0).or_report().canonical())
}

/// The SHA-256 of the condition in its one spelling.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_hash(condition: JsonbText) -> Vec<u8> {
    Condition::parse(&condition.0).or_report().hash().to_vec()
}

/// The condition in words; none without a condition.
#[pg_extern(immutable, parallel_safe)]
fn condition_text(
    condition: Option<JsonbText>,
    fields: default!(Option<JsonbText>, "null"),
) -> Option<String> {
    let condition = Condition::parse(&condition?.0).or_report();
    let fields = fields.map(|fields| Fields::parse(&fields.0).or_report());
    Some(condition.prose(fields.as_ref()))
}

/// The conditions over these fields, as JSON Schema.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_schema(fields: JsonbText) -> JsonbText {
    JsonbText(schema(&Fields::parse(&fields.0).or_report()))
}

/// The condition as a SQL expression over a row named `alias`.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_where(condition: JsonbText, fields: JsonbText, alias: &str) -> String {
    sql(&condition, &fields, alias).clause
}

/// The values of that expression.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_values(condition: JsonbText, fields: JsonbText) -> JsonbText {
    JsonbText(sql(&condition, &fields, "").values)
}

fn sql(condition: &JsonbText, fields: &JsonbText, alias: &str) -> Sql {
    let fields = Fields::parse(&fields.0).or_report();
    let condition = Condition::parse(&condition.0).or_report();
    condition.sql(&fields, alias).or_report()
}

extension_sql!(
    r#"
comment on function condition_canonical(jsonb) is
    'A condition that means the same, in one spelling for all that say it in another order or spelling.';
comment on function condition_hash(jsonb) is
    'The SHA-256 of condition_canonical: equal for conditions that say the same in another order or spelling.';
comment on function condition_text(jsonb, jsonb) is
    'A condition in English for people: amount ≥ 10,000 and stage is won. With the labels of the fields where they are given.';
comment on function condition_schema(jsonb) is
    'The conditions over these fields as JSON Schema 2020-12, for forms: a definition a field, with its label as the title.';
comment on function condition_where(jsonb, jsonb, text) is
    'A condition as a boolean SQL expression over a row of this alias, which is true where the condition holds and false or null elsewhere. $1 stands for condition_values, $2 for the instant of relative times, a timestamptz; nothing that a user wrote is in the text. The first name of a field is a column of the type that the fields say, further ones are keys in it. changed finds nothing.';
comment on function condition_values(jsonb, jsonb) is
    'The values of condition_where: a list for $1.';
"#,
    name = "condition_form_comments",
    requires = [
        condition_canonical,
        condition_hash,
        condition_text,
        condition_schema,
        condition_where,
        condition_values
    ]
);

//! The glue of `tenon_domain::conversion`: what to look for, what becomes of a lead, and what of it
//! can be taken back.

use pgrx::prelude::*;
use serde::Serialize;
use tenon_domain::conversion::{self, ConversionError, Keys, Options};

use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// What is searched for, and what was named.
#[derive(Serialize)]
struct Search<'a> {
    #[serde(flatten)]
    keys: Keys,
    contact_id: Option<&'a str>,
    company_id: Option<&'a str>,
}

fn answer(value: &impl Serialize) -> JsonbText {
    JsonbText(
        serde_json::to_string(value)
            .map_err(ConversionError::from)
            .or_report(),
    )
}

fn read<'a, T: serde::Deserialize<'a>>(json: &'a JsonbText) -> T {
    serde_json::from_str(&json.0)
        .map_err(ConversionError::from)
        .or_report()
}

/// What a lead is known by, and which contact and company the options name.
#[pg_extern(immutable, parallel_safe, strict)]
fn conversion_keys(lead: JsonbText, options: JsonbText) -> JsonbText {
    let options = Options::parse(&options.0).or_report();
    let (contact_id, company_id) = options.given();
    answer(&Search {
        keys: Keys::of(&read(&lead)),
        contact_id,
        company_id,
    })
}

/// What a lead becomes.
#[pg_extern(immutable, parallel_safe, strict)]
fn conversion_plan(
    lead: JsonbText,
    options: JsonbText,
    found: JsonbText,
    fields: JsonbText,
) -> JsonbText {
    let options = Options::parse(&options.0).or_report();
    let plan = conversion::plan(&read(&lead), &options, &read(&found), &read(&fields));
    answer(&plan.or_report())
}

/// What of a conversion can be taken back.
#[pg_extern(immutable, parallel_safe, strict)]
fn conversion_undo(effects: JsonbText, state: JsonbText) -> JsonbText {
    answer(&conversion::undo(&read(&effects), &read(&state)))
}

extension_sql!(
    r#"
comment on function conversion_keys(jsonb, jsonb) is
    'What to look for before a lead is converted: {"email", "phone", "person", "domain", "company"} in the forms in which they are compared, and "contact_id" and "company_id" where the options name one. Raises conversion.options_invalid, with the place as a JSON pointer in the details.';
comment on function conversion_plan(jsonb, jsonb, jsonb, jsonb) is
    'What a lead becomes: {"company", "contact", "adds_company", "deal"}, each target with action, id, rule, fills, kept and points. found: {"companies": [{"record", "points"}], "contacts": [{"record", "points", "company_ids"}]}, the oldest first; fields: what core.fields_of answers, by object. Raises conversion.options_invalid and conversion.nothing_named.';
comment on function conversion_undo(jsonb, jsonb) is
    'What of a conversion can be taken back: {"deleted", "emptied", "points", "kept", "gone", "collisions"}. effects: {"records": […]}, what it did; state: {"records": {id: {"record", "uses", "points"}}}, what is there now.';
"#,
    name = "conversion_comments",
    requires = [conversion_keys, conversion_plan, conversion_undo]
);

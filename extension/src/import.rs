//! The glue of `tenon_domain::import`: reads files of comma separated values, and writes them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use pgrx::prelude::*;
use tenon_domain::import::cell::Manner;
use tenon_domain::import::plan::{self, Fields, Plan};
use tenon_domain::import::read::Reading;
use tenon_domain::import::row::Row;
use tenon_domain::import::{ImportError, mapping, write};

use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// Plans that a session keeps ready: as many imports run in it by turns.
const CACHED_MAX: usize = 16;

thread_local! {
    static CACHED: RefCell<HashMap<String, Rc<(Plan, Manner)>>> = RefCell::default();
}

/// The rows that are whole with a piece of a file, and what is known of the file after it.
#[pg_extern(immutable, parallel_safe, strict)]
fn import_read(piece: &[u8], reading: JsonbText, is_last: bool) -> JsonbText {
    let mut reading = Reading::parse(&reading.0).or_report();
    let rows = reading.read(piece, is_last).or_report();
    let rows = serde_json::Value::from_iter(rows);
    JsonbText(format!(
        "{{\"rows\": {rows}, \"reading\": {}}}",
        reading.to_json()
    ))
}

/// The names of the columns.
#[pg_extern(immutable, parallel_safe, strict)]
fn import_header(cells: Vec<String>) -> Vec<String> {
    plan::header(&cells)
}

/// A mapping made ready.
#[pg_extern(immutable, parallel_safe, strict)]
fn import_plan(
    header: Vec<String>,
    mapping: JsonbText,
    settings: JsonbText,
    fields: JsonbText,
) -> JsonbText {
    let fields = fields_of(&fields);
    JsonbText(
        Plan::new(&header, &mapping.0, &settings.0, &fields)
            .or_report()
            .to_json(),
    )
}

/// Which field each column may be for.
#[pg_extern(immutable, parallel_safe, strict)]
fn import_mapping(header: Vec<String>, fields: JsonbText) -> JsonbText {
    JsonbText(mapping::propose(&header, &fields_of(&fields)))
}

/// What the cells of a row become by a plan.
#[pg_extern(immutable, parallel_safe, strict)]
fn import_row(cells: JsonbText, plan: JsonbText) -> JsonbText {
    let known = CACHED.with_borrow(|cached| cached.get(&plan.0).cloned());
    let ready = known.unwrap_or_else(|| {
        let parsed = Plan::parse(&plan.0).or_report();
        let manner = parsed.manner();
        let ready = Rc::new((parsed, manner));
        CACHED.with_borrow_mut(|cached| {
            if cached.len() >= CACHED_MAX {
                cached.clear();
            }
            cached.insert(plan.0, Rc::clone(&ready));
        });
        ready
    });
    let cells: Vec<String> = serde_json::from_str(&cells.0)
        .map_err(|_| ImportError::StateMalformed)
        .or_report();
    JsonbText(Row::of(&cells, &ready.0, &ready.1).to_json())
}

/// A row of comma separated values, with its end.
#[pg_extern(immutable, parallel_safe, strict)]
fn export_row(cells: Vec<Option<String>>, are_texts: Vec<bool>, delimiter: &str) -> String {
    let delimiter = delimiter
        .chars()
        .next()
        .filter(char::is_ascii)
        .unwrap_or(',');
    let cells: Vec<String> = cells
        .into_iter()
        .zip(are_texts)
        .map(|(cell, is_text)| match cell {
            Some(cell) if is_text => write::defused(&cell).into_owned(),
            cell => cell.unwrap_or_default(),
        })
        .collect();
    write::row(cells.iter().map(String::as_str), delimiter)
}

fn fields_of(fields: &JsonbText) -> Fields {
    serde_json::from_str(&fields.0)
        .map_err(|_| ImportError::StateMalformed)
        .or_report()
}

extension_sql!(
    r#"
comment on function import_read(bytea, jsonb, boolean) is
'Reads a piece of a file of comma separated values: {"rows": [["cell", …], …], "reading": {…}}. A
piece may end anywhere; reading, {} at first, is handed over to the next. It may begin as {"encoding",
"delimiter"}: utf-8, utf-16le, utf-16be or windows-1252, and a character of ASCII; what is not said is
found out. Raises import.encoding_invalid, text_invalid, quote_open (400), row_too_long, cell_too_long,
too_many_columns (413).';
comment on function import_header(text[]) is
'The names of the columns of a header: those without one, and further ones of a name, are numbered.';
comment on function import_plan(text[], jsonb, jsonb, jsonb) is
'Checks a mapping of columns to fields, and makes it ready for import_row. Raises
import.mapping_invalid and import.setting_invalid (400).';
comment on function import_mapping(text[], jsonb) is
'Proposes a mapping: by the names and labels of fields, and what they are called in English and German.';
comment on function import_row(jsonb, jsonb) is
'What the cells of a row, an array of texts, become by a plan: {"fields", "lookups", "custom", "tags",
"points", "errors": [{"column", "code", "message"}]}.';
comment on function export_row(text[], boolean[], text) is
'Cells as a row of comma separated values, with its end. Texts that a spreadsheet would calculate get an
apostrophe, which import_row takes away.';
"#,
    name = "import_comments",
    requires = [
        import_read,
        import_header,
        import_plan,
        import_mapping,
        import_row,
        export_row
    ]
);

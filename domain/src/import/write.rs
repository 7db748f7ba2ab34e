//! Decides how records are written as comma separated values (RFC 4180), so that spreadsheets run
//! none of them.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a
//! formula. An apostrophe before it makes it a text, as everywhere in spreadsheets; [`plain`] takes
//! it away again, so that what was exported is imported as it was.

use std::borrow::Cow;

/// What makes a spreadsheet calculate.
const FORMULA_STARTS: &[char] = &['=', '+', '-', '@', '\t', '\r'];

/// Whether a spreadsheet would calculate this, or would once apostrophes were taken from it.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(FORMULA_STARTS)
}

/// The text as no spreadsheet calculates it.
#[must_use]
pub fn defused(text: &str) -> Cow<'_, str> {
    if is_formula(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// What was defused.
#[must_use]
pub fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_formula(text) => text,
        _ => cell,
    }
}

/// The cells as a row with its end: quoted where they must be. `delimiter` is ASCII.
pub fn row<'a>(cells: impl Iterator<Item = &'a str>, delimiter: char) -> String {
    let mut line = String::new();
    let mut count = 0;
    for cell in cells {
        if count > 0 {
            line.push(delimiter);
        }
        count += 1;
        let must_be_quoted =
            |character: char| character == delimiter || matches!(character, '"' | '\r' | '\n');
        if cell.contains(must_be_quoted) || cell.starts_with(' ') || cell.ends_with(' ') {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(cell);
        }
    }
    if count == 1 && line.is_empty() {
        // Else it would be a line without a row.
        line.push_str("\"\"");
    }
    line.push_str("\r\n");
    line
}

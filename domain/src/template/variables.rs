//! Decides which variables a kind of template has, and of which types.
//!
//! A declaration is a JSON object of names: `{"count": {"type": "number"}, "note": {"type": "text",
//! "optional": true}, "lines": {"type": "list", "fields": {"title": {"type": "text"}}}}`. A
//! `description` and a `sample` may stand beside the type, for people and previews.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::TemplateError;

/// How deep lists and objects may stand in one another.
const DEPTH_MAX: usize = 4;
/// Words of the language, which cannot be names.
const RESERVED: [&str; 14] = [
    "and", "elif", "else", "endfor", "endif", "false", "for", "if", "in", "is", "loop", "none",
    "not", "or",
];

/// Variables by name.
pub type Variables = BTreeMap<String, Variable>;

/// What a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Any text.
    Text,
    /// An address of the web, `https://…` or `http://…`.
    Url,
    /// A number.
    Number,
    /// A day, `2026-11-21`.
    Date,
    /// A time of day, `14:05` or `14:05:30`.
    Time,
    /// An instant, as Postgres writes a `timestamptz` in JSON.
    Datetime,
    /// `{"amount_minor": 123450, "currency": "EUR"}`.
    Money,
    /// True or false.
    Boolean,
    /// A colour, `#1a2b3c`.
    Color,
    /// HTML that is already safe: what one template made, for the layout around it.
    Html,
    /// An object of `fields`.
    Object,
    /// A list of objects of `fields`.
    List,
}

/// One variable as declared.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Whether it may be missing or null; it is empty then.
    #[serde(default)]
    pub optional: bool,
    /// The variables in it, where it is an object or a list.
    #[serde(default)]
    pub fields: Variables,
    #[serde(default, rename = "description")]
    _description: Option<String>,
    #[serde(default, rename = "sample")]
    _sample: Option<IgnoredAny>,
}

/// Reads a declaration.
///
/// # Errors
/// [`TemplateError::DeclarationMalformed`].
pub fn parse(declaration: &str) -> Result<Variables, TemplateError> {
    let variables: Variables = serde_json::from_str(declaration)
        .map_err(|error| TemplateError::DeclarationMalformed(error.to_string()))?;
    verify(&variables, 1)?;
    Ok(variables)
}

fn verify(variables: &Variables, depth: usize) -> Result<(), TemplateError> {
    let malformed = |reason: String| Err(TemplateError::DeclarationMalformed(reason));
    if depth > DEPTH_MAX {
        return malformed(format!("it is deeper than {DEPTH_MAX}"));
    }
    for (name, variable) in variables {
        if !is_name(name) {
            return malformed(format!("{name} is no name"));
        }
        let nests = matches!(variable.kind, Kind::Object | Kind::List);
        if nests == variable.fields.is_empty() {
            return malformed(format!(
                "objects and lists, and they alone, have fields: {name}"
            ));
        }
        verify(&variable.fields, depth + 1)?;
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|next| next.is_ascii_lowercase() || next.is_ascii_digit() || next == '_')
        && !RESERVED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_read_or_refused() {
        let lines = r#"{"lines": {"type": "list", "fields": {"title": {"type": "text"}}}}"#;
        assert_eq!(
            parse(lines).expect("a declaration")["lines"].kind,
            Kind::List
        );
        for malformed in [
            "",
            "[]",
            r#"{"a": {}}"#,
            r#"{"a": {"type": "color", "fields": {"b": {"type": "text"}}}}"#,
            r#"{"a": {"type": "list"}}"#,
            r#"{"a": {"type": "word"}}"#,
            r#"{"a": {"type": "text", "optinal": true}}"#,
            r#"{"A": {"type": "text"}}"#,
            r#"{"loop": {"type": "text"}}"#,
            r#"{"a.b": {"type": "text"}}"#,
        ] {
            let code = parse(malformed).map(|_| ()).map_err(|error| error.code());
            assert_eq!(code, Err("template.declaration_malformed"), "{malformed}");
        }
    }
}

//! The glue of `tenon_domain::template`: checks templates, and fills them.

use pgrx::prelude::*;
use tenon_domain::template::variables::{self, Variables};
use tenon_domain::template::{self, Form, Locale};

use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// Raises what is wrong with a template, with its place.
#[pg_extern(immutable, parallel_safe, strict)]
fn template_check(source: &str, form: &str, variables: JsonbText) {
    let form = Form::parse(form).or_report();
    template::check(source, form, &declared(&variables)).or_report();
}

/// What a template becomes with these data, as the language and the time zone have it.
#[pg_extern(immutable, parallel_safe, strict)]
fn template_render(
    source: &str,
    form: &str,
    variables: JsonbText,
    data: JsonbText,
    language: &str,
    zone: default!(&str, "'UTC'"),
) -> String {
    let form = Form::parse(form).or_report();
    let locale = Locale::new(language, zone).or_report();
    let variables = declared(&variables);
    template::render(source, form, &variables, &data.0, &locale).or_report()
}

fn declared(variables: &JsonbText) -> Variables {
    variables::parse(&variables.0).or_report()
}

extension_sql!(
    r#"
comment on function template_check(text, text, jsonb) is
'Raises what is wrong with the source of a template: the details name the line and the column,
counted from 1, and the variable, filter or word. form: subject, text or html. variables: the
declaration, {"name": {"type": "text"}}. Raises template.… (400), template.too_large (413).';
comment on function template_render(text, text, jsonb, jsonb, text, text) is
'What a template becomes with these data: numbers and times as the language writes them, in the time
zone; escaped in html; one line where the form is subject. Raises what template_check does, and
template.variable_missing, template.variable_invalid, template.zone_unknown (400).';
"#,
    name = "template_comments",
    requires = [template_check, template_render]
);

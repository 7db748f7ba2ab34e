//! The glue of `tenon_domain::effect`: says what is wrong with effects.

use pgrx::prelude::*;
use serde_json::{Value, json};
use tenon_domain::effect::{self, EffectError, Fields};

use crate::jsonb::JsonbText;

/// All that is wrong with a list of effects, for records with these fields where they are given.
#[pg_extern(immutable, parallel_safe)]
fn effect_problems(
    effects: Option<JsonbText>,
    fields: default!(Option<JsonbText>, "null"),
) -> Option<JsonbText> {
    let problems = match effect::parse(&effects?.0) {
        Err(problems) => problems,
        Ok(effects) => fields.map_or_else(Vec::new, |fields| {
            let fields = Fields::parse(&fields.0);
            let problems = effects.iter().flat_map(|effect| effect.check(&fields));
            problems.collect()
        }),
    };
    let problems = problems.iter().map(problem);
    Some(JsonbText(Value::from_iter(problems).to_string()))
}

fn problem(error: &EffectError) -> Value {
    json!({"code": error.code(), "path": error.path, "problem": error.problem.to_string()})
}

extension_sql!(
    r#"
comment on function effect_problems(jsonb, jsonb) is
    'All that is wrong with a list of effects: [{"code", "path" (a JSON pointer), "problem"}], empty where nothing is. fields: those of the records, {"amount": {"type": "number"}, …}; null leaves unasked whether the fields are there. What a handler asks for beyond the form is not looked at.';
"#,
    name = "effect_comments",
    requires = [effect_problems]
);

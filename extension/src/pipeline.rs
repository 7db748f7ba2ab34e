//! The glue of `tenon_domain::pipeline`: checks definitions, decides over moves, draws.

mod answer;

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::prelude::*;
use tenon_domain::condition;
use tenon_domain::effect::Fields;
use tenon_domain::pipeline::{Definition, PipelineError, Request, map_stages};

use crate::convert::to_timestamp;
use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// Definitions that a session keeps ready. Beyond this it begins anew: whoever moves records of so
/// many tenants one after the other reads each definition anyway.
const CACHED_MAX: usize = 64;

thread_local! {
    static CACHED: RefCell<HashMap<String, Definition>> = RefCell::default();
}

/// Asks a definition, which is read once for as long as a session keeps it.
fn ask<T>(json: JsonbText, question: impl FnOnce(&Definition) -> T) -> T {
    CACHED.with_borrow_mut(|cached| {
        if let Some(known) = cached.get(&json.0) {
            return question(known);
        }
        let parsed = Definition::parse(&json.0).map_err(first).or_report();
        let answer = question(&parsed);
        if cached.len() >= CACHED_MAX {
            cached.clear();
        }
        cached.insert(json.0, parsed);
        answer
    })
}

/// What is raised where one problem is told: there is one, where a definition is refused.
fn first(problems: Vec<PipelineError>) -> PipelineError {
    let first = problems.into_iter().next();
    first.expect("invariant: what is refused has a problem")
}

/// All that is wrong with a definition, for records with these fields where they are given.
#[pg_extern(immutable, parallel_safe)]
fn pipeline_problems(
    definition: Option<JsonbText>,
    fields: default!(Option<JsonbText>, "null"),
) -> Option<JsonbText> {
    let definition = definition?;
    let problems = match Definition::parse(&definition.0) {
        Err(problems) => problems,
        Ok(definition) => fields.map_or_else(Vec::new, |fields| {
            let asked = condition::Fields::parse(&fields.0).or_report();
            definition.check(&Fields::parse(&fields.0), &asked)
        }),
    };
    Some(answer::problems(&problems))
}

/// The stages of a definition, in their order.
#[pg_extern(immutable, parallel_safe, strict)]
#[expect(
    clippy::type_complexity,
    reason = "the columns of the result, one by one"
)]
fn pipeline_stages(
    definition: JsonbText,
) -> TableIterator<
    'static,
    (
        name!(position, i32),
        name!(stage, String),
        name!(label, String),
        name!(kind, String),
        name!(probability, Option<i16>),
        name!(time_limit_s, Option<i32>),
        name!(required, Vec<String>),
        name!(is_start, bool),
    ),
> {
    let rows = ask(definition, |definition| {
        let stages = (1..).zip(definition.stages());
        let rows = stages.map(|(position, stage)| {
            (
                position,
                stage.stage.clone(),
                stage.label.clone(),
                stage.kind.name().to_owned(),
                stage.probability.map(i16::from),
                stage
                    .time_limit_s
                    .and_then(|seconds| i32::try_from(seconds).ok()),
                stage.required.clone(),
                stage.is_start,
            )
        });
        rows.collect::<Vec<_>>()
    });
    TableIterator::new(rows)
}

/// Every effect of a definition with its place, those of timers included.
#[pg_extern(immutable, parallel_safe, strict)]
fn pipeline_effects(
    definition: JsonbText,
) -> TableIterator<'static, (name!(path, String), name!(effect, JsonbText))> {
    let rows = ask(definition, |definition| {
        let effects = definition.effects().into_iter();
        let rows = effects.map(|it| (it.path.clone(), JsonbText(it.json.clone())));
        rows.collect::<Vec<_>>()
    });
    TableIterator::new(rows)
}

/// The permissions that transitions of a definition ask for.
#[pg_extern(immutable, parallel_safe, strict)]
fn pipeline_permissions(definition: JsonbText) -> Vec<String> {
    ask(definition, |definition| {
        let permissions = definition.permissions().into_iter();
        permissions.map(str::to_owned).collect()
    })
}

/// Where a record begins, every reason why it may not, and what follows.
#[pg_extern(immutable, parallel_safe)]
fn pipeline_start(
    definition: Option<JsonbText>,
    stage: Option<&str>,
    record: Option<JsonbText>,
) -> Option<JsonbText> {
    let record = record?;
    Some(ask(definition?, |definition| {
        answer::start(&definition.start(stage, &record.0))
    }))
}

/// Whether a record may move, every reason why not, and what follows.
#[pg_extern(immutable, parallel_safe)]
#[expect(clippy::too_many_arguments, reason = "what a move is judged by")]
fn pipeline_decide(
    definition: Option<JsonbText>,
    from_stage: Option<&str>,
    to_stage: Option<&str>,
    record: Option<JsonbText>,
    permissions: Option<Vec<String>>,
    reason: Option<&str>,
    previous: Option<JsonbText>,
    at: Option<TimestampWithTimeZone>,
) -> Option<JsonbText> {
    let (record, from_stage, to_stage) = (record?, from_stage?, to_stage.unwrap_or_default());
    let request = Request {
        record: &record.0,
        previous: previous.as_ref().map(|previous| previous.0.as_str()),
        at: at.map(to_timestamp),
        permissions: permissions.as_deref(),
        reason,
    };
    Some(ask(definition?, |definition| {
        answer::decision(&definition.decide(from_stage, to_stage, &request))
    }))
}

/// Every move that leads away from a stage, and every reason against each.
#[pg_extern(immutable, parallel_safe)]
fn pipeline_moves(
    definition: Option<JsonbText>,
    from_stage: Option<&str>,
    record: Option<JsonbText>,
    permissions: Option<Vec<String>>,
    at: Option<TimestampWithTimeZone>,
) -> Option<JsonbText> {
    let (record, from_stage) = (record?, from_stage?);
    let request = Request {
        record: &record.0,
        previous: Some(&record.0),
        at: at.map(to_timestamp),
        permissions: permissions.as_deref(),
        reason: None,
    };
    Some(ask(definition?, |definition| {
        answer::moves(&definition.possible(from_stage, &request))
    }))
}

/// Where the records in these stages go in another definition.
#[pg_extern(immutable, parallel_safe, strict)]
fn pipeline_mapping(
    stages: Vec<String>,
    definition: JsonbText,
    mapping: JsonbText,
) -> TableIterator<'static, (name!(stage, String), name!(to_stage, Option<String>))> {
    let mapped = ask(definition, |definition| {
        map_stages(&stages, definition, &mapping.0)
    });
    TableIterator::new(mapped.or_report())
}

/// The definition as a state diagram of Mermaid.
#[pg_extern(immutable, parallel_safe, strict)]
fn pipeline_diagram(definition: JsonbText) -> String {
    ask(definition, Definition::diagram)
}

extension_sql!(
    r#"
comment on function pipeline_problems(jsonb, jsonb) is
    'All that is wrong with the definition of a pipeline: [{"code", "path" (a JSON pointer), "problem"}], empty where nothing is. fields: those of the records, {"amount": {"type": "number"}, …}; null leaves unasked whether the fields are there.';
comment on function pipeline_stages(jsonb) is
    'The stages of a definition in their order, with what the definition leaves out filled in. Raises what is wrong with the definition.';
comment on function pipeline_effects(jsonb) is
    'Every effect of a definition with its place as a JSON pointer, those of timers included. Raises what is wrong with the definition.';
comment on function pipeline_permissions(jsonb) is
    'The permissions that transitions of a definition ask for, each once. Raises what is wrong with the definition.';
comment on function pipeline_start(jsonb, text, jsonb) is
    'Where a record begins: {"stage", "allowed", "refusals": [{"code", …}], "effects", "time_limit_s", "on_time_limit"}. stage: null for the first start of the definition. Raises what is wrong with the definition.';
comment on function pipeline_decide(jsonb, text, text, jsonb, text[], text, jsonb, timestamptz) is
    'Whether a record may move from one stage to another: {"allowed", "refusals": [{"code", …}], "effects", "time_limit_s", "on_time_limit"}, with every reason against it, and the effects in their order: leaving, the transition, entering. record: as it would be after the move. permissions: what the caller holds; null for all. previous: the record as it is; at: the instant that conditions count from. Raises what is wrong with the definition.';
comment on function pipeline_moves(jsonb, text, jsonb, text[], timestamptz) is
    'Every move that leads away from a stage: [{"to", "to_label", "kind", "label", "reason_required", "allowed", "refusals": [{"code", …}]}]; a reason that is not given is no refusal here. Raises what is wrong with the definition.';
comment on function pipeline_mapping(text[], jsonb, jsonb) is
    'For each stage the one of the definition that its records go to: the one that the mapping {"old": "new"} names, else the one of the same name, else null. Raises pipeline.mapping_invalid for stages that are not there.';
comment on function pipeline_diagram(jsonb) is
    'The definition as the text of a Mermaid diagram, stateDiagram-v2; labels are escaped. Raises what is wrong with the definition.';
"#,
    name = "pipeline_comments",
    requires = [
        pipeline_problems,
        pipeline_stages,
        pipeline_effects,
        pipeline_permissions,
        pipeline_start,
        pipeline_decide,
        pipeline_moves,
        pipeline_mapping,
        pipeline_diagram
    ]
);

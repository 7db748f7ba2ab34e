//! What is decided over moves, as JSON.
//!
//! Effects are put in as they were given: a tree of values would round their numbers.

use serde_json::{Map, Value, json};
use tenon_domain::effect::Effect;
use tenon_domain::pipeline::{Decision, PipelineError, Possible, Refusal, Start};

use crate::jsonb::JsonbText;

pub(super) fn problems(problems: &[PipelineError]) -> JsonbText {
    let problems = problems.iter().map(|error| {
        json!({"code": error.code(), "path": error.path, "problem": error.problem.to_string()})
    });
    JsonbText(Value::from_iter(problems).to_string())
}

pub(super) fn start(start: &Start<'_>) -> JsonbText {
    let stage = start.stage.map(|stage| stage.stage.as_str());
    JsonbText(with_effects(&start.decision, &[("stage", json!(stage))]))
}

pub(super) fn decision(decision: &Decision<'_>) -> JsonbText {
    JsonbText(with_effects(decision, &[]))
}

fn with_effects(decision: &Decision<'_>, more: &[(&str, Value)]) -> String {
    let refusals = decision.refusals.iter().map(refusal);
    let mut members = vec![
        ("allowed", decision.is_allowed().to_string()),
        ("refusals", Value::from_iter(refusals).to_string()),
        ("effects", list(decision.effects.iter().copied())),
    ];
    if let Some((seconds, effects)) = decision.limit {
        members.push(("time_limit_s", seconds.to_string()));
        members.push(("on_time_limit", list(effects.iter())));
    }
    members.extend(more.iter().map(|(name, value)| (*name, value.to_string())));
    let members: Vec<_> = members
        .into_iter()
        .map(|(name, json)| format!("\"{name}\":{json}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

fn list<'e>(effects: impl Iterator<Item = &'e Effect>) -> String {
    let effects: Vec<_> = effects.map(|effect| effect.json.as_str()).collect();
    format!("[{}]", effects.join(","))
}

pub(super) fn moves(moves: &[Possible<'_>]) -> JsonbText {
    let moves = moves.iter().map(|possible| {
        json!({
            "to": possible.to.stage,
            "to_label": possible.to.label,
            "kind": possible.to.kind.name(),
            "label": possible.label,
            "reason_required": possible.reason_required,
            "allowed": possible.refusals.is_empty(),
            "refusals": possible.refusals.iter().map(refusal).collect::<Vec<_>>(),
        })
    });
    JsonbText(Value::from_iter(moves).to_string())
}

fn refusal(refusal: &Refusal) -> Value {
    let details = match refusal {
        Refusal::StageUnknown { stage } | Refusal::NoStart { stage } => json!({"stage": stage}),
        Refusal::TransitionMissing { from, to, possible } => {
            json!({"from": from, "to": to, "possible": possible})
        }
        Refusal::PermissionMissing { permission } => json!({"permission": permission}),
        Refusal::GuardFailed {
            condition,
            words,
            is_unknown,
        } => {
            let condition: Value = serde_json::from_str(condition).unwrap_or_default();
            json!({"condition": condition, "words": words, "unknown": is_unknown})
        }
        Refusal::FieldsMissing { stage, fields } => json!({"stage": stage, "fields": fields}),
        Refusal::ReasonRequired => json!({}),
    };
    let mut answer = Map::from_iter([("code".to_owned(), json!(refusal.code()))]);
    if let Value::Object(details) = details {
        answer.extend(details);
    }
    Value::Object(answer)
}

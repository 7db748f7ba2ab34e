//! Definitions and moves against oracles that share nothing with what they judge.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::condition;
use crate::effect::Fields;
use crate::time::Timestamp;

fn read(definition: &Value) -> Definition {
    Definition::parse(&definition.to_string()).expect("a definition")
}

fn problems(definition: &Value) -> Vec<(&'static str, String)> {
    let errors = Definition::parse(&definition.to_string()).expect_err("no definition");
    errors.into_iter().map(|it| (it.code(), it.path)).collect()
}

fn deals() -> Value {
    json!({
        "stages": [
            {"stage": "new", "kind": "open", "start": true, "probability": 10,
             "on_leave": [{"effect": "emit", "type": "a.left"}]},
            {"stage": "offer", "label": "Offer sent", "kind": "open", "time_limit_s": 60,
             "required": ["amount", "custom.color"],
             "on_time_limit": [{"effect": "emit", "type": "a.late"}],
             "on_enter": [{"effect": "emit", "type": "a.entered"}]},
            {"stage": "won", "kind": "won"},
            {"stage": "lost", "kind": "lost"}
        ],
        "transitions": [
            {"from": "new", "to": "offer", "effects": [{"effect": "emit", "type": "a.went"}]},
            {"from": "offer", "to": "won", "label": "Win", "permission": "crm.deals.win",
             "when": {"field": "amount", "op": ">=", "value": 100}},
            {"from": ["new", "offer"], "to": "lost", "reason_required": true},
            {"from": ["won", "lost"], "to": "new", "label": "Reopen"}
        ]
    })
}

#[test]
fn what_is_left_out_is_filled_in() {
    let definition = read(&deals());
    let stages: Vec<_> = definition
        .stages()
        .iter()
        .map(|it| {
            (
                it.label.as_str(),
                it.kind,
                it.probability,
                it.time_limit_s,
                it.is_start,
            )
        })
        .collect();
    assert_eq!(
        stages,
        [
            ("New", StageKind::Open, Some(10), None, true),
            ("Offer sent", StageKind::Open, None, Some(60), false),
            ("Won", StageKind::Won, Some(100), None, false),
            ("Lost", StageKind::Lost, Some(0), None, false),
        ]
    );
    assert_eq!(definition.permissions(), ["crm.deals.win"]);
    let effects = definition.effects();
    assert_eq!(effects.len(), 4);
    assert_eq!(effects[0].path, "/stages/0/on_leave/0");
}

/// Changes one place of the definition that is right, and says what is wrong then.
fn with(pointer: &str, value: Value) -> Value {
    let mut definition = deals();
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    match definition.pointer_mut(parent).expect("a place") {
        Value::Object(object) => {
            object.insert(key.to_owned(), value);
        }
        Value::Array(list) => list.push(value),
        _ => unreachable!("a place is an object or a list"),
    }
    definition
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let stage = |name: &str, kind: &str| json!({"stage": name, "kind": kind});
    for (definition, code, path) in [
        (json!(1), "pipeline.malformed", ""),
        (json!({}), "pipeline.malformed", "/stages"),
        (with("/stages", json!([])), "pipeline.malformed", "/stages"),
        (
            with("/transitions", json!({})),
            "pipeline.malformed",
            "/transitions",
        ),
        (with("/more", json!(1)), "pipeline.malformed", "/more"),
        (
            with("/stages/0/colour", json!("red")),
            "pipeline.malformed",
            "/stages/0/colour",
        ),
        (
            with("/stages/0/stage", json!("New stage")),
            "pipeline.malformed",
            "/stages/0/stage",
        ),
        (
            with("/stages/0/kind", json!("opened")),
            "pipeline.malformed",
            "/stages/0/kind",
        ),
        (
            with("/stages/0/label", json!("")),
            "pipeline.malformed",
            "/stages/0/label",
        ),
        (
            with("/stages/0/label", json!("a\nb")),
            "pipeline.malformed",
            "/stages/0/label",
        ),
        (
            with("/stages/0/start", json!("yes")),
            "pipeline.malformed",
            "/stages/0/start",
        ),
        (
            with("/stages/0/required", json!(["a", "a"])),
            "pipeline.malformed",
            "/stages/0/required",
        ),
        (
            with("/stages/0/required", json!(["a.b"])),
            "pipeline.malformed",
            "/stages/0/required",
        ),
        (
            with("/stages/0/probability", json!(101)),
            "pipeline.probability_invalid",
            "/stages/0/probability",
        ),
        (
            with("/stages/0/probability", json!(9.5)),
            "pipeline.probability_invalid",
            "/stages/0/probability",
        ),
        (
            with("/stages/2/probability", json!(99)),
            "pipeline.probability_invalid",
            "/stages/2/probability",
        ),
        (
            with("/stages/3/probability", json!(1)),
            "pipeline.probability_invalid",
            "/stages/3/probability",
        ),
        (
            with("/stages/0/time_limit_s", json!(0)),
            "pipeline.malformed",
            "/stages/0/time_limit_s",
        ),
        (
            with(
                "/stages/0/on_time_limit",
                json!([{"effect": "cancel_timer", "timer": "x"}]),
            ),
            "pipeline.time_limit_missing",
            "/stages/0/on_time_limit",
        ),
        (
            with("/stages/0/on_enter", json!([{"effect": "x"}])),
            "effect.unknown",
            "/stages/0/on_enter/0/effect",
        ),
        (
            with("/stages/-", stage("won", "won")),
            "pipeline.stage_twice",
            "/stages/4/stage",
        ),
        (
            with("/stages/-", stage("alone", "won")),
            "pipeline.stage_unreachable",
            "/stages/4",
        ),
        (
            with("/stages/0/start", json!(false)),
            "pipeline.start_missing",
            "/stages",
        ),
        (
            with("/transitions/0/to", json!("gone")),
            "pipeline.stage_unknown",
            "/transitions/0/to",
        ),
        (
            with("/transitions/2/from", json!(["new", "gone"])),
            "pipeline.stage_unknown",
            "/transitions/2/from/1",
        ),
        (
            with("/transitions/0/from", json!([])),
            "pipeline.malformed",
            "/transitions/0/from",
        ),
        (
            with("/transitions/0/from", json!([1])),
            "pipeline.malformed",
            "/transitions/0/from/0",
        ),
        (
            with("/transitions/-", json!({"from": "new", "to": "offer"})),
            "pipeline.transition_twice",
            "/transitions/4",
        ),
        (
            with(
                "/transitions/-",
                json!({"from": ["won", "won"], "to": "lost"}),
            ),
            "pipeline.transition_twice",
            "/transitions/4",
        ),
        (
            with("/transitions/-", json!({"from": "new", "to": "new"})),
            "pipeline.transition_to_itself",
            "/transitions/4",
        ),
        (
            with("/transitions/1/when/value", json!([])),
            "condition.value_invalid",
            "/transitions/1/when/value",
        ),
        (
            with("/transitions/1/permission", json!("win")),
            "pipeline.malformed",
            "/transitions/1/permission",
        ),
        (
            with("/transitions/1/reason_required", json!(1)),
            "pipeline.malformed",
            "/transitions/1/reason_required",
        ),
        (
            with("/transitions/1/guard", json!({})),
            "pipeline.malformed",
            "/transitions/1/guard",
        ),
    ] {
        assert_eq!(
            problems(&definition),
            [(code, path.to_owned())],
            "{definition}"
        );
    }
    let ends_nowhere = json!({
        "stages": [stage("a", "won"), {"stage": "b", "kind": "open", "start": true}],
        "transitions": [{"from": "b", "to": "a"}, {"from": "a", "to": "b"}]
    });
    read(&ends_nowhere);
    let trapped = json!({
        "stages": [{"stage": "a", "kind": "won", "start": true}, stage("b", "open")],
        "transitions": [{"from": "a", "to": "b"}]
    });
    assert_eq!(
        problems(&trapped),
        [("pipeline.end_unreachable", "/stages/1".to_owned())]
    );
    let endless =
        json!({"stages": [{"stage": "a", "kind": "open", "start": true}], "transitions": []});
    assert_eq!(
        problems(&endless),
        [("pipeline.end_missing", "/stages".to_owned())]
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let definition = json!({
        "stages": [{"stage": "A", "kind": "x"}, {"kind": "open", "required": 1}], "x": 1
    });
    assert_eq!(
        problems(&definition)
            .iter()
            .map(|it| it.1.as_str())
            .collect::<Vec<_>>(),
        [
            "/x",
            "/stages/0/stage",
            "/stages/0/kind",
            "/stages/1/stage",
            "/stages/1/required"
        ]
    );
}

#[test]
fn what_is_too_large_is_refused() {
    let stage =
        |number: usize| json!({"stage": format!("s{number}"), "kind": "won", "start": true});
    let stages = |count: usize| {
        let stages: Vec<_> = (0..count).map(stage).collect();
        json!({"stages": stages, "transitions": []})
    };
    read(&stages(STAGES_MAX));
    assert_eq!(problems(&stages(STAGES_MAX + 1))[0].0, "pipeline.too_large");
    let transitions = vec![json!({"from": "new", "to": "lost"}); TRANSITIONS_MAX + 1];
    assert_eq!(
        problems(&with("/transitions", json!(transitions)))[0],
        ("pipeline.too_large", "/transitions".to_owned())
    );
    let long = with("/stages/0/label", json!("x".repeat(BYTES_MAX)));
    assert_eq!(problems(&long), [("pipeline.too_large", String::new())]);
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    assert!(Definition::parse(&deep).is_err());
}

#[test]
fn fields_are_those_of_the_records() {
    let definition = read(&with(
        "/stages/0/on_enter",
        json!([{"effect": "set_fields", "fields": {"amount": "much"}}]),
    ));
    let found = |fields: Value| -> Vec<_> {
        let asked = condition::Fields::parse(&fields.to_string()).expect("fields");
        let found = definition.check(&Fields::parse(&fields.to_string()), &asked);
        found.into_iter().map(|it| (it.code(), it.path)).collect()
    };
    assert_eq!(
        found(json!({"amount": {"type": "number"}})),
        [
            ("pipeline.field_unknown", "/stages/1/required/1".to_owned()),
            (
                "effect.value_invalid",
                "/stages/0/on_enter/0/fields/amount".to_owned()
            ),
        ]
    );
    assert_eq!(
        found(json!({"amount": {"type": "text"}, "custom.color": {"type": "text"}})),
        [(
            "condition.value_invalid",
            "/transitions/1/when/value".to_owned()
        )]
    );
}

/// Everything that a move of a random pipeline depends on.
#[derive(Clone, Debug)]
struct World {
    stages: usize,
    /// For each pair of stages, what the transition between them asks for, where there is one.
    edges: Vec<Vec<Option<Asked>>>,
    required: Vec<bool>,
}

#[derive(Clone, Debug)]
struct Asked {
    amount_min: Option<i64>,
    permission: Option<bool>,
    reason: bool,
}

fn world() -> impl Strategy<Value = World> {
    (1..6_usize).prop_flat_map(|stages| {
        let asked = (
            prop::option::of(0..4_i64),
            prop::option::of(any::<bool>()),
            any::<bool>(),
        )
            .prop_map(|(amount_min, permission, reason)| Asked {
                amount_min,
                permission,
                reason,
            });
        let edge = prop::option::of(asked);
        let edges = prop::collection::vec(prop::collection::vec(edge, stages), stages);
        let required = prop::collection::vec(any::<bool>(), stages);
        (edges, required).prop_map(move |(edges, required)| World {
            stages,
            edges,
            required,
        })
    })
}

impl World {
    /// Every stage is a start and an end, so that any graph is right.
    fn definition(&self) -> Value {
        let stages: Vec<_> = (0..self.stages)
            .map(|place| {
                json!({
                    "stage": format!("s{place}"), "kind": "terminal", "start": true,
                    "required": if self.required[place] { vec!["name"] } else { vec![] },
                    "on_enter": [{"effect": "emit", "type": format!("e.enter_{place}")}],
                    "on_leave": [{"effect": "emit", "type": format!("e.leave_{place}")}],
                })
            })
            .collect();
        let mut transitions = Vec::new();
        for (from, row) in self.edges.iter().enumerate() {
            for (to, asked) in row.iter().enumerate() {
                let (Some(asked), true) = (asked, from != to) else {
                    continue;
                };
                let mut transition = json!({
                    "from": format!("s{from}"), "to": format!("s{to}"),
                    "reason_required": asked.reason,
                    "effects": [{"effect": "emit", "type": format!("e.go_{from}_{to}")}],
                });
                if let Some(amount_min) = asked.amount_min {
                    transition["when"] =
                        json!({"field": "amount", "op": ">=", "value": amount_min});
                }
                if let Some(special) = asked.permission {
                    let permission = if special { "p.special" } else { "p.plain" };
                    transition["permission"] = json!(permission);
                }
                transitions.push(transition);
            }
        }
        json!({"stages": stages, "transitions": transitions})
    }
}

proptest! {
    /// The full matrix of stages and what a move brings along, by an oracle over the world itself.
    #[test]
    fn a_move_is_allowed_when_nothing_speaks_against_it(
        world in world(),
        amount in prop::option::of(0..4_i64),
        has_name in any::<bool>(),
        reason in prop::option::of("[ a]{0,2}"),
        held in prop::option::of(prop::sample::subsequence(vec!["p.plain", "p.special"], 0..=2)),
    ) {
        let definition = read(&world.definition());
        let record = json!({"amount": amount, "name": if has_name { "x" } else { " " }}).to_string();
        let permissions: Option<Vec<_>> =
            held.clone().map(|held| held.into_iter().map(str::to_owned).collect());
        let request = Request {
            record: &record,
            previous: None,
            at: None,
            permissions: permissions.as_deref(),
            reason: reason.as_deref(),
        };
        for from in 0..world.stages {
            let mut ways = Vec::new();
            for to in 0..world.stages {
                let decision = definition.decide(&format!("s{from}"), &format!("s{to}"), &request);
                let codes: Vec<_> = decision.refusals.iter().map(Refusal::code).collect();
                let edge = world.edges[from][to].as_ref().filter(|_| from != to);
                let mut expected = Vec::new();
                match edge {
                    None => expected.push("pipeline.transition_missing"),
                    Some(asked) => {
                        let needed = asked.permission.map(|special| {
                            if special { "p.special" } else { "p.plain" }
                        });
                        if let (Some(needed), Some(held)) = (needed, &held)
                            && !held.contains(&needed)
                        {
                            expected.push("pipeline.permission_missing");
                        }
                        if asked.amount_min.is_some_and(|min| amount.is_none_or(|it| it < min)) {
                            expected.push("pipeline.guard_failed");
                        }
                        if world.required[to] && !has_name {
                            expected.push("pipeline.fields_missing");
                        }
                        ways.push((to, expected.is_empty()));
                        if asked.reason && reason.as_deref().is_none_or(|it| !it.contains('a')) {
                            expected.push("pipeline.reason_required");
                        }
                    }
                }
                prop_assert_eq!(&codes, &expected);
                let types: Vec<_> = decision.effects.iter().map(|it| it.json.clone()).collect();
                let following = [format!("leave_{from}"), format!("go_{from}_{to}"),
                    format!("enter_{to}")];
                if expected.is_empty() {
                    prop_assert_eq!(types.len(), 3);
                    for (json, name) in types.iter().zip(following) {
                        let quoted = format!("\"e.{name}\"");
                        prop_assert!(json.contains(&quoted));
                    }
                } else {
                    prop_assert!(types.is_empty());
                }
            }
            let possible: Vec<_> = definition
                .possible(&format!("s{from}"), &request)
                .iter()
                .map(|it| (it.to.stage.clone(), it.refusals.is_empty()))
                .collect();
            let ways: Vec<_> = ways.into_iter().map(|(to, is)| (format!("s{to}"), is)).collect();
            prop_assert_eq!(possible, ways);
        }
    }

    /// Whether the graph is right, by paths that are walked one step after the other.
    #[test]
    fn every_stage_leads_from_a_start_to_an_end(
        edges in prop::collection::vec(prop::collection::vec(any::<bool>(), 6), 6),
        starts in prop::collection::vec(any::<bool>(), 6),
        ends in prop::collection::vec(any::<bool>(), 6),
        count in 1..=6_usize,
    ) {
        let stages: Vec<_> = (0..count)
            .map(|it| {
                let kind = if ends[it] { "terminal" } else { "open" };
                json!({"stage": format!("s{it}"), "kind": kind, "start": starts[it]})
            })
            .collect();
        let mut transitions = Vec::new();
        let mut leads = vec![vec![false; count]; count];
        for from in 0..count {
            leads[from][from] = true;
            for to in (0..count).filter(|&to| to != from && edges[from][to]) {
                leads[from][to] = true;
                transitions.push(json!({"from": format!("s{from}"), "to": format!("s{to}")}));
            }
        }
        for between in 0..count {
            for from in 0..count {
                for to in 0..count {
                    leads[from][to] |= leads[from][between] && leads[between][to];
                }
            }
        }
        let any = |is: &dyn Fn(usize) -> bool| (0..count).any(is);
        let mut expected = Vec::new();
        if !any(&|it| starts[it]) {
            expected.push(("pipeline.start_missing", "/stages".to_owned()));
        }
        if !any(&|it| ends[it]) {
            expected.push(("pipeline.end_missing", "/stages".to_owned()));
        }
        for (it, ahead) in leads.iter().enumerate() {
            if any(&|start| starts[start]) && !any(&|start| starts[start] && leads[start][it]) {
                expected.push(("pipeline.stage_unreachable", format!("/stages/{it}")));
            }
            if any(&|end| ends[end]) && !any(&|end| ends[end] && ahead[end]) {
                expected.push(("pipeline.end_unreachable", format!("/stages/{it}")));
            }
        }
        let definition = json!({"stages": stages, "transitions": transitions});
        let found = match Definition::parse(&definition.to_string()) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|it| (it.code(), it.path)).collect(),
        };
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn a_label_means_nothing_to_mermaid(label in "\\PC{1,40}", other in "\\PC{1,40}") {
        let mut definition = deals();
        definition["stages"][0]["label"] = json!(label);
        definition["transitions"][0]["label"] = json!(other);
        let Ok(definition) = Definition::parse(&definition.to_string()) else {
            return Ok(());
        };
        let text = definition.diagram();
        prop_assert_eq!(text.lines().count(), 2 + 4 + 1 + 6 + 2);
        for line in text.lines().skip(2) {
            // Entities away, what is left is what the diagram itself is made of.
            let mut plain = String::new();
            let mut rest = line;
            while let Some((before, after)) = rest.split_once('#') {
                plain.push_str(before);
                let (number, after) = after.split_once(';').expect("an entity");
                let character = number.parse().ok().and_then(char::from_u32);
                prop_assert!(character.is_some_and(|it| !it.is_alphanumeric()));
                rest = after;
            }
            plain.push_str(rest);
            let is_known = |it: char| it.is_alphanumeric() || " .,/".contains(it);
            let plain = plain
                .replacen("[*]", "", 1)
                .replacen("-->", "", 1)
                .replacen(" : ", " ", 1);
            let quotes = plain.matches('"').count();
            prop_assert!(quotes == 0 || (quotes == 2 && plain.starts_with("    state \"")));
            prop_assert!(plain.replace('"', "").chars().all(is_known), "{}", line);
        }
    }

    #[test]
    fn no_text_is_too_strange(text in "\\PC*") {
        let _ = Definition::parse(&text);
        let _ = Definition::parse(&with("/transitions/0/from", json!(text)).to_string());
    }
}

#[test]
fn a_record_begins_where_it_may() {
    let mut definition = deals();
    definition["stages"][1]["start"] = json!(true);
    let definition = read(&definition);
    let start = |stage: Option<&str>, record: Value| {
        let start = definition.start(stage, &record.to_string());
        let codes: Vec<_> = start.decision.refusals.iter().map(Refusal::code).collect();
        (start.stage.map(|it| it.stage.clone()), codes)
    };
    let named = |name: &str| Some(name.to_owned());
    assert_eq!(start(None, json!({})), (named("new"), vec![]));
    assert_eq!(
        start(Some("gone"), json!({})),
        (None, vec!["pipeline.stage_unknown"])
    );
    assert_eq!(
        start(Some("won"), json!({})),
        (named("won"), vec!["pipeline.start_refused"])
    );
    let missing = vec!["pipeline.fields_missing"];
    assert_eq!(
        start(Some("offer"), json!({"amount": 1})),
        (named("offer"), missing)
    );
    let filled = json!({"amount": 1, "custom": {"color": "red"}});
    assert_eq!(
        start(Some("offer"), filled.clone()),
        (named("offer"), vec![])
    );
    let offer = definition.start(Some("offer"), &filled.to_string());
    assert_eq!(offer.decision.limit.map(|it| it.0), Some(60));
    assert_eq!(offer.decision.effects.len(), 1);
}

#[test]
fn guards_may_ask_for_changes_and_for_time() {
    let when = json!({"all": [
        {"field": "name", "op": "changed"},
        {"field": "called_at", "op": ">=", "value": {"ago": "P1D"}}
    ]});
    let definition = read(&with("/transitions/1/when", when));
    let allowed = |name: &str, at: &str| {
        let after = json!({"name": name, "called_at": "2026-01-01T00:00:00Z"}).to_string();
        let request = Request {
            record: &after,
            previous: Some(r#"{"name": "a"}"#),
            at: at
                .parse()
                .ok()
                .map(|at: jiff::Timestamp| Timestamp::from_micros(at.as_microsecond())),
            permissions: None,
            reason: None,
        };
        definition.decide("offer", "won", &request).is_allowed()
    };
    assert!(allowed("b", "2026-01-01T12:00:00Z"));
    assert!(!allowed("a", "2026-01-01T12:00:00Z"));
    assert!(!allowed("b", "2026-01-03T12:00:00Z"));
    assert!(!allowed("b", "never"));
}

#[test]
fn blanks_and_empty_lists_are_nothing() {
    let missing = |value: Value| {
        let record = json!({"a": value, "custom": {"b": value}}).to_string();
        let fields = ["a".to_owned(), "custom.b".to_owned()];
        super::record::missing(&record, &fields).len()
    };
    for nothing in [json!(null), json!(""), json!(" \t"), json!([]), json!({})] {
        assert_eq!(missing(nothing.clone()), 2, "{nothing}");
    }
    for something in [
        json!(0),
        json!(false),
        json!("x"),
        json!([null]),
        json!({"c": null}),
    ] {
        assert_eq!(missing(something.clone()), 0, "{something}");
    }
    let huge = format!("{{\"a\": 1{}, \"b\": 1e9999}}", "0".repeat(500));
    assert_eq!(super::record::missing(&huge, &["a".to_owned()]), [""; 0]);
}

#[test]
fn records_go_where_the_mapping_says_else_where_the_name_is() {
    let definition = read(&deals());
    let stages = ["new", "meeting", "gone"].map(str::to_owned);
    let mapped = |mapping: Value| map_stages(&stages, &definition, &mapping.to_string());
    let pair = |from: &str, to: Option<&str>| (from.to_owned(), to.map(str::to_owned));
    assert_eq!(
        mapped(json!({"meeting": "offer"})),
        Ok(vec![
            pair("new", Some("new")),
            pair("meeting", Some("offer")),
            pair("gone", None)
        ])
    );
    assert_eq!(
        mapped(json!({"new": "lost"})).map(|it| it[0].clone()),
        Ok(pair("new", Some("lost")))
    );
    let unknown = MappingError::FromUnknown("x".to_owned());
    assert_eq!(mapped(json!({"x": "new"})), Err(unknown));
    let unknown = MappingError::ToUnknown("meeting".to_owned());
    assert_eq!(mapped(json!({"gone": "meeting"})), Err(unknown));
    assert_eq!(mapped(json!([])), Err(MappingError::Malformed));
}

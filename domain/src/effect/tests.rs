//! Effects that are right, and each way in which one is wrong.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn problems(effects: &Value) -> Vec<(&'static str, String)> {
    let errors = parse(&effects.to_string()).expect_err("no effects");
    errors.into_iter().map(|it| (it.code(), it.path)).collect()
}

fn fields() -> Fields {
    let fields = json!({
        "name": {"type": "text"}, "amount": {"type": "number"}, "won": {"type": "boolean"},
        "closed_on": {"type": "date"}, "called_at": {"type": "instant"}, "buyer": {"type": "id"},
        "tags": {"type": "list"}, "other": {"type": "json"},
        "custom.color": {"type": "text", "values": ["red", "blue"]},
    });
    Fields::parse(&fields.to_string())
}

const ID: &str = "00000000-0000-4000-8000-000000000001";

#[test]
fn every_kind_is_read_as_it_was_given() {
    let effects = json!([
        {"effect": "set_fields", "fields": {"name": "x", "custom.color": "red"}},
        {"effect": "create_activity", "type": "task", "subject": "Call", "note": "Now",
         "due_in_s": 0, "assign_to": "owner"},
        {"effect": "assign", "user_id": ID},
        {"effect": "assign", "team_id": ID},
        {"effect": "assign", "rules": true},
        {"effect": "emit", "type": "crm.deal.celebrated", "data": {"who": {"field": "name"}}},
        {"effect": "deliver", "channel": "email", "template": "crm.deal_won",
         "to": {"field": "name"}, "data": {}},
        {"effect": "deliver", "channel": "email", "template": "crm.deal_won",
         "to": {"user": "actor"}},
        {"effect": "deliver", "channel": "email", "template": "crm.deal_won",
         "to": "sales@example.com"},
        {"effect": "start_timer", "timer": "follow_up", "after_s": 86400, "effects": [
            {"effect": "cancel_timer", "timer": "other"}
        ]},
        {"effect": "cancel_timer", "timer": "follow_up"},
    ]);
    let read = parse(&effects.to_string()).expect("effects");
    let given = effects.as_array().expect("a list");
    for (effect, given) in read.iter().zip(given) {
        let json: Value = serde_json::from_str(&effect.json).expect("JSON");
        assert_eq!(&json, given);
        assert_eq!(given.get("effect"), Some(&json!(effect.kind.name())));
        assert_eq!(effect.check(&fields()), [], "{given}");
    }
    assert_eq!(read.len(), given.len());
    assert_eq!(read.iter().flat_map(Effect::all).count(), given.len() + 1);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (effect, code, path) in [
        (json!(1), "effect.malformed", "/0"),
        (json!({}), "effect.malformed", "/0"),
        (json!({"effect": "explode"}), "effect.unknown", "/0/effect"),
        (
            json!({"effect": "cancel_timer", "timer": "x", "a/b": 1}),
            "effect.malformed",
            "/0/a~1b",
        ),
        (
            json!({"effect": "cancel_timer", "timer": "X y"}),
            "effect.malformed",
            "/0/timer",
        ),
        (
            json!({"effect": "cancel_timer"}),
            "effect.malformed",
            "/0/timer",
        ),
        (
            json!({"effect": "set_fields", "fields": {}}),
            "effect.malformed",
            "/0/fields",
        ),
        (
            json!({"effect": "set_fields", "fields": {"stage": "won"}}),
            "effect.field_protected",
            "/0/fields/stage",
        ),
        (
            json!({"effect": "set_fields", "fields": {"a\" = 1; --": 1}}),
            "effect.field_unknown",
            "/0/fields/a\" = 1; --",
        ),
        (
            json!({"effect": "create_activity", "type": "task", "subject": " "}),
            "effect.malformed",
            "/0/subject",
        ),
        (
            json!({"effect": "create_activity", "type": "task", "subject": "x", "due_in_s": -1}),
            "effect.malformed",
            "/0/due_in_s",
        ),
        (
            json!({"effect": "create_activity", "type": "task", "subject": "x", "assign_to": "me"}),
            "effect.malformed",
            "/0/assign_to",
        ),
        (json!({"effect": "assign"}), "effect.malformed", "/0"),
        (
            json!({"effect": "assign", "rules": false}),
            "effect.malformed",
            "/0",
        ),
        (
            json!({"effect": "assign", "user_id": "ada"}),
            "effect.malformed",
            "/0",
        ),
        (
            json!({"effect": "assign", "user_id": ID, "rules": true}),
            "effect.malformed",
            "/0",
        ),
        (
            json!({"effect": "emit", "type": "moved"}),
            "effect.malformed",
            "/0/type",
        ),
        (
            json!({"effect": "emit", "type": "a.b", "data": []}),
            "effect.malformed",
            "/0/data",
        ),
        (
            json!({"effect": "emit", "type": "a.b", "data": {"x": "y".repeat(DATA_BYTES_MAX)}}),
            "effect.malformed",
            "/0/data",
        ),
        (
            json!({"effect": "deliver", "channel": "email", "template": "a.b", "to": {"user": "x"}}),
            "effect.malformed",
            "/0/to",
        ),
        (
            json!({"effect": "start_timer", "timer": "x", "after_s": 0, "effects": [
                {"effect": "cancel_timer", "timer": "x"}
            ]}),
            "effect.malformed",
            "/0/after_s",
        ),
        (
            json!({"effect": "start_timer", "timer": "x", "after_s": 1, "effects": []}),
            "effect.malformed",
            "/0/effects",
        ),
    ] {
        let found = problems(&json!([effect]));
        assert_eq!(found, [(code, path.to_owned())], "{effect}");
    }
    assert_eq!(problems(&json!([])), [("effect.malformed", String::new())]);
    assert_eq!(problems(&json!({})), [("effect.malformed", String::new())]);
    let many = vec![json!({"effect": "cancel_timer", "timer": "x"}); EFFECTS_MAX + 1];
    assert_eq!(
        problems(&json!(many)),
        [("effect.malformed", String::new())]
    );
}

#[test]
fn all_that_is_wrong_is_told_at_once() {
    let effects = json!([{"effect": "cancel_timer"}, {"effect": "x"}, {"effect": "assign"}]);
    assert_eq!(problems(&effects).len(), 3);
}

#[test]
fn timers_stand_in_timers_only_so_deep() {
    let timer = |effects: Value| {
        json!([{
            "effect": "start_timer", "timer": "x", "after_s": 1, "effects": effects
        }])
    };
    let mut effects = json!([{"effect": "cancel_timer", "timer": "x"}]);
    for depth in 1..=5 {
        effects = timer(effects);
        let read = parse(&effects.to_string());
        assert_eq!(read.is_ok(), depth <= TIMER_DEPTH_MAX, "{depth}");
    }
    assert_eq!(problems(&effects)[0].0, "effect.too_deep");
}

#[test]
fn fields_hold_what_their_types_say() {
    let from_now = json!({"after_s": 60});
    let cases = [
        ("name", json!("x"), true),
        ("name", json!(1), false),
        ("name", from_now.clone(), false),
        ("amount", json!(1.5), true),
        ("amount", json!("1.5"), false),
        ("won", json!(true), true),
        ("won", json!("true"), false),
        ("closed_on", json!("2026-02-28"), true),
        ("closed_on", json!("2026-02-30"), false),
        ("closed_on", from_now.clone(), true),
        ("called_at", json!("2026-02-28T12:00:00Z"), true),
        ("called_at", json!("noon"), false),
        ("called_at", json!({"after_s": -1}), false),
        ("called_at", json!({"after_s": 1, "x": 1}), false),
        ("called_at", from_now, true),
        ("buyer", json!(ID), true),
        ("buyer", json!("ada"), false),
        ("tags", json!(["a"]), true),
        ("tags", json!([1]), false),
        ("other", json!({"any": [1]}), true),
        ("custom.color", json!("red"), true),
        ("custom.color", json!("green"), false),
        ("custom.size", json!("XL"), false),
        ("missing", json!(null), false),
    ];
    for (field, value, holds) in cases {
        let mut set = serde_json::Map::new();
        set.insert(field.to_owned(), value.clone());
        let effects = json!([{"effect": "set_fields", "fields": set}]);
        let effects = parse(&effects.to_string()).expect("effects");
        let found = effects[0].check(&fields());
        assert_eq!(found.is_empty(), holds, "{field} {value}");
        for error in found {
            assert_eq!(error.path, format!("/0/fields/{field}"));
        }
    }
}

#[test]
fn fields_that_values_are_taken_from_are_there() {
    let effects = json!([
        {"effect": "deliver", "channel": "email", "template": "a.b", "to": {"field": "x"},
         "data": {"y": {"field": "z"}, "name": {"field": "name"}}}
    ]);
    let effects = parse(&effects.to_string()).expect("effects");
    let mut found: Vec<_> = effects[0]
        .check(&fields())
        .into_iter()
        .map(|it| it.path)
        .collect();
    found.sort();
    assert_eq!(found, ["/0/data/y/field", "/0/to/field"]);
}

proptest! {
    #[test]
    fn no_text_is_too_strange(text in "\\PC*") {
        let _ = parse(&text);
        let _ = parse(&json!([{"effect": text}]).to_string());
        let _ = parse(&json!([{"effect": "set_fields", "fields": {text: 1}}]).to_string());
    }
}

//! Conditions over all types of fields against an oracle, and in their other forms.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::time::parse_instant;
use super::super::*;
use super::{any_condition, any_record, truth};

/// The instant at which everything is asked: 2026-11-21T12:00:00Z.
const NOW: &str = "2026-11-21T12:00:00Z";

/// Texts that are times, with their seconds since 1970 worked out elsewhere, and whether each is an
/// instant.
const TIMES: [(&str, i64, bool); 7] = [
    ("2026-11-21T12:00:00Z", 1_795_262_400, true),
    ("2026-11-21T13:00:00+01:00", 1_795_262_400, true),
    ("2026-11-20T12:00:00Z", 1_795_176_000, true),
    ("2026-10-22T12:00:00Z", 1_792_670_400, true),
    ("2026-11-21", 1_795_219_200, false),
    ("2026-11-20", 1_795_132_800, false),
    ("2026-10-22", 1_792_627_200, false),
];

/// Durations with their seconds.
const DURATIONS: [(&str, i64); 5] = [
    ("P0D", 0),
    ("P1D", 86_400),
    ("PT24H", 86_400),
    ("P30D", 2_592_000),
    ("P4W2D", 2_592_000),
];

const DAY: i64 = 86_400;

fn now() -> Option<crate::time::Timestamp> {
    parse_instant(NOW)
}

/// The seconds of a text that is a time, and whether it is an instant.
fn seconds(text: &Json) -> Option<(i64, bool)> {
    let known = TIMES.iter().find(|(known, ..)| text == known)?;
    Some((known.1, known.2))
}

/// What a leaf over times says, by seconds.
fn oracle(op: &str, found: &Json, wanted: &Json) -> Option<bool> {
    let (found_s, is_instant) = seconds(found)?;
    let wanted_s = if let Some((seconds, of_instant)) = seconds(wanted) {
        if !of_instant && matches!(op, "=" | "!=") {
            return Some((found == wanted) == (op == "="));
        } else if of_instant != is_instant {
            return None;
        }
        seconds
    } else {
        let (sign, duration) = match wanted.get("ago") {
            Some(duration) => (-1, duration),
            None => (1, wanted.get("ahead")?),
        };
        let away = DURATIONS.iter().find(|(known, _)| duration == known)?.1;
        let at = TIMES[0].1 + sign * away;
        if is_instant {
            at
        } else {
            at.div_euclid(DAY) * DAY
        }
    };
    Some(match op {
        "=" => found_s == wanted_s,
        "!=" => found_s != wanted_s,
        "<" => found_s < wanted_s,
        "<=" => found_s <= wanted_s,
        ">" => found_s > wanted_s,
        _ => found_s >= wanted_s,
    })
}

fn any_time() -> impl Strategy<Value = Json> {
    let relative = (
        prop::sample::select(vec!["ago", "ahead"]),
        prop::sample::select(DURATIONS.to_vec()),
    );
    prop_oneof![
        prop::sample::select(TIMES.to_vec()).prop_map(|(text, ..)| json!(text)),
        relative.prop_map(|(key, (duration, _))| json!({ key: duration })),
    ]
}

fn any_order() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">="])
}

/// The same condition with its branches turned round and doubled.
fn disguised(condition: &Json) -> Json {
    let Some((key, inner)) = condition.as_object().and_then(|it| it.iter().next()) else {
        return condition.clone();
    };
    match (key.as_str(), inner) {
        ("all" | "any", Json::Array(list)) => {
            let list: Vec<_> = list.iter().rev().map(disguised).collect();
            json!({ key: [{ key: list.clone() }, list[0]] })
        }
        ("not", inner) => json!({ "not": disguised(inner) }),
        _ => json!({ "not": { "not": condition } }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn times_are_what_the_oracle_says(
        op in any_order(), wanted in any_time(), found in prop::sample::select(TIMES.to_vec()),
    ) {
        let condition = json!({"field": "at", "op": op, "value": wanted}).to_string();
        let record = json!({"at": found.0});
        let said = Condition::parse(&condition).expect("a condition");
        let said = said.of_json_change(&record.to_string(), None, now());
        let expected = oracle(op, &record["at"], &wanted).map_or(Truth::Unknown, Truth::from);
        prop_assert_eq!(said, expected, "{} of {}", condition, record);
    }

    #[test]
    fn changed_is_what_differs(record in any_record(), before in any_record()) {
        for field in ["a", "b", "c", "c.a"] {
            let condition = json!({"field": field, "op": "changed"}).to_string();
            let condition = Condition::parse(&condition).expect("a condition");
            let (now, then) = (record.to_string(), before.to_string());
            let pointer = format!("/{}", field.replace('.', "/"));
            let value = |record: &Json| record.pointer(&pointer).cloned().unwrap_or(Json::Null);
            prop_assert_eq!(
                condition.of_json_change(&now, Some(&then), None),
                Truth::from(value(&record) != value(&before))
            );
            prop_assert_eq!(condition.of_json_change(&now, None, None), Truth::Unknown);
        }
    }

    #[test]
    fn slots_say_what_json_says(
        condition in any_condition(), record in any_record(),
    ) {
        let slot = |name: &str| {
            let value = record.pointer(&format!("/{name}")).unwrap_or(&Json::Null);
            match value {
                Json::Bool(truth) => Value::Boolean(*truth),
                Json::Number(number) => Value::Float(number.as_f64().expect("a float")),
                Json::String(text) => Value::Text(text),
                Json::Null => Value::Null,
                _ => Value::Unreadable,
            }
        };
        // Slots have no lists.
        if record.to_string().contains('[') {
            return Ok(());
        }
        let slots = [slot("c/b"), slot("b"), slot("c/a"), slot("a")];
        let parsed = Condition::parse(&condition.to_string()).expect("a condition");
        let place = |path: &[String]| ["c.b", "b", "c.a", "a"].iter().position(|it| *it == path.join("."));
        let placed = parsed.placed(place).expect("all fields have a place");
        prop_assert_eq!(placed.of(&slots, Moment::UNKNOWN), truth(&condition, &record));
    }

    #[test]
    fn floats_and_whole_numbers_compare_as_decimals(
        found in prop_oneof![any::<f64>(), (-50..50_i32).prop_map(|it| f64::from(it) / 8.0)],
        whole in prop_oneof![any::<i64>(), -20..20_i64],
        wanted in "-?(0|[1-9][0-9]{0,18})(\\.[0-9]{1,20})?(e-?[0-9]{1,2})?",
        op in any_order(),
    ) {
        let near = format!("{found:e}");
        for wanted in [&wanted, &near, &format!("{whole}.0000001"), &whole.to_string()] {
            if !found.is_finite() {
                continue;
            }
            let condition = format!(r#"{{"field": "a", "op": "{op}", "value": {wanted}}}"#);
            let condition = Condition::parse(&condition).expect("a condition");
            for (slot, text) in [
                (Value::Float(found), near.clone()), (Value::Integer(whole), whole.to_string()),
            ] {
                prop_assert_eq!(
                    condition.of::<[Value<'_>]>(&[slot], Moment::UNKNOWN),
                    condition.of_json(&format!(r#"{{"a": {text}}}"#)),
                    "{} {} {}", text, op, wanted
                );
            }
        }
    }

    #[test]
    fn one_spelling_is_for_all_that_say_the_same(
        condition in any_condition(), record in any_record(),
    ) {
        let parse = |json: &str| Condition::parse(json).expect("a condition");
        let canonical = parse(&condition.to_string()).canonical();
        prop_assert_eq!(parse(&canonical).canonical(), canonical.clone());
        prop_assert_eq!(parse(&canonical).of_json(&record.to_string()), truth(&condition, &record));
        // Where there is room for more levels and nodes.
        if let Ok(disguised) = Condition::parse(&disguised(&condition).to_string()) {
            prop_assert_eq!(disguised.canonical(), canonical);
            prop_assert_eq!(disguised.hash(), parse(&condition.to_string()).hash());
        }
    }

    #[test]
    fn words_are_one_line(text in "\\PC{0,100}|[\\x00-\\x1f\u{202e}ab]{0,9}", condition in any_condition()) {
        let leaf = json!({"field": "a", "op": "contains", "value": text});
        for condition in [leaf, condition] {
            let words = Condition::parse(&condition.to_string()).expect("a condition").prose(None);
            let breaks = |it: char| it.is_control() || it == '\u{202e}';
            prop_assert!(!words.chars().any(breaks));
        }
    }

    #[test]
    fn nothing_that_a_user_wrote_is_in_sql(text in "[a-z'\"\\\\$;%]{0,20}", key in "[a-z'\"\\\\$;%]{1,20}") {
        let (text, key) = (format!("WRITTEN{text}"), format!("WRITTEN{key}"));
        let path = format!("custom.{key}");
        let fields = Fields::parse(&json!({path.clone(): {"type": "text"}}).to_string());
        let fields = fields.expect("fields");
        for op in ["=", "<", "in", "between", "contains", "ends_with"] {
            let value = match op {
                "in" | "between" => json!([text, text]),
                _ => json!(text),
            };
            let condition = json!({"not": {"field": path, "op": op, "value": value}}).to_string();
            let sql = Condition::parse(&condition).expect("a condition").sql(&fields, "r");
            let sql = sql.expect("known fields");
            prop_assert!(!sql.clause.contains("WRITTEN"), "{}", sql.clause);
            let values: Vec<Json> = serde_json::from_str(&sql.values).expect("a list");
            prop_assert!(values.contains(&json!(key)) && values.contains(&json!(text)));
        }
    }
}

#[test]
fn words_are_for_people() {
    for (condition, words) in [
        (
            json!({"all": [
                {"field": "amount", "op": ">=", "value": 10_000},
                {"field": "stage", "op": "=", "value": "won"},
            ]}),
            "amount ≥ 10,000 and stage is won",
        ),
        (
            json!({"all": [
                {"any": [
                    {"field": "a", "op": "is_null"},
                    {"field": "b", "op": "in", "value": [1.5, -1_234_567.25]},
                ]},
                {"not": {"field": "custom.first_seen", "op": "<", "value": {"ago": "P1Y2M"}}},
                {"field": "due", "op": "<=", "value": "2026-11-21"},
                {"field": "name", "op": "changed"},
            ]}),
            "(a is empty or b is one of 1.5, -1,234,567.25) and not (custom.first seen is before 1 \
             year and 2 months ago) and due is 2026-11-21 or before and name has changed",
        ),
        (
            json!({"field": "at", "op": ">", "value": "2026-11-21T13:00:00+01:00"}),
            "at is after 2026-11-21 12:00:00 UTC",
        ),
    ] {
        let condition = Condition::parse(&condition.to_string()).expect("a condition");
        assert_eq!(condition.prose(None), words);
    }
}

#[test]
fn each_type_takes_its_operators_and_values() {
    let values = [
        ("text", json!("a")),
        ("number", json!(1)),
        ("boolean", json!(true)),
        ("instant", json!(NOW)),
        ("date", json!("2026-11-21")),
        ("id", json!("00000000-0000-4000-8000-00000000000a")),
        ("list", json!("a")),
        ("json", json!("a")),
    ];
    let order = ["<", "<=", ">", ">=", "between"];
    let texts = ["contains", "starts_with", "ends_with", "matches"];
    for (kind, value) in &values {
        let fields = Fields::parse(&json!({"f": {"type": kind}}).to_string()).expect("fields");
        for op in ["=", "!=", "in"].iter().chain(&order).chain(&texts) {
            let expected = match *op {
                "contains" => matches!(*kind, "text" | "list"),
                _ if texts.contains(op) => *kind == "text",
                _ if order.contains(op) => matches!(*kind, "text" | "number" | "instant" | "date"),
                _ => !matches!(*kind, "list" | "json"),
            };
            let value = match *op {
                "in" => json!([value]),
                "between" => json!([value, value]),
                _ if texts.contains(op) => json!("a"),
                _ => value.clone(),
            };
            let condition = json!({"field": "f", "op": op, "value": value}).to_string();
            // No condition orders booleans.
            let checked = Condition::parse(&condition).and_then(|it| it.check(&fields));
            assert_eq!(checked.is_ok(), expected, "{kind} {op}");
        }
        // Values of other types: text takes all that is text.
        for (other, value) in &values {
            let condition = json!({"field": "f", "op": "=", "value": value}).to_string();
            let condition = Condition::parse(&condition).expect("a condition");
            let is_text = value.is_string() && *kind == "text";
            let is_own = kind == other && !matches!(*kind, "list" | "json");
            let expected = is_text || is_own;
            assert_eq!(
                condition.check(&fields).is_ok(),
                expected,
                "{kind} = {value}"
            );
        }
    }
}

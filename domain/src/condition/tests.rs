//! Conditions against an oracle that shares nothing with them, and against the laws of the logic.

mod forms;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn truth(condition: &Value, record: &Value) -> Truth {
    Condition::parse(&condition.to_string())
        .expect("a condition")
        .of_json(&record.to_string())
}

fn problem(condition: &str) -> (&'static str, String) {
    let error = Condition::parse(condition).expect_err("no condition");
    (error.code(), error.path)
}

fn leaf(field: &str, op: &str, value: Value) -> Value {
    json!({"field": field, "op": op, "value": value})
}

#[test]
fn leaves_ask_what_their_operators_say() {
    let record = json!({
        "number": 12.5, "text": "Müller & Co", "yes": true, "nothing": null, "list": [1],
        "at": "2026-11-21T21:04:25.5+01:00", "deep": {"er": {"x.y": 1, "number": 7}},
    });
    let cases = [
        ("number", "=", json!(12.50), Truth::True),
        ("number", "!=", json!(12.5), Truth::False),
        ("number", "<", json!(13), Truth::True),
        ("number", "<=", json!(12.5), Truth::True),
        ("number", ">", json!(12.5), Truth::False),
        ("number", ">=", json!(-99), Truth::True),
        ("number", "in", json!([1, 12.5]), Truth::True),
        ("number", "in", json!([1, 2]), Truth::False),
        ("number", "between", json!([12.5, 20]), Truth::True),
        ("number", "between", json!([1, 12.4]), Truth::False),
        ("number", "=", json!("12.5"), Truth::Unknown),
        ("number", "contains", json!("12"), Truth::Unknown),
        ("text", "=", json!("Müller & Co"), Truth::True),
        ("text", "=", json!("müller & co"), Truth::False),
        ("text", ">", json!("Maier"), Truth::True),
        ("text", "contains", json!("üll"), Truth::True),
        ("text", "starts_with", json!("Mü"), Truth::True),
        ("text", "ends_with", json!("Co."), Truth::False),
        ("text", "matches", json!("^M.ller"), Truth::True),
        ("text", "matches", json!("^ller"), Truth::False),
        ("text", ">", json!(1), Truth::Unknown),
        ("yes", "=", json!(true), Truth::True),
        ("yes", "in", json!([false]), Truth::False),
        ("yes", "=", json!("true"), Truth::Unknown),
        ("at", "=", json!("2026-11-21T20:04:25.5Z"), Truth::True),
        ("at", ">", json!("2026-11-21T20:04:25Z"), Truth::True),
        ("text", ">", json!("2026-11-21T20:04:25Z"), Truth::Unknown),
        (
            "at",
            "between",
            json!(["2026-11-21T21:00:00+01:00", "2026-11-21T20:05Z"]),
            Truth::True,
        ),
        ("deep.er.number", "=", json!(7), Truth::True),
        ("deep.er", "=", json!(7), Truth::Unknown),
        ("deep.er.number.more", "=", json!(7), Truth::Unknown),
        ("nothing", "=", json!(1), Truth::Unknown),
        ("nothing", "!=", json!(1), Truth::Unknown),
        ("missing", "!=", json!(1), Truth::Unknown),
        ("list", "=", json!(1), Truth::Unknown),
    ];
    for (field, op, value, expected) in cases {
        let condition = leaf(field, op, value);
        assert_eq!(truth(&condition, &record), expected, "{condition}");
        let negated = match expected {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        };
        assert_eq!(truth(&json!({"not": condition}), &record), negated);
    }
    for (field, is_null) in [
        ("nothing", true),
        ("missing", true),
        ("deep.er.nothing", true),
        ("number.below", true),
        ("number", false),
        ("list", false),
    ] {
        for (op, expected) in [("is_null", is_null), ("is_not_null", !is_null)] {
            let condition = json!({"field": field, "op": op});
            assert_eq!(truth(&condition, &record), expected.into(), "{condition}");
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (condition, code, path) in [
        ("", "condition.malformed", ""),
        ("[]", "condition.malformed", ""),
        ("{}", "condition.malformed", ""),
        (r#"{"all": []}"#, "condition.malformed", "/all"),
        (r#"{"any": {}}"#, "condition.malformed", "/any"),
        (r#"{"not": null}"#, "condition.malformed", "/not"),
        (
            r#"{"all": [{"field": "a", "op": "is_null"}, 1]}"#,
            "condition.malformed",
            "/all/1",
        ),
        (
            r#"{"all": [{"field": "a"}]}"#,
            "condition.malformed",
            "/all/0",
        ),
        (
            r#"{"field": "a", "op": "=", "value": 1, "x": 1}"#,
            "condition.malformed",
            "",
        ),
        (
            r#"{"field": "", "op": "is_null"}"#,
            "condition.field_invalid",
            "/field",
        ),
        (
            r#"{"field": "a..b", "op": "is_null"}"#,
            "condition.field_invalid",
            "/field",
        ),
        (
            r#"{"field": 1, "op": "is_null"}"#,
            "condition.field_invalid",
            "/field",
        ),
        (
            r#"{"not": {"field": "a", "op": "like"}}"#,
            "condition.operator_unknown",
            "/not/op",
        ),
        (
            r#"{"field": "a", "op": null}"#,
            "condition.operator_unknown",
            "/op",
        ),
        (
            r#"{"field": "a", "op": "="}"#,
            "condition.value_invalid",
            "/value",
        ),
        (
            r#"{"field": "a", "op": "=", "value": null}"#,
            "condition.value_invalid",
            "/value",
        ),
        (
            r#"{"field": "a", "op": "<", "value": true}"#,
            "condition.value_invalid",
            "/value",
        ),
        (
            r#"{"field": "a", "op": "in", "value": []}"#,
            "condition.value_invalid",
            "/value",
        ),
        (
            r#"{"field": "a", "op": "in", "value": [1, "a"]}"#,
            "condition.value_invalid",
            "/value",
        ),
        (
            r#"{"field": "a", "op": "between", "value": [1]}"#,
            "condition.value_invalid",
            "/value",
        ),
        (
            r#"{"field": "a", "op": "contains", "value": 1}"#,
            "condition.value_invalid",
            "/value",
        ),
        (
            r#"{"field": "a", "op": "is_null", "value": 1}"#,
            "condition.value_invalid",
            "/value",
        ),
        (
            r#"{"field": "a", "op": "matches", "value": "("}"#,
            "condition.pattern_invalid",
            "/value",
        ),
        (
            r#"{"field": "a", "op": "matches", "value": "(a{999}){999}"}"#,
            "condition.pattern_invalid",
            "/value",
        ),
    ] {
        assert_eq!(problem(condition), (code, path.to_owned()), "{condition}");
    }
}

#[test]
fn conditions_have_limits() {
    let null = json!({"field": "a", "op": "is_null"});
    let nested = |levels| (0..levels).fold(null.clone(), |inner, _| json!({"not": inner}));
    assert!(Condition::parse(&nested(DEPTH_MAX - 1).to_string()).is_ok());
    let path = "/not".repeat(DEPTH_MAX);
    assert_eq!(
        problem(&nested(DEPTH_MAX).to_string()),
        ("condition.too_deep", path)
    );

    let wide = |nodes| json!({"all": vec![null.clone(); nodes]}).to_string();
    assert!(Condition::parse(&wide(NODES_MAX - 1)).is_ok());
    assert_eq!(problem(&wide(NODES_MAX)).0, "condition.too_large");

    let patterns = |count| json!({"all": vec![leaf("a", "matches", json!("a")); count]});
    assert!(Condition::parse(&patterns(PATTERNS_MAX).to_string()).is_ok());
    let too_many = patterns(PATTERNS_MAX + 1).to_string();
    assert_eq!(problem(&too_many).0, "condition.too_large");

    let long = leaf("a", "=", json!("x".repeat(BYTES_MAX))).to_string();
    assert_eq!(problem(&long), ("condition.too_large", String::new()));
    let many = leaf("a", "in", json!([1].repeat(VALUES_MAX + 1))).to_string();
    assert_eq!(problem(&many).0, "condition.value_invalid");
    let field = leaf(&["a"; FIELD_NAMES_MAX + 1].join("."), "=", json!(1)).to_string();
    assert_eq!(problem(&field).0, "condition.field_invalid");
    let pattern = leaf("a", "matches", json!("a".repeat(PATTERN_BYTES_MAX + 1))).to_string();
    assert_eq!(problem(&pattern).0, "condition.pattern_invalid");
}

#[test]
fn a_record_of_any_size_and_depth_is_read() {
    let condition = leaf("a.b", ">", json!(1)).to_string();
    let condition = Condition::parse(&condition).expect("a condition");
    let digits = "9".repeat(10_000_000);
    assert_eq!(
        condition.of_json(&format!(r#"{{"a":{{"b":{digits}}}}}"#)),
        Truth::True
    );
    assert_eq!(
        condition.of_json(&format!(r#"{{"a":{{"b":-{digits}}}}}"#)),
        Truth::False
    );
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    let record = format!(r#"{{"x": {deep}, "a": {{"y": {deep}, "b": 2}}}}"#);
    assert_eq!(condition.of_json(&record), Truth::True);
    let objects = format!("{}1{}", r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    assert_eq!(condition.of_json(&objects), Truth::Unknown);
    assert_eq!(problem(&objects).0, "condition.too_large");
    for record in [
        "",
        "nan",
        "[",
        "\"\\ud800\"",
        "{\"\\ud800\": 1}",
        "1",
        "{\"a\": {\"b\": NaN}}",
    ] {
        assert_eq!(condition.of_json(record), Truth::Unknown, "{record}");
    }
    let nan = json!({"a": {"b": "NaN"}}).to_string();
    assert_eq!(condition.of_json(&nan), Truth::Unknown);
}

#[test]
fn a_hard_pattern_takes_no_time() {
    let condition = leaf("a", "matches", json!("^(a|aa)+$")).to_string();
    let condition = Condition::parse(&condition).expect("a condition");
    let of_text = |text: String| condition.of_json(&json!({"a": text}).to_string());
    assert_eq!(of_text("a".repeat(4_000) + "b"), Truth::False);
    assert_eq!(of_text("a".repeat(MATCHED_BYTES_MAX + 1)), Truth::Unknown);
}

#[test]
fn the_last_of_two_keys_counts() {
    let condition = leaf("a.b", "=", json!(1)).to_string();
    let condition = Condition::parse(&condition).expect("a condition");
    assert_eq!(condition.of_json(r#"{"a":{"b":1},"a":{}}"#), Truth::Unknown);
    assert_eq!(condition.of_json(r#"{"a":{"b":2,"b":1}}"#), Truth::True);
}

/// The oracle: the definition of each operator on a tree of values, with numbers as floats.
mod oracle {
    use super::{Truth, Value};

    pub(super) fn truth(condition: &Value, record: &Value) -> Truth {
        let holds = known(condition, record);
        holds.map_or(Truth::Unknown, |holds| {
            if holds { Truth::True } else { Truth::False }
        })
    }

    fn known(condition: &Value, record: &Value) -> Option<bool> {
        if let Some(inner) = condition.get("not") {
            return known(inner, record).map(|holds| !holds);
        }
        let inner = |key: &str| -> Option<Vec<Option<bool>>> {
            let list = condition.get(key)?.as_array()?;
            Some(list.iter().map(|inner| known(inner, record)).collect())
        };
        if let Some(all) = inner("all") {
            return match () {
                () if all.contains(&Some(false)) => Some(false),
                () if all.contains(&None) => None,
                () => Some(true),
            };
        }
        if let Some(any) = inner("any") {
            return match () {
                () if any.contains(&Some(true)) => Some(true),
                () if any.contains(&None) => None,
                () => Some(false),
            };
        }
        let path = condition["field"].as_str()?.replace('.', "/");
        let found = record.pointer(&format!("/{path}")).unwrap_or(&Value::Null);
        leaf(condition["op"].as_str()?, found, &condition["value"])
    }

    fn leaf(op: &str, found: &Value, wanted: &Value) -> Option<bool> {
        match op {
            "is_null" => return Some(found.is_null()),
            "is_not_null" => return Some(!found.is_null()),
            "in" => {
                let list = wanted.as_array()?;
                let equal: Option<Vec<_>> =
                    list.iter().map(|wanted| leaf("=", found, wanted)).collect();
                return Some(equal?.contains(&true));
            }
            "between" => {
                return Some(leaf(">=", found, &wanted[0])? && leaf("<=", found, &wanted[1])?);
            }
            _ => {}
        }
        if let (Some(list), "contains") = (found.as_array(), op) {
            return Some(list.contains(wanted));
        }
        if let (Some(found), Some(wanted)) = (found.as_f64(), wanted.as_f64()) {
            return compare(op, &found, &wanted);
        }
        if let (Some(found), Some(wanted)) = (found.as_bool(), wanted.as_bool()) {
            return compare(op, &found, &wanted);
        }
        let (found, wanted) = (found.as_str()?, wanted.as_str()?);
        match op {
            "contains" => Some(found.split(wanted).count() > 1),
            "starts_with" => Some(found.get(..wanted.len()) == Some(wanted)),
            "ends_with" => {
                Some(found.len() >= wanted.len() && found.rsplit(wanted).next() == Some(""))
            }
            "matches" => Some(found.contains(wanted)),
            _ => compare(op, &found, &wanted),
        }
    }

    fn compare<T: PartialOrd>(op: &str, found: &T, wanted: &T) -> Option<bool> {
        match op {
            "=" => Some(found == wanted),
            "!=" => Some(found != wanted),
            "<" => Some(found < wanted),
            "<=" => Some(found <= wanted),
            ">" => Some(found > wanted),
            ">=" => Some(found >= wanted),
            _ => None,
        }
    }
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-3..4_i32, 0..3_i32)
            .prop_map(|(whole, halves)| json!(f64::from(whole) + f64::from(halves) / 2.0)),
        "[ab]{1,2}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ]
}

fn any_leaf() -> impl Strategy<Value = Value> {
    let field = || prop::sample::select(vec!["a", "b", "c.a", "c.b"]);
    let ordered = any_scalar().prop_filter("ordered", |value| !value.is_boolean());
    let same_type = |(one, other): &(Value, Value)| {
        one.is_string() == other.is_string() && one.is_number() == other.is_number()
    };
    let two = || (any_scalar(), any_scalar()).prop_filter("of one type", same_type);
    let two_ordered = two().prop_filter("ordered", |(one, _)| !one.is_boolean());
    prop_oneof![
        (field(), prop::sample::select(vec!["=", "!="]), any_scalar())
            .prop_map(|(field, op, value)| leaf(field, op, value)),
        (
            field(),
            prop::sample::select(vec!["<", "<=", ">", ">="]),
            ordered
        )
            .prop_map(|(field, op, value)| leaf(field, op, value)),
        (
            field(),
            prop::sample::select(vec!["contains", "starts_with", "ends_with", "matches"]),
            "[ab]{1,2}"
        )
            .prop_map(|(field, op, value)| leaf(field, op, json!(value))),
        (field(), two()).prop_map(|(field, (one, other))| leaf(field, "in", json!([one, other]))),
        (field(), two_ordered).prop_map(|(field, (one, other))| leaf(
            field,
            "between",
            json!([one, other])
        )),
        (
            field(),
            prop::sample::select(vec!["is_null", "is_not_null"])
        )
            .prop_map(|(field, op)| json!({"field": field, "op": op})),
    ]
}

/// Of up to four levels, so that tests can put some around it.
fn any_condition() -> impl Strategy<Value = Value> {
    any_leaf().prop_recursive(3, 20, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            list.clone().prop_map(|list| json!({"all": list})),
            list.prop_map(|list| json!({"any": list})),
            inner.prop_map(|inner| json!({"not": inner})),
        ]
    })
}

fn any_record() -> impl Strategy<Value = Value> {
    let value =
        || prop_oneof![6 => any_scalar(), 1 => Just(Value::Null), 1 => Just(json!([1, "a"]))];
    let object = || {
        prop::collection::btree_map("[ab]", value(), 0..3)
            .prop_map(|entries| Value::Object(entries.into_iter().collect()))
    };
    (object(), prop::option::of(object())).prop_map(|(mut record, below)| {
        if let Some(below) = below {
            record["c"] = below;
        }
        record
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_condition_is_what_the_oracle_says(condition in any_condition(), record in any_record()) {
        prop_assert_eq!(truth(&condition, &record), oracle::truth(&condition, &record));
    }

    #[test]
    fn twice_not_is_nothing(condition in any_condition(), record in any_record()) {
        let twice = json!({"not": {"not": condition}});
        prop_assert_eq!(truth(&twice, &record), truth(&condition, &record));
    }

    #[test]
    fn de_morgan_holds(
        conditions in prop::collection::vec(any_condition(), 1..4), record in any_record(),
    ) {
        let negated: Vec<_> = conditions.iter().map(|it| json!({"not": it})).collect();
        for (one, other) in [("all", "any"), ("any", "all")] {
            prop_assert_eq!(
                truth(&json!({"not": {one: conditions}}), &record),
                truth(&json!({other: negated}), &record)
            );
        }
    }

    #[test]
    fn more_knowledge_never_turns_an_answer_round(
        condition in any_condition(), record in any_record(), more in any_record(),
    ) {
        // Questions for null are answered by what is not there.
        let known = truth(&condition, &record);
        if known == Truth::Unknown || condition.to_string().contains("_null") {
            return Ok(());
        }
        let mut both = more;
        for (key, value) in record.as_object().expect("an object") {
            if !value.is_null() {
                both[key] = value.clone();
            }
        }
        prop_assert_eq!(truth(&condition, &both), known);
    }

    #[test]
    fn no_text_upsets_it(text in "[\\{\\}\\[\\]\":,alnyotfiedpvu0-9. \\\\-]{0,60}") {
        let condition = leaf("a", "=", json!(1)).to_string();
        let _ = Condition::parse(&text);
        let _ = Condition::parse(&condition).expect("a condition").of_json(&text);
    }
}

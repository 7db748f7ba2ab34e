//! Matrices of types and values, and what holds for all of them.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::change::Change;
use super::{Definition, Definitions, Key, Kind};

fn definition(json: &Value) -> Definition {
    Definition::parse("it", &json.to_string()).expect("a definition")
}

fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Choice | Kind::Choices => {
            json!({ "type": kind.as_str(), "label": "It", "choices": ["red", "blue"] })
        }
        _ => json!({ "type": kind.as_str(), "label": "It" }),
    }
}

fn with(kind: Kind, options: &Value) -> Value {
    let mut whole = of_kind(kind);
    for (name, value) in options.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    whole
}

fn stored(definition: &Value, archived: bool) -> Definitions {
    let set = json!([{ "field": "it", "archived": archived, "definition": definition }]);
    Definitions::parse(&set.to_string()).expect("definitions")
}

/// What becomes of a value of a new record: its one form, or the codes of what is wrong.
fn kept(definition: &Value, json: &str) -> Result<String, Vec<&'static str>> {
    let checked = stored(definition, false).check(&format!("{{\"it\":{json}}}"), None);
    if checked.problems.is_empty() {
        let inner = checked.custom.strip_prefix("{\"it\":");
        Ok(inner
            .map_or(NOTHING, |inner| &inner[..inner.len() - 1])
            .to_owned())
    } else {
        let codes = checked.problems.iter();
        Err(codes.map(|problem| problem.problem.code()).collect())
    }
}

const NOTHING: &str = "";
const WRONG: &str = "field.type_mismatch";

/// Each value, and what it is as a field of each type: its one form, nothing, or a code.
#[test]
fn every_type_takes_its_values_and_no_others() {
    use Kind::{Boolean, Choice, Choices, Date, Email, Instant, Number, Phone, Text, Url, User};
    let right: &[(Kind, &str, &str)] = &[
        (Text, r#"" Anna ""#, r#"" Anna ""#),
        (Text, r#""  ""#, NOTHING),
        (Text, r#""true""#, r#""true""#),
        (Number, "12", "12"),
        (Number, "-0.0", "0"),
        (Number, "1.500", "1.5"),
        (
            Number,
            "12345678901234567890.123",
            "12345678901234567890.123",
        ),
        (Boolean, "true", "true"),
        (Date, r#""2024-02-29""#, r#""2024-02-29""#),
        (Date, r#"" 2024-02-29""#, r#""2024-02-29""#),
        (
            Instant,
            r#""2026-11-21T22:04:00+01:00""#,
            r#""2026-11-21T21:04:00Z""#,
        ),
        (
            Instant,
            r#""2026-11-21 21:04:00.1234564Z""#,
            r#""2026-11-21T21:04:00.123456Z""#,
        ),
        (Choice, r#""red""#, r#""red""#),
        (Choices, r#"["blue","red","blue"]"#, r#"["red","blue"]"#),
        (Choices, "[]", NOTHING),
        (Email, r#"" Anna@Example.com ""#, r#""Anna@Example.com""#),
        (Phone, r#""+49 (0)30 / 12-34""#, r#""+49 (0)30 / 12-34""#),
        (
            Url,
            r#""HTTPS://example.com/a?b#c""#,
            r#""HTTPS://example.com/a?b#c""#,
        ),
        (
            User,
            r#""00000000-0000-4000-8000-00000000000A""#,
            r#""00000000-0000-4000-8000-00000000000a""#,
        ),
    ];
    for &(kind, json, form) in right {
        assert_eq!(
            kept(&of_kind(kind), json),
            Ok(form.to_owned()),
            "{kind:?} {json}"
        );
    }
    let wrong: &[(Kind, &str, &str)] = &[
        (Text, "1", WRONG),
        (Text, "[\"a\"]", WRONG),
        (Number, r#""1""#, WRONG),
        (Number, "1e400", "field.out_of_range"),
        (Boolean, r#""true""#, WRONG),
        (Boolean, "1", WRONG),
        (Date, r#""2023-02-29""#, WRONG),
        (Date, r#""2024-02-29T00:00:00Z""#, WRONG),
        (Date, r#""0000-01-01""#, WRONG),
        (Instant, r#""2024-02-29""#, WRONG),
        (Instant, r#""2024-02-29T10:00:00""#, WRONG),
        (Instant, r#""-000001-01-01T10:00:00Z""#, WRONG),
        (Choice, r#""green""#, "field.choice_unknown"),
        (Choice, r#"["red"]"#, WRONG),
        (Choices, r#""red""#, WRONG),
        (Choices, r#"["red", "green"]"#, "field.choice_unknown"),
        (Email, r#""anna""#, WRONG),
        (Email, r#""anna@localhost""#, WRONG),
        (Email, r#""a b@example.com""#, WRONG),
        (Email, r#""a@b@example.com""#, WRONG),
        (Phone, r#""call me""#, WRONG),
        (Phone, r#""12""#, WRONG),
        (Url, r#""javascript:alert(1)""#, WRONG),
        (Url, r#""https://""#, WRONG),
        (Url, r#""https://exa mple.com""#, WRONG),
        (User, r#""anna""#, WRONG),
    ];
    for &(kind, json, code) in wrong {
        assert_eq!(
            kept(&of_kind(kind), json),
            Err(vec![code]),
            "{kind:?} {json}"
        );
    }
    for kind in Kind::ALL {
        assert_eq!(
            kept(&of_kind(kind), "null"),
            Ok(NOTHING.to_owned()),
            "{kind:?}"
        );
        assert_eq!(kept(&of_kind(kind), "{}"), Err(vec![WRONG]), "{kind:?}");
    }
}

#[test]
fn bounds_are_part_of_the_values() {
    let number = with(
        Kind::Number,
        &json!({ "min": -1, "max": 10.5, "decimals": 1 }),
    );
    for (json, is_right) in [
        ("-1", true),
        ("-1.1", false),
        ("10.5", true),
        ("10.6", false),
        ("1.25", false),
        ("9", true),
        ("2.50", true),
        ("100", false),
    ] {
        assert_eq!(kept(&number, json).is_ok(), is_right, "{json}");
    }
    let exact = r#"{"type": "number", "label": "It", "max": 9007199254740992}"#;
    let exact: Definition = Definition::parse("it", exact).expect("a definition");
    assert!(exact.fits("9007199254740992"));
    assert!(
        !exact.fits("9007199254740993"),
        "a float could not tell them apart"
    );

    let date = with(
        Kind::Date,
        &json!({ "min": "2024-01-01", "max": "2024-12-31" }),
    );
    assert!(kept(&date, r#""2024-12-31""#).is_ok());
    assert_eq!(
        kept(&date, r#""2025-01-01""#),
        Err(vec!["field.out_of_range"])
    );

    let text = with(
        Kind::Text,
        &json!({
            "min_length": 2, "max_length": 4, "pattern": "^[a-zä]+$"
        }),
    );
    assert!(kept(&text, r#""ääää""#).is_ok(), "characters, not bytes");
    assert_eq!(kept(&text, r#""a""#), Err(vec!["field.length_invalid"]));
    assert_eq!(kept(&text, r#""abcde""#), Err(vec!["field.length_invalid"]));
    assert_eq!(kept(&text, r#""ab1""#), Err(vec!["field.pattern_mismatch"]));
}

#[test]
fn a_wrong_definition_says_where() {
    for (json, path, code) in [
        ("[]", "", "field.definition_malformed"),
        (r#"{"type": "text"}"#, "", "field.definition_malformed"),
        (
            r#"{"type": "money", "label": "It"}"#,
            "/type",
            "field.type_unknown",
        ),
        (
            r#"{"type": "text", "label": ""}"#,
            "/label",
            "field.option_invalid",
        ),
        (
            r#"{"type": "text", "label": "It", "a/b": 1}"#,
            "/a~1b",
            "field.option_unknown",
        ),
        (
            r#"{"type": "text", "label": "It", "choices": ["a"]}"#,
            "/choices",
            "field.option_unknown",
        ),
        (
            r#"{"type": "boolean", "label": "It", "unique": true}"#,
            "/unique",
            "field.option_unknown",
        ),
        (
            r#"{"type": "choice", "label": "It"}"#,
            "/choices",
            "field.option_invalid",
        ),
        (
            r#"{"type": "choice", "label": "It", "choices": ["a", {"value": "a"}]}"#,
            "/choices/1",
            "field.option_invalid",
        ),
        (
            r#"{"type": "choice", "label": "It", "choices": ["a", {"value": "b", "color": "red"}]}"#,
            "/choices/1",
            "field.option_invalid",
        ),
        (
            r#"{"type": "number", "label": "It", "min": "1"}"#,
            "/min",
            "field.option_invalid",
        ),
        (
            r#"{"type": "number", "label": "It", "min": 2, "max": 1}"#,
            "/max",
            "field.option_invalid",
        ),
        (
            r#"{"type": "text", "label": "It", "unique": true, "max_length": 501}"#,
            "/max_length",
            "field.option_invalid",
        ),
        (
            r#"{"type": "text", "label": "It", "min_length": 3, "max_length": 2}"#,
            "/max_length",
            "field.option_invalid",
        ),
        (
            r#"{"type": "text", "label": "It", "pattern": "("}"#,
            "/pattern",
            "field.pattern_invalid",
        ),
        (
            r#"{"type": "text", "label": "It", "pattern": "((a{99}){99}){99}"}"#,
            "/pattern",
            "field.pattern_invalid",
        ),
        (
            r#"{"type": "number", "label": "It", "max": 1, "default": 2}"#,
            "/default",
            "field.default_invalid",
        ),
        (
            r#"{"type": "text", "label": "It", "unique": true, "default": "a"}"#,
            "/default",
            "field.option_invalid",
        ),
    ] {
        let error = Definition::parse("it", json).expect_err(json);
        assert_eq!((error.path.as_str(), error.code()), (path, code), "{json}");
    }
    let long = "a".repeat(64);
    for field in ["", "Color", "1st", "_a", "a-b", "a.b", "ä", &long] {
        let error = Definition::parse(field, r#"{"type": "text", "label": "It"}"#);
        assert_eq!(
            error.expect_err(field).code(),
            "field.key_invalid",
            "{field}"
        );
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let set = json!([
        { "field": "a", "definition": with(Kind::Text, &json!({ "required": true })) },
        { "field": "b", "definition": of_kind(Kind::Number) },
        { "field": "c", "definition": of_kind(Kind::Choice) },
    ]);
    let definitions = Definitions::parse(&set.to_string()).expect("definitions");
    let checked = definitions.check(r#"{"b": "x", "c": "green", "d": 1}"#, None);
    let problems: Vec<_> = checked
        .problems
        .iter()
        .map(|it| (it.field.as_deref().unwrap_or(""), it.problem.code()))
        .collect();
    assert_eq!(
        problems,
        [
            ("a", "field.required"),
            ("b", WRONG),
            ("c", "field.choice_unknown"),
            ("d", "field.unknown"),
        ]
    );
    let large = format!(r#"{{"a": "{}"}}"#, "x".repeat(70_000));
    assert_eq!(definitions.check(&large, None).problems.len(), 1);
    assert_eq!(definitions.check("[]", None).problems.len(), 1);
}

/// The value before and after, and what comes of it, for a field that is there, archived or gone.
#[test]
fn a_write_answers_for_what_it_changes() {
    #[derive(Clone, Copy)]
    enum Field {
        Active,
        Required,
        Archived,
        Gone,
    }
    use Field::{Active, Archived, Gone, Required};
    let cases: &[(Field, &str, &str, Result<&str, &str>)] = &[
        (Active, "{}", "{}", Ok("{}")),
        (
            Active,
            r#"{"it":"old"}"#,
            r#"{"it":"old"}"#,
            Ok(r#"{"it":"old"}"#),
        ),
        (Active, r#"{"it":"old"}"#, "{}", Ok("{}")),
        (Active, r#"{"it":"old"}"#, r#"{"it":null}"#, Ok("{}")),
        (
            Active,
            r#"{"it":"old"}"#,
            r#"{"it":"other"}"#,
            Err("field.choice_unknown"),
        ),
        (
            Active,
            r#"{"it":"old"}"#,
            r#"{"it":"red"}"#,
            Ok(r#"{"it":"red"}"#),
        ),
        (Required, "{}", "{}", Ok("{}")),
        (Required, r#"{"it":"old"}"#, "{}", Err("field.required")),
        (
            Required,
            r#"{"it":"old"}"#,
            r#"{"it":""}"#,
            Err("field.required"),
        ),
        (Archived, r#"{"it":"old"}"#, "{}", Ok(r#"{"it":"old"}"#)),
        (
            Archived,
            r#"{"it":"old"}"#,
            r#"{"it":null}"#,
            Ok(r#"{"it":"old"}"#),
        ),
        (
            Archived,
            r#"{"it":"old"}"#,
            r#"{"it":"old"}"#,
            Ok(r#"{"it":"old"}"#),
        ),
        (
            Archived,
            r#"{"it":"old"}"#,
            r#"{"it":"red"}"#,
            Err("field.archived"),
        ),
        (Archived, "{}", r#"{"it":"red"}"#, Err("field.archived")),
        (Gone, r#"{"it":"old"}"#, r#"{"it":"old"}"#, Ok("{}")),
        (Gone, r#"{"it":"old"}"#, "{}", Ok("{}")),
        (
            Gone,
            r#"{"it":"old"}"#,
            r#"{"it":"red"}"#,
            Err("field.unknown"),
        ),
        (Gone, "{}", r#"{"it":"red"}"#, Err("field.unknown")),
    ];
    for (place, &(field, before, after, wanted)) in cases.iter().enumerate() {
        let choice = with(
            Kind::Choice,
            &json!({ "required": matches!(field, Required) }),
        );
        let definitions = match field {
            Gone => Definitions::parse("[]").expect("definitions"),
            _ => stored(&choice, matches!(field, Archived)),
        };
        let checked = definitions.check(after, Some(before));
        let codes: Vec<_> = checked
            .problems
            .iter()
            .map(|it| it.problem.code())
            .collect();
        match wanted {
            Ok(custom) => {
                assert_eq!(
                    (checked.custom.as_str(), codes),
                    (custom, vec![]),
                    "{place}"
                );
            }
            Err(code) => assert_eq!(codes, [code], "{place}"),
        }
    }
}

#[test]
fn new_records_get_defaults_unless_they_say_otherwise() {
    let definitions = stored(
        &with(Kind::Number, &json!({ "default": 5, "required": true })),
        false,
    );
    assert_eq!(definitions.check("{}", None).custom, r#"{"it":5}"#);
    assert_eq!(
        definitions.check(r#"{"it": 6}"#, None).custom,
        r#"{"it":6}"#
    );
    assert_eq!(definitions.check(r#"{"it": null}"#, None).problems.len(), 1);
    assert_eq!(
        definitions.check("{}", Some("{}")).custom,
        "{}",
        "an old record stays as it is"
    );
}

#[test]
fn values_are_found_by_keys_in_which_spelling_makes_no_difference() {
    for (kind, json, key) in [
        (Kind::Text, r#""Ä""#, Key::Text("Ä".into())),
        (
            Kind::Email,
            r#""Anna@Example.com""#,
            Key::Text("anna@example.com".into()),
        ),
        (
            Kind::Phone,
            r#""+49 (0)30 1234""#,
            Key::Text("+49301234".into()),
        ),
        (
            Kind::Phone,
            r#""0049 30 1234""#,
            Key::Text("+49301234".into()),
        ),
        (Kind::Phone, r#""030 1234""#, Key::Text("0301234".into())),
        (Kind::Number, "1.50", Key::Number("1.5".into())),
        (
            Kind::Date,
            r#""2024-02-29""#,
            Key::Instant("2024-02-29T00:00:00Z".into()),
        ),
        (
            Kind::Instant,
            r#""2024-02-29T01:00:00+01:00""#,
            Key::Instant("2024-02-29T00:00:00Z".into()),
        ),
    ] {
        let definitions = stored(&with(kind, &json!({ "unique": true })), false);
        let custom = format!("{{\"it\":{json}}}");
        assert_eq!(
            definitions.keys(&custom),
            [("it", true, key)],
            "{kind:?} {json}"
        );
    }
    let indexed = stored(&with(Kind::Choice, &json!({ "indexed": true })), true);
    assert_eq!(
        indexed.keys(r#"{"it":"old"}"#).len(),
        1,
        "archived ones are found, too"
    );
    assert!(
        stored(&of_kind(Kind::Text), false)
            .keys(r#"{"it":"a"}"#)
            .is_empty()
    );
}

#[test]
fn a_change_takes_what_it_has_to() {
    let plain = definition(&of_kind(Kind::Text));
    let indexed = definition(&with(Kind::Text, &json!({ "indexed": true })));
    let unique = definition(&with(Kind::Text, &json!({ "unique": true })));
    let email = definition(&with(Kind::Email, &json!({ "unique": true })));
    let [check, gather, scatter] = [
        (true, false, false),
        (false, true, false),
        (false, false, true),
    ];
    let none = (false, false, false);
    for (old, new, wanted) in [
        (None, &unique, none),
        (Some(&plain), &plain, none),
        (Some(&plain), &indexed, (check.0, gather.1, false)),
        (Some(&plain), &unique, (true, true, false)),
        (Some(&indexed), &unique, gather),
        (Some(&unique), &indexed, gather),
        (Some(&unique), &plain, scatter),
        (Some(&plain), &email, (true, true, false)),
        (Some(&unique), &email, (true, true, false)),
        (Some(&email), &plain, (true, false, true)),
    ] {
        let change = Change::between(old, new);
        let change = (
            change.checks_values,
            change.gathers_values,
            change.scatters_values,
        );
        assert_eq!(change, wanted, "{old:?} to {new:?}");
    }
}

#[test]
fn the_schema_says_what_the_definitions_say() {
    let set = json!([
        { "field": "a", "definition": with(Kind::Text, &json!({ "required": true, "max_length": 9 })) },
        { "field": "b", "definition": with(Kind::Number, &json!({ "min": 1, "decimals": 2 })) },
        { "field": "c", "definition": of_kind(Kind::Choice) },
        { "field": "d", "archived": true, "definition": of_kind(Kind::Text) },
    ]);
    let definitions = Definitions::parse(&set.to_string()).expect("definitions");
    let schema: Value = serde_json::from_str(&definitions.schema()).expect("JSON");
    assert_eq!(schema["required"], json!(["a"]));
    assert_eq!(schema["properties"]["a"]["maxLength"], 9);
    assert_eq!(schema["properties"]["b"]["minimum"], 1);
    assert_eq!(schema["properties"]["b"]["multipleOf"], 0.01);
    assert_eq!(schema["properties"]["c"]["oneOf"][1]["const"], "blue");
    assert!(schema["properties"].get("d").is_none());
}

#[test]
fn conditions_may_ask_for_every_field() {
    for kind in Kind::ALL {
        let fields: Value =
            serde_json::from_str(&stored(&of_kind(kind), true).fields()).expect("JSON");
        let field = &fields["custom.it"];
        assert_eq!(field["label"], "It");
        let has_values = matches!(kind, Kind::Choice | Kind::Choices);
        assert_eq!(field.get("values").is_some(), has_values, "{kind:?}");
        let types = ["text", "number", "boolean", "date", "instant", "list", "id"];
        assert!(
            types.contains(&field["type"].as_str().expect("a type")),
            "{kind:?}"
        );
    }
}

fn any_definition() -> impl Strategy<Value = Value> {
    let kinds = proptest::sample::select(Kind::ALL.to_vec());
    (kinds, any::<[bool; 3]>(), 0..50_usize).prop_map(|(kind, flags, length)| {
        let mut options = json!({ "required": flags[0] });
        if kind.takes("unique") {
            options["unique"] = flags[1].into();
        }
        if kind.takes("indexed") {
            options["indexed"] = flags[2].into();
        }
        if kind == Kind::Text {
            options["max_length"] = (length + 1).into();
        }
        with(kind, &options)
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        "\\PC{0,60}".prop_map(Value::from),
        "[a-z]{1,5}@[a-z]{1,5}\\.com".prop_map(Value::from),
        "https://[a-z]{1,9}\\.com/[a-z]{0,5}".prop_map(Value::from),
        "\\+?[0-9 ()]{3,20}".prop_map(Value::from),
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]".prop_map(Value::from),
        "20[0-9]{2}-0[1-9]-[012][1-8]T[01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?[+-]0[0-9]:30"
            .prop_map(Value::from),
        proptest::sample::select(vec!["red", "blue", "green"]).prop_map(Value::from),
        proptest::collection::vec("red|blue|green", 0..4).prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn the_one_form_of_a_definition_is_read_as_the_same(json in any_definition()) {
        let first = definition(&json).to_json();
        let again = Definition::parse("it", &first).expect("a definition").to_json();
        prop_assert_eq!(first, again);
    }

    #[test]
    fn what_was_kept_is_kept_as_it_is(json in any_definition(), value in any_value()) {
        let definitions = stored(&json, false);
        let first = definitions.check(&json!({ "it": value }).to_string(), None);
        if first.problems.is_empty() {
            let again = definitions.check(&first.custom, None);
            prop_assert_eq!(&again.custom, &first.custom, "the one form is its own");
            let stays = definitions.check(&first.custom, Some(&first.custom));
            prop_assert_eq!(&stays.custom, &first.custom);
            prop_assert!(stays.problems.is_empty());
        }
    }

    #[test]
    fn what_fits_is_kept_and_the_other_way_round(
        json in any_definition(), value in any_value()
    ) {
        let definitions = stored(&json, false);
        let checked = definitions.check(&json!({ "it": value }).to_string(), None);
        if let Some(it) = serde_json::from_str::<Value>(&checked.custom).expect("JSON").get("it") {
            prop_assert!(definition(&json).fits(&it.to_string()));
        }
        if definition(&json).fits(&value.to_string()) {
            prop_assert!(checked.problems.is_empty());
        }
    }

    #[test]
    fn what_is_kept_apart_has_a_key(json in any_definition(), value in any_value()) {
        let definitions = stored(&json, false);
        let checked = definitions.check(&json!({ "it": value }).to_string(), None);
        let has_value = checked.custom != "{}";
        if checked.problems.is_empty() {
            let keys = definitions.keys(&checked.custom).len();
            prop_assert_eq!(keys == 1, has_value && definition(&json).is_kept_apart());
        }
    }

    #[test]
    fn no_text_upsets_it(field in "\\PC{0,10}", text in "\\PC{0,200}", old in "\\PC{0,20}") {
        let _ = Definition::parse(&field, &text);
        let _ = Definitions::parse(&text);
        let definitions = stored(&of_kind(Kind::Instant), false);
        let _ = definitions.check(&text, Some(&old));
        let _ = definitions.check(&json!({ "it": text }).to_string(), Some(&old));
    }
}

use proptest::prelude::*;

use super::*;

const RECEIVED_AT: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

fn messages(payload: &str) -> Vec<Message<'_>> {
    parse(payload.as_bytes(), RECEIVED_AT).expect(payload)
}

/// The readings of a payload of one message.
fn readings(payload: &str) -> Vec<(String, Value<'static>)> {
    let [message] = <[Message<'_>; 1]>::try_from(messages(payload)).expect("one message");
    let owned = |(name, value): (Cow<'_, str>, Value<'_>)| (name.into_owned(), value.into_owned());
    message.readings.into_iter().map(owned).collect()
}

fn named(readings: &[(&str, Value<'static>)]) -> Vec<(String, Value<'static>)> {
    readings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn code(payload: impl AsRef<[u8]>) -> &'static str {
    let refused = parse(payload.as_ref(), RECEIVED_AT).expect_err("a fault");
    refused.code()
}

fn at_micros(time: &str) -> Result<i64, &'static str> {
    let payload = format!(r#"{{"at": {time}, "a": 1}}"#);
    let messages = parse(payload.as_bytes(), RECEIVED_AT).map_err(|error| error.code())?;
    Ok(messages[0].at.as_micros())
}

#[test]
fn a_flat_message_has_its_readings_in_the_order_sent() {
    let payload = r#" {"b": 1, "a": -2.5, "on": true, "state": "idle", "gone": null} "#;
    let expected = named(&[
        ("b", Value::Int(1)),
        ("a", Value::Float(-2.5)),
        ("on", Value::Bool(true)),
        ("state", Value::Text("idle".into())),
        ("gone", Value::Null),
    ]);
    assert_eq!(readings(payload), expected);
    assert_eq!(messages(payload)[0].at, RECEIVED_AT);
}

#[test]
fn a_wrapped_message_is_one_whose_other_keys_are_its_time() {
    let wrapped = named(&[("a", Value::Int(1)), ("b.c", Value::Int(2))]);
    assert_eq!(readings(r#"{"values": {"a": 1, "b": {"c": 2}}}"#), wrapped);
    assert_eq!(
        readings(r#"{"ts": 1789999999, "values": {"a": 1, "b": {"c": 2}}}"#),
        wrapped
    );
    assert_eq!(
        readings(r#"{"values": {"a": 1, "b": {"c": 2}}, "at": 1789999999}"#),
        wrapped
    );
    let flat = named(&[("values.a", Value::Int(1)), ("other", Value::Int(2))]);
    assert_eq!(readings(r#"{"values": {"a": 1}, "other": 2}"#), flat);
    assert_eq!(
        readings(r#"{"values": 7}"#),
        named(&[("values", Value::Int(7))])
    );
}

#[test]
fn nested_objects_flatten_with_dots() {
    let payload = r#"{"engine": {"oil": {"temp": 90.5}, "rpm": 800}, "empty": {}}"#;
    let expected = named(&[
        ("engine.oil.temp", Value::Float(90.5)),
        ("engine.rpm", Value::Int(800)),
    ]);
    assert_eq!(readings(payload), expected);
}

#[test]
fn an_array_of_messages_keeps_their_order_and_forms() {
    let payload = r#"[{"at": 1789999998, "a": 1}, {"at": 1789999999, "values": {"a": 2}}]"#;
    let instants: Vec<_> = messages(payload)
        .iter()
        .map(|message| message.at.as_micros())
        .collect();
    assert_eq!(instants, [1_789_999_998_000_000, 1_789_999_999_000_000]);
}

#[test]
fn one_fault_refuses_the_whole_array() {
    assert_eq!(code(r#"[{"a": 1}, {"b": {}}]"#), "payload.empty");
    assert_eq!(code(r#"[{"a": 1}, 2]"#), "payload.not_object");
}

#[test]
fn a_json_array_is_kept_as_compact_text_that_postgres_takes() {
    let payload =
        r#"{"a": [1, -2.50, "x\u00e4\n", {"k": [null, true]}, 1e3, 18446744073709551615]}"#;
    let expected = r#"[1,-2.5,"xä\n",{"k":[null,true]},1000.0,18446744073709551615]"#;
    assert_eq!(
        readings(payload),
        named(&[("a", Value::Json(expected.into()))])
    );
    assert_eq!(
        readings(r#"{"a": []}"#),
        named(&[("a", Value::Json("[]".into()))])
    );
}

#[test]
fn integers_beyond_64_bits_are_floats() {
    let integer = |text: &str| readings(&format!(r#"{{"a": {text}}}"#))[0].1.clone();
    assert_eq!(integer("9223372036854775807"), Value::Int(i64::MAX));
    assert_eq!(integer("-9223372036854775808"), Value::Int(i64::MIN));
    assert_eq!(
        integer("9223372036854775808"),
        Value::Float(9_223_372_036_854_775_808.0)
    );
    assert_eq!(
        integer("123456789012345678901234567890"),
        Value::Float(1.234_567_890_123_456_8e29)
    );
    assert_eq!(integer("1.0"), Value::Float(1.0));
}

#[test]
fn a_time_is_rfc_3339_with_its_offset() {
    let expected = Ok(1_789_982_096_789_123);
    assert_eq!(at_micros(r#""2026-09-21T09:14:56.789123Z""#), expected);
    assert_eq!(at_micros(r#""2026-09-21T11:14:56.789123+02:00""#), expected);
    assert_eq!(at_micros(r#""2026-09-21 09:14:56.789123999z""#), expected);
    for text in [
        r#""2026-09-21T09:14:56""#,
        r#""2026-09-21""#,
        r#""20260921T091456Z""#,
        r#""2026-09-31T09:14:56Z""#,
        r#""2026-09-21T09:14:56Z[UTC]""#,
        r#""1789982096""#,
        r#""""#,
        "null",
        "true",
        "[1789982096]",
        "{}",
    ] {
        assert_eq!(at_micros(text), Err("payload.time_invalid"), "{text}");
    }
}

#[test]
fn a_number_is_seconds_milliseconds_or_microseconds_by_its_size() {
    let expected = Ok(1_789_982_096_789_000);
    assert_eq!(at_micros("1789982096.789"), expected);
    assert_eq!(at_micros("1789982096789"), expected);
    assert_eq!(at_micros("1789982096789000"), expected);
    assert_eq!(at_micros("1789982096789.0"), expected);
    assert_eq!(at_micros("99999999999"), Err("payload.time_too_far_ahead"));
    assert_eq!(
        at_micros("100000000000"),
        Err("payload.time_too_old"),
        "milliseconds of 1973"
    );
    assert_eq!(
        at_micros("99999999999999"),
        Err("payload.time_too_far_ahead")
    );
    assert_eq!(
        at_micros("100000000000000"),
        Err("payload.time_too_old"),
        "microseconds of 1973"
    );
    assert_eq!(at_micros("100000000000000000"), Err("payload.time_invalid"));
    assert_eq!(at_micros("1e17"), Err("payload.time_invalid"));
    assert_eq!(
        at_micros("18446744073709551615"),
        Err("payload.time_invalid")
    );
    assert_eq!(at_micros("-1"), Err("payload.time_too_old"));
}

#[test]
fn a_time_is_within_2000_and_a_day_ahead() {
    assert_eq!(at_micros("946684800"), Ok(TIME_MIN.as_micros()));
    assert_eq!(at_micros("946684799.999999"), Err("payload.time_too_old"));
    let latest = RECEIVED_AT.as_micros() + AHEAD_MICROS_MAX;
    assert_eq!(at_micros(&latest.to_string()), Ok(latest));
    assert_eq!(
        at_micros(&(latest + 1).to_string()),
        Err("payload.time_too_far_ahead")
    );
}

#[test]
fn a_time_is_stated_once() {
    assert_eq!(
        code(r#"{"at": 1789982096, "ts": 1789982096, "a": 1}"#),
        "payload.time_invalid"
    );
    assert_eq!(
        code(r#"{"at": 1789982096, "at": 1789982096, "a": 1}"#),
        "payload.time_invalid"
    );
    let inner = named(&[("at", Value::Int(5))]);
    assert_eq!(
        readings(r#"{"values": {"at": 5}}"#),
        inner,
        "only the top level tells the time"
    );
}

#[test]
fn what_is_not_a_message_is_refused() {
    for payload in [
        "",
        " \n",
        "{}",
        "[]",
        r#"{"values": {}}"#,
        r#"{"at": 1789982096}"#,
    ] {
        assert_eq!(code(payload), "payload.empty", "{payload:?}");
    }
    for payload in ["1", "\"text\"", "null", "true", "[[{}]]", "[1]"] {
        assert_eq!(code(payload), "payload.not_object", "{payload:?}");
    }
    for payload in [
        "{",
        "{]",
        "a",
        "{\"a\": 1} x",
        "{\"a\": 01}",
        "{\"a\": NaN}",
        "\u{feff}{\"a\":1}",
    ] {
        assert_eq!(code(payload), "payload.not_json", "{payload:?}");
    }
    assert_eq!(
        code([b'{', b'"', 0xff, b'"', b':', b'1', b'}']),
        "payload.not_utf8"
    );
}

#[test]
fn a_number_beyond_a_float_is_refused_by_its_own_code() {
    for payload in [r#"{"a": 1e999}"#, r#"{"a": -1e999}"#, r#"{"a": [1e999]}"#] {
        assert_eq!(code(payload), "payload.number_out_of_range", "{payload}");
    }
}

#[test]
fn a_name_is_short_and_clean() {
    let long = "x".repeat(METRIC_NAME_BYTES_MAX);
    assert_eq!(readings(&format!(r#"{{"{long}": 1}}"#))[0].0, long);
    for name in [
        &format!("{long}x"),
        "",
        " a",
        "a ",
        "a\\u0000",
        "a\\tb",
        "\\u00a0a",
        "a\\u0085b",
    ] {
        let payload = format!(r#"{{"{name}": 1}}"#);
        assert_eq!(code(&payload), "payload.metric_name_invalid", "{name:?}");
    }
    let nested = format!(
        r#"{{"a": {{"{}": 1}}}}"#,
        "x".repeat(METRIC_NAME_BYTES_MAX - 1)
    );
    assert_eq!(
        code(nested),
        "payload.metric_name_invalid",
        "the whole path counts"
    );
    assert_eq!(readings(r#"{"Drehzahl °/min": 1}"#)[0].0, "Drehzahl °/min");
}

#[test]
fn a_name_occurs_once_however_it_is_spelt() {
    for payload in [
        r#"{"a": 1, "a": 2}"#,
        r#"{"a": 1, "\u0061": 2}"#,
        r#"{"a.b": 1, "a": {"b": 2}}"#,
        r#"{"a": {"b": 1}, "a": {"c": 2}}"#,
        r#"{"a": 1, "a": {"c": 2}}"#,
        r#"{"values": {"a": 1}, "values": {"b": 2}}"#,
        r#"{"values": {"a": 1}, "values": 2}"#,
        r#"{"values": {"a": 1}, "values.a": 2}"#,
    ] {
        assert_eq!(code(payload), "payload.duplicate_metric", "{payload}");
    }
    let many: Vec<_> = (0..40)
        .map(|number| format!(r#""m{}": 1"#, number % 39))
        .collect();
    assert_eq!(
        code(format!("{{{}}}", many.join(","))),
        "payload.duplicate_metric"
    );
}

#[test]
fn limits_are_met_exactly() {
    let many = |count: usize| {
        let readings: Vec<_> = (0..count)
            .map(|number| format!(r#""m{number}":1"#))
            .collect();
        format!("{{{}}}", readings.join(","))
    };
    assert_eq!(
        readings(&many(PAYLOAD_READINGS_MAX)).len(),
        PAYLOAD_READINGS_MAX
    );
    assert_eq!(
        code(many(PAYLOAD_READINGS_MAX + 1)),
        "payload.too_many_readings"
    );

    let text = |bytes: usize| format!(r#"{{"a":"{}"}}"#, "x".repeat(bytes));
    assert_eq!(readings(&text(VALUE_BYTES_MAX)).len(), 1);
    assert_eq!(code(text(VALUE_BYTES_MAX + 1)), "payload.value_too_large");
    assert_eq!(
        code(format!(r#"{{"a":["{}"]}}"#, "x".repeat(VALUE_BYTES_MAX))),
        "payload.value_too_large"
    );

    let spaces = |bytes: usize| format!("{}{}", r#"{"a":1}"#, " ".repeat(bytes - 7));
    assert_eq!(readings(&spaces(PAYLOAD_BYTES_MAX)).len(), 1);
    assert_eq!(code(spaces(PAYLOAD_BYTES_MAX + 1)), "payload.too_large");
}

#[test]
fn depth_counts_objects_and_arrays_from_the_message() {
    let objects = |depth: usize| format!("{}1{}", r#"{"a":"#.repeat(depth), "}".repeat(depth));
    assert_eq!(
        readings(&objects(PAYLOAD_DEPTH_MAX))[0].0,
        "a.a.a.a.a.a.a.a"
    );
    assert_eq!(code(objects(PAYLOAD_DEPTH_MAX + 1)), "payload.too_deep");
    let arrays = |depth: usize| {
        format!(
            r#"{{"a":{}{}}}"#,
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    assert_eq!(readings(&arrays(PAYLOAD_DEPTH_MAX)).len(), 1);
    assert_eq!(code(arrays(PAYLOAD_DEPTH_MAX + 1)), "payload.too_deep");
    assert_eq!(code(arrays(100_000)), "payload.too_deep");
    assert_eq!(code("[".repeat(100_000)), "payload.not_object");
}

#[test]
fn a_text_with_a_zero_character_is_refused_as_no_postgres_text_holds_it() {
    for payload in [
        r#"{"a": "x\u0000"}"#,
        r#"{"a": ["x\u0000"]}"#,
        r#"{"a": [{"x\u0000": 1}]}"#,
    ] {
        assert_eq!(code(payload), "payload.text_invalid", "{payload}");
    }
}

#[test]
fn a_long_key_above_many_values_is_not_copied_to_each() {
    let values: Vec<_> = (0..5000).map(|number| format!(r#""{number}":1"#)).collect();
    let payload = format!(r#"{{"{}":{{{}}}}}"#, "x".repeat(200_000), values.join(","));
    assert_eq!(code(payload), "payload.metric_name_invalid");
}

proptest! {
    #[test]
    fn any_bytes_are_messages_or_an_error(payload: Vec<u8>) {
        let _ = parse(&payload, RECEIVED_AT);
    }

    #[test]
    fn any_json_is_messages_or_an_error(
        payload in r#"[\[{]{1,3}("(a|at|ts|values|é)":?|[0-9eE.\-]{1,4}|[\[\]{},: ]|true|null|"x"){0,20}[\]}]{0,3}"#,
    ) {
        let _ = parse(payload.as_bytes(), RECEIVED_AT);
    }

    #[test]
    fn every_finite_number_arrives_to_the_last_bit(bits: u64, integer: i64) {
        let float = f64::from_bits(bits);
        prop_assume!(float.is_finite());
        let payload = format!(r#"{{"f": {float:?}, "i": {integer}}}"#);
        let readings = readings(&payload);
        prop_assert!(readings[0].1.is_identical(&Value::Float(float)));
        prop_assert!(readings[1].1.is_identical(&Value::Int(integer)));
    }

    #[test]
    fn every_text_arrives(text in "[^\0]{0,40}") {
        let payload = serde_json::json!({ "a": text }).to_string();
        prop_assert_eq!(readings(&payload), named(&[("a", Value::Text(text.into()))]));
    }
}

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::change::{Change, Operation, Settings, VALUE_BYTES_MAX, changes};
use super::entry::Entry;
use super::origin::{PATH_CHARACTERS_MAX, USER_AGENT_CHARACTERS_MAX, origin};
use super::seal::{Anchor, Seal};
use super::verify::{EntryFinding, Link, SealFinding, check_seal, differences, name_differences};
use super::{AuditError, Digest};
use crate::time::Timestamp;

const TENANT: &str = "00000000-0000-4000-a000-000000000002";

fn settings() -> Settings {
    let text = r#"{"table": "app.orders", "tenant": "tenant_id", "key": ["id"],
        "ignored": ["seen_at"], "personal": ["email"]}"#;
    Settings::parse(text).expect("what the test made")
}

fn parsed(json: Option<&String>) -> Option<Map<String, Value>> {
    json.map(|json| serde_json::from_str(json).expect("what the test made"))
}

/// What an entry should say, worked out from parsed rows and one column at a time.
fn oracle(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let differs = |(name, value): &(&String, &Value)| old.get(*name) != Some(value);
    let kept =
        |(name, _): &(&String, &Value)| !["tenant_id", "id", "seen_at"].contains(&name.as_str());
    let columns = new.iter().filter(differs).filter(kept);
    columns
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn rows() -> impl Strategy<Value = Map<String, Value>> {
    let value = prop_oneof![
        Just(Value::Null),
        any::<i32>().prop_map(Value::from),
        "[ -~é\"\\\\]{0,6}".prop_map(Value::from),
        Just(json!({"a": [1, 2]})),
    ];
    let names = ["title", "état \"x\"", "amount", "seen_at"];
    proptest::collection::vec(value, names.len()).prop_map(move |values| {
        let mut row: Map<String, Value> =
            names.map(str::to_owned).into_iter().zip(values).collect();
        row.insert("tenant_id".into(), TENANT.into());
        row.insert("id".into(), 7.into());
        row
    })
}

proptest! {
    #[test]
    fn a_change_holds_exactly_the_columns_that_differ(old in rows(), new in rows()) {
        let (before, after) = (Value::from(old.clone()).to_string(), Value::from(new.clone()).to_string());
        let recorded = changes(&settings(), Some(&before), Some(&after), b"").expect("what the test made");
        let (is, was) = (oracle(&old, &new), oracle(&new, &old));
        match recorded.as_slice() {
            [] => prop_assert!(is.is_empty()),
            [change] => {
                prop_assert_eq!(change.operation, Operation::Update);
                prop_assert_eq!(parsed(change.new.as_ref()), Some(is));
                prop_assert_eq!(parsed(change.old.as_ref()), Some(was));
                prop_assert_eq!(&change.key, r#"{"id": 7}"#);
            }
            _ => prop_assert!(false, "one record, one change"),
        }
    }

    #[test]
    fn text_that_is_no_row_is_an_error_and_no_panic(text in "\\PC{0,40}") {
        let recorded = changes(&settings(), Some(&text), None, b"");
        prop_assert!(matches!(recorded, Err(AuditError::Row)));
    }

    #[test]
    fn every_part_of_an_entry_counts(place in 0_usize..12) {
        let whole = entry();
        let mut changed = whole;
        match place {
            0 => changed.tenant = "00000000-0000-4000-a000-000000000003",
            1 => changed.at = Timestamp::from_micros(1),
            2 => changed.operation = "delete",
            3 => changed.table = None,
            4 => changed.key = Some(r#"{"id": 8}"#),
            5 => changed.old = None,
            6 => changed.new = Some("{}"),
            7 => changed.event = Some("x"),
            8 => changed.details = Some("{}"),
            9 => changed.caller_kind = "api_key",
            10 => changed.caller_id = None,
            _ => changed.origin = None,
        }
        prop_assert_ne!(whole.digest(), changed.digest());
    }

    #[test]
    fn what_was_done_to_entries_is_named_and_located(
        count in 4_i64..40, one in 0_i64..40, other in 0_i64..40, tampering in 0..5,
    ) {
        let (one, other) = (one % count, other % count);
        let (one, other) = (one.min(other), one.max(other));
        let sealed: Vec<(i64, Digest)> = (0..count).map(|id| (id, Digest::of(&id.to_be_bytes()))).collect();
        let mut found: BTreeMap<i64, Digest> = sealed.iter().copied().collect();
        let expected = match tampering {
            0 => {
                found.insert(one, Digest::of(b"forged"));
                vec![(one, EntryFinding::Edited)]
            }
            1 if one != other => {
                let (first, second) = (found[&one], found[&other]);
                found.insert(one, second);
                found.insert(other, first);
                vec![(one, EntryFinding::SwappedWith(other)), (other, EntryFinding::SwappedWith(one))]
            }
            2 if other + 1 < count => {
                found.retain(|id, _| *id < one || *id > other);
                (one..=other).map(|id| (id, EntryFinding::Missing)).collect()
            }
            3 => {
                found.retain(|id, _| *id < one);
                (one..count).map(|id| (id, EntryFinding::TailCut)).collect()
            }
            4 => {
                found.insert(count, Digest::of(b"added"));
                vec![(count, EntryFinding::Added)]
            }
            _ => vec![],
        };
        let found: Vec<_> = found.into_iter().collect();
        let last_kept = found.iter().map(|(id, _)| *id).filter(|id| *id < count).max();
        let differing = differences(&sealed, &found);
        prop_assert_eq!(name_differences(&differing, last_kept), expected);
    }

    #[test]
    fn a_chain_breaks_where_it_was_touched(length in 2_usize..20, touched in 0_usize..20, how in 0..4) {
        let touched = touched % length;
        let mut chain = chain(length);
        let expected = match how {
            0 => {
                chain[touched].entries[0].1 = Digest::of(b"forged");
                vec![(touched, SealFinding::Edited)]
            }
            1 => {
                chain[touched].entries[0].1 = Digest::of(b"forged");
                chain[touched].hash = chain[touched].seal().hash();
                vec![(touched + 1, SealFinding::Unlinked)]
            }
            2 => {
                chain.remove(touched);
                vec![(touched, SealFinding::Missing)]
            }
            _ => {
                chain[touched].number = 99;
                vec![
                    (touched, SealFinding::Missing),
                    (touched, SealFinding::Edited),
                    (touched + 1, SealFinding::Missing),
                ]
            }
        };
        // Of the last seal no other tells: that is what heads, anchors and checkpoints are for.
        let expected: Vec<_> = expected.into_iter().filter(|(place, _)| *place < chain.len()).collect();
        let mut before = Link::default();
        let mut findings = Vec::new();
        for (place, link) in chain.iter().enumerate() {
            findings.extend(check_seal(before, &link.seal(), link.hash).into_iter().map(|it| (place, it)));
            before = Link { number: link.number, hash: link.hash };
        }
        prop_assert_eq!(findings, expected);
    }
}

/// A seal with what it borrows.
struct Owned {
    number: i64,
    previous: Digest,
    entries: Vec<(i64, Digest)>,
    hash: Digest,
}

impl Owned {
    fn seal(&self) -> Seal<'_> {
        Seal {
            tenant: TENANT,
            number: self.number,
            month: Timestamp::from_micros(0),
            sealed_at: Timestamp::from_micros(self.number),
            previous: self.previous,
            entries: &self.entries,
            anchors: &[],
        }
    }
}

fn chain(length: usize) -> Vec<Owned> {
    let mut chain: Vec<Owned> = Vec::new();
    for number in (1..).take(length) {
        let mut link = Owned {
            number,
            previous: chain.last().map(|last| last.hash).unwrap_or_default(),
            entries: vec![(number, Digest::of(&number.to_be_bytes()))],
            hash: Digest::default(),
        };
        link.hash = link.seal().hash();
        chain.push(link);
    }
    chain
}

fn entry() -> Entry<'static> {
    Entry {
        tenant: TENANT,
        at: Timestamp::from_micros(1_795_251_740_000_001),
        operation: "update",
        table: Some("app.orders"),
        key: Some(r#"{"id": 7}"#),
        old: Some(r#"{"title": "One"}"#),
        new: Some(r#"{"title": "Two"}"#),
        event: None,
        details: None,
        caller_kind: "user",
        caller_id: Some("00000000-0000-4000-8000-000000000001"),
        origin: Some(r#"{"address": "192.0.2.7"}"#),
    }
}

/// docs/audit-format.md shows these bytes.
#[test]
fn the_forms_are_those_of_the_documentation() {
    let line = entry().line();
    assert_eq!(
        line,
        concat!(
            r#"{"tenant_id":"00000000-0000-4000-a000-000000000002","at":"2026-11-21T09:02:20.000001Z","#,
            r#""operation":"update","table":"app.orders","key":{"id": 7},"old":{"title": "One"},"#,
            r#""new":{"title": "Two"},"event":null,"details":null,"caller_kind":"user","#,
            r#""caller_id":"00000000-0000-4000-8000-000000000001","origin":{"address": "192.0.2.7"}}"#,
        )
    );
    let digest = entry().digest();
    let seal = Seal {
        tenant: TENANT,
        number: 2,
        month: Timestamp::from_micros(1_793_491_200_000_000),
        sealed_at: Timestamp::from_micros(1_795_251_741_500_000),
        previous: Digest::of(b""),
        entries: &[(41, digest)],
        anchors: &[Anchor {
            tenant: TENANT,
            number: 1,
            hash: Digest::default(),
        }],
    };
    let expected = format!(
        "tenon audit seal 1\n\
         tenant 00000000-0000-4000-a000-000000000002\n\
         number 2\n\
         month 2026-11-01T00:00:00.000000Z\n\
         sealed_at 2026-11-21T09:02:21.500000Z\n\
         previous e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n\
         entry 41 {digest}\n\
         anchor 00000000-0000-4000-a000-000000000002 1 {}\n",
        "0".repeat(64)
    );
    assert_eq!(seal.text(), expected);
    let guide = include_str!("../../../docs/audit-format.md");
    assert!(guide.contains(&line), "the line");
    assert!(guide.contains(&expected), "the seal");
    assert!(
        guide.contains(&seal.hash().to_string()),
        "its hash {}",
        seal.hash()
    );
}

fn only(change: Vec<Change>) -> Change {
    let [change] = <[Change; 1]>::try_from(change).expect("what the test made");
    change
}

#[test]
fn a_personal_value_stands_by_reference_with_a_salt_of_its_own() {
    let row = format!(r#"{{"tenant_id":"{TENANT}","id":1,"email":"a@example.com","name":null}}"#);
    let one = only(changes(&settings(), None, Some(&row), b"seed 1").expect("what the test made"));
    let other =
        only(changes(&settings(), None, Some(&row), b"seed 2").expect("what the test made"));
    assert!(
        !one.new
            .clone()
            .expect("what the test made")
            .contains("example")
    );
    assert_ne!(
        one.new, other.new,
        "equal values cannot be told to be equal"
    );
    let [value] = one.values.as_slice() else {
        unreachable!("one personal column");
    };
    assert_eq!(value.new.as_deref(), Some(r#""a@example.com""#));
    assert_eq!(value.old, None);
    let expected = format!(
        r#"{{"email": {}}}"#,
        value.salt.reference(r#""a@example.com""#)
    );
    assert_eq!(one.new, Some(expected));
    assert_eq!(value.salt.reference("null"), "null");
}

#[test]
fn a_long_value_is_cut_on_a_character() {
    let long = "é".repeat(VALUE_BYTES_MAX);
    let row = json!({"tenant_id": TENANT, "id": 1, "email": null, "note": long}).to_string();
    let change = only(changes(&settings(), None, Some(&row), b"").expect("what the test made"));
    let new = parsed(change.new.as_ref()).expect("what the test made");
    assert_eq!(new["note"]["$cut"]["bytes"], 2 * VALUE_BYTES_MAX + 2);
    assert_eq!(
        new["note"]["$cut"]["start"]
            .as_str()
            .expect("what the test made")
            .chars()
            .count(),
        256
    );
    assert!(change.new.expect("what the test made").len() < 1000);
}

#[test]
fn a_record_that_moves_is_gone_here_and_new_there() {
    let row =
        |tenant: &str, id: i32| format!(r#"{{"tenant_id":"{tenant}","id":{id},"title":"x"}}"#);
    for (old, new) in [(row("a", 1), row("b", 1)), (row("a", 1), row("a", 2))] {
        let moved = changes(&settings(), Some(&old), Some(&new), b"").expect("what the test made");
        let said: Vec<_> = moved
            .iter()
            .map(|one| (one.operation, one.tenant.as_deref()))
            .collect();
        let there = if old.contains(r#""id":1"#) && new.contains(r#""id":2"#) {
            "a"
        } else {
            "b"
        };
        assert_eq!(
            said,
            [
                (Operation::Delete, Some("a")),
                (Operation::Insert, Some(there))
            ]
        );
    }
}

#[test]
fn rows_without_their_key_and_settings_that_are_none_are_errors() {
    let no_key = format!(r#"{{"tenant_id":"{TENANT}"}}"#);
    assert_eq!(
        changes(&settings(), None, Some(&no_key), b""),
        Err(AuditError::Row)
    );
    assert_eq!(Settings::parse("{}"), Err(AuditError::Settings));
    assert_eq!(
        super::paired([1].into_iter(), b"short"),
        Err(AuditError::Digest)
    );
}

#[test]
fn an_origin_keeps_what_helps_and_is_never_long() {
    let headers = json!({
        "user-agent": "é".repeat(9000), "x-request-id": "a\u{0}b", "cookie": "secret", "accept": 7,
    })
    .to_string();
    let kept: Value = serde_json::from_str(&origin(
        &headers,
        Some("POST"),
        Some(&"/x".repeat(9000)),
        Some("192.0.2.7"),
    ))
    .expect("what the test made");
    assert_eq!(
        kept["user_agent"]
            .as_str()
            .expect("what the test made")
            .chars()
            .count(),
        USER_AGENT_CHARACTERS_MAX
    );
    assert_eq!(
        kept["path"]
            .as_str()
            .expect("what the test made")
            .chars()
            .count(),
        PATH_CHARACTERS_MAX
    );
    assert_eq!(kept["request_id"], "ab");
    assert_eq!(kept.get("cookie"), None);
    assert_eq!(origin("no json", None, None, None), "{}");
}

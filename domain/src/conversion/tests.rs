use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const LEAD_TEXTS: [&str; 16] = [
    "salutation",
    "given_name",
    "family_name",
    "company_name",
    "job_title",
    "email",
    "phone",
    "website",
    "street",
    "postal_code",
    "city",
    "country_code",
    "language",
    "interest",
    "description",
    "source",
];
const TARGET_TEXTS: [&str; 12] = [
    "salutation",
    "given_name",
    "family_name",
    "name",
    "job_title",
    "email",
    "phone",
    "website",
    "language",
    "description",
    "source",
    "domain",
];

fn record(value: &Value) -> Record {
    serde_json::from_value(value.clone()).expect("a record")
}

fn schema() -> Schema {
    let fields = json!({
        "custom.size": {"type": "number"},
        "custom.color": {"type": "text", "values": ["red", "blue"]},
        "custom.note": {"type": "text"},
    });
    let others = json!({
        "custom.size": {"type": "text"},
        "custom.color": {"type": "text", "values": ["red"]},
        "custom.note": {"type": "text"},
    });
    serde_json::from_value(json!({
        LEADS: fields.clone(), CONTACTS: fields, COMPANIES: others.clone(), DEALS: others,
    }))
    .expect("a schema")
}

/// Values that meet each other often, in several spellings, and that are empty in all ways.
fn value(field: &'static str) -> BoxedStrategy<Value> {
    let texts: Vec<&str> = match field {
        "email" => vec![
            "Ada@Acme.example",
            " ada@acme.example",
            "bob@gmx.de",
            "eve@other.example",
        ],
        "phone" => vec![
            "+49 30 123456",
            "0049 (30) 12-34 56",
            "030 / 777777",
            "110",
            "ask Bob",
        ],
        "company_name" | "name" => vec!["Acme  Ltd", "acme ltd", "Other"],
        "domain" => vec!["acme.example", "ACME.example", "other.example"],
        "given_name" => vec!["Ada", " ada "],
        "family_name" => vec!["Byron", "BYRON", "King"],
        _ => vec!["one", "two", "Two"],
    };
    prop_oneof![
        2 => Just(Value::Null),
        1 => prop::sample::select(vec!["", "  "]).prop_map(Value::from),
        5 => prop::sample::select(texts).prop_map(Value::from),
    ]
    .boxed()
}

fn custom() -> impl Strategy<Value = Value> {
    let size = prop_oneof![Just(Value::Null), Just(json!(1)), Just(json!(2))];
    let text = |texts: &'static [&'static str]| prop::sample::select(texts).prop_map(Value::from);
    (
        prop::option::of(size),
        prop::option::of(text(&["red", "blue", ""])),
        prop::option::of(text(&["here", " "])),
    )
        .prop_map(|(size, color, note)| {
            let fields = [("size", size), ("color", color), ("note", note)];
            fields
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
                .collect()
        })
}

fn columns(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let values: Vec<_> = names.iter().map(|name| value(name)).collect();
    (values, custom()).prop_map(move |(values, custom)| {
        let mut columns: serde_json::Map<_, _> = names
            .iter()
            .map(|&name| name.to_owned())
            .zip(values)
            .collect();
        columns.insert("custom".into(), custom);
        Value::Object(columns)
    })
}

fn point() -> impl Strategy<Value = Value> {
    prop_oneof![
        value("email").prop_map(|value| json!({"kind": "email", "value": value})),
        value("phone").prop_map(|value| json!({"kind": "phone", "value": value})),
        value("website").prop_map(|value| json!({"kind": "url", "value": value})),
        value("street").prop_map(|street| json!({"kind": "address", "street": street})),
    ]
    .prop_filter("a point says something", |point| {
        let text = point
            .get("value")
            .or(point.get("street"))
            .and_then(Value::as_str);
        text.is_some_and(|text| !text.trim().is_empty())
    })
}

fn company_id(place: usize) -> String {
    format!("00000000-0000-4000-8000-0000000000c{place}")
}

fn candidate(prefix: char) -> impl Strategy<Value = Value> {
    let others = prop::collection::vec(0..3usize, 0..2);
    (
        columns(&TARGET_TEXTS),
        prop::collection::vec(point(), 0..3),
        others,
        0..4usize,
    )
        .prop_map(move |(mut record, points, others, company)| {
            if prefix == 'p' {
                let text = |name: &str| record[name].as_str().unwrap_or_default().trim().to_owned();
                record["name"] = format!("{} {}", text("given_name"), text("family_name"))
                    .trim()
                    .into();
                record["company_id"] = (company < 3)
                    .then(|| company_id(company))
                    .map_or(Value::Null, Value::from);
            }
            let company_ids: Vec<_> = others.into_iter().map(company_id).collect();
            json!({"record": record, "points": points, "company_ids": company_ids})
        })
}

fn world() -> impl Strategy<Value = Value> {
    let companies = prop::collection::vec(candidate('c'), 0..3);
    let contacts = prop::collection::vec(candidate('p'), 0..4);
    (companies, contacts).prop_map(|(mut companies, mut contacts)| {
        for (place, company) in companies.iter_mut().enumerate() {
            company["record"]["id"] = company_id(place).into();
        }
        for (place, contact) in contacts.iter_mut().enumerate() {
            contact["record"]["id"] = format!("00000000-0000-4000-8000-0000000000d{place}").into();
        }
        json!({"companies": companies, "contacts": contacts})
    })
}

fn options() -> impl Strategy<Value = Value> {
    let wanted = prop::sample::select(vec!["find", "find", "find", "create", "none"]);
    (wanted.clone(), wanted, any::<bool>()).prop_map(
        |(contact, company, deal)| json!({"contact": contact, "company": company, "deal": deal}),
    )
}

fn is_blank(value: Option<&Value>) -> bool {
    value.is_none_or(|value| match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    })
}

fn field<'a>(record: &'a Value, name: &str) -> Option<&'a Value> {
    match name.strip_prefix("custom.") {
        Some(key) => record.get("custom").and_then(|custom| custom.get(key)),
        None => record.get(name),
    }
}

fn set(record: &mut Value, name: &str, value: Value) {
    match name.strip_prefix("custom.") {
        Some(key) => record["custom"][key] = value,
        None => record[name] = value,
    }
}

fn planned(lead: &Value, options: &Value, world: &Value) -> Result<Plan, ConversionError> {
    let options = Options::parse(&options.to_string()).expect("options");
    let found = serde_json::from_value(world.clone()).expect("found");
    plan(&record(lead), &options, &found, &schema())
}

/// The record that a target names, or nothing for a new one.
fn named<'a>(world: &'a Value, group: &str, target: &Target) -> Option<&'a Value> {
    let id = target.id.as_deref()?;
    world[group]
        .as_array()?
        .iter()
        .find(|candidate| candidate["record"]["id"] == id)
}

/// A target after the plan: what SQL makes of it.
fn written(lead: &Value, target: &Target, before: Option<&Value>, place: &str) -> Value {
    let mut after = before
        .cloned()
        .unwrap_or_else(|| json!({"record": {"custom": {}}, "points": []}));
    if after["record"]["custom"].is_null() {
        after["record"]["custom"] = json!({});
    }
    for fill in &target.fills {
        let value = match &fill.source {
            Source::From(from) => field(lead, from).cloned().expect("the lead's"),
            Source::Value(value) => value.clone(),
            Source::Company => company_id(9).into(),
            Source::Contact => "contact".into(),
        };
        set(&mut after["record"], &fill.field, value);
    }
    let points = after["points"].as_array_mut().expect("points");
    for (number, point) in target.points.iter().enumerate() {
        let mut point = serde_json::to_value(point).expect("a point");
        point["id"] = format!("{place}-{number}").into();
        points.push(point);
    }
    after
}

fn squeezed(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

fn digits(text: &str) -> String {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("00").unwrap_or(&digits).to_owned()
}

/// Whether a value of the lead is somewhere in a record or its points.
fn is_there(after: &Value, kind: &str, value: &str) -> bool {
    let same = |other: &str| match kind {
        "phone" if other.bytes().all(|byte| !byte.is_ascii_alphabetic()) => {
            digits(other) == digits(value)
        }
        _ => squeezed(other) == squeezed(value),
    };
    let in_field = after["record"][kind].as_str().is_some_and(same);
    let point_kind = if kind == "website" { "url" } else { kind };
    in_field
        || after["points"].as_array().is_some_and(|points| {
            points.iter().any(|point| match kind {
                "street" => point["street"].as_str().is_some_and(same),
                _ => point["kind"] == point_kind && point["value"].as_str().is_some_and(same),
            })
        })
}

/// What was done, as SQL writes it down.
fn effects(plan: &Plan, world: &Value, lead: &Value) -> (Value, BTreeMap<String, Value>) {
    let mut records = Vec::new();
    let mut now = BTreeMap::new();
    for (object, group, target, needs) in [
        (COMPANIES, "companies", &plan.company, vec![]),
        (CONTACTS, "contacts", &plan.contact, vec!["new companies"]),
    ] {
        if target.action == Action::Nothing {
            continue;
        }
        let before = named(world, group, target);
        let mut after = written(lead, target, before, group);
        let id = target.id.clone().unwrap_or_else(|| format!("new {group}"));
        after["record"]["id"] = id.clone().into();
        after["record"]["version"] = 1.into();
        let fields: serde_json::Map<_, _> = target
            .fills
            .iter()
            .map(|fill| {
                let value = field(&after["record"], &fill.field)
                    .cloned()
                    .expect("written");
                (fill.field.clone(), value)
            })
            .collect();
        let added: Vec<_> = after["points"]
            .as_array()
            .expect("points")
            .iter()
            .filter(|point| point.get("id").is_some())
            .cloned()
            .collect();
        records.push(json!({
            "object": object, "id": id, "created": before.is_none(), "version": 1,
            "fields": fields, "points": added, "needs": needs,
            "uses": {"crm.taggings": ["t1"]},
        }));
        after["uses"] = json!({"crm.taggings": ["t1"]});
        now.insert(id, after);
    }
    (json!({"records": records}), now)
}

fn reversal(effects: &Value, now: &BTreeMap<String, Value>) -> Reversal {
    let mut state = json!({"records": now});
    for current in state["records"]
        .as_object_mut()
        .expect("records")
        .values_mut()
    {
        let points = current["points"].as_array_mut().expect("points");
        points.retain(|point| point.get("id").is_some());
    }
    undo(
        &serde_json::from_value(effects.clone()).expect("effects"),
        &serde_json::from_value(state).expect("state"),
    )
}

/// What SQL does with a reversal.
fn apply(reversal: &Reversal, now: &mut BTreeMap<String, Value>) {
    for id in &reversal.deleted {
        now.remove(id);
    }
    for emptied in &reversal.emptied {
        let record = &mut now.get_mut(&emptied.id).expect("it is there")["record"];
        for name in &emptied.fields {
            set(record, name, Value::Null);
        }
    }
    for current in now.values_mut() {
        let points = current["points"].as_array_mut().expect("points");
        points.retain(|point| {
            point["id"]
                .as_str()
                .is_none_or(|id| !reversal.points.iter().any(|it| it == id))
        });
    }
}

/// A record without what is empty, and without what only the test put there.
fn content(candidate: &Value) -> Value {
    let mut custom = candidate["record"]["custom"].clone();
    let mut record = candidate["record"].clone();
    for part in [&mut custom, &mut record] {
        if let Some(part) = part.as_object_mut() {
            part.retain(|name, value| {
                !is_blank(Some(value)) && name != "custom" && name != "version"
            });
        }
    }
    json!([record, custom, candidate["points"]])
}

proptest! {
    #[test]
    fn nothing_is_overwritten_and_all_that_can_be_filled_is(
        lead in columns(&LEAD_TEXTS), options in options(), world in world()
    ) {
        let Ok(plan) = planned(&lead, &options, &world) else { return Ok(()) };
        for (group, target, pairs, carried) in [
            (
                "companies", &plan.company,
                vec![("name", "company_name"), ("website", "website"), ("language", "language"),
                     ("source", "source")],
                vec!["custom.note"],
            ),
            (
                "contacts", &plan.contact,
                ["salutation", "given_name", "family_name", "job_title", "email", "phone",
                 "language", "description", "source"].into_iter().map(|it| (it, it)).collect(),
                vec!["custom.size", "custom.color", "custom.note"],
            ),
        ] {
            let empty = json!({});
            let before = named(&world, group, target).map_or(&empty, |it| &it["record"]);
            for fill in &target.fills {
                prop_assert!(is_blank(field(before, &fill.field)), "{} was full", fill.field);
            }
            if target.action == Action::Nothing {
                prop_assert!(target.fills.is_empty() && target.points.is_empty());
                continue;
            }
            let carried = carried.into_iter().map(|it| (it, it));
            for (name, from) in pairs.into_iter().chain(carried) {
                if !is_blank(field(&lead, from)) && is_blank(field(before, name)) {
                    let fill = target.fills.iter().find(|fill| fill.field == name);
                    prop_assert_eq!(
                        fill.map(|fill| &fill.source), Some(&Source::From(from.to_owned()))
                    );
                }
            }
            prop_assert!(!target.fills.iter().any(|fill| {
                group == "companies" && ["custom.size"].contains(&&*fill.field)
            }), "types differ");
        }
    }

    #[test]
    fn no_way_to_reach_somebody_is_lost(
        lead in columns(&LEAD_TEXTS), options in options(), world in world()
    ) {
        let Ok(plan) = planned(&lead, &options, &world) else { return Ok(()) };
        let company = written(&lead, &plan.company, named(&world, "companies", &plan.company), "c");
        let contact = written(&lead, &plan.contact, named(&world, "contacts", &plan.contact), "p");
        let place = if plan.company.action == Action::Nothing { &contact } else { &company };
        for (kind, after) in
            [("email", &contact), ("phone", &contact), ("website", place), ("street", place)]
        {
            let is_wanted = plan.contact.action != Action::Nothing || kind == "website";
            if let Some(value) = lead[kind].as_str().filter(|it| !it.trim().is_empty() && is_wanted) {
                prop_assert!(is_there(after, kind, value.trim()), "{kind} {value} is lost");
            }
        }
    }

    #[test]
    fn the_first_rule_that_fits_wins(
        lead in columns(&LEAD_TEXTS), world in world()
    ) {
        let Ok(plan) = planned(&lead, &json!({}), &world) else { return Ok(()) };
        let text = |name: &str| lead[name].as_str().map(squeezed).filter(|it| !it.is_empty());
        let empty = vec![];
        let contacts = world["contacts"].as_array().unwrap_or(&empty);
        let all = |contact: &Value, kind: &str| -> Vec<String> {
            contact["points"].as_array().into_iter().flatten()
                .filter(|point| point["kind"] == kind)
                .map(|point| &point["value"])
                .chain([&contact["record"][kind]])
                .filter_map(|value| value.as_str().map(str::to_owned))
                .collect()
        };
        let by_email = contacts.iter().find(|contact| {
            text("email").is_some_and(|key| all(contact, "email").iter().any(|it| squeezed(it) == key))
        });
        let phone = text("phone").filter(|it| !it.contains("bob")).map(|it| digits(&it));
        let phone = phone.filter(|it| it.len() >= 6);
        let by_phone = contacts.iter().find(|contact| {
            phone.as_ref().is_some_and(|key| {
                all(contact, "phone").iter().any(|it| !it.contains("Bob") && digits(it) == *key)
            })
        });
        let expected = by_email.map(|it| (it, Rule::Email)).or(by_phone.map(|it| (it, Rule::Phone)));
        if let Some((contact, rule)) = expected {
            prop_assert_eq!(plan.contact.rule, rule);
            prop_assert_eq!(plan.contact.id.as_deref(), contact["record"]["id"].as_str());
        } else if let Some(contact) = named(&world, "contacts", &plan.contact) {
            prop_assert_eq!(plan.contact.rule, Rule::Name);
            let given = text("given_name").unwrap_or_default();
            let family = text("family_name").unwrap_or_default();
            let name = contact["record"]["name"].as_str().map(squeezed);
            prop_assert_eq!(name, Some(squeezed(&format!("{given} {family}"))));
            let works_there = contact["record"]["company_id"] == json!(plan.company.id)
                || contact["company_ids"].as_array().is_some_and(|ids| {
                    ids.contains(&json!(plan.company.id))
                });
            prop_assert!(works_there, "a name is one's own within a company alone");
        }
    }

    #[test]
    fn what_is_taken_back_leaves_what_was_there(
        lead in columns(&LEAD_TEXTS), options in options(), world in world()
    ) {
        let Ok(plan) = planned(&lead, &options, &world) else { return Ok(()) };
        let (effects, mut now) = effects(&plan, &world, &lead);
        let reversal = reversal(&effects, &now);
        prop_assert_eq!(&reversal.collisions, &vec![]);
        apply(&reversal, &mut now);
        let before: Vec<_> = [("companies", &plan.company), ("contacts", &plan.contact)]
            .into_iter()
            .filter_map(|(group, target)| named(&world, group, target))
            .map(|it| (it["record"]["id"].as_str().unwrap_or_default().to_owned(), content(it)))
            .collect();
        let after: Vec<_> = now.iter().map(|(id, it)| (id.clone(), content(it))).collect();
        prop_assert_eq!(before, after);
    }

    #[test]
    fn what_has_changed_since_stays(
        lead in columns(&LEAD_TEXTS), options in options(), world in world(),
        victim in any::<prop::sample::Index>(), how in 0..4usize
    ) {
        let Ok(plan) = planned(&lead, &options, &world) else { return Ok(()) };
        let (effects, mut now) = effects(&plan, &world, &lead);
        let records = effects["records"].as_array().expect("records");
        let chosen = &records[victim.index(records.len())];
        let id = chosen["id"].as_str().expect("an id");
        let created = chosen["created"] == true;
        let current = now.get_mut(id).expect("it is there");
        let filled = chosen["fields"].as_object().and_then(|it| it.keys().next()).cloned();
        let reason = match (how, filled) {
            (0, Some(name)) if !created => {
                set(&mut current["record"], &name, json!("since"));
                Some(Reason::FieldChanged)
            }
            (1, _) if created => {
                current["record"]["version"] = 2.into();
                Some(Reason::Changed)
            }
            (2, _) if created => {
                current["uses"]["crm.deals"] = json!(["d1"]);
                Some(Reason::Used)
            }
            // A tag that is gone is no use.
            (3, _) => {
                current["uses"] = json!({});
                None
            }
            _ => None,
        };
        let reversal = reversal(&effects, &now);
        let reasons: Vec<_> =
            reversal.collisions.iter().filter(|it| it.id == id).map(|it| it.reason).collect();
        prop_assert_eq!(reasons, reason.into_iter().collect::<Vec<_>>());
        if created && reason.is_some() {
            prop_assert!(reversal.kept.contains(&id.to_owned()));
            let company_stays = !records.iter().any(|it| it["id"] == "new companies")
                || id != "new contacts"
                || reversal.kept.contains(&"new companies".to_owned());
            prop_assert!(company_stays, "what stays keeps its company");
        }
        let mut after = now.clone();
        apply(&reversal, &mut after);
        if reason == Some(Reason::FieldChanged) {
            prop_assert!(after[id]["record"].to_string().contains("since"));
        }
    }
}

#[test]
fn options_say_where_they_are_wrong() {
    for (options, path) in [
        (json!([]), ""),
        (json!({"contact": "guess"}), "/contact"),
        (
            json!({"contact": "find", "contact_id": company_id(1)}),
            "/contact",
        ),
        (json!({"company_id": "1"}), "/company_id"),
        (json!({"deal": 1}), "/deal"),
        (json!({"deal": {"amount_minor": 1.5}}), "/deal/amount_minor"),
        (json!({"deal": {"currency": "eur"}}), "/deal/currency"),
        (
            json!({"deal": {"expected_close_on": "2026-02-30"}}),
            "/deal/expected_close_on",
        ),
        (json!({"deal": {"stage": "won"}}), "/deal/stage"),
        (json!({"a/b": 1}), "/a~1b"),
    ] {
        let error = Options::parse(&options.to_string()).expect_err("wrong");
        assert_eq!(error.path(), Some(path), "{options}");
    }
    assert_eq!(Options::parse("null"), Ok(Options::default()));
}

#[test]
fn a_deal_takes_an_amount_with_its_own_currency_alone() {
    let lead = json!({"email": "a@b.example", "amount_minor": 100, "currency": "EUR"});
    let amounts = |deal: Value| {
        let plan = planned(&lead, &json!({"deal": deal}), &json!({})).expect("a plan");
        let fields = plan.deal.expect("a deal");
        ["amount_minor", "currency"].map(|name| {
            fields
                .iter()
                .find(|fill| fill.field == name)
                .map(|fill| fill.source.clone())
        })
    };
    let value = |it: Value| Some(Source::Value(it));
    let of_lead = Some(Source::From("amount_minor".into()));
    assert_eq!(amounts(json!(true)), [of_lead, value(json!("EUR"))]);
    assert_eq!(
        amounts(json!({"currency": "USD"})),
        [None, value(json!("USD"))]
    );
    assert_eq!(
        amounts(json!({"amount_minor": 5})),
        [value(json!(5)), value(json!("EUR"))]
    );
    let poor = planned(
        &json!({"email": "a@b.example"}),
        &json!({"deal": {"amount_minor": 5}}),
        &json!({}),
    );
    assert_eq!(
        poor.expect_err("no currency").path(),
        Some("/deal/currency")
    );
}

#[test]
fn a_lead_that_names_nobody_becomes_nothing() {
    let nobody = planned(&json!({"source": "fair"}), &json!({}), &json!({}));
    assert_eq!(nobody, Err(ConversionError::Nothing));
    let company = planned(&json!({"company_name": "Acme"}), &json!({}), &json!({}));
    let company = company.expect("a company alone");
    assert_eq!(
        (company.company.action, company.contact.action),
        (Action::Create, Action::Nothing)
    );
}

#[test]
fn free_mail_says_nothing_of_a_company() {
    let keys = |email: &str| Keys::of(&record(&json!({"email": email}))).domain;
    assert_eq!(keys("Bob@GMX.de"), None);
    assert_eq!(keys("bob@acme.example"), Some("acme.example".to_owned()));
    assert_eq!(keys("bob@localhost"), None);
    assert_eq!(keys("nobody"), None);
}

//! What is written is read as it was, wherever it is cut; and cells mean what people mean.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::cell::{self, Kind, Manner, Problem};
use super::number::{self, Decimal};
use super::plan::{self, Field, Fields, Plan};
use super::read::Reading;
use super::row::Row;
use super::text::Encoding;
use super::{CELL_CHARS_MAX, COLUMNS_MAX, ImportError, mapping, time, write};

fn manner() -> Manner {
    Manner {
        decimal: None,
        date: None,
        zone: TimeZone::get("Europe/Berlin").unwrap(),
    }
}

/// Reads the pieces one after the other, with the state as JSON in between, as SQL keeps it.
fn read_all(pieces: &[&[u8]], state: &str) -> Result<Vec<Vec<String>>, ImportError> {
    let mut state = state.to_owned();
    let mut rows = Vec::new();
    for piece in pieces.iter().copied().chain([&[][..]]).enumerate() {
        let mut reading = Reading::parse(&state)?;
        rows.extend(reading.read(piece.1, piece.0 == pieces.len())?);
        state = reading.to_json();
    }
    Ok(rows)
}

fn encoded(text: &str, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Utf8 => [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        Encoding::Utf16Le => {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            [0xff, 0xfe].into_iter().chain(units).collect()
        }
        Encoding::Utf16Be => {
            let units = text.encode_utf16().flat_map(u16::to_be_bytes);
            [0xfe, 0xff].into_iter().chain(units).collect()
        }
        Encoding::Windows1252 => encoding_rs::WINDOWS_1252.encode(text).0.into_owned(),
    }
}

fn cells() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "[äöüß€\"\r\n,;\t ='+@-]{0,8}",
        any::<String>().prop_map(|text| text.replace('\0', "")),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_wherever_it_is_cut(
        rows in (1usize..5).prop_flat_map(|width| {
            prop::collection::vec(prop::collection::vec(cells(), width), 1..8)
        }),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        encoding in prop::sample::select(vec![
            Encoding::Utf8, Encoding::Utf16Le, Encoding::Utf16Be,
        ]),
        delimiter in prop::sample::select(vec![',', ';', '\t', '|']),
    ) {
        let text: String = rows
            .iter()
            .map(|row| write::row(row.iter().map(String::as_str), delimiter))
            .collect();
        let bytes = encoded(&text, encoding);
        let mut places: Vec<usize> =
            cuts.iter().map(|cut| cut.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        places.sort_unstable();
        let pieces: Vec<&[u8]> = places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let state = serde_json::json!({ "delimiter": delimiter }).to_string();
        prop_assert_eq!(read_all(&pieces, &state).unwrap(), rows);
    }

    #[test]
    fn what_is_defused_is_no_formula_and_comes_back(text in "['=+@\t\ra-]{0,6}") {
        let defused = write::defused(&text);
        prop_assert!(!defused.starts_with(['=', '+', '-', '@', '\t', '\r']));
        prop_assert_eq!(write::plain(&defused), text.as_str());
    }

    #[test]
    fn any_cell_is_a_value_or_a_problem(cell in any::<String>(), zone in 0..2) {
        let manner = Manner {
            decimal: [None, Some(Decimal::Comma)][zone as usize],
            ..manner()
        };
        for kind in [
            Kind::Number, Kind::Integer, Kind::Bigint, Kind::Boolean, Kind::Instant, Kind::Date,
            Kind::Id, Kind::Email, Kind::Phone,
        ] {
            let _ = cell::value(&cell, kind, &manner);
        }
        let _ = number::money(&cell, manner.decimal, Some("EUR"));
    }

    #[test]
    fn an_amount_is_read_in_either_spelling(minor in -9_999_999_999i64..9_999_999_999) {
        let (sign, whole, cents) = (if minor < 0 { "-" } else { "" }, minor.abs() / 100, minor.abs() % 100);
        let grouped = |separator: &str| {
            let digits = whole.to_string();
            let chunks: Vec<&str> = digits
                .as_bytes()
                .rchunks(3)
                .rev()
                .map(|chunk| std::str::from_utf8(chunk).unwrap())
                .collect();
            chunks.join(separator)
        };
        let german = format!("{sign}{},{cents:02} €", grouped("."));
        let english = format!("{sign}€{}.{cents:02}", grouped(","));
        let expected = Ok((minor.to_string(), "EUR".to_owned()));
        prop_assert_eq!(number::money(&german, None, Some("EUR")), expected.clone());
        prop_assert_eq!(number::money(&english, None, None), expected);
    }

    #[test]
    fn a_date_is_read_in_every_order(days in -30_000i32..30_000) {
        let date = jiff::civil::date(2000, 1, 1)
            .checked_add(jiff::Span::new().days(days))
            .unwrap();
        let (year, month, day) = (date.year(), date.month(), date.day());
        let spellings = [
            (format!("{day}.{month}.{year}"), None),
            (format!("{day:02}.{month:02}.{year}"), None),
            (format!("{year:04}-{month:02}-{day:02}"), None),
            (format!("{month}/{day}/{year}"), Some(time::DateOrder::Mdy)),
            (format!("{day}/{month}/{year}"), Some(time::DateOrder::Dmy)),
        ];
        for (spelling, order) in spellings {
            prop_assert_eq!(time::date(&spelling, order), Ok(date));
        }
    }
}

#[test]
fn the_encoding_is_found_out() {
    let german = "Straße;Größe\nMüller;1\n";
    let expected = [["Straße", "Größe"], ["Müller", "1"]];
    for encoding in [
        Encoding::Utf8,
        Encoding::Utf16Le,
        Encoding::Utf16Be,
        Encoding::Windows1252,
    ] {
        assert_eq!(
            read_all(&[&encoded(german, encoding)], "{}").unwrap(),
            expected
        );
    }
    // What is ASCII at first may still become either.
    let late = encoded("a,b\nMüller,€\n", Encoding::Windows1252);
    assert_eq!(
        read_all(&[&late[..4], &late[4..]], "{}").unwrap(),
        [["a", "b"], ["Müller", "€"]]
    );
}

#[test]
fn the_delimiter_is_found_out() {
    for delimiter in [",", ";", "\t", "|"] {
        let file = format!("a{delimiter}b{delimiter}c\n\"1,5\"{delimiter}x;y{delimiter}z\n");
        let rows = read_all(&[file.as_bytes()], "{}").unwrap();
        assert_eq!(rows[0], ["a", "b", "c"], "{delimiter:?}");
    }
    assert_eq!(read_all(&[b"sep=;\na;b\n"], "{}").unwrap(), [["a", "b"]]);
    assert_eq!(
        read_all(&[b"name\nAda\n"], "{}").unwrap(),
        [["name"], ["Ada"]]
    );
}

#[test]
fn what_is_no_table_is_refused() {
    assert_eq!(
        read_all(&[b"a,b\n\"open,1\n2,3"], "{}"),
        Err(ImportError::QuoteOpen)
    );
    assert_eq!(read_all(&[b"a\0b"], "{}"), Err(ImportError::TextInvalid));
    let wide = ",".repeat(COLUMNS_MAX);
    assert_eq!(
        read_all(&[wide.as_bytes()], "{}"),
        Err(ImportError::TooManyColumns)
    );
    let long = "x".repeat(CELL_CHARS_MAX + 1);
    assert_eq!(
        read_all(&[long.as_bytes()], "{}"),
        Err(ImportError::CellTooLong)
    );
    let bomb = [b"\"".as_slice(), &vec![b'x'; 1 << 20], b"x"].concat();
    assert!(matches!(
        read_all(&[&bomb], "{}"),
        Err(ImportError::RowTooLong)
    ));
    let utf8 = r#"{"encoding": "utf-8"}"#;
    assert!(matches!(
        read_all(&[b"M\xfcller\n"], utf8),
        Err(ImportError::EncodingInvalid { .. })
    ));
}

#[test]
fn what_may_be_two_things_is_refused() {
    assert_eq!(number::parse("1.234", None), Err(Problem::NumberAmbiguous));
    assert_eq!(
        number::parse("1.234", Some(Decimal::Comma)),
        Ok("1234".into())
    );
    assert_eq!(
        number::parse("1.234", Some(Decimal::Point)),
        Ok("1.234".into())
    );
    assert_eq!(number::parse("0.125", None), Ok("0.125".into()));
    assert_eq!(number::parse("1.234.567", None), Ok("1234567".into()));
    assert_eq!(number::parse("12,5", None), Ok("12.5".into()));
    assert_eq!(number::parse("1.23.4", None), Err(Problem::NumberInvalid));
    assert_eq!(time::date("03/04/2026", None), Err(Problem::DateAmbiguous));
    assert_eq!(time::date("31.02.2026", None), Err(Problem::DateInvalid));
    assert_eq!(
        number::money("5", None, None),
        Err(Problem::CurrencyMissing)
    );
    assert_eq!(
        number::money("$5", None, Some("EUR")),
        Err(Problem::CurrencyOther)
    );
    assert_eq!(
        number::money("5,001 €", Some(Decimal::Comma), None),
        Err(Problem::AmountTooFine)
    );
    assert_eq!(
        number::money("1.200,- €", Some(Decimal::Comma), None)
            .unwrap()
            .0,
        "120000"
    );
    assert_eq!(
        number::money("¥ 500", None, None),
        Ok(("500".into(), "JPY".into()))
    );
}

#[test]
fn an_instant_without_an_offset_is_on_the_clock_of_its_zone() {
    let read = |cell: &str| cell::value(cell, Kind::Instant, &manner()).unwrap();
    assert_eq!(read("2026-07-01T12:00:00Z"), "2026-07-01T12:00:00Z");
    assert_eq!(read("01.07.2026 12:00"), "2026-07-01T10:00:00Z");
    assert_eq!(read("2026-01-01"), "2025-12-31T23:00:00Z");
}

fn field(r#type: &str) -> Field {
    Field {
        r#type: r#type.into(),
        label: String::new(),
        sql: None,
        values: None,
        lookup: vec![],
    }
}

fn fields() -> Fields {
    let mut fields: Fields = BTreeMap::from(
        [
            "given_name",
            "family_name",
            "email",
            "phone",
            "currency",
            "address.street",
        ]
        .map(|name| (name.to_owned(), field("text"))),
    );
    fields.insert("tags".into(), field("list"));
    fields.insert("birth_date".into(), field("date"));
    fields.insert(
        "amount_minor".into(),
        Field {
            sql: Some("bigint".into()),
            label: "Amount".into(),
            ..field("number")
        },
    );
    fields.insert(
        "company_id".into(),
        Field {
            lookup: vec!["name".into()],
            ..field("id")
        },
    );
    fields.insert(
        "custom.color".into(),
        Field {
            values: Some(vec!["Red".into()]),
            label: "Colour".into(),
            ..field("text")
        },
    );
    fields
}

#[test]
fn a_mapping_is_proposed_in_two_languages() {
    for (header, mapped) in [
        (
            [
                "Vorname",
                "Nachname",
                "E-Mail",
                "Firma",
                "Straße",
                "Betrag",
                "Geburtstag",
            ],
            "German",
        ),
        (
            [
                "First Name",
                "Surname",
                "email address",
                "Company",
                "Address",
                "Amount",
                "DOB",
            ],
            "English",
        ),
    ] {
        let header = header.map(str::to_owned);
        let proposed: BTreeMap<String, serde_json::Value> =
            serde_json::from_str(&mapping::propose(&header, &fields())).unwrap();
        assert_eq!(proposed[&header[0]], "given_name", "{mapped}");
        assert_eq!(proposed[&header[1]], "family_name");
        assert_eq!(proposed[&header[2]], "email");
        assert_eq!(proposed[&header[3]]["by"], "name");
        assert_eq!(proposed[&header[4]], "address.street");
        assert_eq!(proposed[&header[5]]["as"], "money");
    }
}

#[test]
fn a_field_is_proposed_once() {
    let header = ["email", "E-Mail", "mail"].map(str::to_owned);
    assert_eq!(mapping::propose(&header, &fields()), r#"{"email":"email"}"#);
}

fn plan_of(header: &[&str], mapping: &str, settings: &str) -> Result<Plan, ImportError> {
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    Plan::new(&plan::header(&header), mapping, settings, &fields())
}

fn row_of(cells: &[&str], plan: &Plan) -> serde_json::Value {
    let cells: Vec<String> = cells.iter().map(|&cell| cell.to_owned()).collect();
    let plan = Plan::parse(&plan.to_json()).unwrap();
    serde_json::from_str(&Row::of(&cells, &plan, &plan.manner()).to_json()).unwrap()
}

#[test]
fn a_row_becomes_values() {
    let plan = plan_of(
        &["a", "b", "c", "d", "e", "f"],
        r#"{"a": "email", "b": {"field": "amount_minor", "as": "money"}, "c": "custom.color",
            "d": {"field": "company_id", "by": "name"}, "e": {"field": "tags", "separator": "/"},
            "f": {"field": "address.street", "label": "home"}}"#,
        r#"{"currency": "EUR"}"#,
    )
    .unwrap();
    let row = row_of(
        &[
            "<ada@example.com>",
            "12,50",
            "red",
            "ACME",
            "x/ y /x",
            "Ring 1",
        ],
        &plan,
    );
    assert_eq!(row["fields"]["email"], "ada@example.com");
    assert_eq!(row["fields"]["amount_minor"], "1250");
    assert_eq!(row["fields"]["currency"], "EUR");
    assert_eq!(row["custom"]["color"], "Red");
    assert_eq!(row["lookups"]["company_id"], "ACME");
    assert_eq!(row["tags"], serde_json::json!(["x", "y"]));
    assert_eq!(row["points"][0]["street"], "Ring 1");
    assert_eq!(row["errors"], serde_json::json!([]));
    let wrong = row_of(&["ada", "x", "blue", "", "", "", "too much"], &plan);
    let codes: Vec<&str> = wrong["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        [
            "import.row_too_wide",
            "import.email_invalid",
            "import.number_invalid",
            "import.value_unknown"
        ]
    );
}

#[test]
fn an_empty_cell_leaves_or_clears() {
    let mapping = r#"{"a": "given_name"}"#;
    let leaves = plan_of(&["a"], mapping, "{}").unwrap();
    assert_eq!(row_of(&[""], &leaves)["fields"], serde_json::json!({}));
    let clears = plan_of(&["a"], mapping, r#"{"empty": "clear"}"#).unwrap();
    assert_eq!(
        row_of(&[""], &clears)["fields"],
        serde_json::json!({ "given_name": null })
    );
}

#[test]
fn what_cannot_be_mapped_is_named() {
    for (mapping, column) in [
        (r#"{"x": "email"}"#, "x"),
        (r#"{"a": "nothing"}"#, "a"),
        (r#"{"a": "email", "b": "email"}"#, "b"),
        (r#"{"a": {"field": "email", "as": "money"}}"#, "a"),
        (r#"{"a": {"field": "email", "by": "name"}}"#, "a"),
    ] {
        match plan_of(&["a", "b"], mapping, "{}") {
            Err(ImportError::MappingInvalid { column: named, .. }) => assert_eq!(named, column),
            other => panic!("{mapping}: {other:?}"),
        }
    }
    for (settings, name) in [
        (r#"{"decimal": "x"}"#, "decimal"),
        (r#"{"date": "dym"}"#, "date"),
        (r#"{"time_zone": "Mars/Olympus"}"#, "time_zone"),
        (r#"{"currency": "euro"}"#, "currency"),
    ] {
        match plan_of(&["a"], "{}", settings) {
            Err(ImportError::SettingInvalid { name: named, .. }) => assert_eq!(named, name),
            other => panic!("{settings}: {other:?}"),
        }
    }
}

#[test]
fn columns_have_names_of_their_own() {
    let header = ["a", "", "a", " a "].map(str::to_owned);
    assert_eq!(plan::header(&header), ["a", "Column 2", "a (2)", "a (3)"]);
}

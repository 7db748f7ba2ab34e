use jiff::civil::Time;
use proptest::prelude::*;

use super::*;

/// Zones whose clocks change by an hour, by half of one, by two, at midnight, or never.
const ZONES: [&str; 9] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Africa/Cairo",
    "Atlantic/Azores",
    "America/Santiago",
    "Asia/Kathmandu",
];

const MINUTE_MICROS: i64 = 60_000_000;

const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().expect("a time");
    Timestamp::from_micros(at.as_microsecond())
}

fn text(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(at.as_micros());
    at.expect("in range").to_string()
}

fn office(zone: &str) -> BusinessHours {
    let day = r#"[["09:00", "17:00"]]"#;
    let json = format!(
        r#"{{"time_zone": "{zone}", "week": {{"monday": {day}, "tuesday": {day},
            "wednesday": {day}, "thursday": {day}, "friday": {day}}},
            "holidays": ["2026-12-25"]}}"#
    );
    BusinessHours::parse(&json).expect("hours")
}

fn due(hours: &BusinessHours, start: &str, within_s: u32) -> String {
    text(hours.due(at(start), within_s).expect("a time"))
}

#[test]
fn time_passes_while_it_is_open() {
    let berlin = office("Europe/Berlin");
    // Friday 16:30, an hour: half of it on Monday.
    assert_eq!(
        due(&berlin, "2026-11-20T15:30:00Z", 3_600),
        "2026-11-23T08:30:00Z"
    );
    // Before it opens; at the very end of a span, not at the beginning of the next.
    assert_eq!(
        due(&berlin, "2026-11-20T01:00:00Z", 8 * 3_600),
        "2026-11-20T16:00:00Z"
    );
    // Christmas is a Friday.
    assert_eq!(
        due(&berlin, "2026-12-24T15:30:00Z", 3_600),
        "2026-12-28T08:30:00Z"
    );
    assert_eq!(
        due(&BusinessHours::always(), "2026-11-20T15:30:00.5Z", 90),
        "2026-11-20T15:31:30.5Z"
    );
    assert_eq!(
        due(&berlin, "2026-11-21T12:00:00Z", 0),
        "2026-11-21T12:00:00Z"
    );
}

#[test]
fn an_hour_that_clocks_show_twice_counts_twice() {
    let nights = r#"{"time_zone": "Europe/Berlin", "week": {"sunday": [["01:00", "04:00"]]}}"#;
    let nights = BusinessHours::parse(nights).expect("hours");
    // On 25 October the clock goes back at 03:00, on 29 March forward at 02:00.
    let elapsed = |from, to| nights.elapsed_micros(at(from), at(to)).expect("a span");
    let hour = 60 * MINUTE_MICROS;
    assert_eq!(
        elapsed("2026-10-24T20:00:00Z", "2026-10-25T20:00:00Z"),
        4 * hour
    );
    assert_eq!(
        elapsed("2026-03-28T20:00:00Z", "2026-03-29T20:00:00Z"),
        2 * hour
    );
    assert_eq!(
        elapsed("2026-11-14T20:00:00Z", "2026-11-15T20:00:00Z"),
        3 * hour
    );
    assert_eq!(elapsed("2026-11-15T20:00:00Z", "2026-11-14T20:00:00Z"), 0);
}

#[test]
fn what_are_no_hours_is_refused() {
    for (json, code) in [
        ("[]", "service_level.hours_malformed"),
        (
            r#"{"time_zone": "UTC", "week": {}}"#,
            "service_level.hours_malformed",
        ),
        (
            r#"{"time_zone": "UTC", "week": {"monday": []}}"#,
            "service_level.hours_malformed",
        ),
        (
            r#"{"time_zone": "UTC", "week": {"moonday": [["09:00", "10:00"]]}}"#,
            "service_level.hours_malformed",
        ),
        (
            r#"{"time_zone": "UTC", "week": {"monday": [["10:00", "09:00"]]}}"#,
            "service_level.hours_malformed",
        ),
        (
            r#"{"time_zone": "UTC", "week": {"monday": [["09:00", "12:00"], ["11:00", "13:00"]]}}"#,
            "service_level.hours_malformed",
        ),
        (
            r#"{"time_zone": "UTC", "week": {"monday": [["9:00", "12:00"]]}}"#,
            "service_level.hours_malformed",
        ),
        (
            r#"{"time_zone": "UTC", "week": {"monday": [["09:00", "24:01"]]}}"#,
            "service_level.hours_malformed",
        ),
        (
            r#"{"time_zone": "UTC", "week": {"monday": [["09:00", "24:00"]]}, "holidays": ["x"]}"#,
            "service_level.hours_malformed",
        ),
        (
            r#"{"time_zone": "Europe/Berlim", "week": {"monday": [["09:00", "12:00"]]}}"#,
            "service_level.zone_unknown",
        ),
    ] {
        let error = BusinessHours::parse(json).expect_err(json);
        assert_eq!(error.code(), code, "{json}");
    }
    let minute = r#"{"time_zone": "UTC", "week": {"monday": [["09:00", "09:01"]]}}"#;
    let minute = BusinessHours::parse(minute).expect("hours");
    let start = at("2026-11-20T15:30:00Z");
    assert_eq!(
        minute.due(start, 60 * 1_000),
        Err(ServiceLevelError::TooFar)
    );
    assert_eq!(
        minute.due(Timestamp::from_micros(i64::MAX), 1),
        Err(ServiceLevelError::TimeOutOfRange)
    );
}

/// Minutes of each day that are open, and the JSON that says so.
fn any_week() -> impl Strategy<Value = (Vec<Vec<(u16, u16)>>, String)> {
    let day = prop::collection::btree_set(0_u16..=96, 0..4).prop_map(|edges| {
        let edges: Vec<_> = edges.into_iter().map(|edge| edge * 15).collect();
        edges
            .chunks_exact(2)
            .map(|pair| (pair[0], pair[1]))
            .collect::<Vec<_>>()
    });
    prop::collection::vec(day, 7)
        .prop_filter("an hour", |week| week.iter().any(|day| !day.is_empty()))
        .prop_map(|week| {
            let days = DAYS.iter().zip(&week).map(|(name, spans)| {
                let spans = spans.iter().map(|(from, to)| {
                    let shown = |minutes: &u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
                    format!(r#"["{}", "{}"]"#, shown(from), shown(to))
                });
                format!(r#""{name}": [{}]"#, spans.collect::<Vec<_>>().join(", "))
            });
            let json = days.collect::<Vec<_>>().join(", ");
            (week, json)
        })
}

/// A minute near a change of the clocks of a zone, from 2020 to 2037, or anywhere.
fn any_start(zone: &str) -> impl Strategy<Value = i64> + use<> {
    let zone = jiff::tz::TimeZoneDatabase::bundled()
        .get(zone)
        .expect("a zone");
    let first: jiff::Timestamp = "2020-01-01T00:00Z".parse().expect("a time");
    let mut changes: Vec<_> = zone
        .following(first)
        .map(|change| change.timestamp().as_second() / 60)
        .take_while(|&minute| minute < 35_241_000)
        .collect();
    changes.push(26_297_280);
    (prop::sample::select(changes), -3_000_i64..3_000).prop_map(|(change, shift)| change + shift)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The oracle looks at the clock minute by minute.
    #[test]
    fn due_is_after_as_many_open_minutes_as_the_clock_shows(
        (zone, start) in prop::sample::select(&ZONES[..])
            .prop_flat_map(|zone| (Just(zone), any_start(zone))),
        (week, json) in any_week(),
        within in 1_u32..700,
    ) {
        let json = format!(r#"{{"time_zone": "{zone}", "week": {{{json}}}}}"#);
        let hours = BusinessHours::parse(&json).expect("hours");
        let rules = jiff::tz::TimeZoneDatabase::bundled().get(zone).expect("a zone");
        let mut open = 0;
        let mut minute = start;
        // Of the fewest hours, 15 minutes a week, this is a year.
        let last = start + 7 * 1_440 * 60;
        while open < within && minute < last {
            let clock = rules.to_datetime(jiff::Timestamp::from_second(minute * 60).expect("time"));
            let since = clock.time().duration_since(Time::midnight()).as_mins();
            let day = &week[clock.weekday().to_monday_zero_offset() as usize];
            if day.iter().any(|&(from, to)| (from.into()..to.into()).contains(&since)) {
                open += 1;
            }
            minute += 1;
        }
        let from = Timestamp::from_micros(start * MINUTE_MICROS);
        let to = Timestamp::from_micros(minute * MINUTE_MICROS);
        prop_assert_eq!(
            hours.elapsed_micros(from, to), Ok(i64::from(open) * MINUTE_MICROS)
        );
        if open == within {
            prop_assert_eq!(hours.due(from, within * 60), Ok(to));
        }
    }

    #[test]
    fn what_is_due_is_as_many_seconds_of_business_away(
        zone in prop::sample::select(&ZONES[..]),
        (_, json) in any_week(),
        start in 1_600_000_000_000_000_i64..2_100_000_000_000_000,
        within_s in 0_u32..200_000,
    ) {
        let json = format!(r#"{{"time_zone": "{zone}", "week": {{{json}}}}}"#);
        let hours = BusinessHours::parse(&json).expect("hours");
        let from = Timestamp::from_micros(start);
        let due = hours.due(from, within_s);
        prop_assume!(due != Err(ServiceLevelError::TooFar));
        let due = due.expect("a time");
        prop_assert!(due >= from);
        prop_assert_eq!(
            hours.elapsed_micros(from, due), Ok(i64::from(within_s) * 1_000_000)
        );
    }
}

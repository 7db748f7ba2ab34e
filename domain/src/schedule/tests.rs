use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

const MINUTE_MICROS: i64 = 60_000_000;

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

fn at(text: &str) -> Timestamp {
    let at: jiff::Timestamp = text.parse().expect("a time");
    Timestamp::from_micros(at.as_microsecond())
}

fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros())
        .expect("in range")
        .to_string()
}

fn next(expression: &str, zone: &str, after: &str) -> Result<String, ScheduleError> {
    Schedule::parse(expression, zone)?
        .next_after(at(after))
        .map(text)
}

fn several(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(expression, zone).expect("a schedule");
    let mut last = at(after);
    (0..count)
        .map(|_| {
            last = schedule.next_after(last).expect("a time");
            text(last)
        })
        .collect()
}

/// Instants at which the offset of a zone changes from 2020 to 2037.
fn changes(zone: &TimeZone) -> Vec<jiff::Timestamp> {
    let start: jiff::Timestamp = "2020-01-01T00:00Z".parse().expect("a time");
    zone.following(start)
        .map(|transition| transition.timestamp())
        .take_while(|at| at.as_second() < 2_114_380_800)
        .collect()
}

/// One field as the test makes it: what is written, and what it lets through.
#[derive(Clone, Debug)]
struct Field {
    written: String,
    values: Vec<i8>,
}

fn field(least: i8, most: i8) -> impl Strategy<Value = Field> {
    let all: Vec<i8> = (least..=most).collect();
    prop_oneof![
        Just(Field {
            written: "*".into(),
            values: all.clone()
        }),
        (least..=most).prop_map(|one| Field {
            written: one.to_string(),
            values: vec![one]
        }),
        prop::collection::vec(least..=most, 2..4).prop_map(|some| Field {
            written: some.iter().map(i8::to_string).collect::<Vec<_>>().join(","),
            values: some,
        }),
        (2..=15_i8).prop_map(move |step| Field {
            written: format!("*/{step}"),
            values: (least..=most)
                .step_by(usize::from(step.unsigned_abs()))
                .collect(),
        }),
    ]
}

#[derive(Clone, Debug)]
struct Fields {
    minute: Field,
    hour: Field,
    day: Field,
    weekday: Field,
}

impl Fields {
    fn expression(&self) -> String {
        let [minute, hour, day, weekday] =
            [&self.minute, &self.hour, &self.day, &self.weekday].map(|field| &*field.written);
        format!("{minute} {hour} {day} * {weekday}")
    }

    fn has_day(&self, local: DateTime) -> bool {
        let day = self.day.values.contains(&local.day());
        let weekday = local.weekday().to_sunday_zero_offset();
        let weekday = self.weekday.values.contains(&weekday);
        match (&*self.day.written, &*self.weekday.written) {
            ("*", _) => weekday,
            (_, "*") => day,
            _ => day || weekday,
        }
    }

    /// Whether it is due in this minute, by looking at nothing but what clocks show: for a rhythm
    /// at this minute, for a time of day at this minute and all before it.
    fn is_due(&self, zone: &TimeZone, minute: i64) -> bool {
        let local = |minute: i64| -> DateTime {
            let at = jiff::Timestamp::from_second(minute * 60).expect("in range");
            at.to_zoned(zone.clone()).datetime()
        };
        let shown = local(minute);
        let single = |field: &Field| field.written.parse::<i8>().is_ok();
        if single(&self.minute) && single(&self.hour) {
            // The first minute at which clocks have reached the time of day that is meant.
            let (hour, of_hour) = (self.hour.values[0], self.minute.values[0]);
            let meant = shown.date().at(hour, of_hour, 0, 0);
            let is_first = self.has_day(shown)
                && shown >= meant
                && (minute - 26 * 60..minute)
                    .rev()
                    .all(|before| local(before) < meant);
            return is_first;
        }
        self.has_day(shown)
            && self.minute.values.contains(&shown.minute())
            && self.hour.values.contains(&shown.hour())
    }
}

fn fields() -> impl Strategy<Value = Fields> {
    // Times of day are as likely as rhythms, and mostly at night, when clocks change.
    let time = prop_oneof![
        (0..60_i8, 0..4_i8).prop_map(|(minute, hour)| (
            Field {
                written: minute.to_string(),
                values: vec![minute]
            },
            Field {
                written: hour.to_string(),
                values: vec![hour]
            },
        )),
        (field(0, 59), field(0, 23)),
    ];
    (time, field(1, 31), field(0, 6)).prop_map(|((minute, hour), day, weekday)| Fields {
        minute,
        hour,
        day,
        weekday,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Against an oracle that asks each minute what the clocks show.
    #[test]
    fn the_next_time_is_the_first_minute_that_is_due(
        fields in fields(),
        zone in prop::sample::select(&ZONES[..]),
        change in any::<prop::sample::Index>(),
        minutes_before in 0_i64..36 * 60,
        micros in 0..MINUTE_MICROS,
    ) {
        let rules = TimeZone::get(zone).expect("a zone");
        let changes = changes(&rules);
        let around = match changes.is_empty() {
            true => 30_000_000,
            false => change.get(&changes).as_second() / 60,
        };
        let after = (around - minutes_before) * MINUTE_MICROS + micros;
        let schedule = Schedule::parse(&fields.expression(), zone).expect("a schedule");
        let found = schedule.next_after(Timestamp::from_micros(after)).expect("a time");
        let first = after.div_euclid(MINUTE_MICROS) + 1;
        // Two days, so that the change is passed; what comes later has to be due, at least.
        let due = (first..first + 2 * 24 * 60).find(|minute| fields.is_due(&rules, *minute));
        match due {
            Some(minute) => prop_assert_eq!(
                text(found), text(Timestamp::from_micros(minute * MINUTE_MICROS)),
                "{} in {}", fields.expression(), zone
            ),
            None => {
                let minute = found.as_micros() / MINUTE_MICROS;
                prop_assert!(minute >= first + 2 * 24 * 60);
                prop_assert!(fields.is_due(&rules, minute), "{}", text(found));
            }
        }
    }

    #[test]
    fn no_text_is_worse_than_refused(expression in ".{0,40}", zone in ".{0,20}") {
        // A text that is a schedule after all has a next time.
        let next = Schedule::parse(&expression, &zone)
            .and_then(|schedule| schedule.next_after(at("2026-01-01T00:00Z")));
        let refused_or_found = !matches!(next, Err(ScheduleError::TimeOutOfRange));
        prop_assert!(refused_or_found);
    }

    #[test]
    fn near_misses_are_no_panic(expression in "[0-9*/,LW#@a-zA-Z -]{1,24}") {
        if let Ok(schedule) = Schedule::parse(&expression, "Europe/Berlin") {
            let _ = schedule.next_after(at("2026-01-01T00:00Z"));
        }
    }
}

#[test]
fn a_time_of_day_is_due_once_where_clocks_change() {
    let expression = "30 2 * * *";
    assert_eq!(
        several(expression, "Europe/Berlin", "2026-03-28T12:00Z", 2),
        ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
        "02:30 is left out on 29 March: 03:00 is the first minute after it"
    );
    assert_eq!(
        several(expression, "Europe/Berlin", "2026-10-24T12:00Z", 2),
        ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
        "02:30 comes twice on 25 October: the first counts"
    );
}

#[test]
fn a_rhythm_goes_by_what_clocks_show() {
    assert_eq!(
        several("*/30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", 5),
        [
            "2026-10-25T00:00:00Z",
            "2026-10-25T00:30:00Z",
            "2026-10-25T01:00:00Z",
            "2026-10-25T01:30:00Z",
            "2026-10-26T01:00:00Z"
        ]
    );
    assert_eq!(
        next("*/30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z"),
        Ok("2026-03-30T00:00:00Z".into()),
        "there is no such hour on 29 March"
    );
    assert_eq!(
        several("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", 3),
        [
            "2026-03-29T00:30:00Z",
            "2026-03-29T01:00:00Z",
            "2026-03-29T01:30:00Z"
        ]
    );
}

#[test]
fn names_last_days_and_nicknames_are_known() {
    let after = "2026-01-15T12:00Z";
    assert_eq!(
        next("@monthly", "UTC", after),
        Ok("2026-02-01T00:00:00Z".into())
    );
    assert_eq!(
        next("0 8 L * *", "UTC", after),
        Ok("2026-01-31T08:00:00Z".into())
    );
    assert_eq!(
        next("0 8 * feb mon#2", "UTC", after),
        Ok("2026-02-09T08:00:00Z".into())
    );
    assert_eq!(
        next("0 8 1W * *", "UTC", after),
        Ok("2026-02-02T08:00:00Z".into())
    );
    assert_eq!(
        next("0 0 29 2 *", "UTC", after),
        Ok("2028-02-29T00:00:00Z".into())
    );
}

#[test]
fn what_is_none_is_refused() {
    for expression in [
        "",
        "* * * *",
        "* * * * * *",
        "60 * * * *",
        "0 24 * * *",
        "0 0 0 * *",
        "0 0 * 13 *",
        "every day",
        "0 0 * * +mon",
        "0 0 ? * *",
        "*/0 * * * *",
        "5-1 * * * *",
        "\u{0}",
        "@reboot",
    ] {
        let refused = next(expression, "UTC", "2026-01-01T00:00Z");
        assert!(
            matches!(refused, Err(ScheduleError::ExpressionInvalid { .. })),
            "{expression:?} gives {refused:?}"
        );
    }
    let long = format!("{} * * * *", vec!["1"; 300].join(","));
    assert!(Schedule::parse(&long, "UTC").is_err());
    assert_eq!(
        next("0 0 * * *", "Europe/Utopia", "2026-01-01T00:00Z"),
        Err(ScheduleError::ZoneUnknown {
            name: "Europe/Utopia".into()
        })
    );
    assert_eq!(
        next("0 0 30 2 *", "UTC", "2026-01-01T00:00Z"),
        Err(ScheduleError::Never {
            expression: "0 0 30 2 *".into()
        })
    );
    let schedule = Schedule::parse("* * * * *", "UTC").expect("a schedule");
    for micros in [i64::MIN, -1, AFTER_MICROS_MAX + 1, i64::MAX] {
        let refused = schedule.next_after(Timestamp::from_micros(micros));
        assert_eq!(refused, Err(ScheduleError::TimeOutOfRange));
    }
    assert!(
        schedule
            .next_after(Timestamp::from_micros(AFTER_MICROS_MAX))
            .is_ok()
    );
    let first = "1970-01-01T00:01:00Z".to_owned();
    assert_eq!(next("* * * * *", "UTC", "1970-01-01T00:00Z"), Ok(first));
}

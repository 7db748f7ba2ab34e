use proptest::prelude::*;

use super::*;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// Zones with every kind of oddity: half hours, folds and gaps at, before and across midnight, a
/// day left out, winter time that goes back.
const ZONES: [&str; 14] = [
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/St_Johns",
    "America/Havana",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Gaza",
    "Asia/Beirut",
    "Africa/Casablanca",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Antarctica/Troll",
];

fn instant(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = text.parse().expect("RFC 3339");
    Timestamp::from_micros(instant.as_microsecond())
}

fn text(at: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(at.as_micros())
        .expect("in range")
        .to_string()
}

fn months(months: i32) -> BucketWidth {
    BucketWidth::from_interval(months, 0, 0).expect("valid")
}

fn days(days: i32) -> BucketWidth {
    BucketWidth::from_interval(0, days, 0).expect("valid")
}

fn micros(micros: i64) -> BucketWidth {
    BucketWidth::from_interval(0, 0, micros).expect("valid")
}

fn start(width: BucketWidth, zone: &str, at: &str) -> String {
    let mut bucketing = Bucketing::new(width, &Zone::named(zone).expect("known"));
    text(bucketing.bucket_start(instant(at)).expect("in range"))
}

fn width() -> impl Strategy<Value = BucketWidth> {
    let micros_of = prop_oneof![
        prop::sample::select(vec![
            SECOND,
            MINUTE,
            15 * MINUTE,
            45 * MINUTE,
            HOUR,
            2 * HOUR,
            24 * HOUR
        ]),
        SECOND..40 * HOUR,
    ];
    prop_oneof![
        (1..30_i32).prop_map(months),
        (1..40_i32).prop_map(days),
        micros_of.prop_map(micros),
    ]
}

/// Instants of 1995 to 2045, half of them within three hours of a change of the clock.
fn near_change(zone: &str, micros: i64, distance: i64, near: bool) -> Timestamp {
    let zone = Zone::named(zone).expect("known").0;
    let at = jiff::Timestamp::from_microsecond(micros).expect("in range");
    let change = zone.following(at).next().filter(|_| near);
    Timestamp::from_micros(change.map_or(micros, |change| {
        change.timestamp().as_microsecond() + distance
    }))
}

/// Origins of any time of day, of every day of the month, or none.
fn origin() -> impl Strategy<Value = Option<Timestamp>> {
    let micros = prop_oneof![
        788_918_400 * SECOND..2_366_841_600 * SECOND,
        (10_000..25_000_i64, 0..24_i64).prop_map(|(days, hours)| (days * 24 + hours) * HOUR),
    ];
    prop::option::of(micros.prop_map(Timestamp::from_micros))
}

fn bucketing(width: BucketWidth, zone: &str, origin: Option<Timestamp>) -> Bucketing {
    let bucketing = Bucketing::new(width, &Zone::named(zone).expect("known"));
    match origin {
        Some(origin) => bucketing.with_origin(origin).expect("in range"),
        None => bucketing,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn buckets_divide_the_time_line_without_gap_or_overlap(
        zone in prop::sample::select(&ZONES[..]), width in width(), near: bool,
        micros in 788_918_400 * SECOND..2_366_841_600 * SECOND, distance in -3 * HOUR..3 * HOUR,
        before in 0..50 * HOUR, origin in origin(),
    ) {
        let at = near_change(zone, micros, distance, near);
        let mut bucketing = bucketing(width, zone, origin);
        let part = bucketing.bucket_part(at).expect("in range");
        prop_assert!(part.start <= at && at < part.end, "{part:?} does not hold {at:?}");
        prop_assert_eq!(bucketing.bucket_start(part.start), Ok(part.start), "a start is its own");
        let last = Timestamp::from_micros(part.end.as_micros() - 1);
        prop_assert_eq!(bucketing.bucket_start(last), Ok(part.start), "to its end it is one bucket");
        let next = bucketing.bucket_start(part.end).expect("in range");
        prop_assert!(next == part.end || next == part.start, "{next:?} is amid {part:?}");
        let after = bucketing.next_bucket_start(at).expect("in range");
        prop_assert_eq!(bucketing.bucket_start(after), Ok(after), "the next bucket begins there");
        let last = Timestamp::from_micros(after.as_micros() - 1);
        prop_assert_eq!(bucketing.bucket_start(last), Ok(part.start), "and nothing lies between");
        let earlier = Timestamp::from_micros(at.as_micros() - before);
        let earlier_start = bucketing.bucket_start(earlier).expect("in range");
        if earlier < part.start {
            prop_assert!(earlier_start < part.start, "buckets overlap");
        } else {
            prop_assert_eq!(earlier_start, part.start);
        }
    }

    #[test]
    fn a_bucket_begins_on_the_grid_of_the_local_clock_or_right_after_a_gap(
        zone in prop::sample::select(&ZONES[..]), width in width(), near: bool,
        micros in 788_918_400 * SECOND..2_366_841_600 * SECOND, distance in -3 * HOUR..3 * HOUR,
        origin in origin(),
    ) {
        let at = near_change(zone, micros, distance, near);
        let rules = Zone::named(zone).expect("known");
        let start = bucketing(width, zone, origin).bucket_start(at).expect("in range");
        let start = jiff::Timestamp::from_microsecond(start.as_micros()).expect("in range");
        let local = rules.0.to_datetime(start);
        let local_origin = origin.map(|origin| {
            let origin = jiff::Timestamp::from_microsecond(origin.as_micros()).expect("in range");
            rules.0.to_datetime(origin)
        });
        let is_on_grid = match width.0 {
            Width::Months(months) => {
                let from = local_origin.unwrap_or(jiff::civil::datetime(2000, 1, 1, 0, 0, 0, 0));
                let month = |at: jiff::civil::DateTime| i32::from(at.year()) * 12 + i32::from(at.month());
                let day = from.day().min(local.days_in_month());
                (month(local) - month(from)) % months == 0 && local.day() == day && local.time() == from.time()
            }
            Width::Days(days) => {
                let from = local_origin.unwrap_or(jiff::civil::datetime(2000, 1, 3, 0, 0, 0, 0));
                let since = from.date().until(local.date()).expect("in range");
                local.time() == from.time() && since.get_days() % days == 0
            }
            Width::Micros(micros) => {
                let as_if_utc = |local: jiff::civil::DateTime| {
                    let zoned = local.to_zoned(jiff::tz::TimeZone::UTC).expect("in range");
                    zoned.timestamp().as_microsecond()
                };
                let from = local_origin.map_or(946_684_800 * SECOND, as_if_utc);
                (as_if_utc(local) - from) % micros == 0
            }
        };
        let just_before = start.checked_sub(jiff::SignedDuration::from_nanos(1)).expect("in range");
        let is_after_gap = rules.0.to_offset(just_before) < rules.0.to_offset(start);
        prop_assert!(is_on_grid || is_after_gap, "{zone}: {local}");
    }

    #[test]
    fn any_time_has_a_bucket_or_an_error(
        zone in prop::sample::select(&ZONES[..]), micros_at: i64, months: i32, days: i32, micros: i64,
        part in 0..3_usize, origin: Option<i64>,
    ) {
        let interval = [(months, 0, 0), (0, days, 0), (0, 0, micros)][part];
        if let Ok(width) = BucketWidth::from_interval(interval.0, interval.1, interval.2) {
            let at = Timestamp::from_micros(micros_at);
            let mut bucketing = Bucketing::new(width, &Zone::named(zone).expect("known"));
            if let Some(Ok(with_origin)) =
                origin.map(|origin| bucketing.clone().with_origin(Timestamp::from_micros(origin)))
            {
                bucketing = with_origin;
            }
            let _ = bucketing.bucket_start(at);
        }
    }
}

/// As `date_trunc(unit, at, zone)` of PostgreSQL 15 answers.
#[test]
fn buckets_agree_with_postgres() {
    for (width, zone, at, expected) in [
        (
            micros(HOUR),
            "Asia/Kolkata",
            "2024-05-05T10:10:00Z",
            "2024-05-05T09:30:00Z",
        ),
        (
            micros(HOUR),
            "Europe/Berlin",
            "2024-10-27T00:59:59Z",
            "2024-10-27T00:00:00Z",
        ),
        (
            micros(HOUR),
            "Europe/Berlin",
            "2024-10-27T01:00:00Z",
            "2024-10-27T01:00:00Z",
        ),
        (
            days(1),
            "Europe/Berlin",
            "2024-03-31T21:59:59Z",
            "2024-03-30T23:00:00Z",
        ),
        (
            days(1),
            "Europe/Berlin",
            "2024-10-27T22:59:59Z",
            "2024-10-26T22:00:00Z",
        ),
        (
            days(1),
            "America/Sao_Paulo",
            "2018-11-04T12:00:00Z",
            "2018-11-04T03:00:00Z",
        ),
        (
            days(1),
            "America/Sao_Paulo",
            "2018-02-18T02:30:00Z",
            "2018-02-17T02:00:00Z",
        ),
        (
            days(1),
            "Pacific/Apia",
            "2011-12-30T10:30:00Z",
            "2011-12-30T10:00:00Z",
        ),
        (
            days(7),
            "Europe/Berlin",
            "2024-04-04T12:00:00Z",
            "2024-03-31T22:00:00Z",
        ),
        (
            months(1),
            "America/New_York",
            "2024-03-31T12:00:00Z",
            "2024-03-01T05:00:00Z",
        ),
        (
            months(3),
            "America/New_York",
            "2024-06-30T12:00:00Z",
            "2024-04-01T04:00:00Z",
        ),
        (
            months(12),
            "Europe/Berlin",
            "1969-06-30T12:00:00Z",
            "1968-12-31T23:00:00Z",
        ),
    ] {
        assert_eq!(start(width, zone, at), expected, "{width:?} {zone} {at}");
    }
}

fn start_from(origin: &str, width: BucketWidth, zone: &str, at: &str) -> String {
    let mut bucketing = bucketing(width, zone, Some(instant(origin)));
    text(bucketing.bucket_start(instant(at)).expect("in range"))
}

#[test]
fn an_origin_at_six_makes_days_of_shifts() {
    let shift = |at| start_from("2026-01-01T05:00:00Z", days(1), "Europe/Berlin", at);
    assert_eq!(shift("2026-03-28T04:59:59Z"), "2026-03-27T05:00:00Z");
    assert_eq!(shift("2026-03-28T05:00:00Z"), "2026-03-28T05:00:00Z");
    assert_eq!(shift("2026-03-29T03:59:59Z"), "2026-03-28T05:00:00Z");
    assert_eq!(
        shift("2026-03-29T04:00:00Z"),
        "2026-03-29T04:00:00Z",
        "six in summer time"
    );
    let eight_hours = |at| {
        start_from(
            "2026-01-01T05:00:00Z",
            micros(8 * HOUR),
            "Europe/Berlin",
            at,
        )
    };
    assert_eq!(eight_hours("2026-07-01T03:59:00Z"), "2026-06-30T20:00:00Z");
}

#[test]
fn a_month_without_the_origins_day_begins_a_bucket_with_its_last() {
    let month = |at| start_from("2024-01-31T12:00:00Z", months(1), "UTC", at);
    assert_eq!(month("2024-02-29T11:59:59Z"), "2024-01-31T12:00:00Z");
    assert_eq!(month("2024-02-29T12:00:00Z"), "2024-02-29T12:00:00Z");
    assert_eq!(month("2024-03-31T11:59:59Z"), "2024-02-29T12:00:00Z");
    assert_eq!(month("2024-03-31T12:00:00Z"), "2024-03-31T12:00:00Z");
    assert_eq!(month("2023-02-28T12:00:00Z"), "2023-02-28T12:00:00Z");
    let quarter = |at| start_from("2024-11-30T00:00:00Z", months(3), "UTC", at);
    assert_eq!(quarter("2025-03-01T00:00:00Z"), "2025-02-28T00:00:00Z");
}

#[test]
fn an_origin_beyond_the_calendar_is_an_error() {
    let buckets = Bucketing::new(days(1), &Zone::named("UTC").expect("known"));
    let origin = Timestamp::from_micros(i64::MAX);
    assert_eq!(
        buckets.with_origin(origin).map(|_| ()),
        Err(BucketError::TimeOutOfRange)
    );
}

#[test]
fn the_hour_that_comes_twice_is_two_buckets() {
    let repeated = |at| start(micros(15 * MINUTE), "Europe/Berlin", at);
    assert_eq!(repeated("2024-10-27T00:20:00Z"), "2024-10-27T00:15:00Z");
    assert_eq!(repeated("2024-10-27T01:20:00Z"), "2024-10-27T01:15:00Z");
}

#[test]
fn a_bucket_wider_than_the_gap_goes_on_after_it() {
    let four_hours = |at| start(micros(4 * HOUR), "Europe/Berlin", at);
    assert_eq!(four_hours("2024-03-31T01:59:00Z"), "2024-03-30T23:00:00Z");
    assert_eq!(four_hours("2024-03-31T02:00:00Z"), "2024-03-31T02:00:00Z");
    let two_hours = |at| start(micros(2 * HOUR), "Europe/Berlin", at);
    assert_eq!(
        two_hours("2024-03-31T01:10:00Z"),
        "2024-03-31T01:00:00Z",
        "02:00 was left out"
    );
}

#[test]
fn a_grid_point_before_the_repeated_hour_is_passed_once() {
    let odd = |at| start(micros(45 * MINUTE), "Europe/Berlin", at);
    let first_pass = odd("2024-10-27T00:50:00Z");
    assert_eq!(
        odd("2024-10-27T01:01:00Z"),
        first_pass,
        "the clock shows less, time goes on"
    );
}

/// Postgres answers 14:30 here, at which the hour that began at 14:00 was still going on.
#[test]
fn a_clock_that_goes_back_half_an_hour_makes_the_hour_longer() {
    let hour = |at| start(micros(HOUR), "Australia/Lord_Howe", at);
    assert_eq!(hour("2024-04-06T14:45:00Z"), "2024-04-06T14:00:00Z");
    assert_eq!(hour("2024-04-06T15:10:00Z"), "2024-04-06T14:00:00Z");
    assert_eq!(hour("2024-04-06T15:30:00Z"), "2024-04-06T15:30:00Z");
}

/// Postgres begins the day at the second midnight here, which leaves an hour in no day.
#[test]
fn a_day_whose_midnight_comes_twice_begins_with_the_first() {
    let day = |at| start(days(1), "America/Havana", at);
    assert_eq!(day("2024-11-03T03:59:59Z"), "2024-11-02T04:00:00Z");
    assert_eq!(day("2024-11-03T04:00:00Z"), "2024-11-03T04:00:00Z");
    assert_eq!(day("2024-11-03T05:30:00Z"), "2024-11-03T04:00:00Z");
}

#[test]
fn a_day_begins_when_the_evening_before_is_over_for_good() {
    let day = |at| start(days(1), "America/St_Johns", at);
    // At 00:01 the clock went back to 23:01.
    assert_eq!(day("2009-11-01T02:30:30Z"), "2009-10-31T02:30:00Z");
    assert_eq!(day("2009-11-01T03:29:59Z"), "2009-10-31T02:30:00Z");
    assert_eq!(day("2009-11-01T03:30:00Z"), "2009-11-01T03:30:00Z");
}

#[test]
fn a_width_is_one_positive_part() {
    for (months, days, micros) in [
        (0, 0, 0),
        (-1, 0, 0),
        (0, -1, 0),
        (0, 0, -1),
        (1, 1, 0),
        (0, 1, 1),
        (1, 0, 1),
        (WIDTH_MONTHS_MAX + 1, 0, 0),
        (0, WIDTH_DAYS_MAX + 1, 0),
        (0, 0, WIDTH_MICROS_MAX + 1),
    ] {
        let width = BucketWidth::from_interval(months, days, micros);
        assert_eq!(
            width,
            Err(BucketError::WidthInvalid),
            "{months} {days} {micros}"
        );
    }
}

#[test]
fn a_zone_is_known_by_its_iana_name() {
    assert!(
        Zone::named("europe/berlin").is_ok(),
        "in any case, as in Postgres"
    );
    for name in ["", "Berlin", "Europe/Berlin ", "+02:00", "../etc/passwd"] {
        assert_eq!(
            Zone::named(name).map(|_| ()).map_err(|error| error.code()),
            Err("telemetry.zone_unknown")
        );
    }
}

#[test]
fn a_time_beyond_the_calendar_is_an_error() {
    let utc = Zone::named("UTC").expect("known");
    for at in [i64::MIN, i64::MAX] {
        for width in [months(1), days(1), micros(1)] {
            let start = Bucketing::new(width, &utc).bucket_start(Timestamp::from_micros(at));
            assert_eq!(start, Err(BucketError::TimeOutOfRange));
        }
    }
}

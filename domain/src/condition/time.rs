//! Instants, dates and durations of conditions: how they are written, and what time before or after
//! another they stand for.

use jiff::Span;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// `2026-11-21T21:04Z`, the shortest date-time with an offset.
const INSTANT_BYTES_MIN: usize = 17;

/// With nine digits of a second and an offset of seconds; longer texts are not tried.
const INSTANT_BYTES_MAX: usize = 40;

/// `2026-11-21`.
const DATE_BYTES: usize = 10;

/// As long as durations are that people write.
const DURATION_BYTES_MAX: usize = 40;

/// The instants that are compared, from the first to before the second: those that have a year of
/// four digits in every time zone. SQL names the same two.
pub(super) const INSTANT_BOUNDS: [&str; 2] = ["0001-01-02T00:00:00Z", "9999-12-30T00:00:00Z"];

/// The same two, in microseconds since 1970.
const INSTANT_MICROS: std::ops::Range<i64> = -62_135_510_400_000_000..253_402_128_000_000_000;

/// The dates that are compared, from the first to before the second, for SQL.
pub(super) const DATE_BOUNDS: [&str; 2] = ["0001-01-01", "10000-01-01"];

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// A day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(i32);

impl Day {
    /// Days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The day that an ISO date stands for: `2026-11-21`, of a year from 1 to 9999.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_date = |(place, byte): (usize, u8)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        if text.len() != DATE_BYTES || !text.bytes().enumerate().all(is_date) {
            return None;
        }
        Self::of(text.parse().ok()?)
    }

    fn of(date: Date) -> Option<Self> {
        let days = date.since(EPOCH).ok()?.get_days();
        (date.year() >= 1).then_some(Self(days))
    }

    pub(super) fn to_text(self) -> Option<String> {
        let span = Span::new().try_days(self.0).ok()?;
        Some(EPOCH.checked_add(span).ok()?.to_string())
    }
}

/// The instant that an ISO date-time with an offset stands for, in whole microseconds.
#[must_use]
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let length = INSTANT_BYTES_MIN..=INSTANT_BYTES_MAX;
    let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' '));
    if !length.contains(&text.len()) || !separated || text.contains('[') {
        return None;
    }
    compared(text.parse().ok()?)
}

/// An instant as a text that stands for it, in UTC.
pub(super) fn instant_text(instant: Timestamp) -> Option<String> {
    let instant = jiff::Timestamp::from_microsecond(instant.as_micros()).ok()?;
    Some(instant.to_string())
}

fn compared(instant: jiff::Timestamp) -> Option<Timestamp> {
    let micros = instant.as_nanosecond().div_euclid(1_000);
    let micros = i64::try_from(micros).ok()?;
    INSTANT_MICROS
        .contains(&micros)
        .then_some(Timestamp::from_micros(micros))
}

/// A time that lies so far before or after another: `{"ago": "P30D"}`, `{"ahead": "PT4H"}`.
///
/// Months are added first, days next, and hours last, as Postgres adds an interval, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative {
    pub(super) is_ahead: bool,
    pub(super) months: i32,
    pub(super) days: i32,
    pub(super) micros: i64,
}

impl Relative {
    /// The time that lies an ISO 8601 duration away.
    pub(super) fn parse(is_ahead: bool, duration: &str) -> Option<Self> {
        // jiff reads the sign and words of people too.
        if !duration.starts_with('P') || duration.len() > DURATION_BYTES_MAX {
            return None;
        }
        let span: Span = duration.parse().ok()?;
        let months = i32::from(span.get_years()) * 12 + span.get_months();
        let days = span
            .get_weeks()
            .checked_mul(7)?
            .checked_add(span.get_days())?;
        let seconds = i64::from(span.get_hours())
            .checked_mul(60)?
            .checked_add(span.get_minutes())?
            .checked_mul(60)?
            .checked_add(span.get_seconds())?;
        let micros = seconds
            .checked_mul(1_000_000)?
            .checked_add(span.get_milliseconds().checked_mul(1_000)?)?
            .checked_add(span.get_microseconds())?
            .checked_add(span.get_nanoseconds() / 1_000)?;
        let relative = Self {
            is_ahead: is_ahead && (months, days, micros) != (0, 0, 0),
            months,
            days,
            micros,
        };
        relative.span().map(|_| relative)
    }

    /// The duration in its one spelling: `P14M3DT3600S`.
    pub(super) fn duration(self) -> String {
        let part = |count: i32, unit| match count {
            0 => String::new(),
            count => format!("{count}{unit}"),
        };
        let (seconds, fraction) = (self.micros / 1_000_000, self.micros % 1_000_000);
        let time = match (seconds, fraction) {
            (0, 0) => String::new(),
            (seconds, 0) => format!("T{seconds}S"),
            (seconds, fraction) => {
                let fraction = format!("{fraction:06}");
                format!("T{seconds}.{}S", fraction.trim_end_matches('0'))
            }
        };
        match part(self.months, 'M') + &part(self.days, 'D') + &time {
            nothing if nothing.is_empty() => "P0D".to_owned(),
            duration => format!("P{duration}"),
        }
    }

    /// The instant that is meant at another.
    #[must_use]
    pub fn instant(self, at: Timestamp) -> Option<Timestamp> {
        compared(TimeZone::UTC.to_timestamp(self.moved(at)?).ok()?)
    }

    /// The day that is meant at an instant, in UTC.
    #[must_use]
    pub fn day(self, at: Timestamp) -> Option<Day> {
        Day::of(self.moved(at)?.date())
    }

    fn moved(self, at: Timestamp) -> Option<DateTime> {
        let at = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?;
        let (at, span) = (TimeZone::UTC.to_datetime(at), self.span()?);
        let moved = if self.is_ahead {
            at.checked_add(span)
        } else {
            at.checked_sub(span)
        };
        moved.ok()
    }

    fn span(self) -> Option<Span> {
        let span = Span::new()
            .try_months(self.months)
            .and_then(|span| span.try_days(self.days))
            .and_then(|span| span.try_microseconds(self.micros));
        span.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        parse_instant(text).expect("an instant")
    }

    fn ago(duration: &str, at: &str) -> Option<String> {
        instant_text(Relative::parse(false, duration)?.instant(instant(at))?)
    }

    #[test]
    fn the_bounds_are_the_ones_that_sql_names() {
        let micros = |text: &str| {
            text.parse::<jiff::Timestamp>()
                .map(|it| it.as_microsecond())
                .ok()
        };
        assert_eq!(micros(INSTANT_BOUNDS[0]), Some(INSTANT_MICROS.start));
        assert_eq!(micros(INSTANT_BOUNDS[1]), Some(INSTANT_MICROS.end));
        assert!(parse_instant(INSTANT_BOUNDS[0]).is_some());
        assert!(parse_instant(INSTANT_BOUNDS[1]).is_none());
        assert_eq!(
            Day::parse(DATE_BOUNDS[0]).and_then(Day::to_text).as_deref(),
            Some("0001-01-01")
        );
        assert!(Day::parse("9999-12-31").is_some());
        for none in [
            "0000-01-01",
            "10000-01-01",
            "2026-02-30",
            "2026-1-01",
            "2026-11-21T",
            "infinity",
        ] {
            assert_eq!(Day::parse(none), None, "{none}");
        }
    }

    #[test]
    fn times_lie_before_and_after_others() {
        let at = "2026-03-31T12:00:00.5Z";
        for (duration, expected) in [
            ("P30D", "2026-03-01T12:00:00.5Z"),
            ("P1M", "2026-02-28T12:00:00.5Z"),
            ("P1Y1M", "2025-02-28T12:00:00.5Z"),
            ("P2W", "2026-03-17T12:00:00.5Z"),
            ("P1MT12H0.5S", "2026-02-28T00:00:00Z"),
            ("PT36H", "2026-03-30T00:00:00.5Z"),
            ("P0D", at),
        ] {
            assert_eq!(ago(duration, at).as_deref(), Some(expected), "{duration}");
        }
        let ahead = Relative::parse(true, "P1M").expect("a duration");
        let day = ahead.day(instant("2026-01-31T23:59:59Z"));
        assert_eq!(day.and_then(Day::to_text).as_deref(), Some("2026-02-28"));
    }

    #[test]
    fn what_is_no_duration_or_leads_out_of_time_is_none() {
        for none in [
            "",
            "P",
            "30 days",
            "-P1D",
            "+P1D",
            "1 day ago",
            "P1X",
            "P99999Y",
        ] {
            assert_eq!(Relative::parse(false, none), None, "{none}");
        }
        assert_eq!(ago("P9000Y", "2026-03-31T12:00:00Z"), None);
    }
}

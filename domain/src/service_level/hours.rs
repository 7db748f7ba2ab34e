//! Reads business hours from JSON.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::ServiceLevelError;
use crate::telemetry::bucket::Zone;

/// Spans of one day: more are a mistake.
const SPANS_MAX: usize = 10;

/// Holidays of one calendar: those of twenty years.
const HOLIDAYS_MAX: usize = 500;

/// Minutes of a day.
const DAY_MINUTES: u16 = 1_440;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Monday),
    ("tuesday", Weekday::Tuesday),
    ("wednesday", Weekday::Wednesday),
    ("thursday", Weekday::Thursday),
    ("friday", Weekday::Friday),
    ("saturday", Weekday::Saturday),
    ("sunday", Weekday::Sunday),
];

/// When a business is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessHours {
    zone: TimeZone,
    /// By day of the week from Monday: minutes after midnight from and to, in their order.
    week: [Vec<(u16, u16)>; 7],
    holidays: BTreeSet<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HoursJson {
    time_zone: String,
    week: BTreeMap<String, Vec<(String, String)>>,
    #[serde(default)]
    holidays: Vec<String>,
}

fn malformed(reason: impl ToString) -> ServiceLevelError {
    let reason = reason.to_string();
    ServiceLevelError::HoursMalformed { reason }
}

impl BusinessHours {
    /// Open at all times.
    #[must_use]
    pub fn always() -> Self {
        Self {
            zone: TimeZone::UTC,
            week: std::array::from_fn(|_| vec![(0, DAY_MINUTES)]),
            holidays: BTreeSet::new(),
        }
    }

    /// From `{"time_zone": "Europe/Berlin", "week": {"monday": [["09:00", "12:30"], …], …},
    /// "holidays": ["2026-12-25", …]}`. A day ends at 24:00; days that are not named are closed.
    ///
    /// # Errors
    /// [`ServiceLevelError::HoursMalformed`] and [`ServiceLevelError::ZoneUnknown`].
    pub fn parse(json: &str) -> Result<Self, ServiceLevelError> {
        let json: HoursJson = serde_json::from_str(json).map_err(malformed)?;
        let zone = Zone::named(&json.time_zone).map_err(|_| ServiceLevelError::ZoneUnknown {
            name: json.time_zone.chars().take(64).collect(),
        })?;
        let mut week: [Vec<(u16, u16)>; 7] = Default::default();
        for (name, spans) in &json.week {
            let known = WEEKDAYS.iter().position(|(known, _)| known == name);
            let place =
                known.ok_or_else(|| malformed(format!("{name:?} is no day of the week")))?;
            if let Some(of_day) = week.get_mut(place) {
                *of_day = read_spans(name, spans)?;
            }
        }
        if week.iter().all(Vec::is_empty) {
            return Err(malformed("no day has an hour"));
        }
        if json.holidays.len() > HOLIDAYS_MAX {
            return Err(malformed(format!("{HOLIDAYS_MAX} holidays are the most")));
        }
        let holidays = json.holidays.iter().map(|day| {
            day.parse()
                .map_err(|_| malformed(format!("{day:?} is no day such as 2026-12-25")))
        });
        Ok(Self {
            zone: zone.into_rules(),
            week,
            holidays: holidays.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The spans of a day, as minutes after its midnight.
    pub(super) fn of_day(&self, day: Date) -> &[(u16, u16)] {
        if self.holidays.contains(&day) {
            return &[];
        }
        let place = WEEKDAYS
            .iter()
            .position(|&(_, known)| known == day.weekday());
        let spans = place.and_then(|place| self.week.get(place));
        spans.map_or(&[], Vec::as_slice)
    }
}

fn read_spans(day: &str, spans: &[(String, String)]) -> Result<Vec<(u16, u16)>, ServiceLevelError> {
    if spans.len() > SPANS_MAX {
        return Err(malformed(format!("{day} has more than {SPANS_MAX} spans")));
    }
    let mut read = Vec::with_capacity(spans.len());
    let mut closed = 0;
    for (opens, closes) in spans {
        let (from, to) = (minutes(opens)?, minutes(closes)?);
        if from < closed || to <= from {
            let reason =
                format!("{day} has {opens} to {closes}: spans go forward, one after another");
            return Err(malformed(reason));
        }
        closed = to;
        read.push((from, to));
    }
    Ok(read)
}

/// Minutes after midnight of a time such as 09:30, up to 24:00.
fn minutes(text: &str) -> Result<u16, ServiceLevelError> {
    let read = || {
        let (hours, minutes) = text.split_once(':')?;
        let is_short =
            |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if !is_short(hours) || !is_short(minutes) {
            return None;
        }
        let (hours, minutes): (u16, u16) = (hours.parse().ok()?, minutes.parse().ok()?);
        let total = hours * 60 + minutes;
        (minutes < 60 && total <= DAY_MINUTES).then_some(total)
    };
    read().ok_or_else(|| malformed(format!("{text:?} is no time such as 09:30, up to 24:00")))
}

//! The glue of `tenon_domain::service_level`: time of business.

use std::cell::RefCell;
use std::rc::Rc;

use pgrx::prelude::*;
use tenon_domain::service_level::{BusinessHours, ServiceLevelError};

use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;
use crate::jsonb::JsonbText;

thread_local! {
    /// The hours that were asked last: those of one statement are mostly the same.
    static LAST: RefCell<Option<(String, Rc<BusinessHours>)>> = const { RefCell::new(None) };
}

fn hours_of(json: Option<JsonbText>) -> Rc<BusinessHours> {
    let Some(json) = json else {
        return Rc::new(BusinessHours::always());
    };
    let known = LAST.with_borrow(|last| {
        let last = last.as_ref().filter(|(text, _)| *text == json.0);
        last.map(|(_, hours)| Rc::clone(hours))
    });
    known.unwrap_or_else(|| {
        let hours = Rc::new(BusinessHours::parse(&json.0).or_report());
        LAST.set(Some((json.0, Rc::clone(&hours))));
        hours
    })
}

/// Refuses what are no business hours.
#[pg_extern(immutable, parallel_safe, strict)]
fn business_hours_check(hours: JsonbText) {
    hours_of(Some(hours));
}

/// When so many seconds of business have passed since an instant.
#[pg_extern(immutable, parallel_safe)]
fn business_time_after(
    hours: Option<JsonbText>,
    start: Option<TimestampWithTimeZone>,
    within_s: Option<i32>,
) -> Option<TimestampWithTimeZone> {
    let (start, within_s) = (start?, within_s?);
    let within_s = u32::try_from(within_s)
        .map_err(|_| ServiceLevelError::TimeOutOfRange)
        .or_report();
    let due = hours_of(hours).due(to_timestamp(start), within_s);
    Some(from_timestamp(due.or_report()))
}

/// How many seconds of business lie between two instants.
#[pg_extern(immutable, parallel_safe)]
fn business_seconds_between(
    hours: Option<JsonbText>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Option<i64> {
    let (since, until) = (to_timestamp(since?), to_timestamp(until?));
    let micros = hours_of(hours).elapsed_micros(since, until);
    Some(micros.or_report() / 1_000_000)
}

extension_sql!(
    r#"
comment on function business_hours_check(jsonb) is
    'Refuses what are no business hours: {"time_zone": "Europe/Berlin", "week": {"monday": [["09:00", "17:00"]], …}, "holidays": ["2026-12-25"]}. Raises service_level.hours_malformed and service_level.zone_unknown.';
comment on function business_time_after(jsonb, timestamptz, integer) is
    'When so many seconds of business have passed since an instant; hours null for the whole day, each day. Time counts while the clock of the zone shows a time within the hours, also where clocks change. Raises service_level.hours_malformed, zone_unknown, too_far and time_out_of_range.';
comment on function business_seconds_between(jsonb, timestamptz, timestamptz) is
    'How many whole seconds of business lie between two instants, zero where the second is not after the first. Raises as business_time_after does.';
"#,
    name = "service_level_comments",
    requires = [
        business_hours_check,
        business_time_after,
        business_seconds_between
    ]
);

//! What the SQL of a condition asks of texts, by the same rules as the condition itself.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::datum::Date;
use pgrx::prelude::*;
use tenon_domain::condition::{Day, Pattern, Relative, parse_instant};

use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// Postgres counts days from 2000-01-01, the domain from 1970-01-01.
const POSTGRES_EPOCH_DAYS: i32 = 10_957;

/// Patterns that a session keeps ready.
const CACHED_MAX: usize = 64;

thread_local! {
    static CACHED: RefCell<HashMap<String, Pattern>> = RefCell::default();
}

/// The instant that a text stands for; null if it is none.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_instant(text: &str) -> Option<TimestampWithTimeZone> {
    parse_instant(text).map(from_timestamp)
}

/// The instant that a relative time means at another.
#[pg_extern(name = "condition_instant", immutable, parallel_safe, strict)]
fn condition_instant_relative(
    relative: JsonbText,
    at: TimestampWithTimeZone,
) -> Option<TimestampWithTimeZone> {
    let relative = Relative::from_json(&relative.0)?;
    relative.instant(to_timestamp(at)).map(from_timestamp)
}

/// The date that a text stands for; null if it is none.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_date(text: &str) -> Option<Date> {
    Day::parse(text).and_then(date)
}

/// The date that a relative time means at an instant.
#[pg_extern(name = "condition_date", immutable, parallel_safe, strict)]
fn condition_date_relative(relative: JsonbText, at: TimestampWithTimeZone) -> Option<Date> {
    let relative = Relative::from_json(&relative.0)?;
    relative.day(to_timestamp(at)).and_then(date)
}

/// Whether a text matches a pattern; null if that is unknown.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_matches(text: &str, pattern: &str) -> Option<bool> {
    CACHED.with_borrow_mut(|cached| {
        if !cached.contains_key(pattern) {
            if cached.len() >= CACHED_MAX {
                cached.clear();
            }
            let parsed = Pattern::parse(pattern).or_report();
            cached.insert(pattern.to_owned(), parsed);
        }
        cached.get(pattern)?.of(text)
    })
}

fn date(day: Day) -> Option<Date> {
    Date::try_from(day.days().checked_sub(POSTGRES_EPOCH_DAYS)?).ok()
}

extension_sql!(
    r#"
comment on function condition_instant(text) is
    'The instant that an ISO date-time with an offset stands for, as conditions read it; null if the text is none.';
comment on function condition_instant(jsonb, timestamptz) is
    'The instant that {"ago": "P30D"} or {"ahead": "P7D"} means at another; null if it leads out of time.';
comment on function condition_date(text) is
    'The date that an ISO date stands for, as conditions read it; null if the text is none.';
comment on function condition_date(jsonb, timestamptz) is
    'The date that {"ago": "P30D"} or {"ahead": "P7D"} means at an instant, in UTC; null if it leads out of time.';
comment on function condition_matches(text, text) is
    'Whether a text matches a pattern of a condition; null where it is too long to be tried.';
"#,
    name = "condition_time_comments",
    requires = [
        condition_instant,
        condition_instant_relative,
        condition_date,
        condition_date_relative,
        condition_matches
    ]
);

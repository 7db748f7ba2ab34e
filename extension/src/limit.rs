//! Rate limits: buckets in shared memory, and the same decision for buckets that are kept in rows.

pub(crate) mod memory;
mod table;
mod touched;
mod verdict;

use std::hash::Hasher;

use pgrx::prelude::*;
use siphasher::sip128::{Hasher128, SipHasher13};
use tenon_domain::limit::gcra::{self, Bucket, Verdict};
use tenon_domain::limit::text::Limits;
use tenon_domain::limit::window::Window;
use tenon_domain::limit::{BUCKETS_MAX, LimitError, action};
use tenon_domain::time::Timestamp;

use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;
use crate::jsonb::JsonbText;
use verdict::VerdictNumbers;

/// A bucket of shared memory: whose it is, and by which limit.
struct Entry {
    /// Its place among the arguments, counted from 1.
    number: i64,
    window: Window,
    key: u128,
}

/// Charges all buckets in shared memory for one request, or none of them.
#[pg_extern(volatile, parallel_restricted, strict)]
fn limit_check(
    buckets: Array<'_, &str>,
    limits: Array<'_, &str>,
    at: default!(TimestampWithTimeZone, "clock_timestamp()"),
) -> Option<VerdictNumbers> {
    let memory = memory::buckets()?;
    let now = to_timestamp(at);
    let entries = entries(&buckets, &limits, memory.secret()).or_report();

    let mut locked = memory.lock(entries.iter().map(|entry| entry.key));
    let mut states: Vec<_> = entries
        .iter()
        .map(|entry| {
            let taken_until = locked.get(entry.key).map(Timestamp::from_micros);
            Bucket::new(&entry.window, taken_until.unwrap_or(gcra::EMPTY))
        })
        .collect();
    let verdict = gcra::decide(now, &mut states);
    if let Verdict::Admitted { .. } = verdict {
        for (entry, state) in entries.iter().zip(&states) {
            let given_up = locked.put(entry.key, state.taken_until().as_micros());
            if given_up.is_some_and(|taken_until| taken_until > now.as_micros()) {
                memory.count_given_up();
            }
        }
    }
    drop(locked);

    Some(match verdict {
        Verdict::Admitted { remaining } => VerdictNumbers {
            refused_by: 0,
            retry_after_micros: 0,
            remaining: remaining.into(),
        },
        Verdict::Refused {
            place,
            retry_after_micros,
        } => VerdictNumbers {
            refused_by: entries.get(place).map_or(0, |entry| entry.number),
            retry_after_micros,
            remaining: 0,
        },
    })
}

/// A bucket's key is a secret hash of its name and its period: a list of limits has a bucket each.
fn entries(
    buckets: &Array<'_, &str>,
    limits: &Array<'_, &str>,
    secret: &[u8; 16],
) -> Result<Vec<Entry>, LimitError> {
    if buckets.len() != limits.len() {
        return Err(LimitError::ListsDiffer);
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(buckets.len());
    for (number, (bucket, limits)) in (1..).zip(buckets.iter().zip(limits.iter())) {
        let (bucket, limits) = bucket.zip(limits).ok_or(LimitError::ListsDiffer)?;
        for &window in Limits::parse(limits)?.windows() {
            let mut hasher = SipHasher13::new_with_key(secret);
            hasher.write(bucket.as_bytes());
            hasher.write_u32(window.period_seconds());
            let key = hasher.finish128().as_u128();
            if entries.iter().any(|entry| entry.key == key) {
                return Err(LimitError::BucketTwice);
            } else if entries.len() == BUCKETS_MAX {
                return Err(LimitError::TooManyBuckets);
            }
            entries.push(Entry {
                number,
                window,
                key,
            });
        }
    }
    Ok(entries)
}

/// The same decision for buckets that the caller keeps: until when each is taken up, null for never,
/// and one limit for each.
#[pg_extern(immutable, parallel_safe, strict)]
#[expect(
    clippy::type_complexity,
    reason = "the columns of the result, one by one"
)]
fn limit_decide(
    taken_until: Array<'_, TimestampWithTimeZone>,
    limits: Array<'_, &str>,
    at: TimestampWithTimeZone,
) -> TableIterator<
    'static,
    (
        name!(refused_by, Option<i32>),
        name!(retry_after_us, Option<i64>),
        name!(taken_until, Option<Vec<TimestampWithTimeZone>>),
    ),
> {
    let mut states = states(&taken_until, &limits).or_report();
    let row = match gcra::decide(to_timestamp(at), &mut states) {
        Verdict::Admitted { .. } => {
            let taken_until = states
                .iter()
                .map(|state| from_timestamp(state.taken_until()));
            (None, None, Some(taken_until.collect()))
        }
        Verdict::Refused {
            place,
            retry_after_micros,
        } => (
            i32::try_from(place + 1).ok(),
            Some(retry_after_micros),
            None,
        ),
    };
    TableIterator::once(row)
}

fn states(
    taken_until: &Array<'_, TimestampWithTimeZone>,
    limits: &Array<'_, &str>,
) -> Result<Vec<Bucket>, LimitError> {
    if taken_until.len() != limits.len() {
        return Err(LimitError::ListsDiffer);
    } else if limits.len() > BUCKETS_MAX {
        return Err(LimitError::TooManyBuckets);
    }
    let states = taken_until.iter().zip(limits.iter());
    let states = states.map(|(taken_until, limits)| {
        let limits = Limits::parse(limits.ok_or(LimitError::ListsDiffer)?)?;
        match limits.windows() {
            [window] => Ok(Bucket::new(
                window,
                taken_until.map_or(gcra::EMPTY, to_timestamp),
            )),
            _ => Err(LimitError::ListsDiffer),
        }
    });
    states.collect()
}

/// The limits of a text one by one, each in the one way that it is written.
#[pg_extern(immutable, parallel_safe, strict)]
fn limit_windows(limits: &str) -> Vec<String> {
    let limits = Limits::parse(limits).or_report();
    limits.windows().iter().map(ToString::to_string).collect()
}

/// Why a text holds no limits, and where; null when it does.
#[pg_extern(immutable, parallel_safe, strict)]
fn limit_problem(limits: &str) -> Option<JsonbText> {
    let error = Limits::parse(limits).err()?;
    let problem = serde_json::json!({
        "code": error.code(), "position": error.position(), "problem": error.to_string(),
    });
    Some(JsonbText(problem.to_string()))
}

/// What a request over HTTP is called in limits.
#[pg_extern(immutable, parallel_safe, strict)]
fn limit_action(method: &str, path: &str) -> String {
    action::of_request(method, path)
}

/// How full the shared memory is: nothing but zeros where there is none.
#[pg_extern(volatile, parallel_restricted, strict)]
fn limit_memory(
    at: default!(TimestampWithTimeZone, "clock_timestamp()"),
) -> TableIterator<
    'static,
    (
        name!(capacity, i64),
        name!(in_force, i64),
        name!(given_up, i64),
    ),
> {
    let now = to_timestamp(at).as_micros();
    let row = memory::buckets().map_or((0, 0, 0), |memory| {
        let mut in_force = 0;
        memory.visit(|_, taken_until| {
            in_force += i64::from(taken_until > now);
            false
        });
        let capacity = i64::try_from(memory.capacity()).unwrap_or(i64::MAX);
        (capacity, in_force, memory.given_up().cast_signed())
    });
    TableIterator::once(row)
}

extension_sql!(
    r#"
comment on function limit_check(text[], text[], timestamptz) is
    'Counts one request in all buckets, or in none when one of them is full. buckets: names, whatever they mean; limits: for each, as 100/1m, 1000/1h burst 20. Returns {refused_by, retry_after_us, remaining}: 0, 0 and how many more may come at once, or the place of the bucket that refuses longest, counted from 1, in how many microseconds it lets one through, and 0; null without shared memory. A rollback takes nothing back, and a restart forgets all.';
comment on function limit_decide(timestamptz[], text[], timestamptz) is
    'The decision of limit_check over buckets that the caller keeps. taken_until: until when each is taken up, null for never; limits: one for each. Returns the new taken_until, or refused_by, the place of the bucket that refuses longest counted from 1, and retry_after_us.';
comment on function limit_windows(text) is
    'The limits of a text one by one, each in the one way that it is written, the shortest period first. Raises limit.invalid.';
comment on function limit_problem(text) is
    'Why a text holds no limits: {code, position, problem}, the position counted from 1; null when it does.';
comment on function limit_action(text, text) is
    'What a request over HTTP is called in limits, by its method and path: rpc/move, get/contacts.';
comment on function limit_memory(timestamptz) is
    'How many buckets shared memory has room for (0: there is none), how many are in force, and how many were forgotten in force for want of room since Postgres started.';
revoke all on function
    limit_check(text[], text[], timestamptz), limit_memory(timestamptz) from public;
grant execute on function
    limit_check(text[], text[], timestamptz), limit_memory(timestamptz) to @extowner@;
"#,
    name = "limit_comments",
    requires = [
        limit_check,
        limit_decide,
        limit_windows,
        limit_problem,
        limit_action,
        limit_memory
    ]
);

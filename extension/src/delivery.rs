//! The glue of `tenon_domain::delivery`: what becomes of a delivery, and when it is tried again.

mod signature;

use pgrx::prelude::*;
use tenon_domain::delivery::outcome::{self, Facts, Status};
use tenon_domain::delivery::{Channel, DeliveryError, schedule};

use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// What follows from an attempt that ended at `at`, from the facts that its worker reports.
#[pg_extern(immutable, parallel_safe)]
fn delivery_decision(
    channel: Option<&str>,
    attempt: Option<i32>,
    outcome: Option<JsonbText>,
    at: Option<TimestampWithTimeZone>,
    seed: Option<&str>,
) -> TableIterator<
    'static,
    (
        name!(status, &'static str),
        name!(next_attempt_at, Option<TimestampWithTimeZone>),
        name!(reason, String),
        name!(suppress, bool),
        name!(disable_endpoint, bool),
    ),
> {
    let channel = given(channel, "channel");
    let attempt = given(attempt, "attempt");
    let at = given(at, "at");
    let facts = outcome.map_or_else(Facts::default, |json| Facts::read(&json.0));
    let decision = outcome::decide(
        Channel::parse(channel).or_report(),
        u32::try_from(attempt).unwrap_or(0),
        &facts,
        to_timestamp(at),
        seed.unwrap_or(""),
    );
    let next_attempt_at = match decision.status {
        Status::Scheduled(next) => Some(from_timestamp(next)),
        Status::Delivered | Status::Dead => None,
    };
    TableIterator::once((
        decision.status.word(),
        next_attempt_at,
        decision.reason,
        decision.suppress,
        decision.disable_endpoint,
    ))
}

/// How long each attempt of a channel waits after the one before it.
#[pg_extern(immutable, parallel_safe, strict)]
fn retry_schedule(channel: &str) -> SetOfIterator<'static, Interval> {
    let waits = schedule::waits_s(Channel::parse(channel).or_report());
    SetOfIterator::new(
        waits
            .iter()
            .map(|wait_s| Interval::from_seconds(f64::from(*wait_s))),
    )
}

fn given<T>(argument: Option<T>, name: &'static str) -> T {
    argument
        .ok_or(DeliveryError::ArgumentMissing(name))
        .or_report()
}

extension_sql!(
    r#"
comment on function delivery_decision(text, integer, jsonb, timestamptz, text) is
'What becomes of a delivery after the attempt of this number, counted from 1, that ended at `at`.
channel: email, webhook or job. outcome: what the worker reports; fields that cannot be read say
nothing. seed: draws the jitter, the id of what is delivered. status is delivered, scheduled (at
next_attempt_at) or dead; reason a stable word such as http_503, smtp_550_5.1.1, timeout or
attempts_used_up: http_503; suppress: nothing more to this recipient; disable_endpoint: nothing more
to this endpoint. Raises delivery.channel_unknown, delivery.argument_missing.';
comment on function retry_schedule(text) is
'How long each attempt of a channel waits after the one before it, a row for each attempt that is
made at most; jitter adds up to a tenth. Raises delivery.channel_unknown.';
"#,
    name = "delivery_comments",
    requires = [delivery_decision, retry_schedule]
);

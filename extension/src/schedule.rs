//! The glue of `tenon_domain::schedule`.

use pgrx::prelude::*;
use tenon_domain::schedule::Schedule;

use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;

/// The first time after an instant at which a cron expression is due on the clock of a zone.
#[pg_extern(immutable, parallel_safe, strict)]
fn schedule_next(
    expression: &str,
    time_zone: &str,
    after: TimestampWithTimeZone,
) -> TimestampWithTimeZone {
    let schedule = Schedule::parse(expression, time_zone).or_report();
    from_timestamp(schedule.next_after(to_timestamp(after)).or_report())
}

extension_sql!(
    r#"
comment on function schedule_next(text, text, timestamptz) is
    'When a cron expression of five fields is due next after an instant, on the clock of the zone. With one minute and one hour it is a time of day, due once a day: right after an hour that clocks leave out, and in the first of two hours of one name. Any other is a rhythm that goes by what clocks show. Raises schedule.expression_invalid, schedule.zone_unknown, schedule.never and schedule.time_out_of_range.';
"#,
    name = "schedule_comments",
    requires = [schedule_next]
);

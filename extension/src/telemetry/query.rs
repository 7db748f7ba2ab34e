//! Questions about readings, and their answers.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::telemetry::block::BlockHead;
use tenon_domain::telemetry::frame::Frame;
use tenon_domain::telemetry::query::{
    self, Aggregates, Answer, BucketForm, Fill, Form, Names, Query, Range, ReadingForm, Recent,
    points_of, width_of,
};
use tenon_domain::time::Timestamp;

use crate::aggregate::state_of;
use crate::convert::{from_timestamp, to_timestamp};
use crate::error::OrReport;
use crate::jsonb::JsonbText;
use crate::lazy_bytes::LazyBytes;

/// A question for buckets.
#[pg_extern(immutable, parallel_safe)]
#[expect(clippy::too_many_arguments, reason = "all that a chart can ask for")]
fn bucket_query(
    devices: Option<Array<'_, i32>>,
    metrics: Option<Array<'_, i32>>,
    from: Option<TimestampWithTimeZone>,
    to: Option<TimestampWithTimeZone>,
    width: Option<Interval>,
    max_points: Option<i32>,
    zone: Option<&str>,
    origin: Option<TimestampWithTimeZone>,
    fill: Option<&str>,
    group_by: Option<Vec<String>>,
    aggregates: Option<Vec<String>>,
) -> Vec<u8> {
    let range = Range::of(from.map(to_timestamp), to.map(to_timestamp)).or_report();
    let parts = width.map(|width| (width.months(), width.days(), width.micros()));
    let (group_by, aggregates) = (group_by.unwrap_or_default(), aggregates.unwrap_or_default());
    let (by_device, by_metric) =
        BucketForm::groups(group_by.iter().map(String::as_str)).or_report();
    let form = BucketForm {
        width: width_of(range, parts, max_points.map(to_count)).or_report(),
        zone: zone.unwrap_or("UTC").to_owned(),
        origin: origin.map(to_timestamp),
        fill: fill.map_or(Ok(Fill::None), Fill::named).or_report(),
        by_device,
        by_metric,
        aggregates: Aggregates::named(aggregates.iter().map(String::as_str)).or_report(),
    };
    encode(devices, metrics, range, Form::Buckets(form))
}

/// A question for readings.
#[pg_extern(immutable, parallel_safe)]
fn reading_query(
    devices: Option<Array<'_, i32>>,
    metrics: Option<Array<'_, i32>>,
    from: Option<TimestampWithTimeZone>,
    to: Option<TimestampWithTimeZone>,
    above: Option<f64>,
    below: Option<f64>,
    max_points: Option<i32>,
) -> Vec<u8> {
    let range = Range::of(from.map(to_timestamp), to.map(to_timestamp)).or_report();
    let form = ReadingForm {
        above,
        below,
        points_max: points_of(max_points.map(to_count)).or_report(),
    };
    encode(devices, metrics, range, Form::Readings(form))
}

/// A question for the latest readings.
#[pg_extern(immutable, parallel_safe)]
fn latest_query(devices: Option<Array<'_, i32>>, metrics: Option<Array<'_, i32>>) -> Vec<u8> {
    encode(
        devices,
        metrics,
        Range::ALL,
        Form::Readings(ReadingForm::default()),
    )
}

fn encode(
    devices: Option<Array<'_, i32>>,
    metrics: Option<Array<'_, i32>>,
    range: Range,
    form: Form,
) -> Vec<u8> {
    let numbers = |numbers: Array<'_, i32>| {
        let mut numbers: Vec<i32> = numbers.iter().flatten().collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    let query = Query {
        range,
        devices: devices.map(numbers),
        metrics: metrics.map(numbers),
        form,
    };
    query.encode()
}

fn to_count(number: i32) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// The question and what frames hold of its answer.
#[derive(Default)]
struct RecentState {
    query: Option<Query>,
    recent: Recent,
}

/// Adds a frame to the state; a null argument adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn recent_agg_state(
    state: Internal,
    query: Option<&[u8]>,
    batch_id: Option<i64>,
    frame: Option<&[u8]>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(query), Some(batch_id), Some(frame)) = (query, batch_id, frame) {
        let RecentState {
            query: asked,
            recent,
        } = state_of(&mut state, fcinfo);
        let asked = asked.get_or_insert_with(|| Query::decode(query).or_report());
        let frame = Frame::parse(frame).or_report();
        recent.add(asked, batch_id, &frame).or_report();
    }
    state
}

/// What frames hold of an answer, or null when it is nothing.
#[pg_extern(immutable, parallel_safe)]
fn recent_agg_final(state: Internal, fcinfo: FunctionCallInfo) -> Option<Vec<u8>> {
    let mut state = state;
    std::mem::take(state_of::<RecentState>(&mut state, fcinfo))
        .recent
        .finish()
}

/// Adds a block to the state; without a question or a block it adds nothing.
#[pg_extern(immutable, parallel_safe)]
fn answer_agg_state(
    state: Internal,
    query: Option<&[u8]>,
    recent: Option<&[u8]>,
    device: Option<i32>,
    head: Option<&[u8]>,
    body: Option<LazyBytes>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(query), Some(device), Some(head), Some(body)) = (query, device, head, body) {
        let answer = state_of::<Option<Answer>>(&mut state, fcinfo);
        let answer = answer.get_or_insert_with(|| begin(query, recent));
        let head = BlockHead::parse(head).map_err(|fault| fault.of_device(device));
        answer.add(device, &head.or_report(), &body).or_report();
    }
    state
}

/// The answer, or null when there was no block.
#[pg_extern(immutable, parallel_safe)]
fn answer_agg_final(state: Internal, fcinfo: FunctionCallInfo) -> Option<Vec<u8>> {
    let mut state = state;
    let answer = state_of::<Option<Answer>>(&mut state, fcinfo).take();
    answer.map(|answer| answer.finish().or_report())
}

/// The answer from recent readings alone; to no question there is none.
#[pg_extern(immutable, parallel_safe)]
fn answer_of_recent(query: Option<&[u8]>, recent: Option<&[u8]>) -> Option<Vec<u8>> {
    query.map(|query| begin(query, recent).finish().or_report())
}

fn begin(query: &[u8], recent: Option<&[u8]>) -> Answer {
    let query = Query::decode(query).or_report();
    Answer::new(query, recent).or_report()
}

/// Numbers and names, as arrays of equal length; nothing where there are none.
fn names<'n>(numbers: Option<&'n Array<'_, i32>>, names: Option<&'n Array<'_, &str>>) -> Names<'n> {
    let numbers = numbers
        .into_iter()
        .flat_map(|numbers| numbers.iter().flatten());
    let names = names.into_iter().flat_map(|names| names.iter().flatten());
    Names::new(numbers, names)
}

/// The buckets of an answer.
#[pg_extern(immutable, parallel_safe)]
#[expect(
    clippy::type_complexity,
    clippy::needless_pass_by_value,
    reason = "the columns of the result, one by one; arguments are values"
)]
fn answer_buckets(
    answer: Option<&[u8]>,
    device_numbers: Option<Array<'_, i32>>,
    device_names: Option<Array<'_, &str>>,
    metric_numbers: Option<Array<'_, i32>>,
    metric_names: Option<Array<'_, &str>>,
) -> TableIterator<
    'static,
    (
        name!(device, Option<String>),
        name!(metric, Option<String>),
        name!(at, TimestampWithTimeZone),
        name!(count, Option<i64>),
        name!(min, Option<f64>),
        name!(max, Option<f64>),
        name!(avg, Option<f64>),
        name!(sum, Option<f64>),
        name!(first, Option<JsonbText>),
        name!(last, Option<JsonbText>),
        name!(stddev, Option<f64>),
        name!(p50, Option<f64>),
        name!(p90, Option<f64>),
        name!(p95, Option<f64>),
        name!(p99, Option<f64>),
    ),
> {
    let devices = names(device_numbers.as_ref(), device_names.as_ref());
    let metrics = names(metric_numbers.as_ref(), metric_names.as_ref());
    let rows = query::decode_buckets(answer.unwrap_or_default()).or_report();
    let rows = query::named(rows, &devices, &metrics).into_iter();
    let rows = rows.map(|(device, metric, row)| {
        let [min, max, avg, sum, stddev, p50, p90, p95, p99] = row.numbers;
        (
            device.map(str::to_owned),
            metric.map(str::to_owned),
            from_timestamp(Timestamp::from_micros(row.at_micros)),
            row.count.map(u64::cast_signed),
            min,
            max,
            avg,
            sum,
            row.first.as_ref().map(JsonbText::from),
            row.last.as_ref().map(JsonbText::from),
            stddev,
            p50,
            p90,
            p95,
            p99,
        )
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

/// The readings of an answer.
#[pg_extern(immutable, parallel_safe)]
#[expect(clippy::needless_pass_by_value, reason = "arguments are values")]
fn answer_readings(
    answer: Option<&[u8]>,
    device_numbers: Option<Array<'_, i32>>,
    device_names: Option<Array<'_, &str>>,
    metric_numbers: Option<Array<'_, i32>>,
    metric_names: Option<Array<'_, &str>>,
) -> TableIterator<
    'static,
    (
        name!(device, Option<String>),
        name!(metric, Option<String>),
        name!(at, TimestampWithTimeZone),
        name!(value, JsonbText),
    ),
> {
    let devices = names(device_numbers.as_ref(), device_names.as_ref());
    let metrics = names(metric_numbers.as_ref(), metric_names.as_ref());
    let rows = query::decode_readings(answer.unwrap_or_default()).or_report();
    let rows = query::named(rows, &devices, &metrics).into_iter();
    let rows = rows.map(|(device, metric, row)| {
        (
            device.map(str::to_owned),
            metric.map(str::to_owned),
            from_timestamp(row.at),
            JsonbText::from(&row.value),
        )
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

extension_sql!(
    r#"
create aggregate recent_agg(query bytea, batch_id bigint, frame bytea) (
    sfunc = recent_agg_state,
    stype = internal,
    finalfunc = recent_agg_final,
    finalfunc_modify = read_write,
    parallel = safe
);
create aggregate answer_agg(
    query bytea, recent bytea, device integer, head bytea, body bytea
) (
    sfunc = answer_agg_state,
    stype = internal,
    finalfunc = answer_agg_final,
    finalfunc_modify = read_write,
    parallel = safe
);
comment on function bucket_query(
    integer[], integer[], timestamptz, timestamptz, interval, integer, text, timestamptz, text,
    text[], text[]
) is
    'A question for what the readings of devices and metrics (all, where null) from a time to before another come to in buckets, for recent_agg and answer_agg; width, max_points, zone, origin, fill, group_by and aggregates as v1.telemetry has them.';
comment on function reading_query(
    integer[], integer[], timestamptz, timestamptz, double precision, double precision, integer
) is
    'A question for the readings of devices and metrics (all, where null) from a time to before another, above and below numbers, and at most so many of each series, for recent_agg and answer_agg.';
comment on function latest_query(integer[], integer[]) is
    'A question for the latest readings of devices and metrics (all, where null), for latest_agg.';
comment on function recent_agg_state(internal, bytea, bigint, bytea) is
    'Adds a frame to the state of recent_agg.';
comment on function recent_agg_final(internal) is 'Ends recent_agg.';
comment on aggregate recent_agg(bytea, bigint, bytea) is
    'What frames of iot.batches hold of an answer, for answer_agg. Of two readings of one series and time the one of the greater batch_id counts. Null when it is nothing.';
comment on function answer_agg_state(internal, bytea, bytea, integer, bytea, bytea) is
    'Adds a block to the state of answer_agg.';
comment on function answer_agg_final(internal) is 'Ends answer_agg.';
comment on aggregate answer_agg(bytea, bytea, integer, bytea, bytea) is
    'The answer to a question from blocks of iot.blocks and recent readings, which count where both have one, for answer_buckets or answer_readings. Null when there was no block.';
comment on function answer_of_recent(bytea, bytea) is
    'The answer to a question from recent readings alone.';
comment on function answer_buckets(bytea, integer[], text[], integer[], text[]) is
    'The buckets of an answer, ordered by device, metric and time, under the names that the arrays give to numbers of devices and metrics; series without a name are left out. count, first and last pass over nulls; min, max, avg, sum, stddev and percentiles are over numbers and truth values (0 and 1).';
comment on function answer_readings(bytea, integer[], text[], integer[], text[]) is
    'The readings of an answer, ordered by device, metric and time, under the names that the arrays give to numbers of devices and metrics; series without a name are left out. NaN and the infinities are JSON strings.';
"#,
    name = "query",
    requires = [
        bucket_query,
        reading_query,
        latest_query,
        recent_agg_state,
        recent_agg_final,
        answer_agg_state,
        answer_agg_final,
        answer_of_recent,
        answer_buckets,
        answer_readings
    ]
);

//! One series: merged from frames, then read as readings or buckets.

use pgrx::prelude::*;
use pgrx::{Internal, pg_sys::FunctionCallInfo};
use tenon_domain::telemetry::bucket::{self, Zone};
use tenon_domain::telemetry::frame::Frame;
use tenon_domain::telemetry::series::{Series, SeriesMerge};

use crate::aggregate::state_of;
use crate::convert::{from_timestamp, to_timestamp, to_width};
use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// Adds a frame to the state; a null argument adds nothing.
#[pg_extern(immutable, parallel_safe)]
#[expect(clippy::too_many_arguments, reason = "the arguments of the aggregate")]
fn series_agg_state(
    state: Internal,
    batch_id: Option<i64>,
    frame: Option<&[u8]>,
    device: Option<i32>,
    metric: Option<i32>,
    from: Option<TimestampWithTimeZone>,
    to: Option<TimestampWithTimeZone>,
    fcinfo: FunctionCallInfo,
) -> Internal {
    let mut state = state;
    if let (Some(rank), Some(frame), Some(device), Some(metric), Some(from), Some(to)) =
        (batch_id, frame, device, metric, from, to)
    {
        let window = (to_timestamp(from), to_timestamp(to));
        let frame = Frame::parse(frame).or_report();
        let merge = state_of::<SeriesMerge>(&mut state, fcinfo);
        merge
            .add(rank, &frame, (device, metric), window)
            .or_report();
    }
    state
}

/// The series as bytes, or null when it has no reading.
#[pg_extern(immutable, parallel_safe)]
fn series_agg_final(state: Internal, fcinfo: FunctionCallInfo) -> Option<Vec<u8>> {
    let mut state = state;
    let merge = std::mem::take(state_of::<SeriesMerge>(&mut state, fcinfo));
    merge.finish().map(|series| series.encode().or_report())
}

/// The readings of a series.
#[pg_extern(immutable, parallel_safe, strict)]
fn series_readings(
    series: &[u8],
) -> TableIterator<'static, (name!(at, TimestampWithTimeZone), name!(value, JsonbText))> {
    let series = Series::decode(series).or_report();
    let readings = series
        .readings
        .iter()
        .map(|(at, value)| (*at, value.to_json()));
    let readings: Vec<_> = readings.collect();
    let rows = readings.into_iter();
    TableIterator::new(rows.map(|(at, value)| (from_timestamp(at), JsonbText(value))))
}

/// The buckets of a series that hold a value.
#[pg_extern(immutable, parallel_safe, strict)]
#[expect(
    clippy::type_complexity,
    reason = "the columns of the result, one by one"
)]
fn series_buckets(
    series: &[u8],
    width: Interval,
    zone: &str,
) -> TableIterator<
    'static,
    (
        name!(bucket, TimestampWithTimeZone),
        name!(count, i64),
        name!(min, Option<f64>),
        name!(max, Option<f64>),
        name!(avg, Option<f64>),
        name!(sum, Option<f64>),
        name!(first, Option<JsonbText>),
        name!(last, Option<JsonbText>),
    ),
> {
    let series = Series::decode(series).or_report();
    let zone = Zone::named(zone).or_report();
    let buckets = bucket::buckets(&series, to_width(&width), &zone).or_report();
    let rows = buckets.into_iter().map(|bucket| {
        let statistics = bucket.statistics;
        (
            from_timestamp(bucket.start),
            statistics.count.cast_signed(),
            statistics.min,
            statistics.max,
            statistics.average(),
            statistics.sum(),
            statistics.first.as_ref().map(|(_, value)| JsonbText::from(value)),
            statistics.last.as_ref().map(|(_, value)| JsonbText::from(value)),
        )
    });
    TableIterator::new(rows.collect::<Vec<_>>())
}

extension_sql!(
    r#"
create aggregate series_agg(
    batch_id bigint, frame bytea, device integer, metric integer,
    "from" timestamptz, "to" timestamptz
) (
    sfunc = series_agg_state,
    stype = internal,
    finalfunc = series_agg_final,
    finalfunc_modify = read_write,
    parallel = safe
);
comment on function series_agg_state(
    internal, bigint, bytea, integer, integer, timestamptz, timestamptz
) is 'Adds a frame to the state of series_agg.';
comment on function series_agg_final(internal) is 'Ends series_agg.';
comment on aggregate series_agg(bigint, bytea, integer, integer, timestamptz, timestamptz) is
    'The readings of one device and metric from "from" to before "to", merged from frames as bytes for series_readings and series_buckets. Of two readings of one instant the one of the greater batch_id counts. Null when there is none.';
comment on function series_readings(bytea) is
    'The readings of a series, ordered by time. NaN and the infinities are JSON strings.';
comment on function series_buckets(bytea, interval, text) is
    'The buckets of a series that hold a value other than null, ordered by time. count, first and last pass over nulls; min, max, avg and sum are over numbers and truth values (0 and 1).';
"#,
    name = "series_agg",
    requires = [
        series_agg_state,
        series_agg_final,
        series_readings,
        series_buckets
    ]
);

//! Rows for buckets that nobody filled, and values for them.

use std::ffi::c_void;

use pgrx::AnyElement;
use pgrx::pg_sys::{self, FunctionCallInfo, WindowObjectData};
use pgrx::prelude::*;
use tenon_domain::statistics::fill::on_line;
use tenon_domain::statistics::finite;
use tenon_domain::telemetry::bucket::{Bucketing, Zone};
use tenon_domain::time::Timestamp;

use crate::convert::{from_timestamp, to_timestamp, to_width};
use crate::error::OrReport;

/// The start of every bucket that holds an instant from `from` to before `to`.
#[pg_extern(immutable, parallel_safe)]
fn gapfill(
    width: Option<Interval>,
    from: Option<TimestampWithTimeZone>,
    to: Option<TimestampWithTimeZone>,
    zone: default!(Option<&str>, "'UTC'"),
    origin: default!(Option<TimestampWithTimeZone>, "null"),
) -> SetOfIterator<'static, TimestampWithTimeZone> {
    let (Some(width), Some(from), Some(to), Some(zone)) = (width, from, to, zone) else {
        return SetOfIterator::empty();
    };
    let mut bucketing = Bucketing::new(to_width(&width), &Zone::named(zone).or_report());
    if let Some(origin) = origin {
        bucketing = bucketing.with_origin(to_timestamp(origin)).or_report();
    }
    let (from, to) = (
        finite(to_timestamp(from)).or_report(),
        finite(to_timestamp(to)).or_report(),
    );
    let first = (from < to).then(|| bucketing.bucket_start(from).or_report());
    let starts = std::iter::successors(first, move |&start| {
        let next = bucketing.next_bucket_start(start).or_report();
        (next < to).then_some(next)
    });
    SetOfIterator::new(starts.map(from_timestamp))
}

/// The value itself: the state of locf is its last one.
#[pg_extern(immutable, parallel_safe, strict)]
const fn locf_state(_state: AnyElement, value: AnyElement) -> AnyElement {
    value
}

// Of Postgres' windowapi.h, which pgrx leaves out.
const WINDOW_SEEK_CURRENT: i32 = 0;

unsafe extern "C-unwind" {
    fn WinGetPartitionLocalMemory(window: *mut WindowObjectData, size: pg_sys::Size)
    -> *mut c_void;
    fn WinGetCurrentPosition(window: *mut WindowObjectData) -> i64;
    fn WinSetMarkPosition(window: *mut WindowObjectData, position: i64);
    fn WinGetFuncArgInPartition(
        window: *mut WindowObjectData,
        argument: i32,
        relative_position: i32,
        seek_type: i32,
        set_mark: bool,
        is_null: *mut bool,
        is_out: *mut bool,
    ) -> pg_sys::Datum;
}

/// What is known of a partition: Postgres gives it as zeros.
#[derive(Clone, Copy)]
#[repr(C)]
struct Neighbours {
    has_before: bool,
    has_after: bool,
    before: Point,
    after: Point,
    /// The rows up to before this position have been looked at for a value.
    looked_up_to: i64,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Point {
    at_micros: i64,
    value: f64,
}

impl Point {
    const fn to_pair(self) -> (Timestamp, f64) {
        (Timestamp::from_micros(self.at_micros), self.value)
    }
}

/// The arguments of a row of the partition, so many rows after the current one; `None` beyond it.
fn row(window: *mut WindowObjectData, distance: i32) -> Option<(Option<Timestamp>, Option<f64>)> {
    let argument = |number| {
        let (mut is_null, mut is_out) = (false, false);
        // SAFETY: `window` is this call's window object, and the function has arguments 0 and 1.
        let datum = unsafe {
            WinGetFuncArgInPartition(
                window,
                number,
                distance,
                WINDOW_SEEK_CURRENT,
                false,
                &raw mut is_null,
                &raw mut is_out,
            )
        };
        (!is_out).then_some((datum, is_null))
    };
    let ((at, at_is_null), (value, value_is_null)) = (argument(0)?, argument(1)?);
    // SAFETY: these are the types with which the function is declared below.
    let (at, value) = unsafe {
        (
            TimestampWithTimeZone::from_datum(at, at_is_null),
            f64::from_datum(value, value_is_null),
        )
    };
    let at = at.map(|at| finite(to_timestamp(at)).or_report());
    Some((at, value))
}

/// The value of the current row, or where it would be on the line between its neighbours.
#[pg_extern(sql = r#"
create function interpolate(at timestamptz, value double precision) returns double precision
language c immutable window parallel safe as '@MODULE_PATHNAME@', '@FUNCTION_NAME@';
"#)]
fn interpolate(fcinfo: FunctionCallInfo) -> Option<f64> {
    // SAFETY: Postgres calls a window function with its window object as the context, and keeps
    // the memory of a partition, zeroed at first, until the partition ends.
    let (window, position, neighbours) = unsafe {
        let window = (*fcinfo).context.cast::<WindowObjectData>();
        let memory = WinGetPartitionLocalMemory(window, size_of::<Neighbours>());
        let position = WinGetCurrentPosition(window);
        WinSetMarkPosition(window, position);
        (window, position, &mut *memory.cast::<Neighbours>())
    };
    let (at, value) = row(window, 0)?;
    let at = at?;
    if let Some(value) = value {
        neighbours.has_before = true;
        neighbours.before = Point {
            at_micros: at.as_micros(),
            value,
        };
        return Some(value);
    }
    if neighbours.looked_up_to <= position {
        look_ahead(window, position, neighbours);
    }
    (neighbours.has_before && neighbours.has_after).then(|| {
        let (before, after) = (neighbours.before, neighbours.after);
        on_line(before.to_pair(), after.to_pair(), at)
    })
}

/// Finds the next row with a value: every row of a gap is looked at once.
fn look_ahead(window: *mut WindowObjectData, position: i64, neighbours: &mut Neighbours) {
    neighbours.has_after = false;
    neighbours.looked_up_to = i64::MAX;
    for distance in 1..i32::MAX {
        pgrx::check_for_interrupts!();
        match row(window, distance) {
            None => return,
            Some((Some(at), Some(value))) => {
                neighbours.has_after = true;
                neighbours.after = Point {
                    at_micros: at.as_micros(),
                    value,
                };
                neighbours.looked_up_to = position + i64::from(distance);
                return;
            }
            Some(_) => {}
        }
    }
}

extension_sql!(
    r#"
create aggregate locf(value anyelement) (
    sfunc = locf_state,
    stype = anyelement,
    parallel = safe
);
comment on aggregate locf(anyelement) is
    'As a window function, locf(value) over (order by at): the value of the row, or else the last before it that is not null.';
comment on function locf_state(anyelement, anyelement) is 'Keeps the last value of locf.';
comment on function interpolate(timestamptz, double precision) is
    'A window function, interpolate(at, value) over (order by at): the value of the row, or else where it would be on the straight line between the values around it. Null where there is none before or after.';
comment on function gapfill(interval, timestamptz, timestamptz, text, timestamptz) is
    'The start of every bucket of time_bucket that holds an instant from "from" to before "to", to join what there is onto.';
"#,
    name = "statistics_fill",
    requires = [gapfill, locf_state, interpolate]
);

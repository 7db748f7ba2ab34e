//! When something was last used, for those who use it in transactions that only read.

use pgrx::Uuid;
use pgrx::prelude::*;
use tenon_domain::time::Timestamp;

use super::memory;
use crate::convert::{from_timestamp, to_timestamp};

/// Marks `id` as used. False when there is no shared memory to do it in.
#[pg_extern(volatile, parallel_restricted, strict)]
fn touch(id: Uuid, at: default!(TimestampWithTimeZone, "clock_timestamp()")) -> bool {
    let Some(marks) = memory::marks() else {
        return false;
    };
    let (key, at) = (
        u128::from_be_bytes(*id.as_bytes()),
        to_timestamp(at).as_micros(),
    );
    let mut locked = marks.lock(std::iter::once(key));
    if locked.get(key).is_none_or(|before| before < at) && locked.put(key, at).is_some() {
        marks.count_given_up();
    }
    true
}

/// All that was marked since the last call, and when it was last.
#[pg_extern(volatile, parallel_restricted, strict)]
fn touched() -> TableIterator<'static, (name!(id, Uuid), name!(at, TimestampWithTimeZone))> {
    let mut found = Vec::new();
    if let Some(marks) = memory::marks() {
        marks.visit(|key, at| {
            found.push((key, at));
            true
        });
    }
    TableIterator::new(found.into_iter().map(|(key, at)| {
        (
            Uuid::from_bytes(key.to_be_bytes()),
            from_timestamp(Timestamp::from_micros(at)),
        )
    }))
}

extension_sql!(
    r#"
comment on function touch(uuid, timestamptz) is
    'Marks the id as used at this time, in shared memory, so that it works in transactions that only read; a rollback does not take it back. False without shared memory. A mark is lost when Postgres restarts, or when more than tenon.touched_ids of them wait to be collected.';
comment on function touched() is
    'All ids that were marked as used since the last call, and when last; forgets them, whatever becomes of the transaction.';
revoke all on function touch(uuid, timestamptz), touched() from public;
grant execute on function touch(uuid, timestamptz), touched() to @extowner@;
"#,
    name = "touched_comments",
    requires = [touch, touched]
);

//! Where entries differ from what was sealed.

use pgrx::prelude::*;
use tenon_domain::audit::Digest;
use tenon_domain::audit::verify::{Difference, EntryFinding, differences, name_differences};

use super::seal::pairs;
use crate::error::OrReport;

/// The entries that are not what was sealed.
#[pg_extern(immutable, parallel_safe, strict)]
#[expect(
    clippy::type_complexity,
    reason = "the columns of the result, one by one"
)]
fn audit_differences(
    ids: Array<'_, i64>,
    digests: &[u8],
    found_ids: Array<'_, i64>,
    found_digests: &[u8],
) -> TableIterator<
    'static,
    (
        name!(id, i64),
        name!(sealed, Option<Vec<u8>>),
        name!(found, Option<Vec<u8>>),
    ),
> {
    let bytes = |digest: Option<Digest>| digest.map(|Digest(bytes)| bytes.to_vec());
    let found = pairs(&found_ids, found_digests);
    let differing = differences(&pairs(&ids, digests), &found).into_iter();
    TableIterator::new(differing.map(move |one| (one.id, bytes(one.sealed), bytes(one.found))))
}

/// What was done to entries that are not what was sealed.
#[pg_extern(immutable, parallel_safe)]
fn audit_name_differences(
    ids: Option<Array<'_, i64>>,
    sealed: Option<Array<'_, &[u8]>>,
    found: Option<Array<'_, &[u8]>>,
    last_kept: Option<i64>,
) -> TableIterator<
    'static,
    (
        name!(id, i64),
        name!(finding, &'static str),
        name!(other_id, Option<i64>),
    ),
> {
    let (Some(ids), Some(sealed), Some(found)) = (ids, sealed, found) else {
        return TableIterator::empty();
    };
    let digest = |bytes: Option<&[u8]>| bytes.map(|bytes| Digest::from_bytes(bytes).or_report());
    let both = sealed.iter().zip(found.iter());
    let differing: Vec<_> = ids
        .iter()
        .flatten()
        .zip(both)
        .map(|(id, (sealed, found))| Difference {
            id,
            sealed: digest(sealed),
            found: digest(found),
        })
        .collect();
    let named = name_differences(&differing, last_kept).into_iter();
    TableIterator::new(named.map(|(id, finding)| {
        let other_id = match finding {
            EntryFinding::SwappedWith(other) => Some(other),
            _ => None,
        };
        (id, finding.as_str(), other_id)
    }))
}

extension_sql!(
    r#"
comment on function audit_differences(bigint[], bytea, bigint[], bytea) is
    'The entries whose digests are not those sealed: id, the sealed and the found digest, of which one may be null. Ids ascend; digests are 32 bytes for each.';
comment on function audit_name_differences(bigint[], bytea[], bytea[], bigint) is
    'What was done to entries that differ: entry_edited, entry_swapped (with other_id), entry_missing, entry_tail_cut, entry_added. last_kept: the highest sealed id that is still there.';
"#,
    name = "audit_verify_comments",
    requires = [audit_differences, audit_name_differences]
);

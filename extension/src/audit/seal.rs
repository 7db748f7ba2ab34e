//! Seals: their canonical form, and whether one is what it was.

use pgrx::Uuid;
use pgrx::prelude::*;
use tenon_domain::audit::seal::{Anchor, Seal};
use tenon_domain::audit::verify::{Link, check_seal};
use tenon_domain::audit::{Digest, paired};

use crate::convert::to_timestamp;
use crate::error::OrReport;

/// A seal's canonical form.
#[pg_extern(immutable, parallel_safe, strict)]
#[expect(clippy::too_many_arguments, reason = "the columns of a seal")]
fn audit_seal(
    tenant_id: Uuid,
    number: i64,
    month: TimestampWithTimeZone,
    sealed_at: TimestampWithTimeZone,
    previous: &[u8],
    ids: Array<'_, i64>,
    digests: &[u8],
    anchor_tenants: Array<'_, Uuid>,
    anchor_numbers: Array<'_, i64>,
    anchor_hashes: &[u8],
) -> String {
    let parts = Parts::new(
        tenant_id,
        &ids,
        digests,
        &anchor_tenants,
        &anchor_numbers,
        anchor_hashes,
    );
    let anchors = parts.anchors();
    parts
        .seal(number, month, sealed_at, previous, &anchors)
        .text()
}

/// What was done to a seal since it was made.
#[pg_extern(immutable, parallel_safe, strict)]
#[expect(clippy::too_many_arguments, reason = "the columns of a seal")]
fn audit_check_seal(
    number_before: i64,
    hash_before: &[u8],
    tenant_id: Uuid,
    number: i64,
    month: TimestampWithTimeZone,
    sealed_at: TimestampWithTimeZone,
    previous: &[u8],
    ids: Array<'_, i64>,
    digests: &[u8],
    anchor_tenants: Array<'_, Uuid>,
    anchor_numbers: Array<'_, i64>,
    anchor_hashes: &[u8],
    hash: &[u8],
) -> Vec<&'static str> {
    let parts = Parts::new(
        tenant_id,
        &ids,
        digests,
        &anchor_tenants,
        &anchor_numbers,
        anchor_hashes,
    );
    let anchors = parts.anchors();
    let seal = parts.seal(number, month, sealed_at, previous, &anchors);
    let before = Link {
        number: number_before,
        hash: Digest::from_bytes(hash_before).or_report(),
    };
    let hash = Digest::from_bytes(hash).or_report();
    let findings = check_seal(before, &seal, hash).into_iter();
    findings.map(|finding| finding.as_str()).collect()
}

/// What a seal borrows.
struct Parts {
    tenant: String,
    entries: Vec<(i64, Digest)>,
    anchor_tenants: Vec<String>,
    anchors: Vec<(i64, Digest)>,
}

impl Parts {
    fn new(
        tenant: Uuid,
        ids: &Array<'_, i64>,
        digests: &[u8],
        anchor_tenants: &Array<'_, Uuid>,
        anchor_numbers: &Array<'_, i64>,
        anchor_hashes: &[u8],
    ) -> Self {
        let numbers: Vec<i64> = anchor_numbers.iter().flatten().collect();
        Self {
            tenant: tenant.to_string(),
            entries: pairs(ids, digests),
            anchor_tenants: anchor_tenants
                .iter()
                .flatten()
                .map(|id| id.to_string())
                .collect(),
            anchors: paired(numbers.into_iter(), anchor_hashes).or_report(),
        }
    }

    fn anchors(&self) -> Vec<Anchor<'_>> {
        let anchored = self.anchor_tenants.iter().zip(&self.anchors);
        let anchored = anchored.map(|(tenant, &(number, hash))| Anchor {
            tenant,
            number,
            hash,
        });
        anchored.collect()
    }

    fn seal<'a>(
        &'a self,
        number: i64,
        month: TimestampWithTimeZone,
        sealed_at: TimestampWithTimeZone,
        previous: &[u8],
        anchors: &'a [Anchor<'a>],
    ) -> Seal<'a> {
        Seal {
            tenant: &self.tenant,
            number,
            month: to_timestamp(month),
            sealed_at: to_timestamp(sealed_at),
            previous: Digest::from_bytes(previous).or_report(),
            entries: &self.entries,
            anchors,
        }
    }
}

/// Ids with their digests.
pub(super) fn pairs(ids: &Array<'_, i64>, digests: &[u8]) -> Vec<(i64, Digest)> {
    let ids: Vec<i64> = ids.iter().flatten().collect();
    paired(ids.into_iter(), digests).or_report()
}

extension_sql!(
    r#"
comment on function audit_seal(uuid, bigint, timestamptz, timestamptz, bytea, bigint[], bytea, uuid[], bigint[], bytea) is
    'The canonical form of an audit seal, whose SHA-256 is its hash; see docs/audit-format.md. digests and anchor_hashes: 32 bytes for each id and each anchored number.';
comment on function audit_check_seal(bigint, bytea, uuid, bigint, timestamptz, timestamptz, bytea, bigint[], bytea, uuid[], bigint[], bytea, bytea) is
    'What was done to a seal since it was made: seal_missing (seals before it are gone), seal_unlinked, seal_edited; empty when it is as it was. The first two arguments are number and hash of the seal before, 0 and 32 zero bytes before the first.';
"#,
    name = "audit_seal_comments",
    requires = [audit_seal, audit_check_seal]
);

//! Decides the canonical form of a seal: some lines of text, of which SHA-256 is the hash. Each
//! holds the hash of the one before, so that none can change without all that follow.

use std::fmt::Write as _;

use super::Digest;
use super::entry::instant;
use crate::time::Timestamp;

/// Names the format and keeps a hash of it from being taken for one of anything else.
const HEADING: &str = "tenon audit seal 1";

/// A seal: the digests of some entries of a tenant, in the order of their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal<'a> {
    /// Whose entries they are.
    pub tenant: &'a str,
    /// Which of the tenant's seals it is, from 1.
    pub number: i64,
    /// When the month began in which all of the entries were written.
    pub month: Timestamp,
    /// When they were sealed.
    pub sealed_at: Timestamp,
    /// The hash of the seal before; zeros for the first.
    pub previous: Digest,
    /// Ids and digests of the entries.
    pub entries: &'a [(i64, Digest)],
    /// Seals of other tenants that this one vouches for; of the platform's seals alone.
    pub anchors: &'a [Anchor<'a>],
}

/// The newest seal of a tenant at some time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// The seal's number.
    pub number: i64,
    /// The seal's hash.
    pub hash: Digest,
}

impl Seal<'_> {
    /// The canonical form. Every line ends with a line break.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::with_capacity(256 + 90 * (self.entries.len() + self.anchors.len()));
        self.write(&mut text)
            .expect("invariant: writing to a string does not fail");
        text
    }

    /// What the next seal holds of this one.
    #[must_use]
    pub fn hash(&self) -> Digest {
        Digest::of(self.text().as_bytes())
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "{HEADING}")?;
        writeln!(text, "tenant {}", self.tenant)?;
        writeln!(text, "number {}", self.number)?;
        writeln!(text, "month {}", instant(self.month))?;
        writeln!(text, "sealed_at {}", instant(self.sealed_at))?;
        writeln!(text, "previous {}", self.previous)?;
        for (id, digest) in self.entries {
            writeln!(text, "entry {id} {digest}")?;
        }
        for Anchor {
            tenant,
            number,
            hash,
        } in self.anchors
        {
            writeln!(text, "anchor {tenant} {number} {hash}")?;
        }
        Ok(())
    }
}

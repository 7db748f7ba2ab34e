//! Decides what has been done to entries and seals since they were sealed, and says where.

use std::collections::{BTreeMap, BTreeSet};

use super::Digest;
use super::seal::Seal;

/// An entry that is not what was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The entry's id.
    pub id: i64,
    /// The digest that was sealed under the id; none when none was.
    pub sealed: Option<Digest>,
    /// The digest of the entry that is there; none when there is none.
    pub found: Option<Digest>,
}

/// What was done to an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryFinding {
    /// Its contents are others.
    Edited,
    /// Its contents are those of another entry, whose id this is, and the other way round.
    SwappedWith(i64),
    /// It is gone, and later entries are there.
    Missing,
    /// It is gone, and so are all later ones that were sealed.
    TailCut,
    /// It was put where everything is sealed already.
    Added,
}

impl EntryFinding {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Edited => "entry_edited",
            Self::SwappedWith(_) => "entry_swapped",
            Self::Missing => "entry_missing",
            Self::TailCut => "entry_tail_cut",
            Self::Added => "entry_added",
        }
    }
}

/// Where the entries that are there differ from those that were sealed, in the order of ids.
#[must_use]
pub fn differences(sealed: &[(i64, Digest)], found: &[(i64, Digest)]) -> Vec<Difference> {
    // As a rule nothing differs, and both come in the order of ids.
    if sealed == found {
        return Vec::new();
    }
    let mut all: BTreeMap<i64, Difference> = BTreeMap::new();
    let none = |id| Difference {
        id,
        sealed: None,
        found: None,
    };
    for &(id, digest) in sealed {
        all.entry(id).or_insert_with(|| none(id)).sealed = Some(digest);
    }
    for &(id, digest) in found {
        all.entry(id).or_insert_with(|| none(id)).found = Some(digest);
    }
    all.into_values()
        .filter(|one| one.sealed != one.found)
        .collect()
}

/// What was done to the entries that differ. `last_kept` is the highest id that was sealed and is
/// still there, if any is.
#[must_use]
pub fn name_differences(
    differences: &[Difference],
    last_kept: Option<i64>,
) -> Vec<(i64, EntryFinding)> {
    let mut sealed_as: BTreeMap<Digest, Vec<&Difference>> = BTreeMap::new();
    for one in differences {
        if let (Some(sealed), Some(_)) = (one.sealed, one.found) {
            sealed_as.entry(sealed).or_default().push(one);
        }
    }
    let partner = |one: &Difference| {
        let candidates = one.found.and_then(|found| sealed_as.get(&found));
        let swapped = candidates?.iter().find(|other| other.found == one.sealed);
        swapped.map(|other| other.id)
    };
    let finding = |one: &Difference| match (one.sealed, one.found) {
        (Some(_), Some(_)) => partner(one).map_or(EntryFinding::Edited, EntryFinding::SwappedWith),
        (Some(_), None) if last_kept.is_none_or(|last| last < one.id) => EntryFinding::TailCut,
        (Some(_), None) => EntryFinding::Missing,
        (None, _) => EntryFinding::Added,
    };
    let mut named: BTreeSet<(i64, EntryFinding)> = BTreeSet::new();
    named.extend(differences.iter().map(|one| (one.id, finding(one))));
    named.into_iter().collect()
}

/// What was done to a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SealFinding {
    /// Seals before it are gone.
    Missing,
    /// It does not hold the hash of the one before.
    Unlinked,
    /// Its hash is not that of its contents.
    Edited,
}

impl SealFinding {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "seal_missing",
            Self::Unlinked => "seal_unlinked",
            Self::Edited => "seal_edited",
        }
    }
}

/// The end of the chain up to where it has been read: number and hash of the last seal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The seal's number; 0 before the first.
    pub number: i64,
    /// The seal's hash as it is recorded; zeros before the first.
    pub hash: Digest,
}

/// What was done to `seal`, whose recorded hash is `recorded` and which follows `before`.
#[must_use]
pub fn check_seal(before: Link, seal: &Seal<'_>, recorded: Digest) -> Vec<SealFinding> {
    let mut findings = Vec::new();
    if before.number.checked_add(1) != Some(seal.number) {
        findings.push(SealFinding::Missing);
    } else if before.hash != seal.previous {
        findings.push(SealFinding::Unlinked);
    }
    if seal.hash() != recorded {
        findings.push(SealFinding::Edited);
    }
    findings
}

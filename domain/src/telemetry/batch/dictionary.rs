//! Numbers names in the order in which they first appear.

use std::hash::BuildHasher;
use std::ops::Range;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Names, each within a group (its tenant), and the ordinal of each, from 0.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    hasher: DefaultHashBuilder,
    ordinals: HashTable<u32>,
    entries: Vec<Entry>,
    text: String,
}

#[derive(Debug)]
struct Entry {
    group: u32,
    name: Range<usize>,
}

impl Dictionary {
    /// No names yet, but room for so many.
    pub(super) fn with_capacity(names: usize) -> Self {
        Self {
            hasher: DefaultHashBuilder::default(),
            ordinals: HashTable::with_capacity(names),
            entries: Vec::with_capacity(names),
            text: String::new(),
        }
    }

    /// The ordinal of `name` in `group`, given now if it has none.
    pub(super) fn ordinal(&mut self, group: u32, name: &str) -> u32 {
        let Self {
            hasher,
            ordinals,
            entries,
            text,
        } = self;
        let at = |ordinal: u32| {
            let entry = &entries[ordinal as usize];
            (entry.group, &text[entry.name.clone()])
        };
        let hash = hasher.hash_one((group, name));
        if let Some(&ordinal) = ordinals.find(hash, |&ordinal| at(ordinal) == (group, name)) {
            return ordinal;
        }
        let ordinal =
            u32::try_from(entries.len()).expect("invariant: a batch's readings are bounded");
        ordinals.insert_unique(hash, ordinal, |&ordinal| hasher.hash_one(at(ordinal)));
        let start = text.len();
        text.push_str(name);
        entries.push(Entry {
            group,
            name: start..text.len(),
        });
        ordinal
    }

    /// The ordinal of `name` in `group`, if it has one.
    pub(super) fn find(&self, group: u32, name: &str) -> Option<u32> {
        let hash = self.hasher.hash_one((group, name));
        let found = self.ordinals.find(hash, |&ordinal| {
            let entry = &self.entries[ordinal as usize];
            entry.group == group && &self.text[entry.name.clone()] == name
        });
        found.copied()
    }

    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The bytes of all names together.
    pub(super) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Group and name, by ordinal.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.entries
            .iter()
            .map(|entry| (entry.group, &self.text[entry.name.clone()]))
    }
}

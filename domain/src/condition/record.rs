//! Takes the fields that a condition asks for out of a record, in one pass over its text.
//!
//! Nothing else of the record is built: a number of ten megabytes or a thousand levels that nobody
//! asks for are passed over.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Field;
use super::value::Found;

/// A field that is looked for below one object: its place, and the names that are left.
#[derive(Clone, Copy)]
struct Sought<'f> {
    slot: usize,
    names: &'f [String],
}

/// The values of the fields, in their order; none where one is missing. None for all when the
/// record is no JSON.
pub(super) fn slots(fields: &[Field], record: &str) -> Option<Vec<Option<Found>>> {
    let record: &RawValue = serde_json::from_str(record).ok()?;
    let mut slots: Vec<_> = fields.iter().map(|_| None).collect();
    let sought: Vec<_> = fields
        .iter()
        .enumerate()
        .map(|(slot, field)| Sought {
            slot,
            names: &field.names,
        })
        .collect();
    fill(&sought, record, &mut slots);
    Some(slots)
}

/// As deep as the longest path, which is short.
fn fill(sought: &[Sought<'_>], json: &RawValue, slots: &mut [Option<Found>]) {
    if !json.get().starts_with('{') {
        return;
    }
    let object = Object { sought, slots };
    // It is JSON, as it has been read once: what can fail is a key with half a surrogate pair.
    let _ = serde_json::Deserializer::from_str(json.get()).deserialize_map(object);
}

struct Object<'f, 's> {
    sought: &'f [Sought<'f>],
    slots: &'s mut [Option<Found>],
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(matching) = entries.next_key_seed(Key(self.sought))? {
            if matching.is_empty() {
                entries.next_value::<IgnoredAny>()?;
                continue;
            }
            let json: &RawValue = entries.next_value()?;
            let mut below = Vec::new();
            for found in matching {
                // Of a key that is there twice the last one counts.
                let is_here = found.names.is_empty();
                self.slots[found.slot] = is_here.then(|| Found::parse(json));
                if !is_here {
                    below.push(found);
                }
            }
            if !below.is_empty() {
                fill(&below, json, self.slots);
            }
        }
        Ok(())
    }
}

/// A key, as the fields that go on below it.
struct Key<'f>(&'f [Sought<'f>]);

impl<'de, 'f> DeserializeSeed<'de> for Key<'f> {
    type Value = Vec<Sought<'f>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'f> Visitor<'_> for Key<'f> {
    type Value = Vec<Sought<'f>>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        let below = |sought: &Sought<'f>| match sought.names.split_first() {
            Some((name, names)) if name == key => Some(Sought {
                slot: sought.slot,
                names,
            }),
            _ => None,
        };
        Ok(self.0.iter().filter_map(below).collect())
    }
}

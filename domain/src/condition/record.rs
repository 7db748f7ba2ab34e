//! Takes the fields that a condition asks for out of a record, in one pass over its text.
//!
//! Nothing else of the record is built: a number of ten megabytes or a thousand levels that nobody
//! asks for are passed over.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Field;
use super::evaluate::Record;
use super::number::NumberBuf;
use super::parse::{Object, list};
use super::value::Value;

/// Levels of a list or an object that are compared to tell whether it has changed. Beyond this the
/// stack would be at risk.
const LEVELS_COMPARED_MAX: usize = 64;

/// A field that is looked for below one object: its place, and the names that are left.
#[derive(Clone, Copy)]
struct Sought<'f> {
    slot: usize,
    names: &'f [String],
}

/// The values of a condition's fields in one record.
pub(super) struct Found<'j>(Vec<Option<&'j RawValue>>, Vec<Scalar>);

/// A value as the text has it, with what has to be kept to lend it out.
#[derive(Clone)]
enum Scalar {
    Nothing,
    Number(NumberBuf),
    Text(String),
    Unreadable,
}

/// The values of the fields, in their order; none where the record is no JSON.
pub(super) fn values<'j>(fields: &[Field], record: &'j str) -> Option<Found<'j>> {
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
    let scalars = slots.iter().map(|json| scalar(*json)).collect();
    Some(Found(slots, scalars))
}

fn scalar(json: Option<&RawValue>) -> Scalar {
    let text = json.map_or("null", RawValue::get);
    let scalar = match text.as_bytes().first() {
        Some(b'"') => serde_json::from_str(text).ok().map(Scalar::Text),
        Some(b'-' | b'0'..=b'9') => NumberBuf::parse(text).map(Scalar::Number),
        _ => return Scalar::Nothing,
    };
    scalar.unwrap_or(Scalar::Unreadable)
}

impl Record for Found<'_> {
    fn value(&self, place: usize) -> Value<'_> {
        let Some(json) = self.0.get(place).copied().flatten() else {
            return Value::Null;
        };
        match (self.1.get(place), json.get().as_bytes().first()) {
            (Some(Scalar::Text(text)), _) => Value::Text(text),
            (Some(Scalar::Number(number)), _) => Value::Decimal(number.get()),
            (Some(Scalar::Nothing), Some(b'n')) => Value::Null,
            (Some(Scalar::Nothing), Some(b't')) => Value::Boolean(true),
            (Some(Scalar::Nothing), Some(b'f')) => Value::Boolean(false),
            (Some(Scalar::Nothing), Some(b'[')) => Value::List,
            (Some(Scalar::Nothing), Some(b'{')) => Value::Object,
            _ => Value::Unreadable,
        }
    }

    fn list_has(&self, place: usize, text: &str) -> bool {
        let json = self.0.get(place).copied().flatten();
        let list = json.and_then(list);
        let is_it =
            |json: &RawValue| serde_json::from_str(json.get()).is_ok_and(|it: String| it == text);
        list.is_some_and(|list| list.into_iter().any(is_it))
    }

    fn is_same_inside(&self, place: usize, previous: &Self) -> bool {
        let json = |it: &Self| it.0.get(place).copied().flatten();
        match (json(self), json(previous)) {
            (Some(now), Some(before)) => is_same(now, before, LEVELS_COMPARED_MAX),
            _ => false,
        }
    }
}

/// Whether two JSON texts stand for the same; further down than `levels` only if they are written in
/// the same way.
fn is_same<'j>(now: &'j RawValue, before: &'j RawValue, levels: usize) -> bool {
    if now.get() == before.get() {
        return true;
    }
    let Some(levels) = levels.checked_sub(1) else {
        return false;
    };
    let first = |json: &RawValue| json.get().as_bytes().first().copied();
    match (first(now), first(before)) {
        (Some(b'['), Some(b'[')) => list(now).zip(list(before)).is_some_and(|(now, before)| {
            let mut both = now.iter().zip(&before);
            now.len() == before.len() && both.all(|(now, before)| is_same(now, before, levels))
        }),
        (Some(b'{'), Some(b'{')) => {
            let object = |json: &'j RawValue| serde_json::from_str::<Object<'j>>(json.get()).ok();
            object(now)
                .zip(object(before))
                .is_some_and(|(now, before)| {
                    let mut both = now.iter().map(|(key, now)| (now, before.get(key)));
                    now.len() == before.len()
                        && both.all(|(now, before)| {
                            before.is_some_and(|before| is_same(now, before, levels))
                        })
                })
        }
        _ => match (scalar(Some(now)), scalar(Some(before))) {
            (Scalar::Text(now), Scalar::Text(before)) => now == before,
            (Scalar::Number(now), Scalar::Number(before)) => now.get() == before.get(),
            _ => false,
        },
    }
}

/// As deep as the longest path, which is short.
fn fill<'j>(sought: &[Sought<'_>], json: &'j RawValue, slots: &mut [Option<&'j RawValue>]) {
    if !json.get().starts_with('{') {
        return;
    }
    let object = Sieve { sought, slots };
    // It is JSON, as it has been read once: what can fail is a key with half a surrogate pair.
    let _ = serde_json::Deserializer::from_str(json.get()).deserialize_map(object);
}

struct Sieve<'f, 's, 'j> {
    sought: &'f [Sought<'f>],
    slots: &'s mut [Option<&'j RawValue>],
}

impl<'de> Visitor<'de> for Sieve<'_, '_, 'de> {
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
                self.slots[found.slot] = is_here.then_some(json);
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

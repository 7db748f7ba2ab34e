//! Walks a payload's JSON once, without building a tree, and collects its messages.
//!
//! A rule that is broken is kept in [`Collector::fault`], because the error type of the JSON
//! reader can carry text alone; the walk then stops with an error whose text nobody reads.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::instant::{self, InstantSeed};
use super::node::{NameSeed, Node};
use super::{Message, PAYLOAD_READINGS_MAX, PayloadError, names};
use crate::telemetry::value::Value;
use crate::time::Timestamp;

/// The key whose object holds the readings of the wrapped form.
const VALUES_KEY: &str = "values";

/// What has been read so far.
pub(super) struct Collector<'a> {
    pub(super) messages: Vec<Message<'a>>,
    pub(super) fault: Option<PayloadError>,
    received_at: Timestamp,
    /// A top-level key that is neither a reading nor the time.
    ignored_key: Option<&'static str>,
    readings_total: usize,
    /// The readings of the message at hand.
    readings: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The paths of its nested objects.
    pub(super) objects: Vec<String>,
}

/// A point in the message at hand.
#[derive(Clone, Copy)]
struct Position {
    readings: usize,
    objects: usize,
}

impl<'a> Collector<'a> {
    pub(super) const fn new(received_at: Timestamp, ignored_key: Option<&'static str>) -> Self {
        Self {
            messages: Vec::new(),
            fault: None,
            received_at,
            ignored_key,
            readings_total: 0,
            readings: Vec::new(),
            objects: Vec::new(),
        }
    }

    pub(super) fn fail<T, E: Error>(&mut self, fault: PayloadError) -> Result<T, E> {
        self.fault = Some(fault);
        Err(E::custom("refused"))
    }

    pub(super) fn push<E: Error>(&mut self, name: Cow<'a, str>, value: Value<'a>) -> Result<(), E> {
        self.readings_total += 1;
        if self.readings_total > PAYLOAD_READINGS_MAX {
            return self.fail(PayloadError::TooManyReadings);
        }
        self.readings.push((name, value));
        Ok(())
    }

    /// Reads the value of a top-level time key.
    fn time<'de, A: MapAccess<'de>>(
        &mut self,
        entries: &mut A,
        earlier: Option<Timestamp>,
    ) -> Result<Timestamp, A::Error> {
        match (entries.next_value_seed(InstantSeed)?, earlier) {
            (Some(at), None) => {
                instant::check(at, self.received_at).or_else(|fault| self.fail(fault))
            }
            _ => self.fail(PayloadError::TimeInvalid),
        }
    }

    /// How many readings and nested objects the message at hand has so far.
    fn position(&self) -> Position {
        Position {
            readings: self.readings.len(),
            objects: self.objects.len(),
        }
    }

    /// Names what lies between two positions as what it turned out to be: the content of a nested
    /// object that happens to be called `values`.
    fn prefix_values(&mut self, start: Position, end: Position) {
        let readings = self.readings.get_mut(start.readings..end.readings);
        for (name, _) in readings.into_iter().flatten() {
            *name = Cow::Owned(format!("{VALUES_KEY}.{name}"));
        }
        let objects = self.objects.get_mut(start.objects..end.objects);
        for path in objects.into_iter().flatten() {
            *path = format!("{VALUES_KEY}.{path}");
        }
        self.objects.push(VALUES_KEY.to_owned());
    }

    /// Ends the message at hand.
    fn finish<E: Error>(&mut self, at: Option<Timestamp>) -> Result<(), E> {
        let readings = std::mem::take(&mut self.readings);
        let objects = std::mem::take(&mut self.objects);
        if readings.is_empty() {
            return self.fail(PayloadError::Empty);
        }
        let checked = readings
            .iter()
            .try_for_each(|(name, _)| names::check(name))
            .and_then(|()| names::check_distinct(&readings, &objects));
        if let Err(fault) = checked {
            return self.fail(fault);
        }
        // Messages of a payload are mostly of one shape.
        self.readings.reserve_exact(readings.len());
        self.messages.push(Message {
            at: at.unwrap_or(self.received_at),
            readings,
        });
        Ok(())
    }
}

/// Reads a message, or an array of them where one may stand.
pub(super) struct MessageSeed<'c, 'a> {
    pub(super) collector: &'c mut Collector<'a>,
    pub(super) may_be_array: bool,
}

impl<'a> DeserializeSeed<'a> for MessageSeed<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for MessageSeed<'_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<(), A::Error> {
        if !self.may_be_array {
            return self.collector.fail(PayloadError::NotObject);
        }
        let collector = self.collector;
        let mut element = || {
            elements.next_element_seed(MessageSeed {
                collector: &mut *collector,
                may_be_array: false,
            })
        };
        while element()?.is_some() {}
        if collector.messages.is_empty() {
            return collector.fail(PayloadError::Empty);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'a>>(self, mut entries: A) -> Result<(), A::Error> {
        let collector = self.collector;
        let mut at = None;
        let mut wrapped = None;
        let mut is_flat = false;
        while let Some(key) = entries.next_key_seed(NameSeed)? {
            if key == "at" || key == "ts" {
                at = Some(collector.time(&mut entries, at)?);
            } else if collector.ignored_key.is_some_and(|ignored| key == ignored) {
                entries.next_value::<IgnoredAny>()?;
            } else if key == VALUES_KEY && wrapped.is_none() {
                let start = collector.position();
                let is_object = entries.next_value_seed(Node::top_level(collector, key, true))?;
                wrapped = is_object.then(|| (start, collector.position()));
                is_flat |= !is_object;
            } else {
                is_flat = true;
                entries.next_value_seed(Node::top_level(collector, key, false))?;
            }
        }
        if let (true, Some((start, end))) = (is_flat, wrapped) {
            collector.prefix_values(start, end);
        }
        collector.finish(at)
    }
}

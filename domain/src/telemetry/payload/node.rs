//! Reads what stands under a key of a message: a value, or an object that flattens into several.

use std::borrow::Cow;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::json_text::JsonText;
use super::message::Collector;
use super::{METRIC_NAME_BYTES_MAX, PAYLOAD_DEPTH_MAX, PayloadError, VALUE_BYTES_MAX, names};
use crate::telemetry::value::Value;

/// The place of a value: its flattened name so far and the level at which a container here stands.
pub(super) struct Node<'c, 'a> {
    collector: &'c mut Collector<'a>,
    name: Cow<'a, str>,
    depth: usize,
    /// Whether an object here holds the readings of the message, so that its key names nothing.
    is_wrapper: bool,
}

impl<'c, 'a> Node<'c, 'a> {
    /// The value of a key of the message itself.
    pub(super) const fn top_level(
        collector: &'c mut Collector<'a>,
        name: Cow<'a, str>,
        is_wrapper: bool,
    ) -> Self {
        Self {
            collector,
            name,
            depth: 2,
            is_wrapper,
        }
    }

    fn text<E: Error>(self, text: Cow<'a, str>) -> Result<bool, E> {
        if text.len() > VALUE_BYTES_MAX {
            let name = names::shortened(&self.name);
            return self.collector.fail(PayloadError::ValueTooLarge { name });
        }
        if text.contains('\0') {
            let name = names::shortened(&self.name);
            return self.collector.fail(PayloadError::TextInvalid { name });
        }
        self.leaf(Value::Text(text))
    }

    fn leaf<E: Error>(self, value: Value<'a>) -> Result<bool, E> {
        self.collector.push(self.name, value)?;
        Ok(false)
    }

    fn check_container<E: Error>(&mut self) -> Result<(), E> {
        if self.depth > PAYLOAD_DEPTH_MAX {
            return self.collector.fail(PayloadError::TooDeep);
        }
        // Checked here already, so that a long key is not copied into every name below it.
        if self.name.len() > METRIC_NAME_BYTES_MAX {
            let name = names::shortened(&self.name);
            return self
                .collector
                .fail(PayloadError::MetricNameInvalid { name });
        }
        Ok(())
    }
}

/// Whether the value was an object.
impl<'a> DeserializeSeed<'a> for Node<'_, 'a> {
    type Value = bool;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<bool, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Node<'_, 'a> {
    type Value = bool;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        self.leaf(Value::Null)
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<bool, E> {
        self.leaf(Value::Bool(truth))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<bool, E> {
        self.leaf(Value::Int(number))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<bool, E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "what does not fit an integer is a float"
        )]
        let float = || Value::Float(number as f64);
        self.leaf(i64::try_from(number).map_or_else(|_| float(), Value::Int))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<bool, E> {
        self.leaf(Value::Float(number))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'a str) -> Result<bool, E> {
        self.text(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        self.text(Cow::Owned(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, elements: A) -> Result<bool, A::Error> {
        self.check_container()?;
        match JsonText::new(&self.name).array(elements, self.depth) {
            Ok(text) => self.leaf(Value::Json(Cow::Owned(text))),
            Err((fault, error)) => {
                self.collector.fault = fault;
                Err(error)
            }
        }
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut entries: A) -> Result<bool, A::Error> {
        self.check_container()?;
        while let Some(key) = entries.next_key_seed(NameSeed)? {
            let name = if self.is_wrapper {
                key
            } else {
                Cow::Owned(format!("{}.{key}", self.name))
            };
            entries.next_value_seed(Node {
                collector: self.collector,
                name,
                depth: self.depth + 1,
                is_wrapper: false,
            })?;
        }
        if !self.is_wrapper {
            self.collector.objects.push(self.name.into_owned());
        }
        Ok(true)
    }
}

/// Reads a key, borrowed where it has no escapes.
pub(super) struct NameSeed;

impl<'a> DeserializeSeed<'a> for NameSeed {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for NameSeed {
    type Value = Cow<'a, str>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_borrowed_str<E: Error>(self, name: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

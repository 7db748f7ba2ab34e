//! Rewrites a JSON array as compact text that every reader of JSON, Postgres' `jsonb` included,
//! takes: escapes are resolved, lone surrogates and numbers beyond a float are refused.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{PAYLOAD_DEPTH_MAX, PayloadError, VALUE_BYTES_MAX};

/// The text written so far, and where it came to grief, if it did.
pub(super) struct JsonText<'n> {
    text: String,
    name: &'n str,
    fault: Option<PayloadError>,
}

impl<'n> JsonText<'n> {
    pub(super) const fn new(name: &'n str) -> Self {
        Self {
            text: String::new(),
            name,
            fault: None,
        }
    }

    /// Writes the elements of an array that stands at `depth`.
    pub(super) fn array<'de, A: SeqAccess<'de>>(
        mut self,
        elements: A,
        depth: usize,
    ) -> Result<String, (Option<PayloadError>, A::Error)> {
        match (Element {
            json: &mut self,
            depth,
        })
        .visit_seq(elements)
        {
            Ok(()) => Ok(self.text),
            Err(error) => Err((self.fault, error)),
        }
    }

    fn push<E: Error>(&mut self, text: &str) -> Result<(), E> {
        self.text.push_str(text);
        if self.text.len() > VALUE_BYTES_MAX {
            self.fail(PayloadError::ValueTooLarge {
                name: self.name.to_owned(),
            })
        } else {
            Ok(())
        }
    }

    fn push_quoted<E: Error>(&mut self, text: &str) -> Result<(), E> {
        if text.contains('\0') {
            return self.fail(PayloadError::TextInvalid {
                name: self.name.to_owned(),
            });
        }
        let quoted = serde_json::to_string(text).map_err(E::custom)?;
        self.push(&quoted)
    }

    fn fail<T, E: Error>(&mut self, fault: PayloadError) -> Result<T, E> {
        let error = E::custom(&fault);
        self.fault = Some(fault);
        Err(error)
    }
}

struct Element<'j, 'n> {
    json: &'j mut JsonText<'n>,
    depth: usize,
}

impl Element<'_, '_> {
    fn check_depth<E: Error>(&mut self) -> Result<(), E> {
        if self.depth > PAYLOAD_DEPTH_MAX {
            self.json.fail(PayloadError::TooDeep)
        } else {
            Ok(())
        }
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.json.push("null")
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.json.push(if truth { "true" } else { "false" })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        self.json.push(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.json.push(&number.to_string())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        let text = serde_json::to_string(&number).map_err(E::custom)?;
        self.json.push(&text)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.json.push_quoted(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let (json, depth) = (self.json, self.depth + 1);
        json.push("[")?;
        let mut first = true;
        loop {
            let start = json.text.len();
            if !std::mem::take(&mut first) {
                json.push(",")?;
            }
            if elements
                .next_element_seed(Element { json, depth })?
                .is_none()
            {
                json.text.truncate(start);
                return json.push("]");
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.check_depth()?;
        let (json, depth) = (self.json, self.depth + 1);
        json.push("{")?;
        let mut first = true;
        while let Some(key) = entries.next_key::<String>()? {
            if !std::mem::take(&mut first) {
                json.push(",")?;
            }
            json.push_quoted(&key)?;
            json.push(":")?;
            entries.next_value_seed(Element { json, depth })?;
        }
        json.push("}")
    }
}

//! Texts, each different one written once: a device's status has few values.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::{Run, TextValue};
use crate::telemetry::bytes::{Malformed, Reader, put_usize};
use crate::telemetry::packed::{Packed, pack};
use crate::telemetry::value::Value;

/// A column of texts: their dictionary, and for each row a place in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Texts<'a> {
    count: usize,
    lens: Reader<'a>,
    bytes: &'a [u8],
    places: Packed<'a>,
}

/// Appends `texts`.
pub(super) fn encode<'t>(bytes: &mut Vec<u8>, texts: impl Iterator<Item = &'t str>) {
    let mut dictionary = Vec::new();
    let mut places_known = HashMap::new();
    let places: Vec<i64> = texts
        .map(|text| {
            *places_known.entry(text).or_insert_with(|| {
                dictionary.push(text);
                i64::try_from(dictionary.len()).unwrap_or(i64::MAX) - 1
            })
        })
        .collect();
    put_usize(bytes, dictionary.len());
    for text in &dictionary {
        put_usize(bytes, text.len());
    }
    for text in &dictionary {
        bytes.extend_from_slice(text.as_bytes());
    }
    pack(bytes, &places);
}

impl<'a> Texts<'a> {
    /// Takes a column of `rows` rows.
    pub(super) fn parse(reader: &mut Reader<'a>, rows: usize) -> Result<Self, Malformed> {
        let count = reader.count(1)?;
        if count > rows {
            return Err(Malformed);
        }
        let lens = *reader;
        let mut total = 0_usize;
        for _ in 0..count {
            let len = usize::try_from(reader.u64()?).map_err(|_| Malformed)?;
            total = total.checked_add(len).ok_or(Malformed)?;
        }
        let bytes = reader.take(total)?;
        Ok(Self {
            count,
            lens,
            bytes,
            places: Packed::parse(reader, rows)?,
        })
    }

    /// The texts of `run`, each made a value.
    pub(super) fn read(
        &self,
        run: Run,
        to_value: TextValue<'a>,
    ) -> Result<Vec<Value<'a>>, Malformed> {
        let dictionary = self.dictionary()?;
        let mut places = Vec::new();
        self.places.read(run.start, run.end, &mut places);
        let text = |place: i64| dictionary.get(usize::try_from(place).ok()?).copied();
        let values = places
            .into_iter()
            .map(|place| Some(to_value(Cow::Borrowed(text(place)?))));
        values.collect::<Option<_>>().ok_or(Malformed)
    }

    fn dictionary(&self) -> Result<Vec<&'a str>, Malformed> {
        let (mut lens, mut bytes) = (self.lens, Reader::new(self.bytes));
        let mut dictionary = Vec::with_capacity(self.count);
        for _ in 0..self.count {
            let len = usize::try_from(lens.u64()?).map_err(|_| Malformed)?;
            dictionary.push(bytes.text(len)?);
        }
        Ok(dictionary)
    }
}

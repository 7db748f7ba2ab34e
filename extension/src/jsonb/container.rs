//! What is found in the bytes of a `jsonb`, without a tree or a text in between.
//!
//! They are read as `src/include/utils/jsonb.h` of Postgres describes them, which has not changed
//! since 9.4: a container is a header with its kind and count, then for each key and value an entry
//! with its type and its length or end, then the data. Every read is checked; what does not fit is
//! unreadable.

use std::cmp::Ordering;

use tenon_domain::condition::{Number, Value};

const COUNT_MASK: u32 = 0x0fff_ffff;
const IS_SCALAR: u32 = 0x1000_0000;
const IS_OBJECT: u32 = 0x2000_0000;

const ENTRY_LENGTH_MASK: u32 = 0x0fff_ffff;
const ENTRY_TYPE_MASK: u32 = 0x7000_0000;
const ENTRY_HAS_END: u32 = 0x8000_0000;
const ENTRY_STRING: u32 = 0x0000_0000;
const ENTRY_NUMERIC: u32 = 0x1000_0000;
const ENTRY_FALSE: u32 = 0x2000_0000;
const ENTRY_TRUE: u32 = 0x3000_0000;
const ENTRY_NULL: u32 = 0x4000_0000;
const ENTRY_CONTAINER: u32 = 0x5000_0000;

/// Bytes of a header, and of an entry.
const WORD: usize = 4;

/// A list or an object.
#[derive(Clone, Copy)]
pub(crate) struct Container<'j> {
    bytes: &'j [u8],
    header: u32,
}

/// What is found in a container.
#[derive(Clone, Copy)]
pub(crate) enum Found<'j> {
    Scalar(Value<'j>),
    Inside(Container<'j>),
}

impl<'j> Found<'j> {
    /// As conditions see it.
    pub(crate) fn value(self) -> Value<'j> {
        match self {
            Self::Scalar(value) => value,
            Self::Inside(inside) if inside.is_object() => Value::Object,
            Self::Inside(_) => Value::List,
        }
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..at.checked_add(WORD)?)?.first_chunk()?;
    Some(u32::from_ne_bytes(*word))
}

impl<'j> Container<'j> {
    /// The container that a `jsonb` is; a scalar is in a list of its own.
    pub(crate) fn new(bytes: &'j [u8]) -> Option<Self> {
        let header = word(bytes, 0)?;
        Some(Self { bytes, header })
    }

    const fn is_object(&self) -> bool {
        self.header & IS_OBJECT != 0
    }

    const fn count(&self) -> usize {
        (self.header & COUNT_MASK) as usize
    }

    /// Of a list an entry an element, of an object first the keys and then the values.
    const fn entries(&self) -> usize {
        if self.is_object() {
            self.count() * 2
        } else {
            self.count()
        }
    }

    fn entry(&self, place: usize) -> Option<u32> {
        word(self.bytes, (place + 1) * WORD)
    }

    /// Where the data of an entry begins. One in 32 entries says where its data ends, the others say
    /// how long they are.
    fn start(&self, place: usize) -> Option<usize> {
        let entries = self.bytes.get(WORD..(place + 1) * WORD)?.as_chunks().0;
        let mut start = 0;
        for &before in entries.iter().rev() {
            let before = u32::from_ne_bytes(before);
            start += (before & ENTRY_LENGTH_MASK) as usize;
            if before & ENTRY_HAS_END != 0 {
                break;
            }
        }
        Some(start)
    }

    /// The length of the data of an entry, and of the gap before it.
    fn length(&self, place: usize) -> Option<usize> {
        let entry = self.entry(place)?;
        let length = (entry & ENTRY_LENGTH_MASK) as usize;
        if entry & ENTRY_HAS_END == 0 {
            Some(length)
        } else {
            length.checked_sub(self.start(place)?)
        }
    }

    /// The data of an entry, which begins at a multiple of `align`.
    fn data(&self, place: usize, align: usize) -> Option<&'j [u8]> {
        let start = self.start(place)?;
        let end = start + self.length(place)?;
        let data = self.bytes.get((self.entries() + 1) * WORD..)?;
        data.get(start.next_multiple_of(align)..end)
    }

    fn found(&self, place: usize) -> Option<Found<'j>> {
        Some(Found::Scalar(match self.entry(place)? & ENTRY_TYPE_MASK {
            ENTRY_NULL => Value::Null,
            ENTRY_TRUE => Value::Boolean(true),
            ENTRY_FALSE => Value::Boolean(false),
            ENTRY_STRING => Value::Text(std::str::from_utf8(self.data(place, 1)?).ok()?),
            ENTRY_NUMERIC => Value::Decimal(number(self.data(place, WORD)?)?),
            ENTRY_CONTAINER => return Self::new(self.data(place, WORD)?).map(Found::Inside),
            _ => return None,
        }))
    }

    /// The value of a key, which is searched for as Postgres sorts keys: by length, then by bytes.
    fn get(&self, key: &str) -> Option<Found<'j>> {
        let (mut low, mut high) = (0, if self.is_object() { self.count() } else { 0 });
        while low < high {
            let middle = low.midpoint(high);
            let order = match self.length(middle)?.cmp(&key.len()) {
                Ordering::Equal => self.data(middle, 1)?.cmp(key.as_bytes()),
                order => order,
            };
            match order {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => {
                    let found = self.found(self.count() + middle);
                    return Some(found.unwrap_or(Found::Scalar(Value::Unreadable)));
                }
            }
        }
        None
    }

    /// What is at the end of a path; none if there is nothing.
    pub(crate) fn at(self, path: &[String]) -> Option<Found<'j>> {
        let (key, path) = path.split_first()?;
        path.iter()
            .try_fold(self.get(key)?, |found, key| match found {
                Found::Inside(inside) => inside.get(key),
                Found::Scalar(_) => None,
            })
    }

    /// Whether an element of a list is a text.
    pub(crate) fn has(&self, text: &str) -> bool {
        let is_it = |place| {
            let found = self.found(place);
            matches!(found, Some(Found::Scalar(Value::Text(found))) if found == text)
        };
        self.header & (IS_OBJECT | IS_SCALAR) == 0 && (0..self.count()).any(is_it)
    }

    /// Whether two are the same; further down than `levels` only if their bytes are.
    pub(crate) fn is_same(&self, other: &Self, levels: usize) -> bool {
        let is_same = |place| match (self.found(place), other.found(place)) {
            (Some(Found::Inside(now)), Some(Found::Inside(before))) => {
                levels > 0 && now.is_same(&before, levels - 1)
            }
            (Some(Found::Scalar(now)), Some(Found::Scalar(before))) => {
                now.is_same(&before) == Some(true)
            }
            _ => false,
        };
        // The entries are written one by one, a key like a text.
        self.bytes == other.bytes
            || (self.header == other.header && (0..self.entries()).all(is_same))
    }
}

/// The number in the bytes of a `numeric`, as `src/backend/utils/adt/numeric.c` lays it out: a
/// length, a header of two bytes or of four, and groups of four digits.
fn number(numeric: &[u8]) -> Option<Number<'_>> {
    const KIND_MASK: u16 = 0xc000;
    const SHORT: u16 = 0x8000;
    const SPECIAL: u16 = 0xc000;
    const NEGATIVE: u16 = 0x4000;
    const SHORT_NEGATIVE: u16 = 0x2000;
    const SHORT_WEIGHT_NEGATIVE: u16 = 0x0040;
    const SHORT_WEIGHT_MASK: u16 = 0x003f;

    let (_, numeric) = numeric.split_at_checked(WORD)?;
    let (header, rest) = numeric.split_first_chunk()?;
    let header = u16::from_ne_bytes(*header);
    match header & KIND_MASK {
        SPECIAL => None,
        SHORT => {
            let mut weight = i32::from(header & SHORT_WEIGHT_MASK);
            if header & SHORT_WEIGHT_NEGATIVE != 0 {
                weight -= i32::from(SHORT_WEIGHT_MASK) + 1;
            }
            Some(Number::from_groups(
                header & SHORT_NEGATIVE != 0,
                weight,
                rest,
            ))
        }
        kind => {
            let (weight, groups) = rest.split_first_chunk()?;
            let weight = i32::from(i16::from_ne_bytes(*weight));
            Some(Number::from_groups(kind == NEGATIVE, weight, groups))
        }
    }
}

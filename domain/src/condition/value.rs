//! What stands in a condition, what stands in a record, and how the two compare.

use std::cmp::Ordering;

use crate::time::Timestamp;

use super::number::{Number, NumberBuf};
use super::time::{Day, Relative, parse_instant};

/// A value of a record, borrowed from wherever the record is.
#[derive(Clone, Copy, Debug)]
pub enum Value<'v> {
    /// There is none.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A number of a sensor, say; NaN and the infinities compare with nothing.
    Float(f64),
    /// A number of any length.
    Decimal(Number<'v>),
    /// Text, which may be an ISO date-time or date.
    Text(&'v str),
    /// An instant.
    Instant(Timestamp),
    /// A list, whose elements the record knows.
    List,
    /// An object, whose entries the record knows.
    Object,
    /// There is one, but it cannot be read.
    Unreadable,
}

/// A value that a condition compares with.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Number(WantedNumber),
    Text(Box<str>),
    Boolean(bool),
    /// A text that is an ISO date-time with its offset.
    Instant(Timestamp),
    /// A text that is an ISO date, where order is asked; where equality is, it is a text.
    Day(Day),
    /// Before or after the instant at which the condition is asked.
    Relative(Relative),
}

/// A number, and what floats and whole numbers have to be compared with to give the same answer.
#[derive(Clone, Debug)]
pub(super) struct WantedNumber {
    float: f64,
    /// How the shortest decimal of `float` compares with the number.
    float_order: Ordering,
    integer_order: Ordering,
    /// Less than one away from the number, or the end of its range towards it.
    integer: i64,
    decimal: Box<NumberBuf>,
}

impl WantedNumber {
    fn new(decimal: NumberBuf) -> Option<Self> {
        let float: f64 = decimal.to_string().parse().ok()?;
        let order_of = |text: &str| Some(NumberBuf::parse(text)?.get().cmp(&decimal.get()));
        let float_order = if float.is_finite() {
            order_of(&format!("{float:e}"))?
        } else {
            Ordering::Equal
        };
        let limited = |limit: i64, outside: Ordering| {
            let outside = order_of(&limit.to_string())? == outside;
            Some(outside.then_some(limit))
        };
        let integer = match (
            limited(i64::MAX, Ordering::Less)?,
            limited(i64::MIN, Ordering::Greater)?,
        ) {
            (Some(limit), _) | (_, Some(limit)) => limit,
            _ => decimal.trunc()?,
        };
        Some(Self {
            float,
            float_order,
            integer_order: order_of(&integer.to_string())?,
            integer,
            decimal: Box::new(decimal),
        })
    }

    /// How a float compares with the number, as its shortest decimal does; none for NaN and the
    /// infinities.
    #[inline]
    pub(super) fn compare_float(&self, found: f64) -> Option<Ordering> {
        let order = found.partial_cmp(&self.float)?;
        found.is_finite().then(|| order.then(self.float_order))
    }

    pub(super) fn decimal(&self) -> &NumberBuf {
        &self.decimal
    }
}

impl Wanted {
    pub(super) fn number(text: &str) -> Option<Self> {
        WantedNumber::new(NumberBuf::parse(text)?).map(Self::Number)
    }

    /// A text of a condition, read as what it looks like.
    pub(super) fn text(text: String) -> Self {
        let instant = parse_instant(&text).map(Self::Instant);
        instant.unwrap_or_else(|| Self::Text(text.into()))
    }

    /// Whether this is less or greater than others.
    pub(super) const fn is_ordered(&self) -> bool {
        !matches!(self, Self::Boolean(_))
    }

    /// Whether the two can be compared with the same values.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let is_time = |it: &Self| matches!(it, Self::Instant(_) | Self::Day(_) | Self::Relative(_));
        let are_times = is_time(self)
            && is_time(other)
            && (matches!(self, Self::Relative(_)) || matches!(other, Self::Relative(_)));
        are_times || std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl Value<'_> {
    /// How this compares with a value of a condition that is asked at an instant; none for values of
    /// different types.
    #[inline]
    pub(super) fn compare(&self, wanted: &Wanted, at: Option<Timestamp>) -> Option<Ordering> {
        match (self, wanted) {
            (Self::Float(found), Wanted::Number(wanted)) => wanted.compare_float(*found),
            (Self::Integer(found), Wanted::Number(wanted)) => {
                Some(found.cmp(&wanted.integer).then(wanted.integer_order))
            }
            (Self::Decimal(found), Wanted::Number(wanted)) => {
                Some(found.cmp(&wanted.decimal.get()))
            }
            (Self::Text(found), Wanted::Text(wanted)) => Some((*found).cmp(wanted)),
            (Self::Boolean(found), Wanted::Boolean(wanted)) => Some(found.cmp(wanted)),
            (Self::Instant(found), Wanted::Instant(wanted)) => Some(found.cmp(wanted)),
            (Self::Instant(found), Wanted::Relative(wanted)) => {
                Some(found.cmp(&wanted.instant(at?)?))
            }
            (Self::Text(found), Wanted::Instant(wanted)) => Some(parse_instant(found)?.cmp(wanted)),
            (Self::Text(found), Wanted::Day(wanted)) => Some(Day::parse(found)?.cmp(wanted)),
            (Self::Text(found), Wanted::Relative(wanted)) => match Day::parse(found) {
                Some(found) => Some(found.cmp(&wanted.day(at?)?)),
                None => Some(parse_instant(found)?.cmp(&wanted.instant(at?)?)),
            },
            _ => None,
        }
    }

    /// Whether this is the value that was there before; none where it cannot be read, or is not for
    /// the value to say.
    #[must_use]
    pub fn is_same(&self, before: &Self) -> Option<bool> {
        match (self, before) {
            (Self::Unreadable, _) | (_, Self::Unreadable) => None,
            (Self::List, Self::List) | (Self::Object, Self::Object) => None,
            (Self::Null, Self::Null) => Some(true),
            (Self::Boolean(now), Self::Boolean(before)) => Some(now == before),
            (Self::Text(now), Self::Text(before)) => Some(now == before),
            (Self::Instant(now), Self::Instant(before)) => Some(now == before),
            (Self::Integer(now), Self::Integer(before)) => Some(now == before),
            _ => Some(match (self.decimal(), before.decimal()) {
                (Some(now), Some(before)) => now.get() == before.get(),
                // The infinities and NaN, which are no decimals, are themselves.
                (None, None) => self.bits().is_some_and(|bits| Some(bits) == before.bits()),
                _ => false,
            }),
        }
    }

    fn decimal(&self) -> Option<NumberBuf> {
        match self {
            Self::Integer(number) => NumberBuf::parse(&number.to_string()),
            Self::Float(number) => NumberBuf::parse(&format!("{number:e}")),
            Self::Decimal(number) => Some((*number).into()),
            _ => None,
        }
    }

    const fn bits(&self) -> Option<u64> {
        match self {
            Self::Float(number) => Some(number.to_bits()),
            _ => None,
        }
    }
}

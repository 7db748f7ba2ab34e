//! Decides what a reading's value can be, and how values of one metric widen to a common type.

use std::borrow::Cow;

/// One value of one metric, borrowed from the payload or frame it was read from where possible.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// The device said that it has no value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; every bit pattern, NaN and the infinities included.
    Float(f64),
    /// Text.
    Text(Cow<'a, str>),
    /// An array, as compact JSON text that Postgres takes as `jsonb`.
    Json(Cow<'a, str>),
}

/// The type of a value, in the order in which the frame format numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// No value seen yet.
    Null = 0,
    /// Truth values.
    Bool = 1,
    /// Whole numbers.
    Integer = 2,
    /// Numbers.
    Float = 3,
    /// Text.
    Text = 4,
    /// JSON arrays.
    Json = 5,
}

impl Value<'_> {
    /// The type of this value.
    #[must_use]
    pub const fn value_type(&self) -> ValueType {
        match self {
            Self::Null => ValueType::Null,
            Self::Bool(_) => ValueType::Bool,
            Self::Int(_) => ValueType::Integer,
            Self::Float(_) => ValueType::Float,
            Self::Text(_) => ValueType::Text,
            Self::Json(_) => ValueType::Json,
        }
    }

    /// The value as a number for statistics: truth values count 0 and 1, whole numbers beyond
    /// 2^53 lose their last digits; nothing for null, text and JSON.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match *self {
            Self::Bool(truth) => Some(f64::from(u8::from(truth))),
            #[expect(clippy::cast_precision_loss, reason = "statistics are 64-bit floats")]
            Self::Int(number) => Some(number as f64),
            Self::Float(number) => Some(number),
            Self::Null | Self::Text(_) | Self::Json(_) => None,
        }
    }

    /// The value as JSON text: numbers that JSON lacks become the strings `NaN`, `Infinity` and
    /// `-Infinity`, as Postgres writes them.
    #[must_use]
    pub fn to_json(&self) -> String {
        match self {
            Self::Null => "null".to_owned(),
            Self::Bool(truth) => truth.to_string(),
            Self::Int(number) => number.to_string(),
            Self::Float(number) if number.is_nan() => "\"NaN\"".to_owned(),
            Self::Float(f64::INFINITY) => "\"Infinity\"".to_owned(),
            Self::Float(f64::NEG_INFINITY) => "\"-Infinity\"".to_owned(),
            Self::Float(number) => serde_json::Value::from(*number).to_string(),
            Self::Text(text) => serde_json::Value::from(&**text).to_string(),
            Self::Json(text) => text.clone().into_owned(),
        }
    }

    /// The same value, owning its text.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(number) => Value::Int(number),
            Self::Float(number) => Value::Float(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Json(text) => Value::Json(Cow::Owned(text.into_owned())),
        }
    }

    /// Whether both are the same to the last bit: unlike `==`, a NaN is the same as itself and
    /// 0.0 is not -0.0.
    #[must_use]
    pub fn is_identical(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Float(left), Value::Float(right)) => left.to_bits() == right.to_bits(),
            _ => self == other,
        }
    }
}

impl ValueType {
    /// The name under which SQL knows the type.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "boolean",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Text => "text",
            Self::Json => "json",
        }
    }

    /// The type with this number in the formats, if there is one.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Null),
            1 => Some(Self::Bool),
            2 => Some(Self::Integer),
            3 => Some(Self::Float),
            4 => Some(Self::Text),
            5 => Some(Self::Json),
            _ => None,
        }
    }

    /// The type of a metric that has shown `self` and then `next`: null gives way to anything,
    /// integer to float (many devices print 22.0 as 22), and else the first seen stays.
    #[must_use]
    pub const fn widen(self, next: Self) -> Self {
        match (self, next) {
            (Self::Null, _) => next,
            (Self::Integer, Self::Float) => Self::Float,
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_type_leads_back_to_it() {
        for number in 0..=5 {
            assert_eq!(
                ValueType::from_number(number).map(|kind| kind as u8),
                Some(number)
            );
        }
        assert_eq!(ValueType::from_number(6), None);
    }

    #[test]
    fn a_metric_widens_from_null_and_from_integer_only() {
        use ValueType::{Bool, Float, Integer, Null, Text};
        assert_eq!(Null.widen(Text), Text);
        assert_eq!(Integer.widen(Float), Float);
        assert_eq!(Float.widen(Integer), Float);
        assert_eq!(Bool.widen(Text), Bool);
        assert_eq!(Text.widen(Null), Text);
    }

    #[test]
    fn identity_looks_at_bits() {
        assert!(Value::Float(f64::NAN).is_identical(&Value::Float(f64::NAN)));
        assert!(!Value::Float(0.0).is_identical(&Value::Float(-0.0)));
        assert!(!Value::Float(1.0).is_identical(&Value::Int(1)));
    }
}

//! Writes and reads one value by itself: the number of its type, then what the type needs.

use std::borrow::Cow;

use super::bytes::{Malformed, Reader, put_i64, put_text};
use super::value::{Value, ValueType};

/// Appends `value`.
pub(crate) fn put_value(bytes: &mut Vec<u8>, value: &Value<'_>) {
    bytes.push(value.value_type() as u8);
    match value {
        Value::Null => {}
        Value::Bool(truth) => bytes.push(u8::from(*truth)),
        Value::Int(number) => put_i64(bytes, *number),
        Value::Float(number) => bytes.extend_from_slice(&number.to_le_bytes()),
        Value::Text(text) | Value::Json(text) => put_text(bytes, text),
    }
}

/// Reads a value, its text borrowed from the bytes.
pub(crate) fn read_value<'a>(reader: &mut Reader<'a>) -> Result<Value<'a>, Malformed> {
    let kind = ValueType::from_number(reader.u8()?).ok_or(Malformed)?;
    Ok(match kind {
        ValueType::Null => Value::Null,
        ValueType::Bool => match reader.u8()? {
            0 => Value::Bool(false),
            1 => Value::Bool(true),
            _ => return Err(Malformed),
        },
        ValueType::Integer => Value::Int(reader.i64()?),
        ValueType::Float => Value::Float(f64::from_le_bytes(reader.array()?)),
        ValueType::Text => Value::Text(Cow::Borrowed(read_text(reader)?)),
        ValueType::Json => Value::Json(Cow::Borrowed(read_text(reader)?)),
    })
}

/// Reads a text after its length.
pub(crate) fn read_text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    let length = reader.count(1)?;
    reader.text(length)
}

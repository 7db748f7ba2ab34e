//! Decides which names a metric may bear, and that a message holds each name once.

use std::borrow::Cow;

use super::{METRIC_NAME_BYTES_MAX, PayloadError};
use crate::telemetry::value::Value;

/// Up to this many names comparing each with each is quicker than sorting them.
const PAIRWISE_MAX: usize = 16;

/// Checks one flattened name.
pub(super) fn check(name: &str) -> Result<(), PayloadError> {
    if is_valid(name) {
        Ok(())
    } else {
        Err(PayloadError::MetricNameInvalid {
            name: shortened(name),
        })
    }
}

/// Checks that no name occurs twice among the readings and the paths of nested objects: an object
/// that was sent twice is a repeated key too, whatever is in it.
pub(super) fn check_distinct(
    readings: &[(Cow<'_, str>, Value<'_>)],
    objects: &[String],
) -> Result<(), PayloadError> {
    let repeated = if readings.len() <= PAIRWISE_MAX && objects.is_empty() {
        repeated_pairwise(readings)
    } else {
        repeated_sorted(readings, objects)
    };
    match repeated {
        Some(name) => Err(PayloadError::DuplicateMetric {
            name: shortened(name),
        }),
        None => Ok(()),
    }
}

fn is_valid(name: &str) -> bool {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.len() > METRIC_NAME_BYTES_MAX {
        return false;
    }
    if bytes.iter().all(u8::is_ascii_graphic) {
        return true;
    }
    !name.chars().any(char::is_control) && name.trim().len() == name.len()
}

fn repeated_pairwise<'r>(readings: &'r [(Cow<'_, str>, Value<'_>)]) -> Option<&'r str> {
    readings
        .iter()
        .enumerate()
        .find_map(|(position, (name, _))| {
            let earlier = readings.get(..position)?;
            earlier
                .iter()
                .any(|(other, _)| other == name)
                .then_some(&**name)
        })
}

fn repeated_sorted<'r>(
    readings: &'r [(Cow<'_, str>, Value<'_>)],
    objects: &'r [String],
) -> Option<&'r str> {
    let leaves = readings.iter().map(|(name, _)| &**name);
    let mut names: Vec<&str> = leaves.chain(objects.iter().map(String::as_str)).collect();
    names.sort_unstable();
    names.windows(2).find_map(|pair| match pair {
        [left, right] if left == right => Some(*left),
        _ => None,
    })
}

/// The name as an error message may carry it.
pub(super) fn shortened(name: &str) -> String {
    name.chars().take(METRIC_NAME_BYTES_MAX).collect()
}

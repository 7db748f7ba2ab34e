//! Holds the values of one metric in memory, as flat as their types allow.
//!
//! Readings are merged, cut and summed by the million: numbers stay the whole numbers that the
//! codec wrote, without a type beside each. What a column can hold is decided by what is added to
//! it; values come back to the last bit.

use std::ops::Range;

use super::column::decimals::{self, DecimalCells};
use super::value::Value;

/// The values of some rows in one column.
#[derive(Clone, Debug)]
pub(crate) enum Cells<'a> {
    /// Whole numbers over a power of ten.
    Decimals(DecimalCells),
    /// Floats.
    Floats(Vec<f64>),
    /// Truth values.
    Booleans(Vec<bool>),
    /// Anything else.
    Values(Vec<Value<'a>>),
}

impl Default for Cells<'_> {
    fn default() -> Self {
        Self::Values(Vec::new())
    }
}

impl<'a> Cells<'a> {
    /// One value.
    pub(crate) fn of(value: Value<'a>) -> Self {
        Self::Values(vec![value]).narrowed()
    }

    /// How many values there are.
    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Decimals(decimals) => decimals.numbers.len(),
            Self::Floats(floats) => floats.len(),
            Self::Booleans(truths) => truths.len(),
            Self::Values(values) => values.len(),
        }
    }

    /// The value at `place`; null beyond the end.
    pub(crate) fn value(&self, place: usize) -> Value<'a> {
        match self {
            Self::Decimals(decimals) => decimals.value(place),
            Self::Floats(floats) => floats.get(place).copied().map(Value::Float),
            Self::Booleans(truths) => truths.get(place).copied().map(Value::Bool),
            Self::Values(values) => values.get(place).cloned(),
        }
        .unwrap_or(Value::Null)
    }

    /// Hands the numbers among the values at `range`, each with its place, to `push`; truth values
    /// count 0 and 1.
    pub(crate) fn each_number(&self, range: Range<usize>, mut push: impl FnMut(usize, f64)) {
        match self {
            Self::Decimals(decimals) => {
                let numbers = range.clone().zip(decimals.floats_at(range));
                numbers.for_each(|(place, number)| push(place, number));
            }
            Self::Floats(floats) => {
                let numbers = floats.get(range.clone()).unwrap_or_default();
                let numbers = range.zip(numbers);
                numbers.for_each(|(place, &number)| push(place, number));
            }
            _ => {
                for place in range {
                    if let Some(number) = self.value(place).as_number() {
                        push(place, number);
                    }
                }
            }
        }
    }

    /// Appends `other`; where its type differs, the type becomes one that holds both.
    pub(crate) fn append(&mut self, other: Self) {
        if self.len() == 0 {
            *self = other;
            return;
        }
        match (&mut *self, other) {
            (Self::Decimals(left), Self::Decimals(right)) => {
                if let Err(right) = left.append(right) {
                    self.append_values(&Self::Decimals(right));
                }
            }
            (Self::Floats(left), Self::Floats(right)) => left.extend(right),
            (Self::Floats(left), Self::Decimals(right)) if !right.holds_integers() => {
                left.extend(right.floats());
            }
            (Self::Decimals(left), Self::Floats(right)) if !left.holds_integers() => {
                *self = Self::Floats(left.floats().chain(right).collect());
            }
            (Self::Booleans(left), Self::Booleans(right)) => left.extend(right),
            (Self::Values(left), Self::Values(right)) => left.extend(right),
            (_, right) => self.append_values(&right),
        }
    }

    /// The values at `places`, in that order; places beyond the end are left out.
    pub(crate) fn gather(&self, places: &[u32]) -> Self {
        fn pick<T: Clone>(from: &[T], places: &[u32]) -> Vec<T> {
            let picked = places.iter().filter_map(|&place| from.get(place as usize));
            picked.cloned().collect()
        }
        match self {
            Self::Decimals(decimals) => Self::Decimals(DecimalCells {
                numbers: pick(&decimals.numbers, places),
                ..*decimals
            }),
            Self::Floats(floats) => Self::Floats(pick(floats, places)),
            Self::Booleans(truths) => Self::Booleans(pick(truths, places)),
            Self::Values(values) => Self::Values(pick(values, places)),
        }
    }

    /// The same values in the narrowest form that holds them, as values that were added one by one
    /// may not be.
    pub(crate) fn narrowed(self) -> Self {
        let values = match self {
            Self::Floats(floats) => {
                return match decimals::of_floats(&floats) {
                    Some(decimals) => Self::Decimals(decimals),
                    None => Self::Floats(floats),
                };
            }
            Self::Values(values) => values,
            narrow => return narrow,
        };
        let alike = |is_alike: fn(&Value<'_>) -> bool| values.iter().all(is_alike);
        if alike(|value| matches!(value, Value::Int(_) | Value::Float(_))) {
            if let Some(decimals) = decimals::of_values(&values.iter().collect::<Vec<_>>()) {
                return Self::Decimals(decimals);
            }
            if alike(|value| matches!(value, Value::Float(_))) {
                return Self::Floats(values.iter().filter_map(Value::as_number).collect());
            }
        } else if alike(|value| matches!(value, Value::Bool(_))) {
            let is_true = |value: &Value<'_>| *value == Value::Bool(true);
            return Self::Booleans(values.iter().map(is_true).collect());
        }
        Self::Values(values)
    }

    /// The same values, owning their texts.
    pub(crate) fn into_owned(self) -> Cells<'static> {
        match self {
            Self::Decimals(decimals) => Cells::Decimals(decimals),
            Self::Floats(floats) => Cells::Floats(floats),
            Self::Booleans(truths) => Cells::Booleans(truths),
            Self::Values(values) => {
                Cells::Values(values.into_iter().map(Value::into_owned).collect())
            }
        }
    }

    fn append_values(&mut self, right: &Self) {
        let values = |cells: &Self| (0..cells.len()).map(|place| cells.value(place)).collect();
        if !matches!(self, Self::Values(_)) {
            *self = Self::Values(values(self));
        }
        if let Self::Values(left) = self {
            let mut right: Vec<Value<'a>> = values(right);
            left.append(&mut right);
        }
    }
}

impl<'a> FromIterator<Value<'a>> for Cells<'a> {
    fn from_iter<T: IntoIterator<Item = Value<'a>>>(values: T) -> Self {
        Self::Values(values.into_iter().collect()).narrowed()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::telemetry::samples;

    fn values_of(cells: &Cells<'static>) -> Vec<Value<'static>> {
        (0..cells.len()).map(|place| cells.value(place)).collect()
    }

    fn identical(left: &[Value<'_>], right: &[Value<'_>]) -> bool {
        left.len() == right.len()
            && left
                .iter()
                .zip(right)
                .all(|(left, right)| left.is_identical(right))
    }

    proptest! {
        #[test]
        fn what_is_appended_comes_back_to_the_last_bit(
            parts in proptest::collection::vec(samples::column(0..20), 0..5),
        ) {
            let mut cells = Cells::default();
            for part in &parts {
                cells.append(part.iter().cloned().collect());
            }
            let expected: Vec<_> = parts.concat();
            prop_assert!(identical(&values_of(&cells), &expected), "{cells:?} of {expected:?}");
            prop_assert!(identical(&values_of(&cells.narrowed()), &expected));
        }

        #[test]
        fn what_is_gathered_is_what_stands_there(
            values in samples::column(1..40), places in proptest::collection::vec(0..50_u32, 0..40),
        ) {
            let cells: Cells<'static> = values.iter().cloned().collect();
            let places: Vec<u32> = places.into_iter().filter(|&place| (place as usize) < values.len()).collect();
            let expected: Vec<_> = places.iter().map(|&place| values[place as usize].clone()).collect();
            prop_assert!(identical(&values_of(&cells.gather(&places)), &expected));
        }
    }
}

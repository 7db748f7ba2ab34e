//! Names what can be asked of a bucket.

use super::QueryError;

/// Some of the aggregates that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Aggregates(u32);

impl Aggregates {
    /// The names of all: first the numbers of a row in their order, then the others.
    pub const NAMES: [&'static str; 12] = [
        "min", "max", "avg", "sum", "stddev", "p50", "p90", "p95", "p99", "first", "last", "count",
    ];

    /// The aggregates of these names.
    ///
    /// # Errors
    /// [`QueryError::AggregateUnknown`] when there is none of a name.
    pub fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> Result<Self, QueryError> {
        let mut aggregates = Self::default();
        for name in names {
            let place = Self::NAMES.iter().position(|known| *known == name);
            let place = place.ok_or_else(|| QueryError::AggregateUnknown(name.to_owned()))?;
            aggregates.0 |= 1 << place;
        }
        Ok(aggregates)
    }

    /// Whether the aggregate at a place of [`Self::NAMES`] is among them.
    pub(super) const fn has(self, place: usize) -> bool {
        self.0 >> place & 1 == 1
    }

    /// Whether the one of this name is among them.
    pub(super) fn asks(self, name: &str) -> bool {
        Self::NAMES
            .iter()
            .position(|known| *known == name)
            .is_some_and(|place| self.has(place))
    }

    /// Whether any is among them for which every reading must be read.
    pub(super) fn is_of_distribution(self) -> bool {
        ["stddev", "p50", "p90", "p95", "p99"]
            .iter()
            .any(|name| self.asks(name))
    }

    pub(super) const fn bits(self) -> u32 {
        self.0
    }

    pub(super) const fn of_bits(bits: u32) -> Self {
        Self(bits)
    }
}

//! Calls the roll of a batch: which of the devices that the database knows it names.
//!
//! The database passes what it has of the batch's tenants, in any order and with any number of
//! devices that the batch does not name; a name is looked up, not joined, because a join of a
//! thousand names costs more than packing their readings.

use super::dictionary::Dictionary;
use super::{Batch, BatchError};

/// The devices of a batch, and what the database says of them.
#[derive(Debug, Default)]
pub struct DeviceRoll {
    names: Dictionary,
    numbers: Vec<Option<i32>>,
    /// Ordinals of the devices that are to be marked as seen.
    unmarked: Vec<u32>,
}

impl DeviceRoll {
    /// The roll of `batch`, with nobody there yet.
    ///
    /// # Errors
    /// [`BatchError::Layout`] when the batch names a device twice, which no builder does.
    pub fn of(batch: &Batch<'_>) -> Result<Self, BatchError> {
        let mut names = Dictionary::with_capacity(batch.device_names().len());
        for (place, &(tenant, device)) in (0..).zip(batch.device_names()) {
            if names.ordinal(tenant, device) != place {
                return Err(BatchError::Layout);
            }
        }
        Ok(Self {
            numbers: vec![None; names.len()],
            names,
            unmarked: Vec::new(),
        })
    }

    /// Notes that the tenant of this ordinal, from 0, has a device of this slug and number, and
    /// whether it is to be marked as seen when the batch names it.
    pub fn note(&mut self, tenant: u32, device: &str, number: i32, is_unmarked: bool) {
        let Some(ordinal) = self.names.find(tenant, device) else {
            return;
        };
        if let Some(entry) = self.numbers.get_mut(ordinal as usize) {
            *entry = Some(number);
        }
        if is_unmarked {
            self.unmarked.push(ordinal);
        }
    }

    /// The number of each device, by ordinal; nothing where the database has not named it.
    #[must_use]
    pub fn numbers(&self) -> &[Option<i32>] {
        &self.numbers
    }

    /// The ordinals, from 0, of those devices of the batch that are to be marked as seen.
    #[must_use]
    pub fn unmarked(&self) -> &[u32] {
        &self.unmarked
    }
}

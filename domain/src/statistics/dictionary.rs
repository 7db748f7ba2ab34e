//! Gives each distinct text a number, and keeps the text once.

use std::collections::HashMap;
use std::fmt;

use super::StatisticsError;

/// What all distinct texts of a group may take together: more are no states of a machine.
const BYTES_MAX: usize = 16 << 20;

/// Distinct texts in the order of their first appearance.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Dictionary {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
    bytes: usize,
}

/// The texts alone: the map's order is another each time.
impl fmt::Debug for Dictionary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.names.fmt(formatter)
    }
}

impl Dictionary {
    pub(super) fn number_of(&mut self, name: &str) -> Result<u32, StatisticsError> {
        if let Some(&number) = self.numbers.get(name) {
            return Ok(number);
        }
        let too_large = StatisticsError::TooLarge {
            limit: BYTES_MAX,
            what: "bytes of distinct states",
        };
        self.bytes = self.bytes.saturating_add(name.len() + 1);
        let number = u32::try_from(self.names.len()).map_err(|_| too_large.clone())?;
        if self.bytes > BYTES_MAX {
            return Err(too_large);
        }
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        Ok(number)
    }

    pub(super) fn name(&self, number: u32) -> Option<&str> {
        self.names.get(number as usize).map(String::as_str)
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

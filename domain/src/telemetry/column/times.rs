//! The times of a table's rows, in the coarsest unit in which all of them are whole.

use super::Run;
use super::integers::{self, Integers};
use crate::telemetry::bytes::{Malformed, Reader};
use crate::time::Timestamp;

/// The units, coarsest first, as powers of ten of a microsecond: seconds, milliseconds,
/// microseconds.
const UNITS: [(u8, i64); 3] = [(6, 1_000_000), (3, 1_000), (0, 1)];

/// The times of rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times<'a> {
    micros_each: i64,
    instants: Integers<'a>,
}

/// Appends the times `micros`, whose runs have the lengths `run_lens`.
pub(crate) fn encode(bytes: &mut Vec<u8>, micros: &[i64], run_lens: &[usize]) {
    let is_whole = |micros_each: i64| micros.iter().all(|at| at % micros_each == 0);
    let (exponent, micros_each) = UNITS
        .into_iter()
        .find(|&(_, each)| is_whole(each))
        .unwrap_or((0, 1));
    let instants: Vec<i64> = micros.iter().map(|at| at / micros_each).collect();
    bytes.push(exponent);
    integers::encode(bytes, &instants, run_lens);
}

impl<'a> Times<'a> {
    /// Takes the times of `rows` rows in `runs` runs.
    pub(crate) fn parse(
        reader: &mut Reader<'a>,
        rows: usize,
        runs: usize,
    ) -> Result<Self, Malformed> {
        let exponent = reader.u8()?;
        let unit = UNITS.into_iter().find(|&(known, _)| known == exponent);
        let (_, micros_each) = unit.ok_or(Malformed)?;
        Ok(Self {
            micros_each,
            instants: Integers::parse(reader, rows, runs)?,
        })
    }

    /// The times of `run`.
    pub(crate) fn read(&self, run: Run) -> Result<Vec<Timestamp>, Malformed> {
        self.instants(|instants| self.instants.read(run, instants))
    }

    /// The times of all rows, which `runs` divide.
    pub(crate) fn read_all(&self, runs: &[Run]) -> Result<Vec<Timestamp>, Malformed> {
        self.instants(|instants| self.instants.read_all(runs, instants))
    }

    fn instants(&self, read: impl FnOnce(&mut Vec<i64>)) -> Result<Vec<Timestamp>, Malformed> {
        let mut instants = Vec::new();
        read(&mut instants);
        let times = instants.into_iter().map(|instant| {
            Some(Timestamp::from_micros(
                instant.checked_mul(self.micros_each)?,
            ))
        });
        times.collect::<Option<_>>().ok_or(Malformed)
    }
}

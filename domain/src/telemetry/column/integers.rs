//! Whole numbers in runs: each packed by itself, or as its step from the one before in its run.
//!
//! Numbers of one device in time order make small steps; numbers of a thousand devices at one
//! time make none worth having. The first of each run stands apart, so that a run is read without
//! the runs before it.

use super::Run;
use crate::telemetry::bytes::{Malformed, Reader};
use crate::telemetry::packed::{Packed, pack, packed_bytes};

/// Each number packed by itself.
const PLAIN: u8 = 0;
/// The first of each run, then the steps of all runs.
const STEPPED: u8 = 1;

/// Packed whole numbers, one for each row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Integers<'a> {
    Plain(Packed<'a>),
    Stepped {
        firsts: Packed<'a>,
        steps: Packed<'a>,
    },
}

/// Appends `numbers`, whose runs have the lengths `run_lens`.
pub(crate) fn encode(bytes: &mut Vec<u8>, numbers: &[i64], run_lens: &[usize]) {
    let (firsts, steps) = split(numbers, run_lens);
    if !steps.is_empty() && packed_bytes(&firsts) + packed_bytes(&steps) < packed_bytes(numbers) {
        bytes.push(STEPPED);
        pack(bytes, &firsts);
        pack(bytes, &steps);
    } else {
        bytes.push(PLAIN);
        pack(bytes, numbers);
    }
}

fn split(numbers: &[i64], run_lens: &[usize]) -> (Vec<i64>, Vec<i64>) {
    if run_lens.len() == numbers.len() {
        return (Vec::new(), Vec::new());
    }
    let mut firsts = Vec::with_capacity(run_lens.len());
    let mut steps = Vec::with_capacity(numbers.len() - run_lens.len());
    let mut rest = numbers;
    for &len in run_lens {
        let (run, after) = rest.split_at(len);
        rest = after;
        firsts.extend(run.first());
        steps.extend(run.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
    }
    (firsts, steps)
}

impl<'a> Integers<'a> {
    /// Takes the numbers of `rows` rows in `runs` runs, neither of them 0 nor `runs` the greater.
    pub(crate) fn parse(
        reader: &mut Reader<'a>,
        rows: usize,
        runs: usize,
    ) -> Result<Self, Malformed> {
        match reader.u8()? {
            PLAIN => Packed::parse(reader, rows).map(Self::Plain),
            STEPPED => Ok(Self::Stepped {
                firsts: Packed::parse(reader, runs)?,
                steps: Packed::parse(reader, rows.checked_sub(runs).ok_or(Malformed)?)?,
            }),
            _ => Err(Malformed),
        }
    }

    /// Appends the numbers of `run` to `numbers`.
    pub(crate) fn read(&self, run: Run, numbers: &mut Vec<i64>) {
        match self {
            Self::Plain(packed) => packed.read(run.start, run.end, numbers),
            Self::Stepped { firsts, steps } => {
                let start = numbers.len();
                numbers.extend(firsts.get(run.index));
                // Every earlier run, and this one, has one step fewer than it has rows.
                steps.read(run.start - run.index, run.end - run.index - 1, numbers);
                let mut sum = 0_i64;
                for number in numbers.iter_mut().skip(start) {
                    sum = sum.wrapping_add(*number);
                    *number = sum;
                }
            }
        }
    }

    /// Appends the numbers of all rows, which `runs` divide.
    pub(crate) fn read_all(&self, runs: &[Run], numbers: &mut Vec<i64>) {
        match self {
            Self::Plain(packed) => packed.read(0, packed.len(), numbers),
            Self::Stepped { .. } => runs.iter().for_each(|&run| self.read(run, numbers)),
        }
    }
}

//! Whole numbers in runs: each packed by itself, or as its step from the one before in its run, or,
//! where there is one run only, as its distance from a straight line.
//!
//! Numbers of one device in time order make small steps; numbers of a thousand devices at one
//! time make none worth having. The first of each run stands apart, so that a run is read without
//! the runs before it. The times of a clock that ticks evenly lie closer to a line than their steps
//! to one another: a tick that is late makes one distance, but two steps.

use super::Run;
use crate::telemetry::bytes::{Malformed, Reader, put_i64};
use crate::telemetry::packed::{Packed, pack, packed_bytes};

/// Each number packed by itself.
const PLAIN: u8 = 0;
/// The first of each run, then the steps of all runs.
const STEPPED: u8 = 1;
/// First number and slope of a line, then the distance of each number from it.
const LINE: u8 = 2;

/// A slope is so many bits finer than a unit: over 2^16 rows it strays from the ends by less than
/// one.
const SLOPE_BITS: u32 = 16;

/// The most that numbers may rise or fall along a line, so that the slope fits 64 bits.
const RISE_MAX: u64 = 1 << 46;

/// Fewer numbers than this gain nothing from a line.
const LINE_NUMBERS_MIN: usize = 8;

/// Packed whole numbers, one for each row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Integers<'a> {
    Plain(Packed<'a>),
    Stepped {
        firsts: Packed<'a>,
        steps: Packed<'a>,
    },
    Line {
        line: Line,
        distances: Packed<'a>,
    },
}

/// A straight line over the rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    first: i64,
    /// What each row adds, in units of 2^-[`SLOPE_BITS`].
    slope: i64,
}

/// Appends `numbers`, whose runs have the lengths `run_lens`, in the shortest form.
pub(crate) fn encode(bytes: &mut Vec<u8>, numbers: &[i64], run_lens: &[usize]) {
    let (firsts, steps) = split(numbers, run_lens);
    let plain_bytes = packed_bytes(numbers);
    let stepped_bytes = if steps.is_empty() {
        usize::MAX
    } else {
        packed_bytes(&firsts) + packed_bytes(&steps)
    };
    let line = (run_lens.len() == 1)
        .then(|| Line::through(numbers))
        .flatten();
    if let Some(line) = line {
        let distances = line.distances(numbers);
        if packed_bytes(&distances) < stepped_bytes.min(plain_bytes) {
            bytes.push(LINE);
            put_i64(bytes, line.first);
            put_i64(bytes, line.slope);
            pack(bytes, &distances);
            return;
        }
    }
    if stepped_bytes < plain_bytes {
        bytes.push(STEPPED);
        pack(bytes, &firsts);
        pack(bytes, &steps);
    } else {
        bytes.push(PLAIN);
        pack(bytes, numbers);
    }
}

impl Line {
    /// The line from the first to the last of `numbers`, if they are many and it is not too steep.
    fn through(numbers: &[i64]) -> Option<Self> {
        let (&first, &last) = (numbers.first()?, numbers.last()?);
        if numbers.len() < LINE_NUMBERS_MIN || first.abs_diff(last) > RISE_MAX {
            return None;
        }
        let rows = i64::try_from(numbers.len() - 1).ok()?;
        let slope = ((last - first) << SLOPE_BITS) / rows;
        Some(Self { first, slope })
    }

    fn distances(self, numbers: &[i64]) -> Vec<i64> {
        let points = self.points(0).zip(numbers);
        points
            .map(|(point, number)| number.wrapping_sub(point))
            .collect()
    }

    /// The points of the line from the row `row` on.
    fn points(self, row: usize) -> impl Iterator<Item = i64> {
        let mut height = (row as i64).wrapping_mul(self.slope);
        std::iter::from_fn(move || {
            let point = self.first.wrapping_add(height >> SLOPE_BITS);
            height = height.wrapping_add(self.slope);
            Some(point)
        })
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
            LINE => Ok(Self::Line {
                line: Line {
                    first: reader.i64()?,
                    slope: reader.i64()?,
                },
                distances: Packed::parse(reader, rows)?,
            }),
            _ => Err(Malformed),
        }
    }

    /// Appends the numbers of `run` to `numbers`.
    pub(crate) fn read(&self, run: Run, numbers: &mut Vec<i64>) {
        match self {
            Self::Plain(packed) => packed.read(run.start, run.end, numbers),
            Self::Line { line, distances } => {
                let start = numbers.len();
                distances.read(run.start, run.end, numbers);
                let points = line.points(run.start);
                for (number, point) in numbers.iter_mut().skip(start).zip(points) {
                    *number = number.wrapping_add(point);
                }
            }
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
            _ => runs.iter().for_each(|&run| self.read(run, numbers)),
        }
    }
}

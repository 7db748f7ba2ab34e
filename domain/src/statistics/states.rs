//! Decides how long something was in each state.
//!
//! A state lasts from the reading that shows it to the next that shows another; the last one ends
//! with the last reading. Of several states of one instant the one that sorts last, byte by byte,
//! counts.

use super::dictionary::Dictionary;
use super::readings::{Readings, one_per_instant, put_at, read_at};
use super::window::Window;
use super::{StatisticsError, finite};
use crate::telemetry::bytes::{Malformed, Reader, put_text, put_u64, put_usize};
use crate::time::Timestamp;

/// The states between the first reading and the last.
#[derive(Clone, Debug, PartialEq)]
pub struct States {
    names: Dictionary,
    /// When each state began; neighbours differ. There is at least one.
    starts: Vec<(Timestamp, u32)>,
    last_at: Timestamp,
}

/// A state and how long it lasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay<'a> {
    /// The state.
    pub state: &'a str,
    /// When it began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
}

impl Stay<'_> {
    /// How long it lasted, in microseconds.
    #[must_use]
    pub const fn micros(&self) -> i64 {
        self.end.as_micros().saturating_sub(self.start.as_micros())
    }

    /// What of it lies in the window, if anything does.
    fn within(self, window: Window) -> Option<Self> {
        let clipped = Self {
            start: self.start.max(window.start),
            end: self.end.min(window.end),
            ..self
        };
        (clipped.start < clipped.end).then_some(clipped)
    }
}

/// Readings of states, in any order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateReadings {
    names: Dictionary,
    readings: Readings<u32>,
}

impl StateReadings {
    pub(super) fn add(&mut self, at: Timestamp, state: &str) -> Result<(), StatisticsError> {
        let number = self.names.number_of(state)?;
        self.readings.add(finite(at)?, number)
    }

    pub(super) fn merge(&mut self, other: &Self) -> Result<(), StatisticsError> {
        for (at, number) in other.readings.iter() {
            if let Some(name) = other.names.name(number) {
                self.add(at, name)?;
            }
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<Option<States>, StatisticsError> {
        let mut ordered: Vec<_> = (0_u32..).zip(self.names.names()).collect();
        ordered.sort_by(|left, right| left.1.cmp(right.1));
        let mut rank = vec![0_u32; ordered.len()];
        for (place, (number, _)) in (0_u32..).zip(ordered) {
            if let Some(rank) = rank.get_mut(number as usize) {
                *rank = place;
            }
        }
        let rank = |number: u32| rank.get(number as usize).copied();
        let readings = self.readings.sort(rank);
        let Some(&(last_at, _)) = readings.last() else {
            return Ok(None);
        };
        // Numbered anew by time, so that the order in which rows came leaves no trace.
        let mut names = Dictionary::default();
        let mut starts: Vec<(Timestamp, u32)> = Vec::new();
        for (at, number) in one_per_instant(readings) {
            let name = self.names.name(number).unwrap_or_default();
            let number = names.number_of(name)?;
            if starts.last().is_none_or(|&(_, state)| state != number) {
                starts.push((at, number));
            }
        }
        Ok(Some(States {
            names,
            starts,
            last_at,
        }))
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put_names(bytes, &self.names);
        self.readings
            .put(bytes, |bytes, number| put_u64(bytes, u64::from(number)));
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let names = read_names(reader)?;
        let readings = Readings::read(reader, Reader::u32)?;
        Ok(Self { names, readings })
    }
}

impl States {
    pub(super) fn range(&self) -> (Timestamp, Timestamp) {
        let first = self.starts.first().map_or(self.last_at, |&(at, _)| at);
        (first, self.last_at)
    }

    /// Takes in what came later.
    pub(super) fn append(&mut self, later: &Self) -> Result<(), StatisticsError> {
        for &(at, number) in &later.starts {
            let name = later.names.name(number).unwrap_or_default();
            let number = self.names.number_of(name)?;
            if self.starts.last().is_none_or(|&(_, state)| state != number) {
                self.starts.push((at, number));
            }
        }
        self.last_at = later.last_at;
        Ok(())
    }

    /// Each stay in a state, in the order of time.
    pub fn timeline(&self) -> impl Iterator<Item = Stay<'_>> {
        let ends = self.starts.iter().skip(1).map(|&(at, _)| at);
        let ends = ends.chain([self.last_at]);
        let stays = self.starts.iter().zip(ends);
        stays.map(|(&(start, number), end)| Stay {
            state: self.names.name(number).unwrap_or_default(),
            start,
            end,
        })
    }

    /// The timeline over a window: the last state lasts to its end, and the state in which the
    /// partial before ended lasts from its start.
    ///
    /// # Errors
    /// [`StatisticsError::ArgumentInvalid`] when the partial before reaches into the window.
    pub fn timeline_over<'a>(
        &'a self,
        window: Window,
        before: Option<&'a Self>,
    ) -> Result<Vec<Stay<'a>>, StatisticsError> {
        let (first_at, _) = self.range();
        if before.is_some_and(|before| before.last_at > window.start || before.last_at >= first_at)
        {
            return Err(StatisticsError::ArgumentInvalid {
                what: "the partial before must not reach into the window",
            });
        }
        let before = before.and_then(|before| before.timeline().last());
        let mut stays: Vec<_> = before
            .map(|stay| Stay {
                end: first_at,
                ..stay
            })
            .into_iter()
            .chain(self.timeline())
            .collect();
        if let Some(last) = stays.last_mut() {
            last.end = last.end.max(window.end);
        }
        // The state before may go on in this partial.
        stays.dedup_by(|later, earlier| {
            let goes_on = later.state == earlier.state;
            if goes_on {
                earlier.end = later.end;
            }
            goes_on
        });
        Ok(stays
            .into_iter()
            .filter_map(|stay| stay.within(window))
            .collect())
    }

    /// The state at an instant; `None` before the first reading and after the last.
    #[must_use]
    pub fn state_at(&self, at: Timestamp) -> Option<&str> {
        let (first, last) = self.range();
        let began = self.starts.partition_point(|&(start, _)| start <= at);
        let (_, number) = self.starts.get(began.checked_sub(1)?)?;
        (first <= at && at <= last)
            .then(|| self.names.name(*number))
            .flatten()
    }

    pub(super) fn put(&self, bytes: &mut Vec<u8>) {
        put_names(bytes, &self.names);
        let starts = Readings::from_ordered(self.starts.clone());
        starts.put(bytes, |bytes, number| put_u64(bytes, u64::from(number)));
        put_at(bytes, self.last_at);
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let names = read_names(reader)?;
        let starts = Readings::<u32>::read(reader, Reader::u32)?.in_given_order();
        let last_at = read_at(reader)?;
        let in_order = starts.is_sorted_by(|left, right| left.0 < right.0 && left.1 != right.1);
        let named = starts
            .iter()
            .all(|&(_, number)| names.name(number).is_some());
        let bounded = starts.first().is_some_and(|&(at, _)| finite(at).is_ok())
            && starts.last().is_some_and(|&(at, _)| at <= last_at);
        if in_order && named && bounded {
            Ok(Self {
                names,
                starts,
                last_at,
            })
        } else {
            Err(Malformed)
        }
    }
}

/// How long each state lasted altogether, in microseconds, in the order of first appearance.
#[must_use]
pub fn durations<'a>(stays: impl Iterator<Item = Stay<'a>>) -> Vec<(&'a str, i64)> {
    let mut places = std::collections::HashMap::new();
    let mut durations: Vec<(&str, i64)> = Vec::new();
    for stay in stays {
        let place = *places.entry(stay.state).or_insert(durations.len());
        match durations.get_mut(place) {
            Some((_, micros)) => *micros = micros.saturating_add(stay.micros()),
            None => durations.push((stay.state, stay.micros())),
        }
    }
    durations
}

fn put_names(bytes: &mut Vec<u8>, names: &Dictionary) {
    put_usize(bytes, names.names().len());
    for name in names.names() {
        put_text(bytes, name);
    }
}

fn read_names(reader: &mut Reader<'_>) -> Result<Dictionary, Malformed> {
    let mut names = Dictionary::default();
    for number in 0..reader.count(1)? {
        let length = reader.count(1)?;
        let given = names
            .number_of(reader.text(length)?)
            .map_err(|_| Malformed)?;
        if given as usize != number {
            return Err(Malformed);
        }
    }
    Ok(names)
}

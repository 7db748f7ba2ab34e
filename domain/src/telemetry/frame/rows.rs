//! Collects rows for a frame and brings them into its order.

use crate::telemetry::value::Value;
use crate::time::Timestamp;

use super::{FRAME_READINGS_MAX, FrameError, writer};

/// Readings on their way into a frame, row by row.
#[derive(Clone, Debug, Default)]
pub struct FrameRows<'a> {
    pub(super) rows: Vec<Row>,
    /// The readings of all rows, metric number and value; a row points at its part.
    pub(super) cells: Vec<(i32, Value<'a>)>,
}

/// What one device measured at one instant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) device: i32,
    pub(super) at: i64,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl<'a> FrameRows<'a> {
    /// No rows yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No rows yet, but room for so many readings.
    pub(crate) fn with_capacity(readings: usize) -> Self {
        Self {
            rows: Vec::new(),
            cells: Vec::with_capacity(readings),
        }
    }

    /// Adds what the device numbered `device` measured at `at`: metric numbers and values. Of two
    /// readings of one device, metric and instant the later pushed counts.
    pub fn push(
        &mut self,
        device: i32,
        at: Timestamp,
        readings: impl IntoIterator<Item = (i32, Value<'a>)>,
    ) {
        let start = self.cells.len();
        self.cells.extend(readings);
        self.end_row(device, at, start);
    }

    /// The cells, to append a row's readings to before [`Self::end_row`].
    pub(crate) const fn cells_mut(&mut self) -> &mut Vec<(i32, Value<'a>)> {
        &mut self.cells
    }

    /// Makes a row of the cells from `start` on; of none, no row.
    pub(crate) fn end_row(&mut self, device: i32, at: Timestamp, start: usize) {
        let end = self.cells.len();
        if start < end {
            self.rows.push(Row {
                device,
                at: at.as_micros(),
                start,
                end,
            });
        }
    }

    /// The first and the last instant, if there is a row.
    #[must_use]
    pub fn span(&self) -> Option<(Timestamp, Timestamp)> {
        let instants = || self.rows.iter().map(|row| row.at);
        let (first, last) = (instants().min()?, instants().max()?);
        Some((Timestamp::from_micros(first), Timestamp::from_micros(last)))
    }

    /// Writes the frame. Also says how many readings it holds, repeated ones counted once.
    ///
    /// # Errors
    /// [`FrameError::TooManyReadings`] past [`FRAME_READINGS_MAX`].
    pub fn encode(mut self) -> Result<(Vec<u8>, u32), FrameError> {
        if self.cells.len() > FRAME_READINGS_MAX {
            return Err(FrameError::TooManyReadings);
        }
        self.sort();
        Ok(writer::write(&self))
    }

    /// Orders the rows by device and time and merges those of one device and instant.
    fn sort(&mut self) {
        let key = |row: &Row| (row.device, row.at);
        if !self.rows.is_sorted_by_key(key) {
            self.rows.sort_by_key(key);
        }
        if self
            .rows
            .windows(2)
            .any(|pair| key(&pair[0]) == key(&pair[1]))
        {
            self.merge();
        }
    }

    /// Makes one row of all those of one device and instant. Their cells are copied behind one
    /// another in the order of pushing; the writer lets the last of each metric count.
    fn merge(&mut self) {
        let Self { rows, cells } = self;
        let groups =
            rows.chunk_by(|left, right| (left.device, left.at) == (right.device, right.at));
        *rows = groups
            .map(|group| match *group {
                [row] => row,
                _ => {
                    let start = cells.len();
                    for row in group {
                        cells.extend_from_within(row.start..row.end);
                    }
                    Row {
                        start,
                        end: cells.len(),
                        ..group[0]
                    }
                }
            })
            .collect();
    }
}

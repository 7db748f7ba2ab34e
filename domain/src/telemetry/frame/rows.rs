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

/// How many readings the first of several frames holds: at two bytes each it stays in its row.
const PART_READINGS: usize = 3_500;

/// How long a frame may be to stay in a row of a table: a page of 8 KiB less what else is in it.
const PART_BYTES_MAX: usize = 7_900;

/// The readings of some devices as a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FramePart {
    /// The least and the greatest number of a device.
    pub devices: (i32, i32),
    /// The first and the last instant.
    pub span: (Timestamp, Timestamp),
    /// How many readings it holds, repeated ones counted once.
    pub readings: u32,
    /// The frame.
    pub frame: Vec<u8>,
}

impl FramePart {
    fn write(rows: &[Row], cells: &[(i32, Value<'_>)]) -> Self {
        let (frame, readings) = writer::write(rows, cells);
        let device = |row: Option<&Row>| row.map_or(0, |row| row.device);
        let instants = || rows.iter().map(|row| row.at);
        let at = |micros: Option<i64>| Timestamp::from_micros(micros.unwrap_or_default());
        Self {
            devices: (device(rows.first()), device(rows.last())),
            span: (at(instants().min()), at(instants().max())),
            readings,
            frame,
        }
    }

    /// How many readings as long as these fit a row; with a tenth to spare, as none are the same.
    const fn readings_in_room(&self) -> usize {
        PART_BYTES_MAX * 9 / 10 * self.readings as usize / self.frame.len()
    }
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

    /// Writes the frame. Also says how many readings it holds, repeated ones counted once.
    ///
    /// # Errors
    /// [`FrameError::TooManyReadings`] past [`FRAME_READINGS_MAX`].
    pub fn encode(mut self) -> Result<(Vec<u8>, u32), FrameError> {
        if self.cells.len() > FRAME_READINGS_MAX {
            return Err(FrameError::TooManyReadings);
        }
        self.sort();
        Ok(writer::write(&self.rows, &self.cells))
    }

    /// Writes frames that hold whole devices each, in the order of devices, and are short enough to
    /// stay in a row of a table as far as can be foreseen: the length of one tells how many readings
    /// go into the next.
    ///
    /// # Errors
    /// As [`Self::encode`].
    pub fn encode_by_device(mut self) -> Result<Vec<FramePart>, FrameError> {
        if self.cells.len() > FRAME_READINGS_MAX {
            return Err(FrameError::TooManyReadings);
        }
        self.sort();
        let mut parts: Vec<FramePart> = Vec::new();
        let mut rest = self.rows.as_slice();
        while let Some(first) = rest.first() {
            let room = parts
                .last()
                .map_or(PART_READINGS, FramePart::readings_in_room);
            let mut readings = 0;
            let devices = rest.chunk_by(|left, right| left.device == right.device);
            let count = devices
                .take_while(|rows| {
                    let fits = readings < room;
                    readings += rows.iter().map(|row| row.end - row.start).sum::<usize>();
                    fits && (readings <= room || rows[0].device == first.device)
                })
                .map(<[Row]>::len)
                .sum();
            let (rows, after) = rest.split_at(count);
            parts.push(FramePart::write(rows, &self.cells));
            rest = after;
        }
        Ok(parts)
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

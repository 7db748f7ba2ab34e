//! Decides which rows and cells a file has (RFC 4180), piece by piece: a piece may end anywhere,
//! within a row, a cell or a character.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde::{Deserialize, Serialize};

use super::text::Encoding;
use super::{CELL_CHARS_MAX, COLUMNS_MAX, ImportError, ROW_BYTES_MAX};

/// What may stand between cells, the likeliest first.
const DELIMITERS: [u8; 4] = *b",;\t|";
/// How many rows decide which of them it is.
const ROWS_LOOKED_AT: usize = 20;

/// What is known of a file after some pieces of it. Its form as JSON is kept from piece to piece.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Whether a piece was read before.
    #[serde(default)]
    pub started: bool,
    /// Unknown while all is ASCII.
    #[serde(default)]
    pub encoding: Option<Encoding>,
    /// What stands between cells: unknown until a row is whole.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// Bytes of a character that is not whole, as Base64.
    #[serde(default)]
    bytes: String,
    /// Text of a row that is not whole.
    #[serde(default)]
    text: String,
}

/// Cells of a row.
pub type Cells = Vec<String>;

impl Reading {
    /// What [`Reading::to_json`] wrote, or what a client said of a file: encoding and delimiter.
    ///
    /// # Errors
    /// [`ImportError::StateMalformed`]
    pub fn parse(json: &str) -> Result<Self, ImportError> {
        serde_json::from_str(json).map_err(|_| ImportError::StateMalformed)
    }

    /// As JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("invariant: texts and booleans are JSON")
    }

    /// The rows that are whole with this piece. Lines without anything are no rows.
    ///
    /// # Errors
    /// [`ImportError`] for what is no text, or no table within the limits.
    pub fn read(&mut self, piece: &[u8], is_last: bool) -> Result<Vec<Cells>, ImportError> {
        let mut bytes = STANDARD
            .decode(&self.bytes)
            .map_err(|_| ImportError::StateMalformed)?;
        bytes.extend_from_slice(piece);
        if !self.started {
            // A mark of three bytes may be cut too.
            if bytes.len() < 3 && !is_last {
                self.bytes = STANDARD.encode(&bytes);
                return Ok(Vec::new());
            }
            self.started = true;
            if let Some((encoding, length)) = Encoding::of_mark(&bytes) {
                self.encoding = Some(encoding);
                bytes.drain(..length);
            }
        }
        self.encoding = self.encoding.or_else(|| Encoding::of_bytes(&bytes));
        let (text, whole) = self
            .encoding
            .unwrap_or(Encoding::Utf8)
            .decode(&bytes, is_last)?;
        self.bytes = STANDARD.encode(&bytes[whole..]);
        self.text.push_str(&text);
        if is_last && !self.text.is_empty() {
            self.text.push('\n');
        }
        let rows = self.rows(is_last)?;
        if is_last && !self.text.trim().is_empty() {
            return Err(ImportError::QuoteOpen);
        } else if self.text.len() > ROW_BYTES_MAX {
            return Err(ImportError::RowTooLong);
        }
        Ok(rows)
    }

    fn rows(&mut self, is_last: bool) -> Result<Vec<Cells>, ImportError> {
        if self.delimiter.is_none() {
            let first = self.text.lines().next().unwrap_or_default();
            // As some spreadsheets say it.
            if let Some(named) = first.strip_prefix("sep=")
                && let Ok(delimiter) = named.parse::<char>()
                && delimiter.is_ascii()
            {
                self.delimiter = Some(delimiter);
                let rest = first.len();
                self.text.drain(..rest);
            } else {
                self.delimiter = guess(self.text.as_bytes(), is_last)?;
            }
        }
        let Some(delimiter) = self.delimiter.and_then(|known| u8::try_from(known).ok()) else {
            return Ok(Vec::new());
        };
        let (rows, whole) = split(self.text.as_bytes(), delimiter, usize::MAX)?;
        self.text.drain(..whole);
        Ok(rows)
    }
}

/// The delimiter by which the first rows have the most cells, all alike; none while no row is whole.
fn guess(text: &[u8], is_last: bool) -> Result<Option<char>, ImportError> {
    let mut best = None;
    for delimiter in DELIMITERS {
        let (rows, _) = split(text, delimiter, ROWS_LOOKED_AT)?;
        let Some(width) = rows.first().map(Vec::len) else {
            return Ok(is_last.then_some(','));
        };
        let alike = width > 1 && rows.iter().all(|row| row.len() == width);
        if best.is_none_or(|(most, _)| (alike, width) > most) {
            best = Some(((alike, width), delimiter));
        }
    }
    Ok(best.map(|(_, delimiter)| char::from(delimiter)))
}

/// The rows that are whole, as many as asked for, and how many bytes they take.
fn split(text: &[u8], delimiter: u8, rows_max: usize) -> Result<(Vec<Cells>, usize), ImportError> {
    let mut reader: Reader = ReaderBuilder::new().delimiter(delimiter).build();
    let mut rows = Vec::new();
    let (mut cells, mut ends) = (vec![0; 4096], vec![0; 64]);
    let (mut position, mut whole, mut written, mut counted) = (0, 0, 0, 0);
    while position < text.len() && rows.len() < rows_max {
        let (result, read, wrote, ended) = reader.read_record(
            &text[position..],
            &mut cells[written..],
            &mut ends[counted..],
        );
        position += read;
        written += wrote;
        counted += ended;
        match result {
            ReadRecordResult::OutputFull if cells.len() > ROW_BYTES_MAX => {
                return Err(ImportError::RowTooLong);
            }
            ReadRecordResult::OutputFull => cells.resize(cells.len() * 2, 0),
            ReadRecordResult::OutputEndsFull if ends.len() > COLUMNS_MAX => {
                return Err(ImportError::TooManyColumns);
            }
            ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            ReadRecordResult::Record => {
                rows.push(row_of(&cells[..written], &ends[..counted])?);
                (whole, written, counted) = (position, 0, 0);
            }
            ReadRecordResult::InputEmpty | ReadRecordResult::End => break,
        }
    }
    Ok((rows, whole))
}

fn row_of(cells: &[u8], ends: &[usize]) -> Result<Cells, ImportError> {
    if ends.len() > COLUMNS_MAX {
        return Err(ImportError::TooManyColumns);
    }
    let mut from = 0;
    ends.iter()
        .map(|&end| {
            // Cells end at ASCII characters, so each is a text of its own.
            let cell = String::from_utf8_lossy(&cells[from..end]).into_owned();
            from = end;
            if cell.len() > CELL_CHARS_MAX && cell.chars().count() > CELL_CHARS_MAX {
                return Err(ImportError::CellTooLong);
            }
            Ok(cell)
        })
        .collect()
}

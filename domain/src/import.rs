//! Decides how a file of comma separated values becomes records: how its pieces are read, which of
//! its columns fill which fields, and what a cell means.
//!
//! Three steps, each a pure function: [`read`] turns a piece of a file into rows of cells,
//! [`plan`] checks the mapping of columns to fields once an import, and [`row`] turns the cells of
//! a row into values by that plan. [`mapping`] proposes a mapping, and [`write`] writes what
//! [`read`] reads. Who may write which records, and what they hang on, is left to SQL.

use thiserror::Error;

pub mod cell;
pub mod mapping;
pub mod number;
pub mod plan;
pub mod read;
pub mod row;
pub mod text;
pub mod time;
pub mod write;

#[cfg(test)]
mod tests;

/// The longest row, in bytes as UTF-8: a quote that is never closed makes the rest of a file one
/// row, and that is to be found out before it fills the memory.
pub const ROW_BYTES_MAX: usize = 1_048_576;
/// The longest cell, in characters: as the body of an activity, the longest text of a record.
pub const CELL_CHARS_MAX: usize = 100_000;
/// Columns of a file: more than spreadsheets of people have, and few enough to check each by name.
pub const COLUMNS_MAX: usize = 500;

/// Why a file or its mapping cannot be taken.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ImportError {
    /// A setting is not what it can be.
    #[error("the setting {name} is not {wanted}")]
    SettingInvalid {
        /// Of the setting.
        name: &'static str,
        /// What it can be.
        wanted: &'static str,
    },
    /// The bytes are no text in the encoding.
    #[error("the file is no text in {encoding}")]
    EncodingInvalid {
        /// What was tried.
        encoding: &'static str,
    },
    /// The text has characters that no cell has.
    #[error("the file has a NUL character: it is no text, or UTF-16 without a byte order mark")]
    TextInvalid,
    /// A quote is open at the end of the file.
    #[error("a quoted cell is not closed at the end of the file")]
    QuoteOpen,
    /// A row is longer than [`ROW_BYTES_MAX`].
    #[error("a row is longer than {ROW_BYTES_MAX} bytes; perhaps a quoted cell is not closed")]
    RowTooLong,
    /// A cell is longer than [`CELL_CHARS_MAX`].
    #[error("a cell is longer than {CELL_CHARS_MAX} characters")]
    CellTooLong,
    /// There are more columns than [`COLUMNS_MAX`].
    #[error("a row has more than {COLUMNS_MAX} columns")]
    TooManyColumns,
    /// What carries the reading of a file on is none of ours.
    #[error("the state of the reading cannot be read")]
    StateMalformed,
    /// The mapping cannot be carried out.
    #[error("the column {column:?} cannot be mapped: {reason}")]
    MappingInvalid {
        /// The header of the column.
        column: String,
        /// What is wrong.
        reason: String,
    },
}

impl ImportError {
    /// The stable code of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::SettingInvalid { .. } => "import.setting_invalid",
            Self::EncodingInvalid { .. } => "import.encoding_invalid",
            Self::TextInvalid => "import.text_invalid",
            Self::QuoteOpen => "import.quote_open",
            Self::RowTooLong => "import.row_too_long",
            Self::CellTooLong => "import.cell_too_long",
            Self::TooManyColumns => "import.too_many_columns",
            Self::StateMalformed => "import.state_malformed",
            Self::MappingInvalid { .. } => "import.mapping_invalid",
        }
    }
}

//! Reads a CSV file row by row and writes each row as a device's payload.

use std::fs::File;
use std::io::{BufReader, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};
use csv::{ReaderBuilder, StringRecord};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::columns::Columns;
use super::options::ReplayOptions;

/// A CSV file that is being read.
pub struct Table {
    reader: csv::Reader<BufReader<File>>,
    row: StringRecord,
    columns: Columns,
    /// The columns' metrics as JSON texts.
    keys: Vec<String>,
    time_zone: TimeZone,
}

/// What a row is.
#[derive(Debug, PartialEq, Eq)]
pub enum Row {
    /// A row with its time in microseconds since 1970, where the table has a time column.
    Readings(Option<i64>),
    /// Nothing but empty cells.
    Empty,
    /// A time column that holds no time.
    NoTime,
}

impl Table {
    /// Opens the file and reads its head.
    ///
    /// # Errors
    /// A file that cannot be read, or columns that do not fit the options.
    pub fn open(options: &ReplayOptions) -> Result<Self> {
        let mut reader = open(&options.file, options.delimiter)?;
        let head = reader
            .headers()
            .with_context(|| unreadable(&options.file))?;
        let columns = Columns::new(head.iter(), options)?;
        let keys = columns
            .metrics
            .iter()
            .map(|(_, metric)| json_text(metric))
            .collect();
        let time_zone = options.time_zone.clone();
        Ok(Self {
            reader,
            row: StringRecord::new(),
            columns,
            keys,
            time_zone,
        })
    }

    /// What the columns are.
    #[must_use]
    pub const fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Goes to the next row; nothing after the last one.
    ///
    /// # Errors
    /// A file that cannot be read on.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        let more = self.reader.read_record(&mut self.row);
        if !more.with_context(|| format!("cannot read the row after {:?}", self.row))? {
            return Ok(None);
        }
        if self.readings().next().is_none() {
            return Ok(Some(Row::Empty));
        }
        let Some(column) = self.columns.time else {
            return Ok(Some(Row::Readings(None)));
        };
        let time = parse_time(self.row.get(column).unwrap_or_default(), &self.time_zone);
        Ok(Some(
            time.map_or(Row::NoTime, |time| Row::Readings(Some(time))),
        ))
    }

    /// Writes the row's readings as a payload with the time `at_micros`; returns their number.
    pub fn write_payload(&self, at_micros: i64, payload: &mut Vec<u8>) -> usize {
        payload.clear();
        // Writing into a vector cannot fail.
        let _ = write!(payload, "{{\"at\":{at_micros}");
        let mut readings = 0;
        for (key, value) in self.readings() {
            let _ = write!(payload, ",{key}:{value}");
            readings += 1;
        }
        payload.push(b'}');
        readings
    }

    /// The metrics of the row that have a value, both as JSON texts.
    fn readings(&self) -> impl Iterator<Item = (&str, String)> {
        self.columns
            .metrics
            .iter()
            .zip(&self.keys)
            .filter_map(|((place, _), key)| {
                let value = json_value(self.row.get(*place).unwrap_or_default())?;
                Some((key.as_str(), value))
            })
    }
}

/// How many rows the file has.
///
/// # Errors
/// A file that cannot be read.
pub fn count_rows(options: &ReplayOptions) -> Result<usize> {
    let mut reader = open(&options.file, options.delimiter)?;
    let mut row = csv::ByteRecord::new();
    let mut rows = 0;
    while reader
        .read_byte_record(&mut row)
        .with_context(|| unreadable(&options.file))?
    {
        rows += 1;
    }
    Ok(rows)
}

fn open(file: &Path, delimiter: u8) -> Result<csv::Reader<BufReader<File>>> {
    let opened = File::open(file).with_context(|| unreadable(file))?;
    // Rows may be longer than the head: many devices end each line with a comma.
    let mut builder = ReaderBuilder::new();
    builder.flexible(true).delimiter(delimiter);
    Ok(builder.from_reader(BufReader::new(opened)))
}

fn unreadable(file: &Path) -> String {
    format!("cannot read {}", file.display())
}

/// A cell as JSON: a number, true, false, or text; nothing for an empty cell and for the words by
/// which tables say that there is no value.
fn json_value(cell: &str) -> Option<String> {
    let cell = cell.trim();
    match cell.to_ascii_lowercase().as_str() {
        "" | "-" | "na" | "n/a" | "nan" | "null" | "none" => return None,
        "inf" | "+inf" | "-inf" | "infinity" | "+infinity" | "-infinity" => return None,
        truth @ ("true" | "false") => return Some(truth.to_owned()),
        _ => {}
    }
    if is_json_number(cell) {
        return Some(cell.to_owned());
    }
    match cell.parse::<f64>() {
        Ok(number) if number.is_finite() => Some(number.to_string()),
        _ => Some(json_text(cell)),
    }
}

/// Whether the text is a number as JSON writes it (RFC 8259, section 6): then it is passed on digit
/// by digit.
fn is_json_number(text: &str) -> bool {
    let digits =
        |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(rest);
    if whole == 0 || whole > 1 && rest.starts_with('0') {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if length == 0 {
            return false;
        }
        rest = &fraction[length..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The time in a cell, in microseconds since 1970: RFC 3339, a civil time in `zone`, or an epoch
/// number of seconds, milliseconds or microseconds told apart by its size, as in a payload.
fn parse_time(cell: &str, zone: &TimeZone) -> Option<i64> {
    let cell = cell.trim();
    if let Ok(time) = cell.parse::<jiff::Timestamp>() {
        return Some(time.as_microsecond());
    }
    if let Ok(number) = cell.parse::<f64>() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "bounded by the comparison before"
        )]
        return match number.abs() {
            size if size < 1e11 => Some((number * 1e6).round() as i64),
            size if size < 1e14 => Some((number * 1e3).round() as i64),
            size if size < 1e17 => Some(number.round() as i64),
            _ => None,
        };
    }
    let civil = cell.parse::<DateTime>().ok()?;
    Some(
        zone.to_ambiguous_timestamp(civil)
            .compatible()
            .ok()?
            .as_microsecond(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_json() {
        for (cell, value) in [
            (" 81.000000", Some("81.000000")),
            ("-0", Some("-0")),
            ("1e5", Some("1e5")),
            (".5", Some("0.5")),
            ("+5", Some("5")),
            ("007", Some("7")),
            ("1.", Some("1")),
            ("TRUE", Some("true")),
            ("on \"x\"", Some(r#""on \"x\"""#)),
            ("12:30", Some("\"12:30\"")),
            ("", None),
            (" NaN ", None),
            ("-", None),
        ] {
            assert_eq!(json_value(cell).as_deref(), value, "{cell:?}");
        }
    }

    #[test]
    fn times_are_read_in_every_form() {
        let utc = TimeZone::UTC;
        let expected = 1_386_018_900_000_000;
        for cell in [
            "2013-12-02T21:15:00Z",
            "2013-12-02T22:15:00+01:00",
            "2013-12-02 21:15:00",
            " 2013-12-02T21:15",
            "1386018900",
            "1386018900000",
            "1386018900000000",
        ] {
            assert_eq!(parse_time(cell, &utc), Some(expected), "{cell}");
        }
        let berlin = TimeZone::get("Europe/Berlin").expect("bundled");
        assert_eq!(parse_time("2013-12-02 22:15:00", &berlin), Some(expected));
        for cell in ["", "soon", "1e17", "2013-13-01"] {
            assert_eq!(parse_time(cell, &utc), None, "{cell}");
        }
    }
}

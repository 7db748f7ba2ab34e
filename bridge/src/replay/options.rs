//! The options of `tenon-bridge replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tenon_domain::identity::DeviceAddress;

use crate::mqtt::broker::BrokerOptions;

/// Publishes a CSV file as the readings of a device, a message for each row.
///
/// Column names become metric names: "ENGINE_RPM ()" becomes engine_rpm. Empty cells are left out,
/// and so are columns without a name. Each row is confirmed by the broker before the command ends,
/// and carries its time, so that replaying a file twice with the same --start changes nothing.
#[derive(Args, Clone, Debug)]
pub struct ReplayOptions {
    /// The CSV file; its first row names the columns.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The device, as TENANT/d/DEVICE; also the user name at the broker, unless one is given.
    #[arg(long, env = "TENON_DEVICE", value_parser = parse_device, value_name = "DEVICE")]
    pub device: DeviceAddress,

    /// Where the broker is.
    #[command(flatten)]
    pub broker: BrokerOptions,

    /// How many times faster than it was recorded; "max" for as fast as the broker takes it.
    #[arg(
        long,
        env = "TENON_REPLAY_SPEED",
        default_value = "1",
        value_parser = parse_speed,
        value_name = "FACTOR",
        help_heading = "Time"
    )]
    pub speed: Speed,

    /// So many rows a second, whatever their times say; instead of --speed.
    #[arg(
        long,
        env = "TENON_REPLAY_RATE",
        value_parser = parse_positive,
        value_name = "ROWS",
        help_heading = "Time"
    )]
    pub rate: Option<f64>,

    /// The time of the first row, RFC 3339 such as 2026-03-01T08:00:00Z.
    ///
    /// Without it rows keep the time in their time column; where there is none, times are chosen so
    /// that the last row is sent at the time it carries.
    #[arg(
        long,
        env = "TENON_REPLAY_START",
        value_parser = parse_start,
        value_name = "TIME",
        help_heading = "Time"
    )]
    pub start: Option<i64>,

    /// The column that holds the time: RFC 3339, "2026-03-01 08:00:00", or an epoch number.
    ///
    /// Without it a column named at, ts, time, timestamp, datetime or date is taken; "-" for none.
    #[arg(
        long,
        env = "TENON_REPLAY_TIME_COLUMN",
        value_name = "NAME",
        help_heading = "Time"
    )]
    pub time_column: Option<String>,

    /// The time zone of times that name none, such as Europe/Berlin.
    #[arg(
        long,
        env = "TENON_REPLAY_TIME_ZONE",
        default_value = "UTC",
        value_parser = parse_time_zone,
        value_name = "ZONE",
        help_heading = "Time"
    )]
    pub time_zone: TimeZone,

    /// The time between rows of a file without a time column, such as 1s, 250ms or 5m.
    #[arg(
        long,
        env = "TENON_REPLAY_INTERVAL",
        default_value = "1s",
        value_parser = parse_interval,
        value_name = "DURATION",
        help_heading = "Time"
    )]
    pub interval: Duration,

    /// Another name for a column, as COLUMN=METRIC; may be repeated.
    ///
    /// COLUMN is the name in the file or its clean form.
    #[arg(
        long = "rename",
        value_parser = parse_rename,
        value_name = "COLUMN=METRIC",
        help_heading = "Columns"
    )]
    pub renames: Vec<(String, String)>,

    /// Only these columns, separated by commas.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "COLUMNS",
        help_heading = "Columns"
    )]
    pub only: Vec<String>,

    /// Not these columns, separated by commas.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "COLUMNS",
        help_heading = "Columns"
    )]
    pub skip: Vec<String>,

    /// Takes column names as they are, apart from white space at their ends.
    #[arg(long, help_heading = "Columns")]
    pub raw_names: bool,

    /// What separates the columns; "\t" for a tabulator.
    #[arg(
        long,
        default_value = ",",
        value_parser = parse_delimiter,
        value_name = "CHARACTER",
        help_heading = "Columns"
    )]
    pub delimiter: u8,

    /// Only so many rows.
    #[arg(long, value_name = "COUNT")]
    pub rows: Option<usize>,
}

/// How fast rows follow one another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// So many times faster than recorded.
    Times(f64),
    /// As fast as the broker confirms.
    Max,
}

/// Reads `TENANT/d/DEVICE`.
///
/// # Errors
/// What a device's name is made of.
pub fn parse_device(text: &str) -> Result<DeviceAddress, String> {
    DeviceAddress::from_username(text).map_err(|error| error.to_string())
}

fn parse_positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        _ => Err("a number above 0 is wanted".to_owned()),
    }
}

fn parse_interval(text: &str) -> Result<Duration, String> {
    let seconds = parse_positive(text)
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number).ok());
    let named = || {
        text.parse::<SignedDuration>()
            .ok()
            .and_then(|named| named.try_into().ok())
    };
    let interval = seconds
        .or_else(named)
        .filter(|interval: &Duration| !interval.is_zero());
    interval.ok_or_else(|| "a duration such as 1s, 250ms or 5m is wanted".to_owned())
}

fn parse_speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        Ok(Speed::Max)
    } else {
        parse_positive(text).map(Speed::Times)
    }
}

fn parse_start(text: &str) -> Result<i64, String> {
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|_| "a time such as 2026-03-01T08:00:00Z is wanted".to_owned())?;
    Ok(time.as_microsecond())
}

fn parse_time_zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| format!("there is no time zone {text}"))
}

fn parse_rename(text: &str) -> Result<(String, String), String> {
    match text.rsplit_once('=') {
        Some((column, metric)) if !column.is_empty() && !metric.is_empty() => {
            Ok((column.to_owned(), metric.to_owned()))
        }
        _ => Err("COLUMN=METRIC is wanted".to_owned()),
    }
}

fn parse_delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() => Ok(*byte),
        _ => Err("one ASCII character is wanted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_seconds_or_name_their_unit() {
        let millis = |text| parse_interval(text).map(|interval| interval.as_millis());
        for (text, expected) in [("1s", 1000), ("250ms", 250), ("5m", 300_000), ("0.5", 500)] {
            assert_eq!(millis(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "0s", "-1s", "soon"] {
            assert!(parse_interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn speeds_and_renames_are_read() {
        assert_eq!(parse_speed("max"), Ok(Speed::Max));
        assert_eq!(parse_speed("2.5"), Ok(Speed::Times(2.5)));
        assert!(parse_speed("0").is_err());
        assert_eq!(
            parse_rename("a=b=c"),
            Ok(("a=b".to_owned(), "c".to_owned()))
        );
        assert!(parse_rename("a=").is_err());
    }
}

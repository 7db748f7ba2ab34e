//! Decides which day or instant a cell means.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::cell::Problem;

/// In which order a date has its parts. A date that begins with the year is read in any case.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// 31.12.2026
    Dmy,
    /// 12/31/2026
    Mdy,
    /// 2026-12-31
    Ymd,
}

/// Two digits up to this one are of this century, those above it of the last.
const YEAR_OF_TWO_DIGITS_MAX: i16 = 68;

/// The day: year first, or in the order of the setting. Without a setting parts between points
/// begin with the day, and others that could be both are refused.
///
/// # Errors
/// [`Problem::DateInvalid`] and [`Problem::DateAmbiguous`].
pub fn date(cell: &str, order: Option<DateOrder>) -> Result<Date, Problem> {
    let sign = cell
        .chars()
        .find(|character| "./-".contains(*character))
        .ok_or(Problem::DateInvalid)?;
    let parts: Vec<&str> = cell.split(sign).map(str::trim).collect();
    let &[first, second, third] = parts.as_slice() else {
        return Err(Problem::DateInvalid);
    };
    let number = |part: &str, length_max: usize| -> Result<i16, Problem> {
        if part.is_empty() || part.len() > length_max {
            return Err(Problem::DateInvalid);
        }
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::DateInvalid);
        }
        part.parse().map_err(|_| Problem::DateInvalid)
    };
    if first.len() == 4 {
        return of(number(first, 4)?, number(second, 2)?, number(third, 2)?);
    }
    let year = |part: &str| -> Result<i16, Problem> {
        match part.len() {
            4 => number(part, 4),
            2 => number(part, 2).map(|short| {
                short
                    + if short <= YEAR_OF_TWO_DIGITS_MAX {
                        2000
                    } else {
                        1900
                    }
            }),
            _ => Err(Problem::DateInvalid),
        }
    };
    let order = match order {
        Some(order) => order,
        None if sign == '.' => DateOrder::Dmy,
        None if number(first, 2)? > 12 => DateOrder::Dmy,
        None if number(second, 2)? > 12 => DateOrder::Mdy,
        None if number(first, 2)? == number(second, 2)? => DateOrder::Dmy,
        None => return Err(Problem::DateAmbiguous),
    };
    match order {
        DateOrder::Dmy => of(year(third)?, number(second, 2)?, number(first, 2)?),
        DateOrder::Mdy => of(year(third)?, number(first, 2)?, number(second, 2)?),
        DateOrder::Ymd => of(year(first)?, number(second, 2)?, number(third, 2)?),
    }
}

fn of(year: i16, month: i16, day: i16) -> Result<Date, Problem> {
    let short = |part: i16| i8::try_from(part).map_err(|_| Problem::DateInvalid);
    match Date::new(year, short(month)?, short(day)?) {
        Ok(date) if year > 0 => Ok(date),
        _ => Err(Problem::DateInvalid),
    }
}

/// The instant: with an offset, or on the clock of the zone. A day alone is its beginning.
///
/// # Errors
/// As [`date`].
pub fn instant(cell: &str, order: Option<DateOrder>, zone: &TimeZone) -> Result<String, Problem> {
    let spoken = |instant: Timestamp| instant.to_string();
    if let Ok(instant) = cell.parse::<Timestamp>() {
        return Ok(spoken(instant));
    }
    let (day, clock) = cell
        .split_once(['T', ' '])
        .map_or((cell, ""), |(day, clock)| (day, clock.trim()));
    let day = date(day.trim_end_matches(','), order)?;
    let clock = if clock.is_empty() {
        Time::midnight()
    } else {
        time(clock)?
    };
    zone.to_timestamp(DateTime::from_parts(day, clock))
        .map(spoken)
        .map_err(|_| Problem::DateInvalid)
}

fn time(clock: &str) -> Result<Time, Problem> {
    let clock = clock.strip_suffix("Uhr").unwrap_or(clock).trim();
    let padded = if clock.find(':') == Some(1) {
        format!("0{clock}")
    } else {
        clock.to_owned()
    };
    padded.parse().map_err(|_| Problem::DateInvalid)
}

//! Decides which value of a field's type a cell means.

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::number::{self, Decimal};
use super::time::{self, DateOrder};

/// What is wrong with a cell. The row is left out, and its owner told.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Problem {
    /// No number.
    #[error("this is no number")]
    NumberInvalid,
    /// A number that may be read in two ways.
    #[error("this may be a decimal or a thousand: say by the setting decimal which")]
    NumberAmbiguous,
    /// A number that the field cannot hold.
    #[error("this number does not fit the field")]
    NumberOutOfRange,
    /// An amount without a currency.
    #[error("this amount has no currency: map a column of them, or set currency")]
    CurrencyMissing,
    /// An amount in another currency than the row says.
    #[error("this amount is in another currency than its row or the setting says")]
    CurrencyOther,
    /// An amount with more decimals than its currency has.
    #[error("this amount has more decimals than its currency")]
    AmountTooFine,
    /// No date.
    #[error("this is no date")]
    DateInvalid,
    /// A date that may be read in two ways.
    #[error("the day and the month may be either: say by the setting date which")]
    DateAmbiguous,
    /// Neither yes nor no.
    #[error("this is neither yes nor no")]
    BooleanInvalid,
    /// No e-mail address.
    #[error("this is no e-mail address")]
    EmailInvalid,
    /// No phone number.
    #[error("this is no phone number")]
    PhoneInvalid,
    /// No id.
    #[error("this is no id")]
    IdInvalid,
    /// None of the values that the field has.
    #[error("this is none of the values of the field")]
    ValueUnknown,
    /// More cells than there are columns.
    #[error("this row has more cells than the header: perhaps a quote is missing")]
    RowTooWide,
}

impl Problem {
    /// The stable code of the problem.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NumberInvalid => "import.number_invalid",
            Self::NumberAmbiguous => "import.number_ambiguous",
            Self::NumberOutOfRange => "import.number_out_of_range",
            Self::CurrencyMissing => "import.currency_missing",
            Self::CurrencyOther => "import.currency_other",
            Self::AmountTooFine => "import.amount_too_fine",
            Self::DateInvalid => "import.date_invalid",
            Self::DateAmbiguous => "import.date_ambiguous",
            Self::BooleanInvalid => "import.boolean_invalid",
            Self::EmailInvalid => "import.email_invalid",
            Self::PhoneInvalid => "import.phone_invalid",
            Self::IdInvalid => "import.id_invalid",
            Self::ValueUnknown => "import.value_unknown",
            Self::RowTooWide => "import.row_too_wide",
        }
    }
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Any text.
    Text,
    /// A number with decimals.
    Number,
    /// A number of 16 bits.
    Smallint,
    /// A number of 32 bits.
    Integer,
    /// A number of 64 bits.
    Bigint,
    /// An amount, kept in minor units of its currency.
    Money,
    /// Yes or no.
    Boolean,
    /// A point in time.
    Instant,
    /// A day.
    Date,
    /// A UUID.
    Id,
    /// Several texts.
    List,
    /// An address of e-mail.
    Email,
    /// A number of a phone.
    Phone,
    /// A code in upper case, such as EUR or DE.
    Code,
}

/// How cells are to be read.
#[derive(Clone, Debug)]
pub struct Manner {
    /// Of numbers.
    pub decimal: Option<Decimal>,
    /// Of dates.
    pub date: Option<DateOrder>,
    /// Where instants without an offset are.
    pub zone: TimeZone,
}

/// The value of a cell that is not empty, as Postgres reads it for a column of the kind; an amount
/// is for [`number::money`], a list for [`list`].
///
/// # Errors
/// [`Problem`]
pub fn value(cell: &str, kind: Kind, manner: &Manner) -> Result<String, Problem> {
    let whole = |cell: &str, min: i64, max: i64| -> Result<String, Problem> {
        let number = number::parse(cell, manner.decimal)?;
        let number: i64 = number.parse().map_err(|_| {
            if number.contains('.') {
                Problem::NumberInvalid
            } else {
                Problem::NumberOutOfRange
            }
        })?;
        if (min..=max).contains(&number) {
            Ok(number.to_string())
        } else {
            Err(Problem::NumberOutOfRange)
        }
    };
    match kind {
        Kind::Text | Kind::List => Ok(cell.to_owned()),
        Kind::Number | Kind::Money => number::parse(cell, manner.decimal),
        Kind::Smallint => whole(cell, i16::MIN.into(), i16::MAX.into()),
        Kind::Integer => whole(cell, i32::MIN.into(), i32::MAX.into()),
        Kind::Bigint => whole(cell, i64::MIN, i64::MAX),
        Kind::Boolean => boolean(cell).map(|is| is.to_string()),
        Kind::Instant => time::instant(cell, manner.date, &manner.zone),
        Kind::Date => time::date(cell, manner.date).map(|date| date.to_string()),
        Kind::Id => id(cell),
        Kind::Email => email(cell),
        Kind::Phone => phone(cell),
        Kind::Code => Ok(cell.to_uppercase()),
    }
}

fn boolean(cell: &str) -> Result<bool, Problem> {
    match cell.to_lowercase().as_str() {
        "true" | "t" | "yes" | "y" | "ja" | "j" | "1" | "x" | "on" | "wahr" => Ok(true),
        "false" | "f" | "no" | "n" | "nein" | "0" | "off" | "falsch" => Ok(false),
        _ => Err(Problem::BooleanInvalid),
    }
}

/// As the tenant writes it, without what mail programs put around it.
fn email(cell: &str) -> Result<String, Problem> {
    let address = cell.strip_prefix("mailto:").unwrap_or(cell);
    let address = match address.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').ok_or(Problem::EmailInvalid)?,
        None => address,
    };
    let (local, domain) = address.rsplit_once('@').ok_or(Problem::EmailInvalid)?;
    let is_strange = |character: char| {
        character.is_whitespace() || character.is_control() || ",;<>".contains(character)
    };
    if local.is_empty()
        || local.contains('@')
        || domain.is_empty()
        || domain.starts_with('.')
        || domain.ends_with('.')
        || address.contains(is_strange)
        || address.len() > 254
    {
        return Err(Problem::EmailInvalid);
    }
    Ok(address.to_owned())
}

fn phone(cell: &str) -> Result<String, Problem> {
    let number = cell.strip_prefix("tel:").unwrap_or(cell);
    let number = number.split_whitespace().collect::<Vec<_>>().join(" ");
    let digits = number.chars().filter(char::is_ascii_digit).count();
    if digits < 2 || number.contains('@') {
        return Err(Problem::PhoneInvalid);
    }
    Ok(number)
}

fn id(cell: &str) -> Result<String, Problem> {
    let id = cell.to_lowercase();
    let fits = id.len() == 36
        && id.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        });
    if fits {
        Ok(id)
    } else {
        Err(Problem::IdInvalid)
    }
}

/// What stands between separators, without what is empty or there already.
#[must_use]
pub fn list(cell: &str, separator: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in cell.split(separator).map(str::trim) {
        if !part.is_empty() && !found.iter().any(|known| known == part) {
            found.push(part.to_owned());
        }
    }
    found
}

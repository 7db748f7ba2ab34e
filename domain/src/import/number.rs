//! Decides which number a cell means: `1.234,56 €` and `1,234.56` are the same.

use serde::{Deserialize, Serialize};

use super::cell::Problem;

/// Which sign stands before the decimals.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub enum Decimal {
    /// 1,234.56
    #[serde(rename = ".")]
    Point,
    /// 1.234,56
    #[serde(rename = ",")]
    Comma,
}

/// Digits beyond these are no amount that anybody has.
const DIGITS_MAX: usize = 30;

/// The number in its canonical form: `-1234.56`, without zeros that say nothing.
///
/// Without a setting the later of two different signs stands before the decimals; one sign alone
/// with three digits behind it may mean either, and is refused.
///
/// # Errors
/// [`Problem::NumberInvalid`] and [`Problem::NumberAmbiguous`].
pub fn parse(cell: &str, decimal: Option<Decimal>) -> Result<String, Problem> {
    let bare: String = cell
        .chars()
        .filter(|character| !character.is_whitespace() && !"'’".contains(*character))
        .collect();
    let (negative, bare) = match bare.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest),
        None => (false, bare.strip_prefix('+').unwrap_or(&bare)),
    };
    if !bare
        .chars()
        .all(|character| character.is_ascii_digit() || ".,".contains(character))
    {
        return Err(Problem::NumberInvalid);
    }
    let decimal_sign = match decimal {
        Some(Decimal::Point) => '.',
        Some(Decimal::Comma) => ',',
        None => guessed(bare)?,
    };
    let grouping_sign = if decimal_sign == '.' { ',' } else { '.' };
    let (whole, fraction) = bare.split_once(decimal_sign).unwrap_or((bare, ""));
    if fraction.contains(['.', ',']) || !groups_are_whole(whole, grouping_sign) {
        return Err(Problem::NumberInvalid);
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    if (whole.is_empty() && fraction.is_empty()) || whole.len() + fraction.len() > DIGITS_MAX {
        return Err(Problem::NumberInvalid);
    }
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let mut canonical = String::new();
    if negative && !(whole.is_empty() && fraction.is_empty()) {
        canonical.push('-');
    }
    canonical.push_str(if whole.is_empty() { "0" } else { whole });
    if !fraction.is_empty() {
        canonical.push('.');
        canonical.push_str(fraction);
    }
    Ok(canonical)
}

/// Which sign the number itself shows to stand before its decimals.
fn guessed(bare: &str) -> Result<char, Problem> {
    let signs: Vec<(usize, char)> = bare
        .char_indices()
        .filter(|(_, character)| ".,".contains(*character))
        .collect();
    let Some(&(last, sign)) = signs.last() else {
        return Ok('.');
    };
    let other = if sign == '.' { ',' } else { '.' };
    if signs.iter().any(|&(_, earlier)| earlier == other) {
        Ok(sign)
    } else if signs.len() > 1 {
        // The same sign twice groups thousands.
        Ok(other)
    } else if bare.len() - last - 1 == 3 && last > 0 && last <= 3 && !bare.starts_with('0') {
        Err(Problem::NumberAmbiguous)
    } else {
        Ok(sign)
    }
}

fn groups_are_whole(whole: &str, sign: char) -> bool {
    let mut groups = whole.split(sign);
    let first = groups.next().unwrap_or_default();
    let mut grouped = false;
    let rest_is_whole = groups.all(|group| {
        grouped = true;
        group.len() == 3 && group.bytes().all(|byte| byte.is_ascii_digit())
    });
    rest_is_whole
        && first.bytes().all(|byte| byte.is_ascii_digit())
        && (!grouped || (1..=3).contains(&first.len()))
}

/// How many digits the minor unit of a currency is of (ISO 4217); two where it says nothing else.
#[must_use]
pub fn minor_digits(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// What is written of a currency beside an amount, and which currencies it may mean.
const SIGNS: &[(&str, &str)] = &[
    ("€", "EUR"),
    ("£", "GBP"),
    ("$", "USD AUD CAD HKD NZD SGD MXN"),
    ("¥", "JPY CNY"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("Fr.", "CHF"),
    ("SFr.", "CHF"),
    ("kr", "SEK NOK DKK ISK"),
];

/// An amount in minor units, and the currency it is in.
///
/// `currency` is what the row or the import says; what stands in the cell must not say another.
///
/// # Errors
/// As [`parse`], [`Problem::CurrencyMissing`], [`Problem::CurrencyOther`] and
/// [`Problem::AmountTooFine`].
pub fn money(
    cell: &str,
    decimal: Option<Decimal>,
    currency: Option<&str>,
) -> Result<(String, String), Problem> {
    let from = cell
        .find(|character: char| character.is_ascii_digit() || ".,".contains(character))
        .ok_or(Problem::NumberInvalid)?;
    let (before, rest) = cell.split_at(from);
    let to = rest
        .rfind(|character: char| character.is_ascii_digit())
        .map_or(0, |place| place + 1);
    let (number, after) = rest.split_at(to);
    // `1.200,-` and `5,—` have no decimals.
    let after = after.trim_start_matches([',', '.', '-', '–', '—']).trim();
    // A sign stands before the currency or behind it: `-€5`, `€ -5`.
    let negative = before.contains(['-', '−']);
    let before = before.replace(['-', '−', '+'], "");
    let sign = match (before.trim(), after) {
        (sign, "") | ("", sign) => sign,
        _ => return Err(Problem::NumberInvalid),
    };
    let currency = match (sign, currency) {
        ("", None) => return Err(Problem::CurrencyMissing),
        ("", Some(known)) => known,
        (sign, known) => {
            let meant = SIGNS
                .iter()
                .find(|(name, _)| *name == sign)
                .map(|&(_, meant)| meant)
                .or_else(|| is_code(sign).then_some(sign))
                .ok_or(Problem::NumberInvalid)?;
            match known {
                Some(known) if meant.split(' ').any(|one| one == known) => known,
                Some(_) => return Err(Problem::CurrencyOther),
                None => meant.split(' ').next().unwrap_or(meant),
            }
        }
    };
    let mut number = parse(number, decimal)?;
    if negative && !number.starts_with('-') && number != "0" {
        number.insert(0, '-');
    }
    let digits = minor_digits(currency);
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    if fraction.len() > digits {
        return Err(Problem::AmountTooFine);
    }
    let minor = format!("{whole}{fraction:0<digits$}");
    let minor: i64 = minor.parse().map_err(|_| Problem::NumberOutOfRange)?;
    Ok((minor.to_string(), currency.to_owned()))
}

/// Whether it is written as a code of ISO 4217.
#[must_use]
pub fn is_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

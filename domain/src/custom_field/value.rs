//! Brings one value into its one form, or says what is wrong with it.

use std::cmp::Ordering;

use jiff::civil::Date;
use jiff::{Timestamp, Unit};
use serde_json::Value;
use serde_json::value::RawValue;

use super::definition::Definition;
use super::kind::Kind;
use super::problem::ValueProblem as Problem;
use super::{DIGITS_MAX, TEXT_CHARS_MAX};

/// The longest address there is (RFC 5321, a path of 256 octets with its brackets).
const EMAIL_CHARS_MAX: usize = 254;
/// Longer than any number with its extension.
const PHONE_CHARS_MAX: usize = 50;
/// What browsers and servers still agree on.
const URL_CHARS_MAX: usize = 2_000;
/// E.164 has 15; extensions come after them.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 3..=20;
/// A longer text is no date-time.
const INSTANT_BYTES_MAX: usize = 40;

/// A value in its one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text(String),
    Number(Decimal),
    Boolean(bool),
    Date(Date),
    Instant(Timestamp),
    Choices(Vec<String>),
}

/// By what a value is found and told from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// A text, folded where letters and marks make no difference.
    Text(String),
    /// A decimal number as text.
    Number(String),
    /// An instant as RFC 3339 writes it; of a date its beginning in UTC.
    Instant(String),
}

impl Form {
    /// The value as JSON text.
    pub(super) fn write(&self) -> String {
        match self {
            Self::Text(text) => Value::from(text.as_str()).to_string(),
            Self::Number(decimal) => decimal.to_string(),
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Date(date) => format!("\"{date}\""),
            Self::Instant(at) => format!("\"{at}\""),
            Self::Choices(values) => Value::from(values.as_slice()).to_string(),
        }
    }

    /// How two values of one ordered type compare.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => Some(one.cmp(other)),
            (Self::Date(one), Self::Date(other)) => Some(one.cmp(other)),
            (Self::Instant(one), Self::Instant(other)) => Some(one.cmp(other)),
            _ => None,
        }
    }

    fn key(&self, kind: Kind) -> Option<Key> {
        match self {
            Self::Text(text) => Some(Key::Text(match kind {
                Kind::Email => text.to_lowercase(),
                Kind::Phone => digits_of(text),
                _ => text.clone(),
            })),
            Self::Number(decimal) => Some(Key::Number(decimal.to_string())),
            Self::Date(date) => Some(Key::Instant(format!("{date}T00:00:00Z"))),
            Self::Instant(at) => Some(Key::Instant(at.to_string())),
            Self::Boolean(_) | Self::Choices(_) => None,
        }
    }
}

impl Definition {
    /// The value in its one form, none for an empty one, which is as good as no value.
    pub(super) fn value(&self, json: &RawValue) -> Result<Option<Form>, Problem> {
        let Some(form) = form(self.kind, json)? else {
            return Ok(None);
        };
        match &form {
            Form::Text(text) if self.kind == Kind::Choice => self.check_choice(text)?,
            Form::Choices(values) => {
                let mut values = values.iter();
                values.try_for_each(|value| self.check_choice(value))?;
                return Ok(Some(self.in_order(&form)));
            }
            Form::Text(text) => self.check_text(text)?,
            _ => self.check_range(&form)?,
        }
        Ok(Some(form))
    }

    /// By what the value is found; none for what is not of the field's type.
    pub(super) fn key(&self, json: &RawValue) -> Option<Key> {
        form(self.kind, json).ok()??.key(self.kind)
    }

    fn check_choice(&self, value: &str) -> Result<(), Problem> {
        let is_known = self.choices.iter().any(|choice| choice.value == value);
        is_known.then_some(()).ok_or(Problem::Choice)
    }

    /// Choices in the order of the definition, so that the same ones are the same value.
    fn in_order(&self, form: &Form) -> Form {
        let is_chosen = |value: &String| match form {
            Form::Choices(values) => values.contains(value),
            _ => false,
        };
        let values = self.choices.iter().map(|choice| &choice.value);
        Form::Choices(values.filter(|value| is_chosen(value)).cloned().collect())
    }

    fn check_text(&self, text: &str) -> Result<(), Problem> {
        let (min, max) = (self.bounds.length_min.unwrap_or(1), self.chars_max());
        if !(min..=max).contains(&text.chars().count()) {
            return Err(Problem::Length { min, max });
        }
        match &self.bounds.pattern {
            Some(pattern) if !pattern.is_match(text) => {
                Err(Problem::Pattern(pattern.as_str().to_owned()))
            }
            _ => Ok(()),
        }
    }

    fn check_range(&self, form: &Form) -> Result<(), Problem> {
        let is_beyond = |bound: &Option<Form>, beyond: Ordering| {
            let order = bound.as_ref().and_then(|bound| form.compare(bound));
            order == Some(beyond)
        };
        let shown = |bound: &Option<Form>| bound.as_ref().map(Form::write).unwrap_or_default();
        if is_beyond(&self.bounds.min, Ordering::Less) {
            let least = shown(&self.bounds.min);
            return Err(Problem::OutOfRange(format!("at least {least}")));
        } else if is_beyond(&self.bounds.max, Ordering::Greater) {
            let most = shown(&self.bounds.max);
            return Err(Problem::OutOfRange(format!("at most {most}")));
        }
        match (form, self.bounds.decimals) {
            (Form::Number(decimal), Some(most)) if decimal.fraction.len() > most as usize => {
                let expected = format!("at most {most} digits after the point");
                Err(Problem::OutOfRange(expected))
            }
            _ => Ok(()),
        }
    }
}

/// A value of a type in its one form, whatever else its definition asks.
pub(super) fn form(kind: Kind, json: &RawValue) -> Result<Option<Form>, Problem> {
    if json.get() == "null" {
        return Ok(None);
    }
    match kind {
        Kind::Number => Decimal::parse(json.get()).map(|it| Some(Form::Number(it))),
        Kind::Boolean => match json.get() {
            "true" => Ok(Some(Form::Boolean(true))),
            "false" => Ok(Some(Form::Boolean(false))),
            _ => Err(Problem::Mismatch("true or false")),
        },
        Kind::Choices => {
            let values: Option<Vec<String>> = serde_json::from_str(json.get()).ok();
            let values = values.ok_or(Problem::Mismatch("a list of choices"))?;
            Ok((!values.is_empty()).then_some(Form::Choices(values)))
        }
        _ => {
            let text: Option<String> = serde_json::from_str(json.get()).ok();
            let text = text.ok_or(Problem::Mismatch(expected(kind)))?;
            of_text(kind, text)
        }
    }
}

fn of_text(kind: Kind, text: String) -> Result<Option<Form>, Problem> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Ok(None);
    }
    let form = match kind {
        Kind::Date => date(trimmed).map(Form::Date),
        Kind::Instant => instant(trimmed).map(Form::Instant),
        Kind::Email => is_email(trimmed).then(|| Form::Text(trimmed.to_owned())),
        Kind::Phone => is_phone(trimmed).then(|| Form::Text(trimmed.to_owned())),
        Kind::Url => is_url(trimmed).then(|| Form::Text(trimmed.to_owned())),
        Kind::User => is_uuid(trimmed).then(|| Form::Text(trimmed.to_ascii_lowercase())),
        _ => Some(Form::Text(text)),
    };
    form.map(Some).ok_or(Problem::Mismatch(expected(kind)))
}

const fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Date => "a date, such as 2026-11-21",
        Kind::Instant => "a date-time with its offset, such as 2026-11-21T21:04:00+01:00",
        Kind::Email => "an e-mail address",
        Kind::Phone => "a telephone number",
        Kind::Url => "an address of the web, https://… or http://…",
        Kind::User => "the id of a user",
        _ => "a text",
    }
}

fn date(text: &str) -> Option<Date> {
    let date: Date = (text.len() == 10).then(|| text.parse().ok()).flatten()?;
    (date.year() >= 1).then_some(date)
}

/// In whole microseconds, the resolution of Postgres.
fn instant(text: &str) -> Option<Timestamp> {
    let separated = matches!(text.as_bytes().get(10), Some(b'T' | b't' | b' '));
    if text.len() > INSTANT_BYTES_MAX || !separated || text.contains('[') {
        return None;
    }
    let at: Timestamp = text.parse().ok()?;
    let at = at.round(Unit::Microsecond).ok()?;
    // A year before Christ, or of five digits, is written in another way by each program.
    let year = text_year(at);
    (1..=9_999).contains(&year).then_some(at)
}

fn text_year(at: Timestamp) -> i16 {
    at.to_zoned(jiff::tz::TimeZone::UTC).year()
}

fn is_email(text: &str) -> bool {
    let is_plain = |char: char| !char.is_whitespace() && !char.is_control();
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    text.chars().count() <= EMAIL_CHARS_MAX
        && text
            .chars()
            .all(|char| is_plain(char) && !"<>(),;\"".contains(char))
        && !local.is_empty()
        && !local.contains('@')
        && crate::sign_in::domain_name(domain).is_some_and(|it| it.contains('.'))
}

fn is_phone(text: &str) -> bool {
    let rest = text.strip_prefix('+').unwrap_or(text);
    let digits = rest.chars().filter(char::is_ascii_digit).count();
    text.chars().count() <= PHONE_CHARS_MAX
        && PHONE_DIGITS.contains(&digits)
        && rest
            .chars()
            .all(|char| char.is_ascii_digit() || " ()-./".contains(char))
}

/// The digits of a telephone number, with + where it is international.
fn digits_of(phone: &str) -> String {
    let national = phone.strip_prefix('+').or_else(|| phone.strip_prefix("00"));
    // +49 (0)30 is dialled without the zero in brackets.
    let rest = national.map_or_else(|| phone.to_owned(), |rest| rest.replace("(0)", ""));
    let digits = rest.chars().filter(char::is_ascii_digit);
    national.map(|_| '+').into_iter().chain(digits).collect()
}

fn is_url(text: &str) -> bool {
    let scheme = ["https://", "http://"];
    let rest = scheme.iter().find_map(|scheme| {
        let start = text.get(..scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme)
            .then(|| &text[scheme.len()..])
    });
    let is_plain =
        |char: char| !char.is_whitespace() && !char.is_control() && !"<>\"\\^`{|}".contains(char);
    text.chars().count() <= URL_CHARS_MAX
        && text.chars().all(is_plain)
        && rest.is_some_and(|rest| !rest.starts_with(['/', '?', '#', ':', '@']) && !rest.is_empty())
}

fn is_uuid(text: &str) -> bool {
    let is_right = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}

/// A decimal number as it is written, so that no digit is lost: without zeros at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    whole: String,
    fraction: String,
}

impl Decimal {
    /// A number of JSON as Postgres writes it: without an exponent.
    fn parse(text: &str) -> Result<Self, Problem> {
        let magnitude = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = magnitude.split_once('.').unwrap_or((magnitude, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !are_digits(whole) || !are_digits(fraction) {
            // It is JSON: what begins as a number is one, with an exponent.
            let is_number = magnitude.starts_with(|first: char| first.is_ascii_digit());
            return Err(if is_number {
                Problem::TooManyDigits
            } else {
                Problem::Mismatch("a number")
            });
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let fraction = fraction.trim_end_matches('0').to_owned();
        if whole.len() + fraction.len() > DIGITS_MAX {
            return Err(Problem::TooManyDigits);
        }
        let is_zero = whole.is_empty() && fraction.is_empty();
        Ok(Self {
            negative: text.starts_with('-') && !is_zero,
            whole,
            fraction,
        })
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let whole = if self.whole.is_empty() {
            "0"
        } else {
            &self.whole
        };
        let point = if self.fraction.is_empty() { "" } else { "." };
        write!(formatter, "{sign}{whole}{point}{}", self.fraction)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let magnitude = |it: &Self| (it.whole.len(), it.whole.clone(), it.fraction.clone());
        match (self.negative, other.negative) {
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => magnitude(self).cmp(&magnitude(other)),
            (true, true) => magnitude(other).cmp(&magnitude(self)),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

// A text without a definition of its own is bounded too.
const _: () = assert!(URL_CHARS_MAX <= TEXT_CHARS_MAX);

//! Decides what comes of a template with its data.
//!
//! Nothing is written as it is: values go through [`write_value`], which writes numbers and times as
//! the language does, leaves out control characters, and escapes what goes into HTML.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use jiff::tz::TimeZone;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::format::Notation;
use super::value::{Special, values};
use super::variables::Variables;
use super::{Form, OUTPUT_BYTES_MAX, Place, SUBJECT_BYTES_MAX, TemplateError, check, syntax};

/// The most steps of a template: some 10,000 lines of a list, in a few hundredths of a second.
const FUEL: u64 = 500_000;
/// How deep loops and conditions may be while running.
const DEPTH_MAX: usize = 64;
/// The most decimals of a number.
const DECIMALS_MAX: usize = 9;
/// Behind a text that was cut.
const ELLIPSIS: char = '…';

/// Whose habits numbers and times are written in.
#[derive(Clone, Debug)]
pub struct Locale {
    notation: Notation,
    zone: TimeZone,
}

impl Locale {
    /// A language tag, any, and a time zone of the IANA's list.
    ///
    /// # Errors
    /// [`TemplateError::ZoneUnknown`].
    pub fn new(language: &str, zone: &str) -> Result<Self, TemplateError> {
        let zone = TimeZone::get(zone)
            .map_err(|_| TemplateError::ZoneUnknown(zone.chars().take(50).collect()))?;
        Ok(Self {
            notation: Notation::of(language),
            zone,
        })
    }
}

/// What a template becomes with `data`, a JSON object. It is checked before: nothing that
/// [`check`] would refuse is ever run.
///
/// # Errors
/// Any error of [`TemplateError`].
pub fn render(
    source: &str,
    form: Form,
    variables: &Variables,
    data: &str,
    locale: &Locale,
) -> Result<String, TemplateError> {
    check(source, form, variables)?;
    let values = values(variables, data)?;
    let environment = environment(form, locale);
    let template = environment
        .template_from_str(source)
        .map_err(|error| failure(source, &error))?;
    let mut output = Bounded {
        bytes: Vec::with_capacity(source.len().min(OUTPUT_BYTES_MAX)),
        is_full: false,
    };
    let outcome = template.render_captured_to(values, &mut output).map(|_| ());
    if output.is_full {
        return Err(TemplateError::OutputTooLarge);
    }
    outcome.map_err(|error| failure(source, &error))?;
    let text = String::from_utf8_lossy(&output.bytes).into_owned();
    match form {
        Form::Subject => one_line(&text).ok_or(TemplateError::SubjectEmpty),
        Form::Text | Form::Html => Ok(text),
    }
}

fn environment<'a>(form: Form, locale: &Locale) -> Environment<'a> {
    let locale = Arc::new(locale.clone());
    let mut environment = Environment::empty();
    environment.set_syntax(syntax::configuration());
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH_MAX);
    environment.set_debug(true);
    let own = Arc::clone(&locale);
    environment.set_formatter(move |output, _, value| {
        if value.is_undefined() {
            return Err(Error::from(ErrorKind::UndefinedError));
        }
        write_value(output, value, form, &own).map_err(Error::from)
    });
    let own = Arc::clone(&locale);
    let written = move |value: &Value| written(value, &own);
    let text = written.clone();
    environment.add_filter("upper", move |value: Value| text(&value).to_uppercase());
    let text = written.clone();
    environment.add_filter("lower", move |value: Value| text(&value).to_lowercase());
    let text = written.clone();
    environment.add_filter("truncate", move |value: Value, length: Option<u32>| {
        truncate(&text(&value), length.unwrap_or(100))
    });
    let text = written.clone();
    environment.add_filter("default", move |value: Value, otherwise: String| {
        Some(text(&value))
            .filter(|text| !text.is_empty())
            .unwrap_or(otherwise)
    });
    let text = written;
    environment.add_filter("urlencode", move |value: Value| {
        percent_encoded(&plain_number(&value).unwrap_or_else(|| text(&value)))
    });
    let own = Arc::clone(&locale);
    environment.add_filter("number", move |value: Value, decimals: Option<u32>| {
        with_decimals(&value, decimals, &own)
    });
    let own = Arc::clone(&locale);
    environment.add_filter("date", move |value: Value| part_of(&value, &own, true));
    environment.add_filter("time", move |value: Value| part_of(&value, &locale, false));
    environment.add_filter("length", |value: Value| value.len().unwrap_or(0));
    environment
}

/// An output that takes no more than [`OUTPUT_BYTES_MAX`].
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for &mut Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_BYTES_MAX {
            self.is_full = true;
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failure(source: &str, error: &Error) -> TemplateError {
    match error.kind() {
        ErrorKind::OutOfFuel => TemplateError::OutOfFuel,
        _ => TemplateError::Failed {
            place: Place::at(source, error.range().map_or(0, |range| range.start)),
            reason: error.kind().to_string(),
        },
    }
}

fn write_value(
    output: &mut minijinja::Output<'_>,
    value: &Value,
    form: Form,
    locale: &Locale,
) -> std::fmt::Result {
    if let Some(Special::Html(html)) = value.downcast_object_ref::<Special>() {
        return output.write_str(html);
    }
    let text = written(value, locale);
    let (mut rest, is_html) = (text.as_str(), form == Form::Html);
    while let Some(place) = rest.find(|character| is_rewritten(character, is_html)) {
        let (plain, from) = rest.split_at(place);
        output.write_str(plain)?;
        let mut characters = from.chars();
        match characters.next() {
            Some('&') => output.write_str("&amp;")?,
            Some('<') => output.write_str("&lt;")?,
            Some('>') => output.write_str("&gt;")?,
            Some('"') => output.write_str("&quot;")?,
            Some('\'') => output.write_str("&#39;")?,
            // A control character: left out.
            _ => {}
        }
        rest = characters.as_str();
    }
    output.write_str(rest)
}

fn is_rewritten(character: char, is_html: bool) -> bool {
    (is_html && matches!(character, '&' | '<' | '>' | '"' | '\''))
        || (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(character, '\u{fffe}' | '\u{ffff}')
}

/// A value as text in the language; nothing where an optional one is missing.
fn written(value: &Value, locale: &Locale) -> String {
    let notation = &locale.notation;
    match value.downcast_object_ref::<Special>() {
        Some(Special::Date(date)) => notation.date(*date),
        Some(Special::Time(time)) => notation.time(*time),
        Some(Special::Datetime(at)) => {
            let there = at.to_zoned(locale.zone.clone());
            let (date, time) = (notation.date(there.date()), notation.time(there.time()));
            let zone = locale.zone.to_offset_info(*at).abbreviation().to_owned();
            format!("{date}, {time} {zone}")
        }
        Some(Special::Money {
            amount_minor,
            currency,
        }) => notation.money(*amount_minor, currency),
        Some(Special::Html(_)) => String::new(),
        None if value.is_none() || value.is_undefined() => String::new(),
        None => match plain_number(value) {
            Some(number) => notation.number(&number),
            None => value.as_str().unwrap_or_default().to_owned(),
        },
    }
}

/// A number with digits and a point alone, as programs read it.
fn plain_number(value: &Value) -> Option<String> {
    if !value.is_number() {
        return None;
    }
    value.as_i64().map(|whole| whole.to_string()).or_else(|| {
        f64::try_from(value.clone())
            .ok()
            .map(|number| number.to_string())
    })
}

fn with_decimals(value: &Value, decimals: Option<u32>, locale: &Locale) -> String {
    let number = f64::try_from(value.clone()).ok();
    match (decimals, number) {
        (Some(decimals), Some(number)) => {
            let decimals = usize::try_from(decimals)
                .unwrap_or(DECIMALS_MAX)
                .min(DECIMALS_MAX);
            locale.notation.number(&format!("{number:.decimals$}"))
        }
        _ => written(value, locale),
    }
}

/// The day or the time of day of a value that has it.
fn part_of(value: &Value, locale: &Locale, wants_date: bool) -> String {
    match value.downcast_object_ref::<Special>() {
        Some(Special::Datetime(at)) => {
            let there = at.to_zoned(locale.zone.clone());
            if wants_date {
                locale.notation.date(there.date())
            } else {
                locale.notation.time(there.time())
            }
        }
        _ => written(value, locale),
    }
}

fn truncate(text: &str, length: u32) -> String {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match text.char_indices().nth(length) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(length.saturating_sub(1)).collect();
            format!("{}{ELLIPSIS}", kept.trim_end())
        }
    }
}

/// Every byte but the unreserved ones of RFC 3986 as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(byte.into());
        } else {
            // Writing into a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// A text as a header takes it: one line without what hides or turns around its characters.
fn one_line(text: &str) -> Option<String> {
    let visible: String = text
        .chars()
        .map(|character| match character {
            '\u{2028}' | '\u{2029}' => ' ',
            _ if character.is_control() => ' ',
            _ => character,
        })
        .filter(|character| !matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .collect();
    let mut line = String::with_capacity(visible.len());
    for word in visible.split_whitespace() {
        if line.len() + word.len() + 1 > SUBJECT_BYTES_MAX {
            let room = SUBJECT_BYTES_MAX.saturating_sub(line.len() + 1);
            let end = (0..=room.min(word.len()))
                .rev()
                .find(|&end| word.is_char_boundary(end));
            line.push(' ');
            line.push_str(word.get(..end.unwrap_or(0)).unwrap_or_default());
            break;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

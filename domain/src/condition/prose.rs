//! A condition in words, for people: "amount ≥ 10,000 and stage is won".

use super::fields::Fields;
use super::leaf::{Comparison, Test, TextTest};
use super::time::{Relative, instant_text};
use super::value::Wanted;
use super::{Condition, Field, Node};

/// Characters of a value that are shown.
const VALUE_CHARS_MAX: usize = 80;

/// Values of a list that are shown.
const VALUES_SHOWN_MAX: usize = 10;

/// What stands around a node, which decides whether it needs parentheses.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    All,
    Any,
}

impl Condition {
    /// The condition in English, with the labels of a schema where one is given.
    #[must_use]
    pub fn prose(&self, fields: Option<&Fields>) -> String {
        self.words(&self.root, fields, Around::Nothing)
    }

    fn words(&self, node: &Node, fields: Option<&Fields>, around: Around) -> String {
        let joined = |nodes: &[Node], word, kind| {
            let inside = if nodes.len() == 1 { around } else { kind };
            let words: Vec<_> = nodes
                .iter()
                .map(|node| self.words(node, fields, inside))
                .collect();
            let words = words.join(word);
            if nodes.len() > 1 && around != Around::Nothing && around != kind {
                format!("({words})")
            } else {
                words
            }
        };
        match node {
            Node::All(nodes) => joined(nodes, " and ", Around::All),
            Node::Any(nodes) => joined(nodes, " or ", Around::Any),
            Node::Not(inner) => format!("not ({})", self.words(inner, fields, Around::Nothing)),
            Node::Leaf { place, test } => {
                let name = name(&self.fields[*place], fields);
                format!("{name} {}", predicate(test))
            }
        }
    }
}

fn name(field: &Field, fields: Option<&Fields>) -> String {
    let path = field.path();
    let label = fields.and_then(|fields| fields.get(&path)?.label.clone());
    shown(&label.unwrap_or_else(|| path.replace('_', " ")))
}

fn predicate(test: &Test) -> String {
    match test {
        Test::IsNull => "is empty".to_owned(),
        Test::IsNotNull => "is not empty".to_owned(),
        Test::Changed => "has changed".to_owned(),
        Test::Compare(comparison, wanted) => compared(*comparison, wanted),
        Test::In(values) => {
            let mut shown: Vec<_> = values.iter().take(VALUES_SHOWN_MAX).map(value).collect();
            if values.len() > VALUES_SHOWN_MAX {
                shown.push(format!("{} more", values.len() - VALUES_SHOWN_MAX));
            }
            format!("is one of {}", shown.join(", "))
        }
        Test::Between(from, to) => format!("is between {} and {}", value(from), value(to)),
        Test::Text(TextTest::Contains, wanted) => format!("contains {}", text(wanted)),
        Test::Text(TextTest::StartsWith, wanted) => format!("starts with {}", text(wanted)),
        Test::Text(TextTest::EndsWith, wanted) => format!("ends with {}", text(wanted)),
        Test::Matches(pattern) => format!("matches “{}”", shown(pattern.as_str())),
    }
}

fn compared(comparison: Comparison, wanted: &Wanted) -> String {
    let is_time = matches!(
        wanted,
        Wanted::Instant(_) | Wanted::Day(_) | Wanted::Relative(_)
    );
    let value = value(wanted);
    match comparison {
        Comparison::Equal => format!("is {value}"),
        Comparison::NotEqual => format!("is not {value}"),
        Comparison::Less if is_time => format!("is before {value}"),
        Comparison::LessOrEqual if is_time => format!("is {value} or before"),
        Comparison::Greater if is_time => format!("is after {value}"),
        Comparison::GreaterOrEqual if is_time => format!("is {value} or after"),
        Comparison::Less => format!("< {value}"),
        Comparison::LessOrEqual => format!("≤ {value}"),
        Comparison::Greater => format!("> {value}"),
        Comparison::GreaterOrEqual => format!("≥ {value}"),
    }
}

fn value(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Number(number) => with_separators(&number.decimal().to_string()),
        Wanted::Text(wanted) => text(wanted),
        Wanted::Boolean(truth) => truth.to_string(),
        Wanted::Instant(instant) => {
            let text = instant_text(*instant).unwrap_or_default();
            format!("{} UTC", text.replace('T', " ").trim_end_matches('Z'))
        }
        Wanted::Day(day) => day.to_text().unwrap_or_default(),
        Wanted::Relative(relative) => time_away(*relative),
    }
}

/// A word as it is, anything else between quotation marks.
fn text(text: &str) -> String {
    let is_word = |character: char| character.is_alphanumeric() || "-_.@".contains(character);
    if !text.is_empty() && text.chars().all(is_word) {
        shown(text)
    } else {
        format!("“{}”", shown(text))
    }
}

/// Without what would break a line or turn its direction, and not too long.
fn shown(text: &str) -> String {
    let is_direction = |character| matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain = |character: char| {
        if character.is_control() || is_direction(character) {
            ' '
        } else {
            character
        }
    };
    let mut shown: String = text.chars().take(VALUE_CHARS_MAX).map(plain).collect();
    if text.chars().nth(VALUE_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// `10,000.25`; a number that is written with an exponent stays as it is.
fn with_separators(number: &str) -> String {
    if number.contains('e') {
        return number.to_owned();
    }
    let (sign, magnitude) = match number.strip_prefix('-') {
        Some(magnitude) => ("-", magnitude),
        None => ("", number),
    };
    let (whole, fraction) = match magnitude.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (magnitude, String::new()),
    };
    let mut separated = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            separated.push(',');
        }
        separated.push(digit);
    }
    format!("{sign}{}{fraction}", shown(&separated))
}

/// `30 days ago`, `1 year and 2 months from now`.
fn time_away(relative: Relative) -> String {
    let seconds = relative.micros / 1_000_000;
    let parts = [
        (i64::from(relative.months / 12), "year"),
        (i64::from(relative.months % 12), "month"),
        (i64::from(relative.days), "day"),
        (seconds / 3_600, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
        (relative.micros % 1_000_000, "microsecond"),
    ];
    let words: Vec<_> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}{}", if count == 1 { "" } else { "s" }))
        .collect();
    match (words.is_empty(), relative.is_ahead) {
        (true, _) => "now".to_owned(),
        (false, false) => format!("{} ago", words.join(" and ")),
        (false, true) => format!("{} from now", words.join(" and ")),
    }
}

//! Reads what a leaf asks: the operator, and the value that it takes.

use regex_lite::{Regex, RegexBuilder};
use serde_json::value::RawValue;

use super::leaf::{Comparison, Test, TextTest, matches};
use super::operator::{Operand, Operator};
use super::parse::{Object, list, text};
use super::problem::{ConditionError, ConditionProblem as Problem};
use super::time::{Day, Relative};
use super::value::Wanted;
use super::{PATTERN_BYTES_MAX, PATTERN_COMPILED_BYTES_MAX, PATTERNS_MAX, VALUES_MAX};

const TEXT: &str = "a text";

/// The name of an operator.
pub(super) fn operator(json: &RawValue) -> Result<Operator, Problem> {
    let name = text(json).ok_or(Problem::Operator)?;
    Operator::parse(&name).ok_or(Problem::Operator)
}

impl Operand {
    /// What an operator takes, in words.
    const fn expected(self) -> &'static str {
        match self {
            Self::None => "no value with is_null, is_not_null and changed",
            Self::Scalar => {
                "a number, a text, a boolean or a relative time such as {\"ago\": \"P30D\"} (is_null \
                 asks for null)"
            }
            Self::Ordered => {
                "a number, a text, a date-time or a relative time such as {\"ago\": \"P30D\"}"
            }
            Self::List => {
                "a list of 1 to 100 values of one type: numbers, texts, date-times or booleans"
            }
            Self::TwoOrdered => "a list of two numbers, two texts or two times",
            Self::Text | Self::Pattern => TEXT,
        }
    }
}

/// Reads the tests of one condition.
#[derive(Default)]
pub(super) struct Tests {
    patterns: usize,
}

impl Tests {
    /// The test that an operator makes with a value.
    pub(super) fn read(
        &mut self,
        operator: Operator,
        value: Option<&RawValue>,
    ) -> Result<Test, Problem> {
        let operand = operator.operand();
        let problem = Problem::Value(operand.expected());
        let (Some(json), false) = (value, operand == Operand::None) else {
            return match operator {
                Operator::IsNull if value.is_none() => Ok(Test::IsNull),
                Operator::IsNotNull if value.is_none() => Ok(Test::IsNotNull),
                Operator::Changed if value.is_none() => Ok(Test::Changed),
                _ => Err(problem),
            };
        };
        let compare = |comparison, read: fn(&RawValue) -> Option<Wanted>| {
            Some(Test::Compare(comparison, read(json)?))
        };
        let test = match operator {
            Operator::Equal => compare(Comparison::Equal, scalar),
            Operator::NotEqual => compare(Comparison::NotEqual, scalar),
            Operator::Less => compare(Comparison::Less, ordered),
            Operator::LessOrEqual => compare(Comparison::LessOrEqual, ordered),
            Operator::Greater => compare(Comparison::Greater, ordered),
            Operator::GreaterOrEqual => compare(Comparison::GreaterOrEqual, ordered),
            Operator::In => values(json),
            Operator::Between => between(json),
            Operator::Contains => text(json).map(|text| Test::Text(TextTest::Contains, text)),
            Operator::StartsWith => text(json).map(|text| Test::Text(TextTest::StartsWith, text)),
            Operator::EndsWith => text(json).map(|text| Test::Text(TextTest::EndsWith, text)),
            Operator::Matches => return self.pattern(json).map(Test::Matches),
            Operator::IsNull | Operator::IsNotNull | Operator::Changed => None,
        };
        test.ok_or(problem)
    }

    fn pattern(&mut self, json: &RawValue) -> Result<Regex, Problem> {
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return Err(Problem::TooManyPatterns);
        }
        regex(&text(json).ok_or(Problem::Value(TEXT))?)
    }
}

/// A pattern that is ready to be tried.
pub(super) fn regex(pattern: &str) -> Result<Regex, Problem> {
    if pattern.len() > PATTERN_BYTES_MAX {
        return Err(Problem::Pattern(format!("it has {}", pattern.len())));
    }
    RegexBuilder::new(pattern)
        .size_limit(PATTERN_COMPILED_BYTES_MAX)
        .build()
        .map_err(|error| Problem::Pattern(error.to_string()))
}

/// A pattern of its own, for those who ask it of texts outside of a condition.
#[derive(Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`ConditionError`] if it is none, or a large one.
    pub fn parse(pattern: &str) -> Result<Self, ConditionError> {
        regex(pattern).map(Self).map_err(|problem| ConditionError {
            path: String::new(),
            problem,
        })
    }

    /// Whether a text matches; none if it is longer than patterns are tried on.
    #[must_use]
    pub fn of(&self, text: &str) -> Option<bool> {
        matches(&self.0, text)
    }
}

/// A value to be equal to: an ISO date is a text there.
pub(super) fn scalar(json: &RawValue) -> Option<Wanted> {
    match json.get().as_bytes().first()? {
        b't' => Some(Wanted::Boolean(true)),
        b'f' => Some(Wanted::Boolean(false)),
        b'"' => text(json).map(Wanted::text),
        b'-' | b'0'..=b'9' => Wanted::number(json.get()),
        b'{' => relative(json.get()).map(Wanted::Relative),
        _ => None,
    }
}

/// A value to be before or after.
fn ordered(json: &RawValue) -> Option<Wanted> {
    let wanted = scalar(json)?;
    wanted.is_ordered().then(|| dated(wanted))
}

/// A text that is an ISO date, as one.
fn dated(wanted: Wanted) -> Wanted {
    match wanted {
        Wanted::Text(text) => Day::parse(&text).map_or(Wanted::Text(text), Wanted::Day),
        other => other,
    }
}

/// `{"ago": "P30D"}` or `{"ahead": "P7D"}`.
fn relative(json: &str) -> Option<Relative> {
    let object: Object<'_> = serde_json::from_str(json).ok()?;
    let mut entries = object.iter();
    match (entries.next(), entries.next()) {
        (Some((key, duration)), None) => {
            let is_ahead = match key.as_str() {
                "ago" => false,
                "ahead" => true,
                _ => return None,
            };
            Relative::parse(is_ahead, &text(duration)?)
        }
        _ => None,
    }
}

impl Relative {
    /// Reads `{"ago": "P30D"}` or `{"ahead": "P7D"}`.
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        relative(json)
    }
}

fn values(json: &RawValue) -> Option<Test> {
    let list = list(json)?;
    if list.is_empty() || list.len() > VALUES_MAX {
        return None;
    }
    let values: Vec<_> = list
        .iter()
        .map(|json| scalar(json))
        .collect::<Option<_>>()?;
    let first = values.first()?;
    let is_relative = |value: &Wanted| matches!(value, Wanted::Relative(_));
    if values.iter().any(is_relative) {
        None
    } else if values.iter().all(|value| value.is_like(first)) {
        Some(Test::In(values))
    } else {
        // Texts of which some look like date-times are texts.
        let texts = list.into_iter().map(text).collect::<Option<Vec<_>>>()?;
        let texts = texts.into_iter().map(|text| Wanted::Text(text.into()));
        Some(Test::In(texts.collect()))
    }
}

fn between(json: &RawValue) -> Option<Test> {
    let [first, second] = list(json)?.try_into().ok()?;
    let (from, to) = (ordered(first)?, ordered(second)?);
    if from.is_like(&to) {
        Some(Test::Between(from, to))
    } else {
        let wanted = |json| Some(Wanted::Text(text(json)?.into()));
        Some(Test::Between(wanted(first)?, wanted(second)?))
    }
}

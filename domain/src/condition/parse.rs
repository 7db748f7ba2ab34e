//! Reads a condition, and says at which place it is wrong.

use std::collections::BTreeMap;

use regex_lite::RegexBuilder;
use serde_json::value::RawValue;

use super::leaf::{Comparison, Test, TextTest};
use super::problem::ConditionProblem as Problem;
use super::value::Wanted;
use super::{
    BYTES_MAX, Condition, ConditionError, DEPTH_MAX, FIELD_BYTES_MAX, FIELD_NAMES_MAX, Field,
    NODES_MAX, Node, PATTERN_BYTES_MAX, PATTERN_COMPILED_BYTES_MAX, PATTERNS_MAX, VALUES_MAX,
};

const SCALAR: &str = "a number, a text or a boolean (is_null asks for null)";
const ORDERED: &str = "a number, a text or a date-time";
const TWO_ORDERED: &str = "a list of two numbers, two texts or two date-times";
const LIST: &str = "a list of 1 to 100 values of one type: numbers, texts, date-times or booleans";
const TEXT: &str = "a text";
const NO_VALUE: &str = "no value with is_null and is_not_null";

type Object<'j> = BTreeMap<String, &'j RawValue>;

/// Reads a condition from JSON.
pub(super) fn condition(json: &str) -> Result<Condition, ConditionError> {
    let mut parser = Parser::default();
    let root = if json.len() > BYTES_MAX {
        Err(Problem::TooLong)
    } else {
        match serde_json::from_str(json) {
            Ok(raw) => parser.node(raw, 1),
            Err(_) => Err(Problem::Node),
        }
    };
    match root {
        Ok(root) => Ok(Condition {
            fields: parser.fields,
            root,
        }),
        Err(problem) => Err(ConditionError {
            path: parser.path.concat(),
            problem,
        }),
    }
}

#[derive(Default)]
struct Parser {
    fields: Vec<Field>,
    nodes: usize,
    patterns: usize,
    /// The way down to what is being read, which stays as it is when that is wrong.
    path: Vec<String>,
}

impl Parser {
    /// Reads something one step further down.
    fn at<T>(
        &mut self,
        step: impl ToString,
        read: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        let step = step.to_string().replace('~', "~0").replace('/', "~1");
        self.path.push(format!("/{step}"));
        let read = read(self)?;
        self.path.pop();
        Ok(read)
    }

    fn node(&mut self, json: &RawValue, depth: usize) -> Result<Node, Problem> {
        self.nodes += 1;
        if depth > DEPTH_MAX {
            return Err(Problem::TooDeep);
        } else if self.nodes > NODES_MAX {
            return Err(Problem::TooManyNodes);
        }
        let object: Object<'_> = serde_json::from_str(json.get()).map_err(|_| Problem::Node)?;
        let mut entries = object.iter();
        match (entries.next(), entries.next()) {
            (Some((key, &inner)), None) => match key.as_str() {
                "all" => Ok(Node::All(self.at(key, |it| it.nodes(inner, depth))?)),
                "any" => Ok(Node::Any(self.at(key, |it| it.nodes(inner, depth))?)),
                "not" => {
                    let inner = self.at(key, |it| it.node(inner, depth + 1))?;
                    Ok(Node::Not(Box::new(inner)))
                }
                _ => Err(Problem::Node),
            },
            _ => self.leaf(&object),
        }
    }

    fn nodes(&mut self, json: &RawValue, depth: usize) -> Result<Vec<Node>, Problem> {
        let list = list(json).filter(|list| !list.is_empty());
        list.ok_or(Problem::List)?
            .into_iter()
            .enumerate()
            .map(|(place, inner)| self.at(place, |it| it.node(inner, depth + 1)))
            .collect()
    }

    fn leaf(&mut self, object: &Object<'_>) -> Result<Node, Problem> {
        let (Some(field), Some(operator)) = (object.get("field"), object.get("op")) else {
            return Err(Problem::Node);
        };
        let is_known = |key: &String| matches!(key.as_str(), "field" | "op" | "value");
        if !object.keys().all(is_known) {
            return Err(Problem::Node);
        }
        let slot = self.at("field", |it| it.field(field))?;
        let operator = self.at("op", |_| text(operator).ok_or(Problem::Operator))?;
        let value = object.get("value").copied();
        let test = match operator.as_str() {
            "is_null" => self.no_value(value, Test::IsNull)?,
            "is_not_null" => self.no_value(value, Test::IsNotNull)?,
            "=" => self.comparison(Comparison::Equal, value)?,
            "!=" => self.comparison(Comparison::NotEqual, value)?,
            "<" => self.comparison(Comparison::Less, value)?,
            "<=" => self.comparison(Comparison::LessOrEqual, value)?,
            ">" => self.comparison(Comparison::Greater, value)?,
            ">=" => self.comparison(Comparison::GreaterOrEqual, value)?,
            "in" => self.value(value, LIST, values)?,
            "between" => self.value(value, TWO_ORDERED, between)?,
            "contains" => self.text_test(TextTest::Contains, value)?,
            "starts_with" => self.text_test(TextTest::StartsWith, value)?,
            "ends_with" => self.text_test(TextTest::EndsWith, value)?,
            "matches" => self.pattern(value)?,
            _ => return self.at("op", |_| Err(Problem::Operator)),
        };
        Ok(Node::Leaf { slot, test })
    }

    /// The place of a field among those that the condition asks for.
    fn field(&mut self, json: &RawValue) -> Result<usize, Problem> {
        let path = text(json).filter(|path| path.len() <= FIELD_BYTES_MAX);
        let names: Vec<_> = path
            .ok_or(Problem::Field)?
            .split('.')
            .map(str::to_owned)
            .collect();
        if names.len() > FIELD_NAMES_MAX || names.iter().any(String::is_empty) {
            return Err(Problem::Field);
        }
        let field = Field { names };
        let known = self.fields.iter().position(|known| *known == field);
        Ok(known.unwrap_or_else(|| {
            self.fields.push(field);
            self.fields.len() - 1
        }))
    }

    fn no_value(&mut self, value: Option<&RawValue>, test: Test) -> Result<Test, Problem> {
        match value {
            None => Ok(test),
            Some(_) => self.at("value", |_| Err(Problem::Value(NO_VALUE))),
        }
    }

    fn value(
        &mut self,
        value: Option<&RawValue>,
        expected: &'static str,
        read: impl FnOnce(&RawValue) -> Option<Test>,
    ) -> Result<Test, Problem> {
        self.at("value", |_| {
            value.and_then(read).ok_or(Problem::Value(expected))
        })
    }

    fn comparison(
        &mut self,
        comparison: Comparison,
        value: Option<&RawValue>,
    ) -> Result<Test, Problem> {
        let asks_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let expected = if asks_order { ORDERED } else { SCALAR };
        self.value(value, expected, |json| {
            let wanted = Wanted::parse(json)?;
            (!asks_order || is_ordered(&wanted)).then_some(Test::Compare(comparison, wanted))
        })
    }

    fn text_test(&mut self, test: TextTest, value: Option<&RawValue>) -> Result<Test, Problem> {
        self.value(value, TEXT, |json| Some(Test::Text(test, text(json)?)))
    }

    fn pattern(&mut self, value: Option<&RawValue>) -> Result<Test, Problem> {
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return Err(Problem::TooManyPatterns);
        }
        self.at("value", |_| {
            let pattern = value.and_then(text).ok_or(Problem::Value(TEXT))?;
            if pattern.len() > PATTERN_BYTES_MAX {
                return Err(Problem::Pattern(format!("it has {}", pattern.len())));
            }
            RegexBuilder::new(&pattern)
                .size_limit(PATTERN_COMPILED_BYTES_MAX)
                .build()
                .map(Test::Matches)
                .map_err(|error| Problem::Pattern(error.to_string()))
        })
    }
}

fn values(json: &RawValue) -> Option<Test> {
    let values: Vec<_> = list(json)?
        .into_iter()
        .map(Wanted::parse)
        .collect::<Option<_>>()?;
    let first = values.first()?;
    let of_one_type = values.iter().all(|value| value.is_like(first));
    (values.len() <= VALUES_MAX && of_one_type).then_some(Test::In(values))
}

fn between(json: &RawValue) -> Option<Test> {
    let [from, to] = list(json)?.try_into().ok()?;
    let (from, to) = (Wanted::parse(from)?, Wanted::parse(to)?);
    (is_ordered(&from) && from.is_like(&to)).then_some(Test::Between(from, to))
}

fn is_ordered(wanted: &Wanted) -> bool {
    !matches!(wanted, Wanted::Boolean(_))
}

fn list(json: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json.get()).ok()
}

fn text(json: &RawValue) -> Option<String> {
    serde_json::from_str(json.get()).ok()
}

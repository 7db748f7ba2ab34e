//! One spelling for conditions that say the same in another order or spelling.
//!
//! Branches within branches of the same kind are one, a branch of one is what is in it, `not not`
//! is nothing, what is said twice is said once, and lists are in order. Numbers, instants and
//! durations are written in one way.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::leaf::Test;
use super::operator::Operator;
use super::time::instant_text;
use super::value::Wanted;
use super::{Condition, Node};

/// A node in its one spelling; the order of these is the order of branches.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    Leaf {
        field: String,
        operator: &'static str,
        value: Option<String>,
    },
    Not(Box<Form>),
    All(Vec<Form>),
    Any(Vec<Form>),
}

impl Condition {
    /// The condition in its one spelling, as JSON. It is a condition, and means the same.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut json = String::new();
        self.form(&self.root).write(&mut json);
        json
    }

    /// The SHA-256 of [`Self::canonical`].
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.canonical()).into()
    }

    fn form(&self, node: &Node) -> Form {
        match node {
            Node::All(nodes) => {
                let nodes = nodes.iter().flat_map(|node| match self.form(node) {
                    Form::All(inner) => inner,
                    form => vec![form],
                });
                branch(nodes.collect(), Form::All)
            }
            Node::Any(nodes) => {
                let nodes = nodes.iter().flat_map(|node| match self.form(node) {
                    Form::Any(inner) => inner,
                    form => vec![form],
                });
                branch(nodes.collect(), Form::Any)
            }
            Node::Not(inner) => match self.form(inner) {
                Form::Not(inner) => *inner,
                form => Form::Not(Box::new(form)),
            },
            Node::Leaf { place, test } => {
                let (operator, value) = operand(test);
                Form::Leaf {
                    field: self.fields[*place].path(),
                    operator: operator.name(),
                    value,
                }
            }
        }
    }
}

fn branch(mut nodes: Vec<Form>, kind: fn(Vec<Form>) -> Form) -> Form {
    nodes.sort();
    nodes.dedup();
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        last => {
            nodes.extend(last);
            kind(nodes)
        }
    }
}

/// The operator and its value, as JSON.
fn operand(test: &Test) -> (Operator, Option<String>) {
    let value = match test {
        Test::IsNull | Test::IsNotNull | Test::Changed => None,
        Test::Compare(_, wanted) => Some(value_json(wanted)),
        Test::In(values) => {
            let mut values: Vec<_> = values.iter().map(value_json).collect();
            values.sort();
            values.dedup();
            if let [only] = values.as_slice() {
                return (Operator::Equal, Some(only.clone()));
            }
            Some(format!("[{}]", values.join(",")))
        }
        Test::Between(from, to) => Some(format!("[{},{}]", value_json(from), value_json(to))),
        Test::Text(_, text) => Some(text_json(text)),
        Test::Matches(pattern) => Some(text_json(pattern.as_str())),
    };
    (test.operator(), value)
}

/// A value of a condition as JSON, in its one spelling.
pub(super) fn value_json(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Number(number) => number.decimal().to_string(),
        Wanted::Text(text) => text_json(text),
        Wanted::Boolean(truth) => truth.to_string(),
        Wanted::Instant(instant) => text_json(&instant_text(*instant).unwrap_or_default()),
        Wanted::Day(day) => text_json(&day.to_text().unwrap_or_default()),
        Wanted::Relative(relative) => {
            let key = if relative.is_ahead { "ahead" } else { "ago" };
            format!("{{\"{key}\":\"{}\"}}", relative.duration())
        }
    }
}

/// A text as JSON.
pub(super) fn text_json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

impl Form {
    fn write(&self, json: &mut String) {
        match self {
            Self::Leaf {
                field,
                operator,
                value,
            } => {
                let field = text_json(field);
                // Writing to a string does not fail.
                let _ = write!(json, "{{\"field\":{field},\"op\":\"{operator}\"");
                if let Some(value) = value {
                    let _ = write!(json, ",\"value\":{value}");
                }
                json.push('}');
            }
            Self::Not(inner) => {
                json.push_str("{\"not\":");
                inner.write(json);
                json.push('}');
            }
            Self::All(nodes) => write_branch("all", nodes, json),
            Self::Any(nodes) => write_branch("any", nodes, json),
        }
    }
}

fn write_branch(key: &str, nodes: &[Form], json: &mut String) {
    let _ = write!(json, "{{\"{key}\":[");
    for (place, node) in nodes.iter().enumerate() {
        if place > 0 {
            json.push(',');
        }
        node.write(json);
    }
    json.push_str("]}");
}

//! Reads a condition, and says at which place it is wrong.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::problem::ConditionProblem as Problem;
use super::test::Tests;
use super::{
    BYTES_MAX, Condition, ConditionError, DEPTH_MAX, FIELD_BYTES_MAX, FIELD_NAMES_MAX, Field,
    NODES_MAX, Node,
};

pub(super) type Object<'j> = BTreeMap<String, &'j RawValue>;

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
    tests: Tests,
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
        self.path.push(pointer_step(&step.to_string()));
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
        let place = self.at("field", |it| it.field(field))?;
        let operator = self.at("op", |_| super::test::operator(operator))?;
        let value = object.get("value").copied();
        let test = self.at("value", |it| it.tests.read(operator, value))?;
        Ok(Node::Leaf { place, test })
    }

    /// The place of a field among those that the condition asks for.
    fn field(&mut self, json: &RawValue) -> Result<usize, Problem> {
        let field = text(json).and_then(|path| Field::parse(&path));
        let field = field.ok_or(Problem::Field)?;
        let known = self.fields.iter().position(|known| *known == field);
        Ok(known.unwrap_or_else(|| {
            self.fields.push(field);
            self.fields.len() - 1
        }))
    }
}

impl Field {
    /// The names of a path; none where it is no path.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let names: Vec<_> = path.split('.').map(str::to_owned).collect();
        let is_path = path.len() <= FIELD_BYTES_MAX
            && names.len() <= FIELD_NAMES_MAX
            && names.iter().all(|name| !name.is_empty());
        is_path.then_some(Self { names })
    }

    /// The path as it is written.
    pub(super) fn path(&self) -> String {
        self.names.join(".")
    }
}

/// A step of a JSON pointer (RFC 6901), with its slash.
pub(super) fn pointer_step(step: &str) -> String {
    format!("/{}", step.replace('~', "~0").replace('/', "~1"))
}

pub(super) fn list(json: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json.get()).ok()
}

pub(super) fn text(json: &RawValue) -> Option<String> {
    serde_json::from_str(json.get()).ok()
}

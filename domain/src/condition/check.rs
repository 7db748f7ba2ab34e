//! Compares a condition with the fields that there are: each is known, its operator is for its type,
//! and so is the value.

use super::fields::{FieldOf, FieldType, Fields};
use super::leaf::{Comparison, Test, TextTest};
use super::parse::pointer_step;
use super::problem::{ConditionError, ConditionProblem as Problem};
use super::time::Day;
use super::value::Wanted;
use super::{Condition, Node};

/// Bytes of a UUID as text.
const ID_BYTES: usize = 36;

impl Condition {
    /// Checks that the condition asks for fields that there are, and for what they can be.
    ///
    /// # Errors
    /// [`ConditionError`] with the place of what is wrong.
    pub fn check(&self, fields: &Fields) -> Result<(), ConditionError> {
        let mut path = Vec::new();
        self.check_node(&self.root, fields, &mut path)
            .map_err(|problem| ConditionError {
                path: path.concat(),
                problem,
            })
    }

    /// Leaves in `path` the way down to what is wrong.
    fn check_node(
        &self,
        node: &Node,
        fields: &Fields,
        path: &mut Vec<String>,
    ) -> Result<(), Problem> {
        match node {
            Node::All(nodes) => self.check_nodes("all", nodes, fields, path),
            Node::Any(nodes) => self.check_nodes("any", nodes, fields, path),
            Node::Not(inner) => {
                path.push(pointer_step("not"));
                self.check_node(inner, fields, path)?;
                path.pop();
                Ok(())
            }
            Node::Leaf { place, test } => {
                let name = self.fields[*place].path();
                leaf(&name, test, fields).map_err(|(step, problem)| {
                    path.push(pointer_step(step));
                    problem
                })
            }
        }
    }

    fn check_nodes(
        &self,
        key: &str,
        nodes: &[Node],
        fields: &Fields,
        path: &mut Vec<String>,
    ) -> Result<(), Problem> {
        path.push(pointer_step(key));
        for (place, node) in nodes.iter().enumerate() {
            path.push(pointer_step(&place.to_string()));
            self.check_node(node, fields, path)?;
            path.pop();
        }
        path.pop();
        Ok(())
    }
}

/// What is wrong with a leaf, and with which part of it.
fn leaf(name: &str, test: &Test, fields: &Fields) -> Result<(), (&'static str, Problem)> {
    let field = fields
        .get(name)
        .ok_or_else(|| ("field", Problem::FieldUnknown(name.to_owned())))?;
    let operator = test.operator();
    if !field.kind.takes(operator) {
        let problem = Problem::OperatorUnfit {
            field: name.to_owned(),
            kind: field.kind.name(),
            operator: operator.name(),
        };
        return Err(("op", problem));
    }
    if !values_fit(field.kind, test) {
        let problem = Problem::ValueUnfit {
            field: name.to_owned(),
            kind: field.kind.name(),
            expected: field.kind.expected(),
        };
        return Err(("value", problem));
    }
    if !values_are_listed(field, test) {
        return Err(("value", Problem::ValueUnlisted(name.to_owned())));
    }
    Ok(())
}

fn values_fit(kind: FieldType, test: &Test) -> bool {
    match test {
        Test::Compare(_, wanted) => fits(kind, wanted),
        Test::In(values) => values.iter().all(|wanted| fits(kind, wanted)),
        Test::Between(from, to) => fits(kind, from) && fits(kind, to),
        Test::IsNull | Test::IsNotNull | Test::Changed | Test::Text(..) | Test::Matches(_) => true,
    }
}

fn fits(kind: FieldType, wanted: &Wanted) -> bool {
    match (kind, wanted) {
        (FieldType::Text, Wanted::Text(_) | Wanted::Instant(_) | Wanted::Day(_))
        | (FieldType::Number, Wanted::Number(_))
        | (FieldType::Boolean, Wanted::Boolean(_))
        | (FieldType::Instant, Wanted::Instant(_) | Wanted::Relative(_))
        | (FieldType::Date, Wanted::Day(_) | Wanted::Relative(_)) => true,
        (FieldType::Date, Wanted::Text(text)) => Day::parse(text).is_some(),
        (FieldType::Id, Wanted::Text(text)) => is_id(text),
        _ => false,
    }
}

/// Whether a text is a UUID as Postgres writes it.
fn is_id(text: &str) -> bool {
    let is_part = |(place, byte): (usize, u8)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == ID_BYTES && text.bytes().enumerate().all(is_part)
}

/// Where a value is asked for itself, it has to be one that the field may have.
fn values_are_listed(field: &FieldOf, test: &Test) -> bool {
    match test {
        Test::Compare(Comparison::Equal | Comparison::NotEqual, wanted) => field.lists(wanted),
        Test::In(values) => values.iter().all(|wanted| field.lists(wanted)),
        Test::Text(TextTest::Contains, text) if field.kind == FieldType::List => {
            field.lists(&Wanted::text(text.clone()))
        }
        _ => true,
    }
}

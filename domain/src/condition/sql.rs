//! A condition as SQL, to find the rows for which it holds.
//!
//! The text is made of quoted columns, of operators, and of places in a list of values; nothing that
//! a user wrote is in it. `not` is pushed down to the leaves, where it turns the operator round, so
//! that a leaf may be false or null where it is not true: rows are found by what is true alone. That
//! leaves comparisons of columns as an index takes them.

mod source;

use std::fmt::Write as _;

use super::canonical::text_json;
use super::fields::Fields;
use super::leaf::{Comparison, Test, TextTest};
use super::value::Wanted;
use super::{Condition, ConditionError, Node};
use source::Source;

/// A condition as SQL.
#[derive(Debug)]
pub struct Sql {
    /// A boolean expression in which `$1` is a `jsonb` list of values, and `$2` the instant of
    /// relative times, a `timestamptz`.
    pub clause: String,
    /// The list of values, as JSON.
    pub values: String,
}

impl Condition {
    /// The condition as SQL over a row named `alias`, which is true where the condition holds of the
    /// row, and false or null elsewhere.
    ///
    /// The first name of a field is a column, in which those that follow are keys. Nothing is known
    /// of a row before: `changed` finds none.
    ///
    /// # Errors
    /// [`ConditionError`] if it asks for what there is not, as [`Self::check`] does.
    pub fn sql(&self, fields: &Fields, alias: &str) -> Result<Sql, ConditionError> {
        self.check(fields)?;
        let mut writer = Writer {
            condition: self,
            fields,
            alias: quoted(alias),
            values: Values::default(),
        };
        let clause = writer.node(&self.root, false);
        let values = format!("[{}]", writer.values.0.join(","));
        Ok(Sql { clause, values })
    }
}

/// An identifier, whatever is in it.
fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// The values that are bound, as JSON.
#[derive(Default)]
pub(super) struct Values(Vec<String>);

impl Values {
    /// The place of a value.
    fn bind(&mut self, json: String) -> usize {
        self.0.push(json);
        self.0.len() - 1
    }

    /// A text, as `text`.
    fn text(&mut self, text: &str) -> String {
        format!("($1 ->> {})", self.bind(text_json(text)))
    }
}

struct Writer<'c> {
    condition: &'c Condition,
    fields: &'c Fields,
    alias: String,
    values: Values,
}

impl Writer<'_> {
    fn node(&mut self, node: &Node, negated: bool) -> String {
        match node {
            Node::All(nodes) => self.nodes(nodes, if negated { " or " } else { " and " }, negated),
            Node::Any(nodes) => self.nodes(nodes, if negated { " and " } else { " or " }, negated),
            Node::Not(inner) => self.node(inner, !negated),
            Node::Leaf { place, test } => {
                let source = self.source(*place);
                self.leaf(&source, test, negated)
            }
        }
    }

    fn nodes(&mut self, nodes: &[Node], word: &str, negated: bool) -> String {
        let nodes: Vec<_> = nodes.iter().map(|it| self.node(it, negated)).collect();
        format!("({})", nodes.join(word))
    }

    /// Where a field's value is: in a column, or under keys of a column.
    fn source(&mut self, place: usize) -> Source {
        let field = &self.condition.fields[place];
        let (column, keys) = field
            .names
            .split_first()
            .expect("invariant: a path has a name");
        let mut expression = format!("{}.{}", self.alias, quoted(column));
        for key in keys {
            let key = self.values.text(key);
            // Writing to a string does not fail.
            let _ = write!(expression, " -> {key}");
        }
        let kind = self.fields.get(&field.path()).map(|field| field.kind);
        match kind {
            Some(kind) if keys.is_empty() => Source::Column(expression, kind),
            _ => Source::Key(format!("({expression})")),
        }
    }

    fn leaf(&mut self, source: &Source, test: &Test, negated: bool) -> String {
        let not = if negated { "not " } else { "" };
        match test {
            Test::IsNull => source.is_null(!negated),
            Test::IsNotNull => source.is_null(negated),
            Test::Changed => "null::boolean".to_owned(),
            Test::Compare(comparison, wanted) => {
                let comparison = if negated {
                    comparison.opposite()
                } else {
                    *comparison
                };
                source.compare(comparison, wanted, &mut self.values)
            }
            Test::Between(from, to) => {
                let (above, below, word) = if negated {
                    (Comparison::Less, Comparison::Greater, "or")
                } else {
                    (Comparison::GreaterOrEqual, Comparison::LessOrEqual, "and")
                };
                let from = source.compare(above, from, &mut self.values);
                let to = source.compare(below, to, &mut self.values);
                format!("({from} {word} {to})")
            }
            Test::In(values) => self.one_of(source, values, negated),
            Test::Text(TextTest::Contains, wanted) => {
                let wanted = self.values.text(wanted);
                source.contains(&wanted, negated)
            }
            Test::Text(TextTest::StartsWith, wanted) => {
                let wanted = self.values.text(wanted);
                source.text_is(|text| format!("{not}starts_with({text}, {wanted})"))
            }
            Test::Text(TextTest::EndsWith, wanted) => {
                let wanted = self.values.text(wanted);
                source.text_is(|text| format!("{not}right({text}, length({wanted})) = {wanted}"))
            }
            Test::Matches(pattern) => {
                let pattern = self.values.text(pattern.as_str());
                source.text_is(|text| format!("{not}tenon.condition_matches({text}, {pattern})"))
            }
        }
    }

    /// Equal to one of the values; or, negated, to none.
    fn one_of(&mut self, source: &Source, values: &[Wanted], negated: bool) -> String {
        let mut sides = values
            .iter()
            .map(|wanted| source.sides(Comparison::Equal, wanted, &mut self.values));
        let mut first = sides
            .next()
            .expect("invariant: a list of values is not empty");
        for side in sides {
            let _ = write!(first.wanted, ", {}", side.wanted);
        }
        first.wanted = format!("({})", first.wanted);
        if negated {
            first.holds("not in", Comparison::NotEqual)
        } else {
            first.holds("in", Comparison::Equal)
        }
    }
}

//! Logic of three values, after Kleene: unknown is what may be true or false.

use super::Node;
use super::value::Found;

/// What is known of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Truth {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// What is known does not tell.
    Unknown,
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// As deep as conditions are, which is not deep.
pub(super) fn node(node: &Node, slots: &[Option<Found>]) -> Truth {
    match node {
        Node::All(nodes) => unless(Truth::False, nodes, slots).unwrap_or(Truth::True),
        Node::Any(nodes) => unless(Truth::True, nodes, slots).unwrap_or(Truth::False),
        Node::Not(inner) => match self::node(inner, slots) {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        },
        Node::Leaf { slot, test } => test.of(slots.get(*slot).and_then(Option::as_ref)),
    }
}

/// `decisive` if one of the nodes is; else unknown if one of them is; else nothing.
fn unless(decisive: Truth, nodes: &[Node], slots: &[Option<Found>]) -> Option<Truth> {
    let mut outcome = None;
    for inner in nodes {
        match node(inner, slots) {
            truth if truth == decisive => return Some(decisive),
            Truth::Unknown => outcome = Some(Truth::Unknown),
            Truth::True | Truth::False => {}
        }
    }
    outcome
}

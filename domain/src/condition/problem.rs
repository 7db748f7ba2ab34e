//! What can be wrong with a condition, and where.

use thiserror::Error;

use super::{
    BYTES_MAX, DEPTH_MAX, FIELD_BYTES_MAX, FIELD_NAMES_MAX, NODES_MAX, PATTERN_BYTES_MAX,
    PATTERNS_MAX,
};

/// What is wrong at one place of a condition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConditionProblem {
    /// It is longer than a condition may be.
    #[error("a condition has {BYTES_MAX} bytes at most")]
    TooLong,
    /// It has more nodes than a condition may have.
    #[error("a condition has {NODES_MAX} nodes at most, its leaves included")]
    TooManyNodes,
    /// It has more leaves with a pattern than a condition may have.
    #[error("a condition has {PATTERNS_MAX} patterns at most")]
    TooManyPatterns,
    /// It goes further down than a condition may.
    #[error("a condition has {DEPTH_MAX} levels at most, its leaves included")]
    TooDeep,
    /// It is neither a branch nor a leaf.
    #[error("expected an object with one of all, any and not, or with field, op and value")]
    Node,
    /// It is no list of conditions.
    #[error("expected a list of at least one condition")]
    List,
    /// It is no path to a field.
    #[error(
        "expected 1 to {FIELD_NAMES_MAX} names with dots between them, in {FIELD_BYTES_MAX} bytes"
    )]
    Field,
    /// There is no such operator.
    #[error(
        "expected an operator: =, !=, <, <=, >, >=, in, between, contains, starts_with, ends_with, \
         matches, is_null, is_not_null or changed"
    )]
    Operator,
    /// The operator cannot do anything with the value.
    #[error("expected {0}")]
    Value(&'static str),
    /// The pattern is no regular expression, or one that is too large.
    #[error("expected a regular expression of at most {PATTERN_BYTES_MAX} bytes: {0}")]
    Pattern(String),
    /// The schema has no such field.
    #[error("there is no field {0}")]
    FieldUnknown(String),
    /// The operator is not for fields of this type.
    #[error("{field} is a field of type {kind}, which {operator} is not for")]
    OperatorUnfit {
        /// The field.
        field: String,
        /// Its type.
        kind: &'static str,
        /// The operator as it is written.
        operator: &'static str,
    },
    /// The value is of another type than the field.
    #[error("{field} is a field of type {kind}: expected {expected}")]
    ValueUnfit {
        /// The field.
        field: String,
        /// Its type.
        kind: &'static str,
        /// What it is compared with.
        expected: &'static str,
    },
    /// The value is none of those that the field may have.
    #[error("{0} has only certain values, and this is none of them")]
    ValueUnlisted(String),
    /// The schema of fields is none.
    #[error("expected a schema of fields: {0}")]
    Fields(&'static str),
}

impl ConditionProblem {
    /// The stable code of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong | Self::TooManyNodes | Self::TooManyPatterns => "condition.too_large",
            Self::TooDeep => "condition.too_deep",
            Self::Node | Self::List => "condition.malformed",
            Self::Field => "condition.field_invalid",
            Self::Operator => "condition.operator_unknown",
            Self::Value(_) | Self::ValueUnfit { .. } | Self::ValueUnlisted(_) => {
                "condition.value_invalid"
            }
            Self::Pattern(_) => "condition.pattern_invalid",
            Self::FieldUnknown(_) => "condition.field_unknown",
            Self::OperatorUnfit { .. } => "condition.operator_unfit",
            Self::Fields(_) => "condition.fields_malformed",
        }
    }
}

/// Why a condition is none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("at {path:?}: {problem}")]
pub struct ConditionError {
    /// Where, as a JSON pointer (RFC 6901): `/all/0/value`, empty for the whole.
    pub path: String,
    /// What is wrong there.
    pub problem: ConditionProblem,
}

impl ConditionError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.problem.code()
    }
}

//! What can be wrong with an effect, and where.

use thiserror::Error;

use super::{TIMER_DEPTH_MAX, WAIT_S_MAX};

/// What is wrong at one place of an effect.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EffectProblem {
    /// It is not built as an effect is.
    #[error("expected {0}")]
    Malformed(&'static str),
    /// A member that the effect does not have.
    #[error("this effect has no member {0}")]
    MemberUnknown(String),
    /// There is no such effect.
    #[error(
        "there is no effect {0}: expected set_fields, create_activity, assign, emit, deliver, \
         start_timer or cancel_timer"
    )]
    Unknown(String),
    /// A wait that is too short or too long.
    #[error("expected a whole number of seconds, {WAIT_S_MAX} at most")]
    Wait,
    /// Timers in timers in timers.
    #[error("timers stand in the effects of timers {TIMER_DEPTH_MAX} deep at most")]
    TooDeep,
    /// A field that is not an effect's to set.
    #[error("the field {0} is not an effect's to set")]
    FieldProtected(String),
    /// The records have no such field.
    #[error("the records have no field {0}")]
    FieldUnknown(String),
    /// The field cannot hold the value.
    #[error("the field {field} holds {expected}")]
    ValueInvalid {
        /// The field.
        field: String,
        /// What it holds, in words.
        expected: String,
    },
}

impl EffectProblem {
    /// The stable code of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::MemberUnknown(_) | Self::Wait => "effect.malformed",
            Self::Unknown(_) => "effect.unknown",
            Self::TooDeep => "effect.too_deep",
            Self::FieldProtected(_) => "effect.field_protected",
            Self::FieldUnknown(_) => "effect.field_unknown",
            Self::ValueInvalid { .. } => "effect.value_invalid",
        }
    }
}

/// What is wrong with an effect, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("at {path:?}: {problem}")]
pub struct EffectError {
    /// Where, as a JSON pointer (RFC 6901).
    pub path: String,
    /// What is wrong there.
    pub problem: EffectProblem,
}

impl EffectError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.problem.code()
    }
}

impl From<(String, EffectProblem)> for EffectError {
    fn from((path, problem): (String, EffectProblem)) -> Self {
        Self { path, problem }
    }
}

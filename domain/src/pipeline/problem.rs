//! What can be wrong with a definition, and where.

use thiserror::Error;

use super::{BYTES_MAX, STAGES_MAX, TIME_LIMIT_S_MAX, TRANSITIONS_MAX};
use crate::condition::ConditionProblem;
use crate::effect::EffectProblem;

/// What is wrong at one place of a definition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PipelineProblem {
    /// It is longer than a definition may be.
    #[error("a definition has {BYTES_MAX} bytes at most")]
    TooLong,
    /// It has more stages than a definition may have.
    #[error("a pipeline has {STAGES_MAX} stages at most")]
    TooManyStages,
    /// It has more transitions than a definition may have.
    #[error("a pipeline has {TRANSITIONS_MAX} transitions at most")]
    TooManyTransitions,
    /// It is not built as a definition is.
    #[error("expected {0}")]
    Malformed(&'static str),
    /// A member that is not there in definitions.
    #[error("there is no member {0} here")]
    MemberUnknown(String),
    /// Two stages of one name.
    #[error("there is another stage {0}")]
    StageTwice(String),
    /// A transition names a stage that there is none of.
    #[error("there is no stage {0}")]
    StageUnknown(String),
    /// Two transitions between the same stages.
    #[error("there is another transition from {from} to {to}")]
    TransitionTwice {
        /// Where it leads away from.
        from: String,
        /// Where it leads.
        to: String,
    },
    /// A transition that leads nowhere.
    #[error("a transition leads from {0} to itself")]
    TransitionToItself(String),
    /// A probability that is none, or contradicts the stage's kind.
    #[error("expected a whole number from 0 to 100, which is 100 where won and 0 where lost")]
    Probability,
    /// A time limit that is none.
    #[error("expected a whole number of seconds from 1 to {TIME_LIMIT_S_MAX}")]
    TimeLimit,
    /// Effects for a time limit that is not there.
    #[error("the stage has no time_limit_s")]
    TimeLimitMissing,
    /// No record could begin.
    #[error("no stage is a start")]
    StartMissing,
    /// No record could end.
    #[error("no stage is won, lost or terminal")]
    EndMissing,
    /// No record could get there.
    #[error("no way leads to the stage {0} from a start")]
    Unreachable(String),
    /// No record could get away.
    #[error("no way leads from the stage {0} to an end")]
    EndUnreachable(String),
    /// The records have no such field.
    #[error("the records have no field {0}")]
    FieldUnknown(String),
    /// The guard is no condition.
    #[error(transparent)]
    Condition(#[from] ConditionProblem),
    /// An effect is none.
    #[error(transparent)]
    Effect(#[from] EffectProblem),
}

impl PipelineProblem {
    /// The stable code of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong | Self::TooManyStages | Self::TooManyTransitions => "pipeline.too_large",
            Self::Malformed(_) | Self::MemberUnknown(_) | Self::TimeLimit => "pipeline.malformed",
            Self::StageTwice(_) => "pipeline.stage_twice",
            Self::StageUnknown(_) => "pipeline.stage_unknown",
            Self::TransitionTwice { .. } => "pipeline.transition_twice",
            Self::TransitionToItself(_) => "pipeline.transition_to_itself",
            Self::Probability => "pipeline.probability_invalid",
            Self::TimeLimitMissing => "pipeline.time_limit_missing",
            Self::StartMissing => "pipeline.start_missing",
            Self::EndMissing => "pipeline.end_missing",
            Self::Unreachable(_) => "pipeline.stage_unreachable",
            Self::EndUnreachable(_) => "pipeline.end_unreachable",
            Self::FieldUnknown(_) => "pipeline.field_unknown",
            Self::Condition(problem) => problem.code(),
            Self::Effect(problem) => problem.code(),
        }
    }
}

/// What is wrong with a definition, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("at {path:?}: {problem}")]
pub struct PipelineError {
    /// Where, as a JSON pointer (RFC 6901).
    pub path: String,
    /// What is wrong there.
    pub problem: PipelineProblem,
}

impl PipelineError {
    /// The stable code of the error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.problem.code()
    }
}

impl From<(String, PipelineProblem)> for PipelineError {
    fn from((path, problem): (String, PipelineProblem)) -> Self {
        Self { path, problem }
    }
}

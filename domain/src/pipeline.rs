//! Decides how records move through the stages of a pipeline.
//!
//! A pipeline is data: stages, and transitions from one to another with what they ask for and what
//! follows them. [`Definition::parse`] reads one and says all that is wrong with it;
//! [`Definition::decide`] says whether a record may move, every reason why not, and which effects
//! follow. Whose records these are, and moving them, is left to others.

mod check;
mod decide;
mod diagram;
mod graph;
mod mapping;
mod parse;
mod problem;
mod record;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::condition::Condition;
use crate::effect::Effect;

pub use decide::{Decision, Possible, Refusal, Request, Start};
pub use mapping::{MappingError, map_stages};
pub use problem::{PipelineError, PipelineProblem};

/// Bytes of a definition as text: each move reads it.
pub const BYTES_MAX: usize = 65_536;

/// Stages of a pipeline: more than fit a board.
pub const STAGES_MAX: usize = 50;

/// Transitions of a pipeline, before each is taken for every stage that it leads away from.
pub const TRANSITIONS_MAX: usize = 500;

/// Fields that a stage may ask for.
pub const REQUIRED_MAX: usize = 50;

/// Characters of a label.
pub const LABEL_CHARACTERS_MAX: usize = 100;

/// The longest time limit of a stage, in seconds: ten years.
pub const TIME_LIMIT_S_MAX: u32 = 315_360_000;

/// A definition that is well formed, and whose graph is right.
#[derive(Debug)]
pub struct Definition {
    stages: Vec<Stage>,
    transitions: Vec<Transition>,
    /// The transition between two stages, by their places.
    edges: BTreeMap<(usize, usize), usize>,
}

/// What it means for a record to stand in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StageKind {
    /// Work goes on.
    Open,
    /// It ended well.
    Won,
    /// It ended badly.
    Lost,
    /// It ended.
    Terminal,
}

impl StageKind {
    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let kinds = [Self::Open, Self::Won, Self::Lost, Self::Terminal];
        kinds.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
            Self::Terminal => "terminal",
        }
    }

    /// Whether it is an end; a transition may lead out of one again.
    #[must_use]
    pub const fn is_end(self) -> bool {
        !matches!(self, Self::Open)
    }
}

/// A stage of a pipeline.
#[derive(Debug)]
pub struct Stage {
    /// Its name for programs, unique in the pipeline.
    pub stage: String,
    /// Its name for people.
    pub label: String,
    /// What it means to stand there.
    pub kind: StageKind,
    /// How likely it is to end well, in percent: 100 when won, 0 when lost.
    pub probability: Option<u8>,
    /// How long a record is to stay, in seconds.
    pub time_limit_s: Option<u32>,
    /// Fields that a record has there.
    pub required: Vec<String>,
    /// Whether a record may begin there.
    pub is_start: bool,
    on_enter: Vec<Effect>,
    on_leave: Vec<Effect>,
    on_time_limit: Vec<Effect>,
    path: String,
}

#[derive(Debug)]
struct Transition {
    from: Vec<usize>,
    to: usize,
    label: Option<String>,
    when: Option<Guard>,
    permission: Option<String>,
    reason_required: bool,
    effects: Vec<Effect>,
}

#[derive(Debug)]
struct Guard {
    condition: Condition,
    /// The condition as it was given.
    json: String,
    path: String,
}

impl Definition {
    /// Reads a definition, and checks its graph.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn parse(json: &str) -> Result<Self, Vec<PipelineError>> {
        parse::definition(json)
    }

    /// The stages, in their order.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// The permissions that transitions ask for, each once.
    #[must_use]
    pub fn permissions(&self) -> Vec<&str> {
        let named = self.transitions.iter();
        let named: BTreeSet<_> = named
            .filter_map(|transition| transition.permission.as_deref())
            .collect();
        named.into_iter().collect()
    }

    /// Every effect of the definition, those of timers included.
    #[must_use]
    pub fn effects(&self) -> Vec<&Effect> {
        let stages = self.stages.iter();
        let of_stages = stages.flat_map(|it| [&it.on_enter, &it.on_leave, &it.on_time_limit]);
        let of_transitions = self.transitions.iter().map(|it| &it.effects);
        let lists = of_stages.chain(of_transitions);
        lists.flatten().flat_map(Effect::all).collect()
    }

    fn place(&self, stage: &str) -> Option<usize> {
        self.stages.iter().position(|known| known.stage == stage)
    }

    fn edge(&self, from: usize, to: usize) -> Option<&Transition> {
        let place = self.edges.get(&(from, to))?;
        self.transitions.get(*place)
    }
}

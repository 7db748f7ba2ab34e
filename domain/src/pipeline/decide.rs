//! Whether a record may begin in a stage or move to another, and what follows.

use super::{Definition, Stage, Transition, record};
use crate::condition::Truth;
use crate::effect::Effect;
use crate::time::Timestamp;

/// A move that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'r> {
    /// The record as it would be after the move, a JSON object.
    pub record: &'r str,
    /// The record as it is, for conditions that ask what the move changes.
    pub previous: Option<&'r str>,
    /// The instant of the move, for conditions that ask how long ago something was.
    pub at: Option<Timestamp>,
    /// What the caller holds; none for a caller who holds everything.
    pub permissions: Option<&'r [String]>,
    /// Why the record is to move.
    pub reason: Option<&'r str>,
}

/// Why a record may not move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The pipeline has no such stage.
    StageUnknown {
        /// The stage.
        stage: String,
    },
    /// No record begins there.
    NoStart {
        /// The stage.
        stage: String,
    },
    /// No transition leads there.
    TransitionMissing {
        /// Where the record is.
        from: String,
        /// Where it was to go.
        to: String,
        /// Where transitions lead.
        possible: Vec<String>,
    },
    /// The caller lacks what the transition asks for.
    PermissionMissing {
        /// The permission.
        permission: String,
    },
    /// The transition's condition does not hold of the record, or is unknown.
    GuardFailed {
        /// The condition as JSON.
        condition: String,
        /// The condition in words.
        words: String,
        /// Whether what the record lacks leaves it open.
        is_unknown: bool,
    },
    /// The stage asks for fields in which the record has nothing.
    FieldsMissing {
        /// The stage.
        stage: String,
        /// The fields.
        fields: Vec<String>,
    },
    /// The transition asks for a reason.
    ReasonRequired,
}

impl Refusal {
    /// The stable code of the refusal.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::StageUnknown { .. } => "pipeline.stage_unknown",
            Self::NoStart { .. } => "pipeline.start_refused",
            Self::TransitionMissing { .. } => "pipeline.transition_missing",
            Self::PermissionMissing { .. } => "pipeline.permission_missing",
            Self::GuardFailed { .. } => "pipeline.guard_failed",
            Self::FieldsMissing { .. } => "pipeline.fields_missing",
            Self::ReasonRequired => "pipeline.reason_required",
        }
    }
}

/// What is decided over a move: it is allowed when nothing refuses it.
#[derive(Debug)]
pub struct Decision<'d> {
    /// Every reason why not.
    pub refusals: Vec<Refusal>,
    /// What follows, in order: leaving, the transition, entering. Nothing where it is refused.
    pub effects: Vec<&'d Effect>,
    /// How long the record is to stay where it goes, and what follows when it stays longer.
    pub limit: Option<(u32, &'d [Effect])>,
}

/// Where a record begins.
#[derive(Debug)]
pub struct Start<'d> {
    /// The stage; none if there is no such stage.
    pub stage: Option<&'d Stage>,
    /// What is decided over it.
    pub decision: Decision<'d>,
}

/// A transition that leads away from where a record is.
#[derive(Debug)]
pub struct Possible<'d> {
    /// Where it leads.
    pub to: &'d Stage,
    /// Its label.
    pub label: Option<&'d str>,
    /// Whether it asks for a reason; one that is missing is no refusal here.
    pub reason_required: bool,
    /// Every reason why not.
    pub refusals: Vec<Refusal>,
}

impl Definition {
    /// Whether a record may move from one stage to another.
    #[must_use]
    pub fn decide(&self, from: &str, to: &str, request: &Request<'_>) -> Decision<'_> {
        let places = self.place(from).zip(self.place(to));
        let stages = places.and_then(|(from, to)| self.stages.get(from).zip(self.stages.get(to)));
        let (Some((left, entered)), Some((from_place, to_place))) = (stages, places) else {
            let unknown = if self.place(to).is_none() { to } else { from };
            return Decision::refused(Refusal::StageUnknown {
                stage: unknown.to_owned(),
            });
        };
        let Some(transition) = self.edge(from_place, to_place) else {
            return Decision::refused(Refusal::TransitionMissing {
                from: from.to_owned(),
                to: to.to_owned(),
                possible: self
                    .leading_away(from_place)
                    .map(|(to, _)| to.stage.clone())
                    .collect(),
            });
        };
        let mut refusals = refusals(transition, entered, request);
        let has_reason = request
            .reason
            .is_some_and(|reason| !reason.trim().is_empty());
        if transition.reason_required && !has_reason {
            refusals.push(Refusal::ReasonRequired);
        }
        let following = [&left.on_leave, &transition.effects, &entered.on_enter];
        Decision::new(refusals, following.into_iter().flatten().collect(), entered)
    }

    /// Every move that leads away from a stage, in the order of the stages they lead to.
    #[must_use]
    pub fn possible(&self, from: &str, request: &Request<'_>) -> Vec<Possible<'_>> {
        let places = self.place(from).into_iter();
        let moves = places.flat_map(|from| self.leading_away(from));
        moves
            .map(|(to, transition)| Possible {
                to,
                label: transition.label.as_deref(),
                reason_required: transition.reason_required,
                refusals: refusals(transition, to, request),
            })
            .collect()
    }

    /// Whether a record may begin in a stage: the first that is a start, where none is named.
    #[must_use]
    pub fn start(&self, stage: Option<&str>, record: &str) -> Start<'_> {
        let found = match stage {
            Some(name) => self.place(name).and_then(|place| self.stages.get(place)),
            None => self.stages.iter().find(|stage| stage.is_start),
        };
        let Some(found) = found else {
            let stage = stage.unwrap_or_default().to_owned();
            return Start {
                stage: None,
                decision: Decision::refused(Refusal::StageUnknown { stage }),
            };
        };
        let stage = || found.stage.clone();
        let mut refusals = Vec::new();
        if !found.is_start {
            refusals.push(Refusal::NoStart { stage: stage() });
        }
        let fields = record::missing(record, &found.required);
        if !fields.is_empty() {
            let stage = stage();
            refusals.push(Refusal::FieldsMissing { stage, fields });
        }
        Start {
            stage: Some(found),
            decision: Decision::new(refusals, found.on_enter.iter().collect(), found),
        }
    }

    fn leading_away(&self, from: usize) -> impl Iterator<Item = (&Stage, &Transition)> {
        let stages = self.stages.iter().enumerate();
        stages.filter_map(move |(to, stage)| Some((stage, self.edge(from, to)?)))
    }
}

/// Every reason against a transition but a reason that is not given.
fn refusals(transition: &Transition, entered: &Stage, request: &Request<'_>) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if let (Some(permission), Some(held)) = (&transition.permission, request.permissions)
        && !held.contains(permission)
    {
        let permission = permission.clone();
        refusals.push(Refusal::PermissionMissing { permission });
    }
    if let Some(guard) = &transition.when {
        let (record, previous) = (request.record, request.previous);
        let truth = guard.condition.of_json_change(record, previous, request.at);
        if truth != Truth::True {
            refusals.push(Refusal::GuardFailed {
                condition: guard.json.clone(),
                words: guard.condition.prose(None),
                is_unknown: truth == Truth::Unknown,
            });
        }
    }
    let fields = record::missing(request.record, &entered.required);
    if !fields.is_empty() {
        let stage = entered.stage.clone();
        refusals.push(Refusal::FieldsMissing { stage, fields });
    }
    refusals
}

impl<'d> Decision<'d> {
    fn new(refusals: Vec<Refusal>, effects: Vec<&'d Effect>, entered: &'d Stage) -> Self {
        let is_allowed = refusals.is_empty();
        let limit = entered.time_limit_s.filter(|_| is_allowed);
        Self {
            refusals,
            effects: if is_allowed { effects } else { Vec::new() },
            limit: limit.map(|seconds| (seconds, entered.on_time_limit.as_slice())),
        }
    }

    fn refused(refusal: Refusal) -> Self {
        Self {
            refusals: vec![refusal],
            effects: Vec::new(),
            limit: None,
        }
    }

    /// Whether nothing refuses the move.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.refusals.is_empty()
    }
}

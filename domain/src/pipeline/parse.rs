//! Reads a definition, and gathers all that is wrong with it.

use std::collections::BTreeMap;

use super::problem::PipelineProblem as Problem;
use super::{
    BYTES_MAX, Definition, Guard, LABEL_CHARACTERS_MAX, PipelineError, REQUIRED_MAX, STAGES_MAX,
    Stage, StageKind, TIME_LIMIT_S_MAX, TRANSITIONS_MAX, Transition, graph,
};
use crate::condition::Condition;
use crate::effect::reader::{Place, Reader as AnyReader, is_word};
use crate::effect::{self, Effect};

type Reader = AnyReader<Problem>;
type Members<'j> = BTreeMap<String, Place<'j>>;

const DEFINITION: &str = "an object with stages and transitions";
const STAGES: &str = "a list of at least one stage";
const STAGE: &str = "an object with stage, kind and what the stage has beside them";
const TRANSITIONS: &str = "a list of transitions";
const TRANSITION: &str = "an object with from, to and what the transition has beside them";
const NAME: &str = "a word in lower case, such as proposal_sent";
const LABEL: &str = "a text of 1 to 100 characters";
const KIND: &str = "open, won, lost or terminal";
const BOOLEAN: &str = "true or false";
const REQUIRED: &str = "a list of at most 50 different fields, such as amount or custom.budget";
const FROM: &str = "the name of a stage, or a list of such names";
const TO: &str = "the name of a stage";
const PERMISSION: &str = "a permission, such as crm.deals.write";

const STAGE_MEMBERS: &[&str] = &[
    "stage",
    "label",
    "kind",
    "probability",
    "time_limit_s",
    "required",
    "start",
    "on_enter",
    "on_leave",
    "on_time_limit",
];
const TRANSITION_MEMBERS: &[&str] = &[
    "from",
    "to",
    "label",
    "when",
    "permission",
    "reason_required",
    "effects",
];

/// Reads a definition.
pub(super) fn definition(json: &str) -> Result<Definition, Vec<PipelineError>> {
    let mut reader = Reader::default();
    let read = read(&mut reader, json);
    // A start that cannot be read would be missed in the graph too.
    if let Some(definition) = read.as_ref().filter(|_| reader.problems() == 0) {
        graph::check(&mut reader, definition);
    }
    reader.outcome(read)
}

fn read(reader: &mut Reader, json: &str) -> Option<Definition> {
    if json.len() > BYTES_MAX {
        return reader.refuse("", Problem::TooLong);
    }
    let root = serde_json::from_str(json).ok().map(Place::root);
    let Some(members) = root.and_then(|root| root.object()) else {
        return reader.refuse("", Problem::Malformed(DEFINITION));
    };
    only(reader, &members, &["stages", "transitions"]);
    let stages = read_stages(reader, members.get("stages"))?;
    let names: Vec<_> = stages.iter().map(|stage| stage.stage.as_str()).collect();
    let (transitions, edges) = read_transitions(reader, members.get("transitions"), &names)?;
    Some(Definition {
        stages,
        transitions,
        edges,
    })
}

fn only(reader: &mut Reader, members: &Members<'_>, known: &[&str]) {
    for (name, member) in members {
        if !known.contains(&name.as_str()) {
            reader.note(&member.path, Problem::MemberUnknown(name.clone()));
        }
    }
}

fn read_stages(reader: &mut Reader, place: Option<&Place<'_>>) -> Option<Vec<Stage>> {
    let list = place.and_then(Place::list).filter(|list| !list.is_empty());
    let Some(list) = list else {
        return reader.refuse("/stages", Problem::Malformed(STAGES));
    };
    if list.len() > STAGES_MAX {
        return reader.refuse("/stages", Problem::TooManyStages);
    }
    let mut stages: Vec<Stage> = Vec::with_capacity(list.len());
    for place in &list {
        let Some(stage) = read_stage(reader, place) else {
            continue;
        };
        if stages.iter().any(|known| known.stage == stage.stage) {
            reader.note(
                format!("{}/stage", place.path),
                Problem::StageTwice(stage.stage),
            );
        } else {
            stages.push(stage);
        }
    }
    // With a stage missing, transitions would be told of stages that are there.
    (stages.len() == list.len()).then_some(stages)
}

fn read_stage(reader: &mut Reader, place: &Place<'_>) -> Option<Stage> {
    let Some(members) = place.object() else {
        return reader.refuse(&place.path, Problem::Malformed(STAGE));
    };
    only(reader, &members, STAGE_MEMBERS);
    let its = Its { place, members };
    let stage = its.must(reader, "stage", NAME, Place::word);
    let kind = its.must(reader, "kind", KIND, |it| StageKind::parse(&it.text()?));
    let label = its.may(reader, "label", LABEL, |it| it.label(LABEL_CHARACTERS_MAX));
    let is_start = its.may(reader, "start", BOOLEAN, Place::boolean);
    let required = its.may(reader, "required", REQUIRED, fields);
    let time_limit_s = its.members.get("time_limit_s").and_then(|it| {
        let seconds = it.integer();
        let seconds = seconds.filter(|seconds| (1..=TIME_LIMIT_S_MAX).contains(seconds));
        seconds.or_else(|| reader.refuse(&it.path, Problem::TimeLimit))
    });
    if let (Some(effects), false) = (
        its.members.get("on_time_limit"),
        its.members.contains_key("time_limit_s"),
    ) {
        reader.note(&effects.path, Problem::TimeLimitMissing);
    }
    let on_enter = its.effects(reader, "on_enter");
    let on_leave = its.effects(reader, "on_leave");
    let on_time_limit = its.effects(reader, "on_time_limit");
    let (stage, kind) = (stage?, kind?);
    let probability = read_probability(reader, its.members.get("probability"), kind);
    Some(Stage {
        label: label.unwrap_or_else(|| spoken(&stage)),
        stage,
        kind,
        probability,
        time_limit_s,
        required: required.unwrap_or_default(),
        is_start: is_start.unwrap_or_default(),
        on_enter,
        on_leave,
        on_time_limit,
        path: place.path.clone(),
    })
}

/// The name of a stage as a label: `proposal_sent` is `Proposal sent`.
fn spoken(stage: &str) -> String {
    let words = stage.replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn read_probability(reader: &mut Reader, place: Option<&Place<'_>>, kind: StageKind) -> Option<u8> {
    let certain = match kind {
        StageKind::Won => Some(100),
        StageKind::Lost => Some(0),
        StageKind::Open | StageKind::Terminal => None,
    };
    let Some(place) = place else {
        return certain;
    };
    let given = place
        .integer()
        .and_then(|percent| u8::try_from(percent).ok());
    match given.filter(|percent| *percent <= 100) {
        Some(percent) if certain.is_none_or(|certain| certain == percent) => Some(percent),
        _ => reader.refuse(&place.path, Problem::Probability),
    }
}

fn fields(place: &Place<'_>) -> Option<Vec<String>> {
    let list = place.list().filter(|list| list.len() <= REQUIRED_MAX)?;
    let mut fields = Vec::with_capacity(list.len());
    for element in list {
        let field = element.text()?;
        let is_field = is_word(field.strip_prefix("custom.").unwrap_or(&field));
        if !is_field || fields.contains(&field) {
            return None;
        }
        fields.push(field);
    }
    Some(fields)
}

type Edges = BTreeMap<(usize, usize), usize>;

fn read_transitions(
    reader: &mut Reader,
    place: Option<&Place<'_>>,
    stages: &[&str],
) -> Option<(Vec<Transition>, Edges)> {
    let Some(list) = place.and_then(Place::list) else {
        return reader.refuse("/transitions", Problem::Malformed(TRANSITIONS));
    };
    if list.len() > TRANSITIONS_MAX {
        return reader.refuse("/transitions", Problem::TooManyTransitions);
    }
    let mut transitions = Vec::with_capacity(list.len());
    let mut edges = Edges::new();
    for place in &list {
        let Some(transition) = read_transition(reader, place, stages) else {
            continue;
        };
        for &from in &transition.from {
            let name = |stage: usize| stages.get(stage).copied().unwrap_or_default().to_owned();
            if from == transition.to {
                reader.note(&place.path, Problem::TransitionToItself(name(from)));
            } else if edges
                .insert((from, transition.to), transitions.len())
                .is_some()
            {
                let (from, to) = (name(from), name(transition.to));
                reader.note(&place.path, Problem::TransitionTwice { from, to });
            }
        }
        transitions.push(transition);
    }
    (transitions.len() == list.len()).then_some((transitions, edges))
}

fn read_transition(reader: &mut Reader, place: &Place<'_>, stages: &[&str]) -> Option<Transition> {
    let Some(members) = place.object() else {
        return reader.refuse(&place.path, Problem::Malformed(TRANSITION));
    };
    only(reader, &members, TRANSITION_MEMBERS);
    let its = Its { place, members };
    let from = its.from(reader, stages);
    let to = its
        .must(reader, "to", TO, Place::text)
        .and_then(|name| known_stage(reader, stages, &format!("{}/to", place.path), &name));
    let label = its.may(reader, "label", LABEL, |it| it.label(LABEL_CHARACTERS_MAX));
    let permission = its.may(reader, "permission", PERMISSION, Place::dotted);
    let reason_required = its.may(reader, "reason_required", BOOLEAN, Place::boolean);
    let when = its.guard(reader);
    let effects = its.effects(reader, "effects");
    Some(Transition {
        from: from?,
        to: to?,
        label,
        when,
        permission,
        reason_required: reason_required.unwrap_or_default(),
        effects,
    })
}

fn known_stage(reader: &mut Reader, stages: &[&str], path: &str, name: &str) -> Option<usize> {
    let place = stages.iter().position(|known| *known == name);
    place.or_else(|| reader.refuse(path, Problem::StageUnknown(name.to_owned())))
}

/// The members of what is being read.
struct Its<'r, 'j> {
    place: &'r Place<'j>,
    members: Members<'j>,
}

impl<'j> Its<'_, 'j> {
    fn must<T>(
        &self,
        reader: &mut Reader,
        name: &str,
        expected: &'static str,
        read: impl Fn(&Place<'j>) -> Option<T>,
    ) -> Option<T> {
        self.members.get(name).and_then(read).or_else(|| {
            let path = format!("{}/{name}", self.place.path);
            reader.refuse(path, Problem::Malformed(expected))
        })
    }

    fn may<T>(
        &self,
        reader: &mut Reader,
        name: &str,
        expected: &'static str,
        read: impl Fn(&Place<'j>) -> Option<T>,
    ) -> Option<T> {
        let is_there = self.members.contains_key(name);
        is_there
            .then(|| self.must(reader, name, expected, read))
            .flatten()
    }

    fn effects(&self, reader: &mut Reader, name: &str) -> Vec<Effect> {
        let Some(place) = self.members.get(name) else {
            return Vec::new();
        };
        let mut effects = AnyReader::default();
        let read = effect::list(&mut effects, place, 1);
        reader.take_over(effects);
        read.unwrap_or_default()
    }

    fn from(&self, reader: &mut Reader, stages: &[&str]) -> Option<Vec<usize>> {
        let place = self.members.get("from");
        let named = place.and_then(|place| {
            let one = || Some(vec![place.clone()]);
            place.list().filter(|list| !list.is_empty()).or_else(one)
        });
        let mut from = Vec::new();
        for place in named.unwrap_or_default() {
            let Some(name) = place.text() else {
                return reader.refuse(&place.path, Problem::Malformed(FROM));
            };
            from.push(known_stage(reader, stages, &place.path, &name)?);
        }
        if from.is_empty() {
            let path = format!("{}/from", self.place.path);
            return reader.refuse(path, Problem::Malformed(FROM));
        }
        Some(from)
    }

    fn guard(&self, reader: &mut Reader) -> Option<Guard> {
        let place = self.members.get("when")?;
        let json = place.raw.get();
        match Condition::parse(json) {
            Ok(condition) => Some(Guard {
                condition,
                json: json.to_owned(),
                path: place.path.clone(),
            }),
            Err(error) => {
                let path = format!("{}{}", place.path, error.path);
                reader.refuse(path, Problem::Condition(error.problem))
            }
        }
    }
}

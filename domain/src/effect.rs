//! Decides whether effects are well formed: what is to follow when a record moves, a timer is due
//! or a rule fires.
//!
//! Effects are data: `{"effect": "set_fields", "fields": {"won": true}}`. [`parse`] reads a list of
//! them and says all that is wrong and where; [`Effect::check`] asks whether the fields are there
//! that they name. Carrying them out is left to others.

mod check;
mod fields;
mod kind;
mod problem;
pub(crate) mod reader;

#[cfg(test)]
mod tests;

pub use fields::{FieldType, Fields};
pub use kind::EffectKind;
pub use problem::{EffectError, EffectProblem};

use reader::{Place, Reader};

/// Effects of one list: more than people oversee.
pub const EFFECTS_MAX: usize = 20;

/// Fields of one effect.
pub const FIELDS_MAX: usize = 50;

/// How deep timers may stand in the effects of timers.
pub const TIMER_DEPTH_MAX: usize = 3;

/// The longest wait, in seconds: ten years.
pub const WAIT_S_MAX: u32 = 315_360_000;

/// Bytes of the data of an effect as text: a little less than an event may carry.
pub const DATA_BYTES_MAX: usize = 8_192;

/// Columns that are not an effect's to set: those that say which record it is, who changed it when,
/// and where it stands in its pipeline, as an effect that moved its record could go round forever.
pub const PROTECTED_FIELDS: &[&str] = &[
    "created_at",
    "created_by",
    "custom",
    "id",
    "pipeline_id",
    "pipeline_version_id",
    "stage",
    "stage_entered_at",
    "tenant_id",
    "updated_at",
    "updated_by",
    "version",
];

/// One effect that is well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Where it stands, as a JSON pointer.
    pub path: String,
    /// What it does.
    pub kind: EffectKind,
    /// The effect as it was given, which is what is carried out.
    pub json: String,
    /// The fields that it sets, each with the value as JSON.
    fields: Vec<(String, String)>,
    /// The fields that it takes values from, each with its place.
    sources: Vec<(String, String)>,
    /// What follows when the timer is due that it starts.
    pub later: Vec<Self>,
}

impl Effect {
    /// The effect, and those of the timer that it starts, from the outside in.
    #[must_use]
    pub fn all(&self) -> Vec<&Self> {
        let later = self.later.iter().flat_map(Self::all);
        std::iter::once(self).chain(later).collect()
    }
}

/// Reads a list of effects.
///
/// # Errors
/// All that is wrong with them, each with its place.
pub fn parse(json: &str) -> Result<Vec<Effect>, Vec<EffectError>> {
    let mut reader = Reader::default();
    let effects = match serde_json::from_str(json) {
        Ok(raw) => list(&mut reader, &Place::root(raw), 1),
        Err(_) => reader.refuse("", EffectProblem::Malformed(LIST)),
    };
    reader.outcome(effects)
}

const LIST: &str = "a list of 1 to 20 effects";
const OBJECT: &str = "an object whose member effect says which effect it is";

pub(crate) fn list(
    reader: &mut Reader<EffectProblem>,
    place: &Place<'_>,
    depth: usize,
) -> Option<Vec<Effect>> {
    let entries = place.list();
    let Some(entries) = entries.filter(|list| (1..=EFFECTS_MAX).contains(&list.len())) else {
        return reader.refuse(&place.path, EffectProblem::Malformed(LIST));
    };
    let effects: Vec<_> = entries
        .iter()
        .map(|entry| effect(reader, entry, depth))
        .collect();
    effects.into_iter().collect()
}

fn effect(reader: &mut Reader<EffectProblem>, place: &Place<'_>, depth: usize) -> Option<Effect> {
    let Some(object) = place.object() else {
        return reader.refuse(&place.path, EffectProblem::Malformed(OBJECT));
    };
    let Some(name) = object.get("effect").and_then(Place::text) else {
        return reader.refuse(&place.path, EffectProblem::Malformed(OBJECT));
    };
    let Some(kind) = EffectKind::parse(&name) else {
        return reader.refuse(
            format!("{}/effect", place.path),
            EffectProblem::Unknown(name),
        );
    };
    let before = reader.problems();
    let read = kind::read(reader, kind, place, &object, depth);
    (reader.problems() == before).then(|| Effect {
        path: place.path.clone(),
        kind,
        json: place.raw.get().to_owned(),
        fields: read.fields,
        sources: read.sources,
        later: read.later,
    })
}

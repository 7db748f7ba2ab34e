//! What of a conversion can be taken back, and what stands in the way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::fill::Point;
use super::record::Record;

/// What a conversion did, as it was written down.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Effects {
    /// The records it made or filled.
    pub records: Vec<Written>,
}

/// What a conversion did to one record.
#[derive(Clone, Debug, Deserialize)]
pub struct Written {
    /// Its object.
    pub object: String,
    /// Its id.
    pub id: String,
    /// Whether it was made.
    pub created: bool,
    /// Its version afterwards.
    pub version: i64,
    /// What hung on it and referred to it afterwards, by table: their keys.
    #[serde(default)]
    pub uses: BTreeMap<String, BTreeSet<String>>,
    /// The fields that were filled, and with what.
    #[serde(default)]
    pub fields: BTreeMap<String, Box<RawValue>>,
    /// The rows of `crm.contact_points` that were added.
    #[serde(default)]
    pub points: Vec<KeptPoint>,
    /// The records it refers to: it cannot stay without them.
    #[serde(default)]
    pub needs: Vec<String>,
}

/// A row of `crm.contact_points`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct KeptPoint {
    /// Its id.
    pub id: String,
    /// What is in it.
    #[serde(flatten)]
    pub point: Point,
}

/// The same records as they are now.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct State {
    /// By id; a record that is gone is missing.
    pub records: BTreeMap<String, Current>,
}

/// A record as it is now.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Current {
    /// Its columns.
    pub record: Record,
    /// What hangs on it and refers to it, by table: their keys.
    #[serde(default)]
    pub uses: BTreeMap<String, BTreeSet<String>>,
    /// The rows of `crm.contact_points` that are still there of those that were added.
    #[serde(default)]
    pub points: Vec<KeptPoint>,
}

/// Why something stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The record that was made has been changed since.
    Changed,
    /// Something hangs on it or refers to it that did not then.
    Used,
    /// A record that stays refers to it.
    Needed,
    /// The field that was filled has another value now.
    FieldChanged,
    /// The e-mail, phone or address that was added has been changed since.
    PointChanged,
}

/// Something that stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Collision {
    /// The object of the record.
    pub object: String,
    /// Its id.
    pub id: String,
    /// Why.
    pub reason: Reason,
    /// The field, or the table of what uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
}

/// A field that is emptied again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Emptied {
    /// The object of the record.
    pub object: String,
    /// Its id.
    pub id: String,
    /// The fields.
    pub fields: Vec<String>,
}

/// How a conversion is taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reversal {
    /// Ids of the records that are deleted, those first that others do not need.
    pub deleted: Vec<String>,
    /// The fields that are emptied.
    pub emptied: Vec<Emptied>,
    /// Ids of the rows of `crm.contact_points` that are removed.
    pub points: Vec<String>,
    /// Ids of the records that were made and stay, with all that was carried to them.
    pub kept: Vec<String>,
    /// Ids of the records that are gone already.
    pub gone: Vec<String>,
    /// What stays, and why.
    pub collisions: Vec<Collision>,
}

/// Compares what a conversion did with what is there now.
#[must_use]
pub fn undo(effects: &Effects, state: &State) -> Reversal {
    let mut reversal = Reversal::default();
    let kept = kept(effects, state, &mut reversal.collisions);
    // A deal refers to a contact, and both to a company: the last written is the first to go.
    for written in effects.records.iter().rev() {
        let Some(current) = state.records.get(&written.id) else {
            reversal.gone.push(written.id.clone());
            continue;
        };
        match (written.created, kept.contains(&written.id)) {
            (true, true) => reversal.kept.push(written.id.clone()),
            (true, false) => reversal.deleted.push(written.id.clone()),
            (false, _) => take_back(written, current, &mut reversal),
        }
    }
    reversal.collisions.sort();
    reversal
}

/// The records that were made and must stay.
fn kept(effects: &Effects, state: &State, collisions: &mut Vec<Collision>) -> BTreeSet<String> {
    let mut kept = BTreeSet::new();
    for written in effects.records.iter().filter(|written| written.created) {
        let Some(current) = state.records.get(&written.id) else {
            continue;
        };
        let before = collisions.len();
        let version = current
            .record
            .value("version")
            .and_then(|json| json.parse().ok());
        if version != Some(written.version) {
            collisions.push(written.collision(Reason::Changed, None));
        }
        for (table, keys) in &current.uses {
            // What hung on it then and no longer does is no use of it.
            let is_new = |key| {
                !written
                    .uses
                    .get(table)
                    .is_some_and(|then| then.contains(key))
            };
            if keys.iter().any(is_new) {
                collisions.push(written.collision(Reason::Used, Some(table)));
            }
        }
        if collisions.len() > before {
            kept.insert(written.id.clone());
        }
    }
    // Records come after those that they need, so one way back is enough.
    for written in effects.records.iter().rev() {
        if !kept.contains(&written.id) {
            continue;
        }
        for made in effects.records.iter().filter(|made| made.created) {
            let is_there = state.records.contains_key(&made.id);
            if is_there && written.needs.contains(&made.id) && kept.insert(made.id.clone()) {
                collisions.push(made.collision(Reason::Needed, Some(&written.object)));
            }
        }
    }
    kept
}

fn take_back(written: &Written, current: &Current, reversal: &mut Reversal) {
    let mut fields = Vec::new();
    for (field, value) in &written.fields {
        if current.record.value(field) == Some(value.get()) {
            fields.push(field.clone());
        } else if !current.record.is_empty(field) {
            reversal
                .collisions
                .push(written.collision(Reason::FieldChanged, Some(field)));
        }
    }
    if !fields.is_empty() {
        let (object, id) = (written.object.clone(), written.id.clone());
        reversal.emptied.push(Emptied { object, id, fields });
    }
    for added in &written.points {
        match current.points.iter().find(|point| point.id == added.id) {
            Some(point) if point == added => reversal.points.push(added.id.clone()),
            Some(_) => {
                reversal
                    .collisions
                    .push(written.collision(Reason::PointChanged, Some(&added.id)));
            }
            None => {}
        }
    }
}

impl Written {
    fn collision(&self, reason: Reason, what: Option<&str>) -> Collision {
        Collision {
            object: self.object.clone(),
            id: self.id.clone(),
            reason,
            what: what.map(str::to_owned),
        }
    }
}

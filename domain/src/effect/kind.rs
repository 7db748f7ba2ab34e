//! The kinds of effects, and what each is made of.

use std::collections::BTreeMap;

use super::problem::EffectProblem as Problem;
use super::reader::{Place, Reader, is_word};
use super::{DATA_BYTES_MAX, Effect, FIELDS_MAX, PROTECTED_FIELDS, TIMER_DEPTH_MAX, WAIT_S_MAX};

/// What an effect does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EffectKind {
    /// Sets fields of the record.
    SetFields,
    /// Makes an activity for the record.
    CreateActivity,
    /// Gives the record to a user, a team, or whomever rules find.
    Assign,
    /// Says that something has happened.
    Emit,
    /// Enqueues a message to the outside.
    Deliver,
    /// Starts a timer, or starts it anew.
    StartTimer,
    /// Stops a timer.
    CancelTimer,
}

impl EffectKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::SetFields,
        Self::CreateActivity,
        Self::Assign,
        Self::Emit,
        Self::Deliver,
        Self::StartTimer,
        Self::CancelTimer,
    ];

    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetFields => "set_fields",
            Self::CreateActivity => "create_activity",
            Self::Assign => "assign",
            Self::Emit => "emit",
            Self::Deliver => "deliver",
            Self::StartTimer => "start_timer",
            Self::CancelTimer => "cancel_timer",
        }
    }

    const fn members(self) -> &'static [&'static str] {
        match self {
            Self::SetFields => &["fields"],
            Self::CreateActivity => &["type", "subject", "note", "due_in_s", "assign_to"],
            Self::Assign => &["user_id", "team_id", "rules"],
            Self::Emit => &["type", "data"],
            Self::Deliver => &["channel", "template", "to", "data"],
            Self::StartTimer => &["timer", "after_s", "effects"],
            Self::CancelTimer => &["timer"],
        }
    }
}

/// What was read of an effect beside its kind.
#[derive(Default)]
pub(super) struct Read {
    pub(super) fields: Vec<(String, String)>,
    pub(super) sources: Vec<(String, String)>,
    pub(super) later: Vec<Effect>,
}

const SUBJECT_CHARACTERS_MAX: usize = 200;
const NOTE_CHARACTERS_MAX: usize = 2_000;
const ADDRESS_CHARACTERS_MAX: usize = 254;

const WORD: &str = "a word in lower case, such as follow_up";
const DOTTED: &str = "words in lower case with dots between them, such as crm.deal_won";
const SUBJECT: &str = "a text of 1 to 200 characters";
const NOTE: &str = "a text of 1 to 2,000 characters";
const WHOSE: &str = "owner, actor, or the id of a user";
const ASSIGNEE: &str = "one of user_id and team_id with an id, or rules with true";
const RECIPIENT: &str =
    r#"{"field": "email"}, {"user": "owner"}, {"user": "actor"}, {"user": id} or an address"#;
const DATA: &str = "an object of at most 8,192 bytes";
const FIELDS: &str = "an object with 1 to 50 fields";

type Members<'j> = BTreeMap<String, Place<'j>>;

/// Reads the members of an effect of the kind.
pub(super) fn read(
    reader: &mut Reader<Problem>,
    kind: EffectKind,
    place: &Place<'_>,
    members: &Members<'_>,
    depth: usize,
) -> Read {
    for (name, member) in members {
        if name != "effect" && !kind.members().contains(&name.as_str()) {
            reader.note(&member.path, Problem::MemberUnknown(name.clone()));
        }
    }
    let mut its = Its {
        reader,
        place,
        members,
        read: Read::default(),
    };
    match kind {
        EffectKind::SetFields => its.fields(),
        EffectKind::CreateActivity => {
            its.must("type", WORD, |it| it.word().is_some());
            its.must("subject", SUBJECT, |it| {
                it.label(SUBJECT_CHARACTERS_MAX).is_some()
            });
            its.may("note", NOTE, |it| {
                let characters = it.text().map(|text| text.chars().count());
                characters.is_some_and(|count| (1..=NOTE_CHARACTERS_MAX).contains(&count))
            });
            its.wait("due_in_s", 0, false);
            its.may("assign_to", WHOSE, is_whose);
        }
        EffectKind::Assign => its.assignee(),
        EffectKind::Emit => {
            its.must("type", DOTTED, |it| it.dotted().is_some());
            its.data();
        }
        EffectKind::Deliver => {
            its.must("channel", WORD, |it| it.word().is_some());
            its.must("template", DOTTED, |it| it.dotted().is_some());
            its.recipient();
            its.data();
        }
        EffectKind::StartTimer => {
            its.must("timer", WORD, |it| it.word().is_some());
            its.wait("after_s", 1, true);
            its.later(depth);
        }
        EffectKind::CancelTimer => its.must("timer", WORD, |it| it.word().is_some()),
    }
    its.read
}

/// The members of the effect that is being read.
struct Its<'r, 'j> {
    reader: &'r mut Reader<Problem>,
    place: &'r Place<'j>,
    members: &'r Members<'j>,
    read: Read,
}

impl Its<'_, '_> {
    fn refuse(&mut self, path: String, problem: Problem) {
        self.reader.note(path, problem);
    }

    fn missing(&self, name: &str) -> String {
        format!("{}/{name}", self.place.path)
    }

    fn must(&mut self, name: &str, expected: &'static str, is: impl Fn(&Place<'_>) -> bool) {
        match self.members.get(name) {
            Some(member) if is(member) => {}
            _ => self.refuse(self.missing(name), Problem::Malformed(expected)),
        }
    }

    fn may(&mut self, name: &str, expected: &'static str, is: impl Fn(&Place<'_>) -> bool) {
        if self.members.contains_key(name) {
            self.must(name, expected, is);
        }
    }

    fn wait(&mut self, name: &str, seconds_min: u32, is_needed: bool) {
        let seconds = self.members.get(name).map(Place::integer);
        let is_right = match seconds {
            Some(seconds) => seconds.is_some_and(|it| (seconds_min..=WAIT_S_MAX).contains(&it)),
            None => !is_needed,
        };
        if !is_right {
            self.refuse(self.missing(name), Problem::Wait);
        }
    }

    fn fields(&mut self) {
        let fields = self.members.get("fields").and_then(Place::object);
        let Some(fields) = fields.filter(|it| (1..=FIELDS_MAX).contains(&it.len())) else {
            return self.refuse(self.missing("fields"), Problem::Malformed(FIELDS));
        };
        for (name, value) in fields {
            let path = value.path.clone();
            if PROTECTED_FIELDS.contains(&name.as_str()) {
                self.refuse(path, Problem::FieldProtected(name));
            } else if !is_word(name.strip_prefix("custom.").unwrap_or(&name)) {
                self.refuse(path, Problem::FieldUnknown(name));
            } else {
                self.read.fields.push((name, value.raw.get().to_owned()));
            }
        }
    }

    fn assignee(&mut self) {
        let named = ["user_id", "team_id", "rules"];
        let mut named = named.iter().filter_map(|name| self.members.get(*name));
        let is_right = match (named.next(), named.next()) {
            (Some(one), None) => {
                one.text().is_some_and(|text| is_id(&text))
                    || (one.boolean() == Some(true) && self.members.contains_key("rules"))
            }
            _ => false,
        };
        if !is_right {
            self.refuse(self.place.path.clone(), Problem::Malformed(ASSIGNEE));
        }
    }

    /// Values may be taken from the record: `{"field": "name"}`.
    fn data(&mut self) {
        let Some(data) = self.members.get("data") else {
            return;
        };
        let is_short = data.raw.get().len() <= DATA_BYTES_MAX;
        let Some(values) = data.object().filter(|_| is_short) else {
            return self.refuse(data.path.clone(), Problem::Malformed(DATA));
        };
        self.read.sources.extend(values.values().filter_map(source));
    }

    fn recipient(&mut self) {
        let Some(to) = self.members.get("to") else {
            return self.refuse(self.missing("to"), Problem::Malformed(RECIPIENT));
        };
        if let Some(source) = source(to) {
            return self.read.sources.push(source);
        }
        let user = to.object().filter(|it| it.len() == 1);
        let is_user = user.and_then(|it| it.get("user").map(is_whose)) == Some(true);
        if !is_user && to.label(ADDRESS_CHARACTERS_MAX).is_none() {
            self.refuse(to.path.clone(), Problem::Malformed(RECIPIENT));
        }
    }

    fn later(&mut self, depth: usize) {
        let path = self.missing("effects");
        if depth > TIMER_DEPTH_MAX {
            return self.refuse(path, Problem::TooDeep);
        }
        match self.members.get("effects") {
            Some(effects) => {
                let effects = super::list(self.reader, effects, depth + 1);
                self.read.later = effects.unwrap_or_default();
            }
            None => self.refuse(path, Problem::Malformed(super::LIST)),
        }
    }
}

/// The field that a value is taken from, with its place, where it is `{"field": …}`.
fn source(place: &Place<'_>) -> Option<(String, String)> {
    let object = place.object().filter(|it| it.len() == 1)?;
    let field = object.get("field")?;
    Some((field.text()?, field.path.clone()))
}

fn is_whose(place: &Place<'_>) -> bool {
    let text = place.text();
    text.is_some_and(|text| matches!(text.as_str(), "owner" | "actor") || is_id(&text))
}

/// Whether a text is a UUID as Postgres writes it.
pub(super) fn is_id(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').map(str::len).collect();
    groups == [8, 4, 4, 4, 12]
        && text
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

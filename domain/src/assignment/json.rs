//! Reads rules and members from JSON, and writes what was decided.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{
    AssignmentError, CAPACITY_MAX, Decision, MEMBERS_MAX, Member, Part, RULES_MAX, Rule, Strategy,
    Target, When,
};
use crate::condition::Condition;
use crate::time::Timestamp;

#[derive(Deserialize)]
struct RuleJson<'a> {
    id: String,
    name: String,
    version: i64,
    #[serde(borrow)]
    condition: Option<&'a RawValue>,
    team_id: Option<String>,
    user_id: Option<String>,
    strategy: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct MemberJson {
    team_id: Option<String>,
    user_id: String,
    capacity: i64,
    open_max: Option<i64>,
    absent_until: Option<String>,
    open: i64,
    credit: i64,
    last_number: i64,
}

fn malformed(part: Part, reason: impl ToString) -> AssignmentError {
    let reason = reason.to_string();
    AssignmentError::Malformed { part, reason }
}

/// Rules from a JSON array of `{id, name, version, condition, team_id or user_id, strategy}`, in
/// their order. Without a condition a rule holds of everything; one that cannot be read never does.
///
/// # Errors
/// [`AssignmentError::Malformed`].
pub fn read_rules(json: &str) -> Result<Vec<Rule>, AssignmentError> {
    let rules: Vec<RuleJson<'_>> =
        serde_json::from_str(json).map_err(|error| malformed(Part::Rules, error))?;
    if rules.len() > RULES_MAX {
        let reason = format!("there may be {RULES_MAX} at most");
        return Err(malformed(Part::Rules, reason));
    }
    rules.into_iter().map(rule).collect()
}

fn rule(json: RuleJson<'_>) -> Result<Rule, AssignmentError> {
    let strategy = json.strategy.as_deref().map(Strategy::named);
    let target = match (json.user_id, json.team_id, strategy) {
        (Some(user_id), None, _) => Target::User(user_id),
        (None, Some(team_id), Some(Some(strategy))) => Target::Team(team_id, strategy),
        _ => {
            let reason = "each names either a user, or a team and a strategy";
            return Err(malformed(Part::Rules, reason));
        }
    };
    let when = match json.condition.map(RawValue::get) {
        None | Some("null") => When::Always,
        Some(condition) => Condition::parse(condition).map_or(When::Unreadable, When::Holds),
    };
    Ok(Rule {
        id: json.id,
        name: json.name,
        version: json.version,
        when,
        target,
    })
}

/// Members from a JSON array of `{team_id, user_id, capacity, open_max, absent_until, open, credit,
/// last_number}`; `absent_until` is a time of RFC 3339, or `infinity`.
///
/// # Errors
/// [`AssignmentError::Malformed`].
pub fn read_members(json: &str) -> Result<Vec<Member>, AssignmentError> {
    let members: Vec<MemberJson> =
        serde_json::from_str(json).map_err(|error| malformed(Part::Members, error))?;
    if members.len() > MEMBERS_MAX {
        let reason = format!("there may be {MEMBERS_MAX} at most");
        return Err(malformed(Part::Members, reason));
    }
    members.into_iter().map(member).collect()
}

fn member(json: MemberJson) -> Result<Member, AssignmentError> {
    let absent_until = json.absent_until.as_deref().map(instant).transpose()?;
    Ok(Member {
        team_id: json.team_id,
        user_id: json.user_id,
        capacity: json.capacity.clamp(0, CAPACITY_MAX),
        open_max: json.open_max,
        absent_until,
        open: json.open,
        credit: json.credit,
        last_number: json.last_number,
    })
}

fn instant(text: &str) -> Result<Timestamp, AssignmentError> {
    match text {
        "infinity" => return Ok(Timestamp::from_micros(i64::MAX)),
        "-infinity" => return Ok(Timestamp::from_micros(i64::MIN)),
        _ => {}
    }
    let at: jiff::Timestamp = text
        .parse()
        .map_err(|error| malformed(Part::Members, error))?;
    Ok(Timestamp::from_micros(at.as_microsecond()))
}

/// Members as [`read_members`] reads them, so that the next decision goes on from there.
#[must_use]
pub fn write_members(members: &[Member]) -> serde_json::Value {
    let members = members.iter().map(|member| {
        let until = member.absent_until.map(|until| match until.as_micros() {
            i64::MAX => "infinity".to_owned(),
            micros => jiff::Timestamp::from_microsecond(micros)
                .map_or_else(|_| "-infinity".to_owned(), |at| at.to_string()),
        });
        serde_json::json!({
            "team_id": member.team_id, "user_id": member.user_id, "capacity": member.capacity,
            "open_max": member.open_max, "absent_until": until, "open": member.open,
            "credit": member.credit, "last_number": member.last_number,
        })
    });
    members.collect()
}

impl Decision {
    /// The decision as JSON: `user_id`, `team_id`, `rule_id`, `rule_name`, `rule_version` and
    /// `strategy`, null where nobody was found, and `explanation` with `because`, `rules` (what
    /// became of each that was tried) and `candidates` (whom the last that held chose from).
    #[must_use]
    pub fn to_json(&self, rules: &[Rule]) -> serde_json::Value {
        let tried = rules.iter().zip(&self.tried).map(|(rule, outcome)| {
            serde_json::json!({
                "rule_id": rule.id, "name": rule.name, "version": rule.version,
                "outcome": outcome.word(),
            })
        });
        let candidates = self.candidates.iter().map(|candidate| {
            let member = &candidate.member;
            serde_json::json!({
                "user_id": member.user_id, "standing": candidate.standing.word(),
                "capacity": member.capacity, "open": member.open, "open_max": member.open_max,
                "credit": member.credit, "last_number": member.last_number,
            })
        });
        let chosen = self.choice.as_ref();
        let rule = chosen.and_then(|choice| rules.get(choice.rule));
        let (team_id, strategy) = match rule.map(|rule| &rule.target) {
            Some(Target::Team(team_id, strategy)) => (Some(team_id), Some(strategy.word())),
            Some(Target::User(_)) => (None, Some("user")),
            None => (None, None),
        };
        serde_json::json!({
            "user_id": chosen.map(|choice| &choice.user_id),
            "team_id": team_id,
            "rule_id": rule.map(|rule| &rule.id),
            "rule_name": rule.map(|rule| &rule.name),
            "rule_version": rule.map(|rule| rule.version),
            "strategy": strategy,
            "explanation": {
                "because": chosen.map(|choice| &choice.because),
                "rules": tried.collect::<Vec<_>>(),
                "candidates": candidates.collect::<Vec<_>>(),
            },
        })
    }
}

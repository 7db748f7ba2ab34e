//! Decides to whom a record goes, and says why.
//!
//! Rules stand in an order; the first that holds of the record, and has somebody who can take it,
//! decides. A rule names one user, or a team and a strategy by which one of the team is chosen from
//! counters: nothing is drawn by lot, so what was decided can be worked out again. A condition that
//! is unknown does not fire. Reading and keeping the counters, and one decision after the other, is
//! left to others.

mod choice;
mod json;

#[cfg(test)]
mod tests;

use std::fmt;

use thiserror::Error;

use crate::condition::{Condition, Truth};
use crate::time::Timestamp;

pub use json::{read_members, read_rules, write_members};

/// Rules of one object: each is tried for each record until one holds.
pub const RULES_MAX: usize = 200;

/// Members over all teams that rules name.
pub const MEMBERS_MAX: usize = 10_000;

/// The largest share of a member. Credits of a team stay below this times its members.
pub const CAPACITY_MAX: i64 = 1_000;

/// By what one of a team is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// Who has fewest open records for each unit of capacity.
    LeastLoaded,
    /// Who has waited longest.
    RoundRobin,
    /// Each in proportion to the capacity, evenly spread: smooth weighted round robin.
    Weighted,
}

impl Strategy {
    /// The strategy of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::LeastLoaded, Self::RoundRobin, Self::Weighted]
            .into_iter()
            .find(|strategy| strategy.word() == name)
    }

    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::LeastLoaded => "least_loaded",
            Self::RoundRobin => "round_robin",
            Self::Weighted => "weighted",
        }
    }
}

/// To whom a rule gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// To one user.
    User(String),
    /// To one of a team.
    Team(String, Strategy),
}

/// When a rule holds.
#[derive(Debug)]
pub enum When {
    /// Of every record.
    Always,
    /// Where the condition is true of it.
    Holds(Condition),
    /// Never, because what is stored is no condition any more.
    Unreadable,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// How often it was changed, counted from 1.
    pub version: i64,
    /// When it holds.
    pub when: When,
    /// To whom it gives.
    pub target: Target,
}

/// A member of a team with what it has done and can take. Who is in two teams is there twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The team; none for a user whom a rule names.
    pub team_id: Option<String>,
    /// The user.
    pub user_id: String,
    /// The share of the team's records. Zero takes none.
    pub capacity: i64,
    /// As many open records as the member takes; none for any number.
    pub open_max: Option<i64>,
    /// Until when the member takes none.
    pub absent_until: Option<Timestamp>,
    /// Records that are open now.
    pub open: i64,
    /// What smooth weighted round robin owes the member.
    pub credit: i64,
    /// The number of the member's last record in the team; zero before the first.
    pub last_number: i64,
}

/// What became of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It held, and somebody took the record.
    Assigned,
    /// It did not hold.
    DoesNotHold,
    /// Whether it holds is unknown: the record lacks what it asks for.
    Unknown,
    /// It holds, and nobody can take the record.
    NobodyAvailable,
    /// What is stored is no condition.
    ConditionUnreadable,
}

impl Outcome {
    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::DoesNotHold => "does_not_hold",
            Self::Unknown => "unknown",
            Self::NobodyAvailable => "nobody_available",
            Self::ConditionUnreadable => "condition_unreadable",
        }
    }
}

/// Why a member could not, or could, be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The member could be chosen.
    Available,
    /// It takes no records now.
    Absent,
    /// It has as many open records as it takes.
    Full,
    /// Its capacity is zero.
    WithoutCapacity,
}

impl Standing {
    /// Its stable word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Absent => "absent",
            Self::Full => "full",
            Self::WithoutCapacity => "without_capacity",
        }
    }
}

/// A member as a decision found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The member, before the record.
    pub member: Member,
    /// Whether it could be chosen.
    pub standing: Standing,
}

/// Who was chosen, by which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The place of the rule.
    pub rule: usize,
    /// The user.
    pub user_id: String,
    /// Why this one of the candidates, for people.
    pub because: String,
}

/// What was decided for one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Who takes the record; nobody where no rule found one.
    pub choice: Option<Choice>,
    /// What became of each rule that was tried, in their order.
    pub tried: Vec<Outcome>,
    /// Whom the last rule that held had to choose from.
    pub candidates: Vec<Candidate>,
}

/// Decides to whom a record goes, and counts it for whoever takes it.
///
/// `record` is a JSON object. Members keep their places; those chosen have one open record more, in
/// each of their teams, and the counters of the team that chose move on.
#[must_use]
pub fn decide(rules: &[Rule], members: &mut [Member], record: &str, at: Timestamp) -> Decision {
    let mut decision = Decision {
        choice: None,
        tried: Vec::new(),
        candidates: Vec::new(),
    };
    for (place, rule) in rules.iter().enumerate() {
        let truth = match &rule.when {
            When::Always => Ok(Truth::True),
            When::Holds(condition) => Ok(condition.of_json(record)),
            When::Unreadable => Err(Outcome::ConditionUnreadable),
        };
        let outcome = match truth {
            Err(outcome) => outcome,
            Ok(Truth::False) => Outcome::DoesNotHold,
            Ok(Truth::Unknown) => Outcome::Unknown,
            Ok(Truth::True) => {
                decision.candidates = choice::candidates(&rule.target, members, at);
                match choice::choose(&rule.target, &decision.candidates) {
                    None => Outcome::NobodyAvailable,
                    Some((user_id, because)) => {
                        choice::count(&rule.target, &user_id, members, at);
                        decision.choice = Some(Choice {
                            rule: place,
                            user_id,
                            because,
                        });
                        Outcome::Assigned
                    }
                }
            }
        };
        decision.tried.push(outcome);
        if decision.choice.is_some() {
            break;
        }
    }
    decision
}

/// Why nothing can be decided.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AssignmentError {
    /// Rules or members are not what they should be.
    #[error("these are no {part}: {reason}")]
    Malformed {
        /// Which of the arguments.
        part: Part,
        /// What is wrong with it.
        reason: String,
    },
}

/// An argument of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The rules.
    Rules,
    /// The members.
    Members,
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Rules => "rules",
            Self::Members => "members",
        })
    }
}

impl AssignmentError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "assignment.malformed",
        }
    }
}

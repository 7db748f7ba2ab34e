//! Decides who of those whom a rule names takes a record.

use std::cmp::Reverse;

use super::{Candidate, Member, Standing, Strategy, Target};
use crate::time::Timestamp;

/// Everybody whom the target names, and whether each can take a record.
pub(super) fn candidates(target: &Target, members: &[Member], at: Timestamp) -> Vec<Candidate> {
    let named = members.iter().filter(|member| is_named(target, member));
    named
        .map(|member| Candidate {
            member: member.clone(),
            standing: standing(member, at),
        })
        .collect()
}

fn is_named(target: &Target, member: &Member) -> bool {
    match target {
        Target::User(user_id) => member.team_id.is_none() && member.user_id == *user_id,
        Target::Team(team_id, _) => member.team_id.as_ref() == Some(team_id),
    }
}

fn standing(member: &Member, at: Timestamp) -> Standing {
    if member.absent_until.is_some_and(|until| until > at) {
        Standing::Absent
    } else if member.capacity <= 0 {
        Standing::WithoutCapacity
    } else if member.open_max.is_some_and(|max| member.open >= max) {
        Standing::Full
    } else {
        Standing::Available
    }
}

fn is_available(candidate: &&Candidate) -> bool {
    candidate.standing == Standing::Available
}

/// Who takes the record, and why in words. Ties go to who has waited longest, then by id.
pub(super) fn choose(target: &Target, candidates: &[Candidate]) -> Option<(String, String)> {
    let available = candidates.iter().filter(is_available);
    let members = available.map(|candidate| &candidate.member);
    let waited = |member: &Member| (member.last_number, member.user_id.clone());
    let (chosen, because) = match target {
        Target::User(_) => {
            let chosen = members.min_by_key(|member| waited(member))?;
            (chosen, "the rule names this user".to_owned())
        }
        Target::Team(_, Strategy::RoundRobin) => {
            let chosen = members.min_by_key(|member| waited(member))?;
            let because = match chosen.last_number {
                0 => "has had no record of the team yet".to_owned(),
                number => format!("has waited longest: the last record was the team's {number}th"),
            };
            (chosen, because)
        }
        Target::Team(_, Strategy::LeastLoaded) => {
            let chosen = members.min_by(|left, right| {
                // open / capacity, without the division.
                let left_load = i128::from(left.open) * i128::from(right.capacity);
                let right_load = i128::from(right.open) * i128::from(left.capacity);
                left_load
                    .cmp(&right_load)
                    .then_with(|| waited(left).cmp(&waited(right)))
            })?;
            let because = format!(
                "has the lowest load: {} open at a capacity of {}",
                chosen.open, chosen.capacity
            );
            (chosen, because)
        }
        Target::Team(_, Strategy::Weighted) => {
            let owed = |member: &Member| member.credit.saturating_add(member.capacity);
            let chosen = members.min_by_key(|member| (Reverse(owed(member)), waited(member)))?;
            let because = format!(
                "is owed most: a credit of {} at a capacity of {}",
                owed(chosen),
                chosen.capacity
            );
            (chosen, because)
        }
    };
    Some((chosen.user_id.clone(), because))
}

/// Counts a record that `user_id` takes.
pub(super) fn count(target: &Target, user_id: &str, members: &mut [Member], at: Timestamp) {
    let newest = members
        .iter()
        .filter(|member| is_named(target, member))
        .map(|member| member.last_number)
        .max();
    let mut total = 0_i64;
    let is_weighted = matches!(target, Target::Team(_, Strategy::Weighted));
    if is_weighted {
        for member in members.iter_mut() {
            if is_named(target, member) && standing(member, at) == Standing::Available {
                member.credit = member.credit.saturating_add(member.capacity);
                total = total.saturating_add(member.capacity);
            }
        }
    }
    for member in members.iter_mut().filter(|one| one.user_id == user_id) {
        if is_named(target, member) {
            member.last_number = newest.unwrap_or(0).saturating_add(1);
            member.credit = member.credit.saturating_sub(total);
        }
        member.open = member.open.saturating_add(1);
    }
}

use proptest::prelude::*;
use proptest::strategy::Strategy as Generator;

use super::Strategy;
use super::*;

const AT: Timestamp = Timestamp::from_micros(1_000_000);

fn member(team: &str, user: &str, capacity: i64) -> Member {
    Member {
        team_id: Some(team.to_owned()),
        user_id: user.to_owned(),
        capacity,
        open_max: None,
        absent_until: None,
        open: 0,
        credit: 0,
        last_number: 0,
    }
}

fn rule(id: &str, condition: Option<&str>, strategy: Strategy) -> Rule {
    Rule {
        id: id.to_owned(),
        name: id.to_owned(),
        version: 1,
        when: condition.map_or(When::Always, |text| {
            When::Holds(Condition::parse(text).expect("a condition"))
        }),
        target: Target::Team("t".to_owned(), strategy),
    }
}

fn taken(rules: &[Rule], members: &mut [Member], record: &str) -> Option<String> {
    let choice = decide(rules, members, record, AT).choice;
    choice.map(|choice| choice.user_id)
}

/// How often each of `members` is chosen in so many rounds.
fn shares(strategy: Strategy, members: &mut [Member], rounds: usize) -> Vec<i64> {
    let rules = [rule("r", None, strategy)];
    let mut shares = vec![0; members.len()];
    for _ in 0..rounds {
        let user = taken(&rules, members, "{}").expect("somebody");
        let place = members.iter().position(|member| member.user_id == user);
        shares[place.expect("a member")] += 1;
    }
    shares
}

fn team(capacities: &[i64]) -> Vec<Member> {
    let members = capacities.iter().enumerate();
    members
        .map(|(place, &capacity)| member("t", &format!("user-{place}"), capacity))
        .collect()
}

#[test]
fn the_first_rule_that_holds_wins_and_the_unknown_does_not_fire() {
    let rules = [
        rule(
            "unknown",
            Some(r#"{"field": "a", "op": "=", "value": 1}"#),
            Strategy::RoundRobin,
        ),
        rule(
            "false",
            Some(r#"{"field": "b", "op": "=", "value": 1}"#),
            Strategy::RoundRobin,
        ),
        rule(
            "true",
            Some(r#"{"field": "b", "op": "=", "value": 2}"#),
            Strategy::RoundRobin,
        ),
        rule("also", None, Strategy::RoundRobin),
    ];
    let decision = decide(&rules, &mut team(&[1]), r#"{"b": 2}"#, AT);
    assert_eq!(decision.choice.expect("a choice").rule, 2);
    assert_eq!(
        decision.tried,
        [Outcome::Unknown, Outcome::DoesNotHold, Outcome::Assigned]
    );
}

#[test]
fn a_rule_without_anybody_leaves_the_record_to_the_next() {
    let mut members = team(&[0, 1, 1]);
    members[1].absent_until = Some(Timestamp::from_micros(1_000_001));
    members[2].open_max = Some(0);
    members.push(Member {
        team_id: None,
        ..member("", "boss", 1)
    });
    let to_boss = Rule {
        target: Target::User("boss".to_owned()),
        ..rule("boss", None, Strategy::RoundRobin)
    };
    let rules = [rule("team", None, Strategy::Weighted), to_boss];
    let decision = decide(&rules, &mut members, "{}", AT);
    assert_eq!(
        decision.tried,
        [Outcome::NobodyAvailable, Outcome::Assigned]
    );
    assert_eq!(decision.choice.expect("a choice").user_id, "boss");
    let only_team = decide(&rules[..1], &mut members, "{}", AT);
    let standings: Vec<_> = only_team
        .candidates
        .iter()
        .map(|one| one.standing)
        .collect();
    assert_eq!(
        standings,
        [Standing::WithoutCapacity, Standing::Absent, Standing::Full]
    );
    // Whoever is absent until now is back.
    members[1].absent_until = Some(AT);
    assert_eq!(taken(&rules, &mut members, "{}").as_deref(), Some("user-1"));
}

#[test]
fn what_cannot_be_read_any_more_never_fires() {
    let rules = r#"[{"id": "1", "name": "broken", "version": 3, "condition": {"all": 1},
        "user_id": "u"}, {"id": "2", "name": "any", "version": 1, "condition": null,
        "team_id": "t", "strategy": "round_robin"}]"#;
    let rules = read_rules(rules).expect("rules");
    let decision = decide(&rules, &mut team(&[1]), "{}", AT);
    assert_eq!(
        decision.tried,
        [Outcome::ConditionUnreadable, Outcome::Assigned]
    );
    let json = decision.to_json(&rules);
    assert_eq!(json["rule_name"], "any");
    assert_eq!(
        json["explanation"]["rules"][0]["outcome"],
        "condition_unreadable"
    );
}

#[test]
fn weighted_shares_are_spread_evenly() {
    let mut members = team(&[5, 1, 1]);
    let rules = [rule("r", None, Strategy::Weighted)];
    let turns: Vec<_> = (0..7)
        .filter_map(|_| taken(&rules, &mut members, "{}"))
        .map(|user| user.trim_start_matches("user-").to_owned())
        .collect();
    // The example of nginx, which made this rotation known.
    assert_eq!(turns.concat(), "0010200");
}

#[test]
fn who_is_in_two_teams_has_the_load_of_both() {
    let mut members = vec![
        member("t", "a", 1),
        member("t", "b", 1),
        member("other", "a", 1),
    ];
    let rules = [rule("r", None, Strategy::LeastLoaded)];
    let _ = taken(&rules, &mut members, "{}");
    assert_eq!((members[0].open, members[2].open), (1, 1));
    assert_eq!((members[0].last_number, members[2].last_number), (1, 0));
}

#[test]
fn malformed_arguments_are_refused() {
    for json in [
        "{}",
        r#"[{"id": "1", "name": "n", "version": 1}]"#,
        r#"[{"id": "1", "name": "n", "version": 1, "team_id": "t", "strategy": "lottery"}]"#,
        r#"[{"id": "1", "name": "n", "version": 1, "team_id": "t", "user_id": "u"}]"#,
    ] {
        let error = read_rules(json).expect_err("no rules");
        assert_eq!(error.code(), "assignment.malformed", "{json}");
    }
    assert!(read_members(r#"[{"user_id": 1}]"#).is_err());
    let member = r#"[{"user_id": "u", "capacity": 1, "open": 0, "credit": 0, "last_number": 0,
        "absent_until": "tomorrow"}]"#;
    assert!(read_members(member).is_err());
}

fn any_member() -> impl Generator<Value = Member> {
    (
        0_i64..5,
        prop::option::of(0_i64..8),
        0_i64..8,
        prop::option::of(0_i64..2_000_000),
        0_i64..9,
    )
        .prop_map(|(capacity, open_max, open, until, last_number)| Member {
            capacity,
            open_max,
            open,
            absent_until: until.map(Timestamp::from_micros),
            last_number,
            ..member("t", "", 0)
        })
}

fn any_strategy() -> impl Generator<Value = Strategy> {
    prop_oneof![
        Just(Strategy::LeastLoaded),
        Just(Strategy::RoundRobin),
        Just(Strategy::Weighted)
    ]
}

proptest! {
    #[test]
    fn weighted_is_exactly_in_proportion(
        capacities in prop::collection::vec(1_i64..20, 1..8), cycles in 1_usize..5,
    ) {
        let total: i64 = capacities.iter().sum();
        let rounds = usize::try_from(total).expect("positive") * cycles;
        let shares = shares(Strategy::Weighted, &mut team(&capacities), rounds);
        let wanted: Vec<_> = capacities.iter().map(|one| one * cycles as i64).collect();
        prop_assert_eq!(shares, wanted);
    }

    #[test]
    fn at_any_time_nobody_is_far_from_the_own_share(
        capacities in prop::collection::vec(1_i64..20, 1..8), rounds in 1_usize..200,
    ) {
        let total: i64 = capacities.iter().sum();
        let weighted = shares(Strategy::Weighted, &mut team(&capacities), rounds);
        let loaded = shares(Strategy::LeastLoaded, &mut team(&capacities), rounds);
        for (place, capacity) in capacities.iter().enumerate() {
            let ideal = rounds as f64 * *capacity as f64 / total as f64;
            let allowed = capacities.len() as f64;
            prop_assert!((weighted[place] as f64 - ideal).abs() <= allowed);
            prop_assert!((loaded[place] as f64 - ideal).abs() <= allowed);
        }
    }

    #[test]
    fn round_robin_differs_by_one_at_most(count in 1_usize..10, rounds in 1_usize..100) {
        let shares = shares(Strategy::RoundRobin, &mut team(&vec![1; count]), rounds);
        let (least, most) = (shares.iter().min(), shares.iter().max());
        prop_assert!(most.expect("some") - least.expect("some") <= 1);
    }

    #[test]
    fn nobody_who_cannot_take_a_record_gets_one(
        members in prop::collection::vec(any_member(), 0..8),
        strategy in any_strategy(),
        rounds in 1_usize..40,
    ) {
        let mut members = members;
        for (place, member) in members.iter_mut().enumerate() {
            member.user_id = format!("user-{place}");
        }
        let rules = [rule("r", None, strategy)];
        for _ in 0..rounds {
            let before = members.clone();
            let can = |member: &Member| {
                member.capacity > 0
                    && member.open_max.is_none_or(|max| member.open < max)
                    && member.absent_until.is_none_or(|until| until <= AT)
            };
            match taken(&rules, &mut members, "{}") {
                None => prop_assert!(!before.iter().any(can)),
                Some(user) => {
                    let chosen = before.iter().find(|member| member.user_id == user);
                    prop_assert!(can(chosen.expect("a member")));
                    let open: i64 = members.iter().map(|member| member.open).sum();
                    let was: i64 = before.iter().map(|member| member.open).sum();
                    prop_assert_eq!(open, was + 1);
                }
            }
        }
    }

    #[test]
    fn the_order_in_which_members_are_named_does_not_matter(
        members in prop::collection::vec(any_member(), 1..8), strategy in any_strategy(),
    ) {
        let mut members = members;
        for (place, member) in members.iter_mut().enumerate() {
            member.user_id = format!("user-{place}");
        }
        let mut reversed: Vec<_> = members.iter().rev().cloned().collect();
        let rules = [rule("r", None, strategy)];
        prop_assert_eq!(
            taken(&rules, &mut members, "{}"), taken(&rules, &mut reversed, "{}")
        );
    }

    #[test]
    fn members_are_written_as_they_are_read(members in prop::collection::vec(any_member(), 0..8)) {
        let json = write_members(&members).to_string();
        prop_assert_eq!(read_members(&json).expect("members"), members);
    }
}

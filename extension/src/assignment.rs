//! The glue of `tenon_domain::assignment`: to whom a record goes, and why.

use std::cell::RefCell;
use std::rc::Rc;

use pgrx::prelude::*;
use tenon_domain::assignment::{self, Rule};

use crate::convert::to_timestamp;
use crate::error::OrReport;
use crate::jsonb::JsonbText;

thread_local! {
    /// The rules that were asked last: those of one statement are the same for all its rows.
    static LAST: RefCell<Option<(String, Rc<Vec<Rule>>)>> = const { RefCell::new(None) };
}

fn rules_of(json: JsonbText) -> Rc<Vec<Rule>> {
    let known = LAST.with_borrow(|last| {
        let last = last.as_ref().filter(|(text, _)| *text == json.0);
        last.map(|(_, rules)| Rc::clone(rules))
    });
    known.unwrap_or_else(|| {
        let rules = Rc::new(assignment::read_rules(&json.0).or_report());
        LAST.set(Some((json.0, Rc::clone(&rules))));
        rules
    })
}

/// To whom a record goes, why, and the counters afterwards.
#[pg_extern(immutable, parallel_safe, strict)]
fn assignment_decide(
    rules: JsonbText,
    members: JsonbText,
    record: JsonbText,
    at: TimestampWithTimeZone,
) -> JsonbText {
    let rules = rules_of(rules);
    let mut members = assignment::read_members(&members.0).or_report();
    let decision = assignment::decide(&rules, &mut members, &record.0, to_timestamp(at));
    let mut json = decision.to_json(&rules);
    if let Some(object) = json.as_object_mut() {
        object.insert("members".to_owned(), assignment::write_members(&members));
    }
    JsonbText(json.to_string())
}

extension_sql!(
    r#"
comment on function assignment_decide(jsonb, jsonb, jsonb, timestamptz) is
    'To whom a record goes. rules: [{id, name, version, condition, team_id and strategy, or user_id}] in their order; the first that holds and finds somebody decides. strategy: least_loaded, round_robin or weighted. members: [{team_id, user_id, capacity, open_max, absent_until, open, credit, last_number}], with team_id null for users whom rules name. Answers {user_id, team_id, rule_id, rule_name, rule_version, strategy, explanation: {because, rules, candidates}, members}, where members go into the next decision. Nothing is drawn by lot. Raises assignment.malformed.';
"#,
    name = "assignment_comments",
    requires = [assignment_decide]
);

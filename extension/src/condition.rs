//! The glue of `tenon_domain::condition`: checks conditions, and asks them of rows.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::prelude::*;
use tenon_domain::condition::{Condition, Truth};

use crate::error::OrReport;
use crate::jsonb::JsonbText;

/// Conditions that a session keeps ready. Beyond this it begins anew: whoever asks so many of them
/// one after the other reads each row of another table too.
const CACHED_MAX: usize = 256;

thread_local! {
    static CACHED: RefCell<HashMap<String, Condition>> = RefCell::default();
}

/// Refuses what is no condition, and says where it is wrong.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_check(condition: JsonbText) {
    Condition::parse(&condition.0).or_report();
}

/// True if the condition holds of the row; false if it does not, or is unknown.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_holds(condition: JsonbText, row: JsonbText) -> bool {
    let text = condition.0;
    let holds = |condition: &Condition| condition.of(&row.0) == Truth::True;
    let known = CACHED.with_borrow(|cached| cached.get(&text).map(holds));
    known.unwrap_or_else(|| {
        let parsed = Condition::parse(&text).or_report();
        let holds = holds(&parsed);
        CACHED.with_borrow_mut(|cached| {
            if cached.len() >= CACHED_MAX {
                cached.clear();
            }
            cached.insert(text, parsed);
        });
        holds
    })
}

extension_sql!(
    r#"
comment on function condition_check(jsonb) is
    'Refuses a JSON value that is no condition: {"all": […]}, {"any": […]}, {"not": …} over {"field", "op", "value"}. Raises condition.malformed, field_invalid, operator_unknown, value_invalid, pattern_invalid, too_deep and too_large, with the place as a JSON pointer in the details.';
comment on function condition_holds(jsonb, jsonb) is
    'Whether a condition holds of a row, which is a JSON object: false too where that is unknown, because a field is missing, null or of another type than it is compared with. Raises condition.… for what is no condition.';
"#,
    name = "condition_comments",
    requires = [condition_check, condition_holds]
);

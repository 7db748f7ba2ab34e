//! The glue of `tenon_domain::condition`: checks conditions, and asks them of rows.

mod forms;
mod times;

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::prelude::*;
use tenon_domain::condition::{Condition, Fields, Moment, Record, Truth, Value};

use crate::convert::to_timestamp;
use crate::error::OrReport;
use crate::jsonb::{Container, Found, JsonbBytes, JsonbText};

/// Conditions that a session keeps ready. Beyond this it begins anew: whoever asks so many of them
/// one after the other reads each row of another table too.
const CACHED_MAX: usize = 256;

/// Levels of a list or an object that are compared to tell whether it has changed.
const LEVELS_COMPARED_MAX: usize = 64;

/// Conditions by the bytes of their `jsonb`, and the place of the one that was asked last, which is
/// the next one too as a rule.
#[derive(Default)]
struct Cached {
    places: HashMap<Box<[u8]>, usize>,
    conditions: Vec<(Box<[u8]>, Condition)>,
    last: usize,
}

thread_local! {
    static CACHED: RefCell<Cached> = RefCell::default();
}

impl Cached {
    fn get(&mut self, condition: &JsonbBytes) -> &Condition {
        let bytes = condition.get();
        let is_last = self
            .conditions
            .get(self.last)
            .is_some_and(|(it, _)| **it == *bytes);
        if !is_last {
            self.last = match self.places.get(bytes) {
                Some(place) => *place,
                None => self.add(bytes, Condition::parse(&condition.to_text()).or_report()),
            };
        }
        &self.conditions[self.last].1
    }

    fn add(&mut self, bytes: &[u8], condition: Condition) -> usize {
        if self.conditions.len() >= CACHED_MAX {
            *self = Self::default();
        }
        let place = self.conditions.len();
        self.places.insert(bytes.into(), place);
        self.conditions.push((bytes.into(), condition));
        place
    }
}

/// The values of a condition's fields in a row, which are looked for when they are asked for.
struct Row<'r> {
    condition: &'r Condition,
    root: Option<Container<'r>>,
}

impl<'r> Row<'r> {
    fn new(condition: &'r Condition, row: &'r JsonbBytes) -> Self {
        let root = Container::new(row.get());
        Self { condition, root }
    }

    fn found(&self, place: usize) -> Option<Found<'_>> {
        self.root?.at(self.condition.field(place))
    }

    fn inside(&self, place: usize) -> Option<Container<'_>> {
        match self.found(place)? {
            Found::Inside(inside) => Some(inside),
            Found::Scalar(_) => None,
        }
    }
}

impl Record for Row<'_> {
    fn value(&self, place: usize) -> Value<'_> {
        self.found(place).map_or(Value::Null, Found::value)
    }

    fn list_has(&self, place: usize, text: &str) -> bool {
        self.inside(place).is_some_and(|list| list.has(text))
    }

    fn is_same_inside(&self, place: usize, previous: &Self) -> bool {
        let both = self.inside(place).zip(previous.inside(place));
        both.is_some_and(|(now, before)| now.is_same(&before, LEVELS_COMPARED_MAX))
    }
}

/// Refuses what is no condition, and says where it is wrong.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_check(condition: JsonbText) {
    Condition::parse(&condition.0).or_report();
}

/// Refuses what is no condition over these fields, and says where it is wrong.
#[pg_extern(name = "condition_check", immutable, parallel_safe, strict)]
fn condition_check_fields(condition: JsonbText, fields: JsonbText) {
    let fields = Fields::parse(&fields.0).or_report();
    Condition::parse(&condition.0)
        .or_report()
        .check(&fields)
        .or_report();
}

/// True if the condition holds of the row; false if it does not, or is unknown.
#[pg_extern(immutable, parallel_safe, strict)]
fn condition_holds(condition: JsonbBytes, row: JsonbBytes) -> bool {
    CACHED.with_borrow_mut(|cached| {
        let condition = cached.get(&condition);
        condition.of(&Row::new(condition, &row), Moment::UNKNOWN) == Truth::True
    })
}

/// The same of a row that was another one before, at an instant. None without a condition or a row.
#[pg_extern(name = "condition_holds", immutable, parallel_safe)]
fn condition_holds_change(
    condition: Option<JsonbBytes>,
    row: Option<JsonbBytes>,
    previous: Option<JsonbBytes>,
    at: Option<TimestampWithTimeZone>,
) -> Option<bool> {
    let (condition, row) = condition.zip(row)?;
    Some(CACHED.with_borrow_mut(|cached| {
        let condition = cached.get(&condition);
        let previous = previous
            .as_ref()
            .map(|previous| Row::new(condition, previous));
        let moment = Moment {
            previous: previous.as_ref(),
            at: at.map(to_timestamp),
        };
        condition.of(&Row::new(condition, &row), moment) == Truth::True
    }))
}

extension_sql!(
    r#"
comment on function condition_check(jsonb) is
    'Refuses a JSON value that is no condition: {"all": […]}, {"any": […]}, {"not": …} over {"field", "op", "value"}. Raises condition.malformed, field_invalid, operator_unknown, value_invalid, pattern_invalid, too_deep and too_large, with the place as a JSON pointer in the details.';
comment on function condition_check(jsonb, jsonb) is
    'Refuses what is no condition over these fields, {"amount": {"type": "number", "values": […]}, …} with the types text, number, boolean, instant, date, id, list and json: as condition_check(jsonb), and with condition.field_unknown, operator_unfit and value_invalid. condition.fields_malformed is an error of whoever made the fields.';
comment on function condition_holds(jsonb, jsonb) is
    'Whether a condition holds of a row, which is a JSON object: false too where that is unknown, because a field is missing, null or of another type than it is compared with. Raises condition.… for what is no condition.';
comment on function condition_holds(jsonb, jsonb, jsonb, timestamptz) is
    'The same, of a row that was previous before and at an instant: changed compares with previous, and {"ago": "P30D"} is relative to the instant. What asks for one that is null is unknown.';
"#,
    name = "condition_comments",
    requires = [
        condition_check,
        condition_check_fields,
        condition_holds,
        condition_holds_change
    ]
);

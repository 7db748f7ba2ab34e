//! Measures conditions over slots, for `bench/condition.mjs`: one JSON object a figure on stdout.
//!
//! 1024 events of eight metrics take turns, of which one in seven lacks a value, as devices have it.
//! The same tests written by hand in Rust say how much of the time is the question itself.

use std::hint::black_box;
use std::time::Instant;

use tenon_domain::condition::{Condition, Moment, SlotCondition, Truth, Value};

const EVENTS: u64 = 1_024;
const METRICS: usize = 8;
/// So short that the fastest of many trials has run without being interrupted.
const ROUNDS: u32 = 100;
const TRIALS: usize = 300;

const CONDITIONS: [(&str, &str); 3] = [
    ("one", r#"{"field": "m0", "op": ">", "value": 50}"#),
    (
        "three",
        r#"{"all": [
            {"field": "m0", "op": ">", "value": 20.5},
            {"field": "m5", "op": "=", "value": true},
            {"any": [
                {"field": "m1", "op": "<", "value": 60},
                {"field": "m7", "op": "=", "value": "on"}
            ]}
        ]}"#,
    ),
    (
        "eight",
        r#"{"any": [
            {"field": "m0", "op": ">", "value": 99},
            {"field": "m1", "op": "between", "value": [200, 300]},
            {"field": "m2", "op": "<", "value": 1},
            {"field": "m3", "op": "=", "value": 777},
            {"not": {"field": "m4", "op": "!=", "value": 888}},
            {"field": "m5", "op": "is_null"},
            {"field": "m6", "op": "in", "value": [1, 2, 3]},
            {"field": "m7", "op": "=", "value": "off"}
        ]}"#,
    ),
];

fn events() -> Vec<[Value<'static>; METRICS]> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |limit: u64| {
        // Steps of Marsaglia's xorshift: the same at every run.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    };
    let event = |_| {
        std::array::from_fn(|metric| match (below(7), metric) {
            (0, 0..=4) => Value::Null,
            (_, 5) => Value::Boolean(below(2) == 0),
            (_, 6) => Value::Integer(below(100).cast_signed()),
            (_, 7) => Value::Text(if below(2) == 0 { "on" } else { "idle" }),
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            _ => Value::Float(below(1_000) as f64 / 10.0),
        })
    };
    (0..EVENTS).map(event).collect()
}

/// Evaluations per second, the best of the trials, and how many held in one round.
fn measured(
    events: &[[Value<'static>; METRICS]],
    holds: impl Fn(&[Value<'static>; METRICS]) -> bool,
) -> (f64, usize) {
    let mut best = 0.0_f64;
    let mut held = 0;
    for _ in 0..TRIALS {
        let begun = Instant::now();
        for _ in 0..ROUNDS {
            held = black_box(events)
                .iter()
                .filter(|event| holds(event))
                .count();
            black_box(held);
        }
        let asked = f64::from(ROUNDS) * f64::from(u32::try_from(events.len()).unwrap_or(0));
        best = best.max(asked / begun.elapsed().as_secs_f64());
    }
    (best, held)
}

/// The condition of three leaves, by hand.
fn by_hand(event: &[Value<'static>; METRICS]) -> bool {
    let above = matches!(event[0], Value::Float(found) if found > 20.5);
    let is_so = matches!(event[5], Value::Boolean(true));
    let below = matches!(event[1], Value::Float(found) if found < 60.0);
    above && is_so && (below || matches!(event[7], Value::Text("on")))
}

fn slots(json: &str) -> Option<SlotCondition> {
    let condition = Condition::parse(json).ok()?;
    condition.placed(|path| path.first()?.strip_prefix('m')?.parse().ok())
}

fn main() {
    let events = events();
    for (name, json) in CONDITIONS {
        let Some(condition) = slots(json) else {
            eprintln!("{name} is no condition");
            std::process::exit(1);
        };
        let (per_s, held) = measured(&events, |event| {
            condition.of(event, Moment::UNKNOWN) == Truth::True
        });
        println!(r#"{{"name": "{name}", "per_s": {per_s}, "held": {held}}}"#);
    }
    let (per_s, held) = measured(&events, by_hand);
    println!(r#"{{"name": "by_hand", "per_s": {per_s}, "held": {held}}}"#);
}

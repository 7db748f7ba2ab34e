use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::partial::Partial;
use super::state::State;
use super::time_weight::Method;
use super::window::{Length, Window};
use super::*;

const SECOND: i64 = 1_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * SECOND)
}

fn window(start: i64, end: i64) -> Window {
    let length = Length {
        micros: (end - start) * SECOND,
        ..Length::default()
    };
    Window::new(at(start), length).expect("positive")
}

type Row = (i64, f64);

type Add = fn(&mut State, Row);

/// Every aggregate of numbers, as a function of one row.
const AGGREGATES: [(&str, Add); 8] = [
    ("stats_agg", |state, (seconds, value)| {
        state.add_to_moments(at(seconds), value).expect("valid");
    }),
    ("percentile_agg", |state, (_, value)| {
        state.add_to_percentiles(value, 0.01).expect("valid");
    }),
    ("time_weight locf", |state, (seconds, value)| {
        let added = state.add_to_time_weight(Method::Locf, at(seconds), value);
        added.expect("valid");
    }),
    ("time_weight linear", |state, (seconds, value)| {
        let added = state.add_to_time_weight(Method::Linear, at(seconds), value);
        added.expect("valid");
    }),
    ("counter_agg", |state, (seconds, value)| {
        state.add_to_counter(at(seconds), value).expect("valid");
    }),
    ("gauge_agg", |state, (seconds, value)| {
        state.add_to_gauge(at(seconds), value).expect("valid");
    }),
    ("state_agg", |state, (seconds, value)| {
        let name = format!("{}", value.abs().rem_euclid(3.0).floor());
        state.add_to_states(at(seconds), &name).expect("valid");
    }),
    ("candlestick", |state, (seconds, value)| {
        let added = state.add_to_candlestick(at(seconds), value, Some(1.5));
        added.expect("valid");
    }),
];

fn aggregate(add: Add, rows: impl IntoIterator<Item = Row>) -> State {
    let mut state = State::default();
    for row in rows {
        add(&mut state, row);
    }
    state
}

fn partial(add: Add, rows: impl IntoIterator<Item = Row>) -> Option<Partial> {
    aggregate(add, rows).finish().expect("no error")
}

/// Rows of distinct times in the order of time.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let value = prop_oneof![
        8 => (-1000..1000_i32).prop_map(|value| f64::from(value) / 8.0),
        1 => Just(0.0),
    ];
    prop::collection::vec((1..500_i64, value), 1..60).prop_map(|steps| {
        let mut seconds = 0;
        let rows = steps.into_iter().map(|(step, value)| {
            seconds += step;
            (seconds, value)
        });
        rows.collect()
    })
}

fn close(left: f64, right: f64) -> bool {
    let scale = left.abs().max(right.abs()).max(1.0);
    (left - right).abs() <= 1e-9 * scale || left.to_bits() == right.to_bits()
}

/// The same to the last digits, whatever was rounded on the way.
fn same(left: Option<&Partial>, right: Option<&Partial>) -> TestCaseResult {
    // Floats in the order in which `Debug` prints them; all else must be equal.
    let split = |partial: Option<&Partial>| {
        let text = format!("{partial:?}");
        let numbers: Vec<String> = text
            .split(|character: char| !(character.is_alphanumeric() || "+-._".contains(character)))
            .map(str::to_owned)
            .collect();
        numbers
    };
    let (left, right) = (split(left), split(right));
    prop_assert_eq!(left.len(), right.len(), "{:?} is not {:?}", left, right);
    for (left, right) in left.iter().zip(&right) {
        match (left.parse::<f64>(), right.parse::<f64>()) {
            (Ok(left), Ok(right)) => prop_assert!(close(left, right), "{left} is not {right}"),
            _ => prop_assert_eq!(left, right),
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn partials_of_any_split_roll_up_to_the_partial_of_all(
        rows in rows(), cuts in prop::collection::vec(0..60_usize, 0..6), reverse: bool,
    ) {
        for (name, add) in AGGREGATES {
            let mut cuts: Vec<_> = cuts.iter().map(|&cut| cut.min(rows.len())).chain([0, rows.len()]).collect();
            cuts.sort_unstable();
            let mut parts: Vec<_> = cuts.windows(2)
                .filter_map(|cut| partial(add, rows[cut[0]..cut[1]].iter().copied()))
                .map(|partial| partial.encode()).collect();
            if reverse {
                parts.reverse();
            }
            let mut rollup = State::default();
            for part in &parts {
                rollup.add_partial(part).expect("one kind");
            }
            let rolled = rollup.finish().expect("apart");
            let direct = partial(add, rows.iter().copied());
            // Bins keep slack, which their bytes do not.
            let settled = |partial: Option<Partial>| {
                partial.map(|partial| Partial::decode(&partial.encode()).expect("our own"))
            };
            same(settled(rolled).as_ref(), settled(direct).as_ref())
                .map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?;
        }
    }

    #[test]
    fn workers_share_rows_in_any_way_and_order(
        mut rows in rows(), shuffle in prop::collection::vec((any::<u32>(), 0..3_usize), 60),
    ) {
        for (name, add) in AGGREGATES {
            let direct = partial(add, rows.iter().copied());
            let mut shuffled: Vec<_> = rows.drain(..).zip(&shuffle).collect();
            shuffled.sort_by_key(|(_, (key, _))| *key);
            rows = shuffled.iter().map(|(row, _)| *row).collect();
            let mut merged = State::default();
            for worker in 0..3 {
                let own = shuffled.iter().filter(|(_, (_, of))| *of == worker).map(|(row, _)| *row);
                let bytes = aggregate(add, own).serialize();
                merged.merge(State::deserialize(&bytes).expect("our own")).expect("one kind");
            }
            let settled = |partial: Option<Partial>| {
                partial.map(|partial| Partial::decode(&partial.encode()).expect("our own"))
            };
                same(settled(merged.finish().expect("no error")).as_ref(), settled(direct).as_ref())
                    .map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?;
        }
    }

    #[test]
    fn any_flipped_byte_is_an_error(rows in rows(), place: prop::sample::Index, flip in 1..=255_u8) {
        for (name, add) in AGGREGATES {
            let mut bytes = partial(add, rows.iter().copied()).expect("not empty").encode();
            let place = place.index(bytes.len());
            bytes[place] ^= flip;
            prop_assert_eq!(Partial::decode(&bytes), Err(StatisticsError::PartialCorrupt), "{}", name);
        }
    }

    #[test]
    fn bytes_with_a_right_checksum_are_a_partial_or_an_error(
        kind in 0..11_u8, mut bytes in prop::collection::vec(any::<u8>(), 0..200), rows in rows(),
        place: prop::sample::Index, flips: [u8; 3],
    ) {
        // Random content, and content that is nearly right.
        bytes.insert(0, 1);
        bytes.insert(0, kind);
        let mut candidates = vec![bytes];
        for (_, add) in AGGREGATES {
            let mut bytes = partial(add, rows.iter().copied()).expect("not empty").encode();
            bytes.truncate(bytes.len() - 4);
            for (step, flip) in flips.into_iter().enumerate() {
                let place = (place.index(bytes.len()) + step) % bytes.len();
                bytes[place] ^= flip;
            }
            candidates.push(bytes);
        }
        for mut bytes in candidates {
            let checksum = crc32fast::hash(&bytes);
            bytes.extend_from_slice(&checksum.to_le_bytes());
            if let Ok(partial) = Partial::decode(&bytes) {
                use_everything(&partial);
                let mut rollup = State::default();
                if rollup.add_partial(&bytes).is_ok() && rollup.add_partial(&bytes).is_ok() {
                    let _ = rollup.finish();
                }
            }
        }
        let _ = State::deserialize(&flips);
    }

    #[test]
    fn moments_are_those_of_two_passes(rows in rows()) {
        let partial = partial(AGGREGATES[0].1, rows.iter().copied()).expect("not empty");
        let moments = partial.moments().expect("moments");
        let n = rows.len() as f64;
        let mean = rows.iter().map(|row| row.1).sum::<f64>() / n;
        let power = |k: i32| rows.iter().map(|row| (row.1 - mean).powi(k)).sum::<f64>();
        use super::moments::Population::{Sample, Whole};
        prop_assert!(close(moments.sum(), rows.iter().map(|row| row.1).sum()));
        prop_assert!(close(moments.mean(), mean));
        prop_assert!(close(moments.variance(Whole).expect("one is enough"), power(2) / n));
        if rows.len() > 1 {
            prop_assert!(close(moments.variance(Sample).expect("two"), power(2) / (n - 1.0)));
        }
        if power(2) > 1e-6 {
            let skew = power(3) / n / (power(2) / n).powf(1.5);
            prop_assert!((moments.skewness(Whole).expect("varies") - skew).abs() < 1e-6);
            let kurtosis = power(4) / n / (power(2) / n).powi(2);
            prop_assert!((moments.kurtosis(Whole).expect("varies") - kurtosis).abs() < 1e-6);
        }
        prop_assert_eq!(moments.first().at, at(rows[0].0));
        prop_assert_eq!(moments.last().value, rows[rows.len() - 1].1);
    }

    #[test]
    fn percentiles_are_within_their_error(
        mut values in prop::collection::vec(prop_oneof![
            any::<f64>().prop_filter("a number", |value| !value.is_nan()), -10.0..10.0, Just(0.0), Just(f64::INFINITY), Just(f64::MAX),
            Just(f64::MIN_POSITIVE), Just(f64::from_bits(1))], 1..80),
        fraction in 0.0..=1.0, relative_error in prop::sample::select(vec![0.001, 0.01, 0.05]),
    ) {
        let mut sketch = super::percentiles::Percentiles::new(relative_error).expect("valid");
        for &value in &values {
            sketch.add(value);
        }
        values.sort_by(f64::total_cmp);
        let rank: f64 = fraction * values.len() as f64;
        let rank = (rank.ceil() as usize).max(1);
        let (exact, answer) = (values[rank - 1], sketch.value_at(fraction).expect("valid").expect("one"));
        // A subnormal has few digits: half of its last one is what no answer can be nearer to.
        prop_assert!(
            exact == answer || (exact - answer).abs() <= relative_error * exact.abs() * (1.0 + 1e-9) + f64::from_bits(1),
            "{answer} for {exact}"
        );
        let share = sketch.rank_of(exact).expect("not empty");
        let at_most = |limit: f64| values.iter().filter(|&&value| value <= limit).count() as f64 / values.len() as f64;
        let reach = 2.0 * relative_error * exact.abs();
        prop_assert!(share >= at_most(exact) - 1e-12 && share <= at_most(exact + reach) + 1e-12);
    }

    #[test]
    fn a_time_weight_is_the_area_under_the_steps_or_the_lines(rows in rows()) {
        let (mut steps, mut lines) = (0.0, 0.0);
        for pair in rows.windows(2) {
            let seconds = (pair[1].0 - pair[0].0) as f64;
            steps += pair[0].1 * seconds;
            lines += (pair[0].1 + pair[1].1) / 2.0 * seconds;
        }
        for (add, area) in [(AGGREGATES[2].1, steps), (AGGREGATES[3].1, lines)] {
            let partial = partial(add, rows.iter().copied()).expect("not empty");
            prop_assert!(close(partial.time_weight().expect("weight").covered().area, area));
        }
    }

    #[test]
    fn time_weights_of_windows_add_up_to_that_of_all(rows in rows(), cut in 0..60_usize) {
        for add in [AGGREGATES[2].1, AGGREGATES[3].1] {
            let cut = cut.min(rows.len());
            let part = |rows: &[Row]| partial(add, rows.iter().copied());
            let (Some(left), Some(right)) = (part(&rows[..cut]), part(&rows[cut..])) else {
                return Ok(());
            };
            let (left, right) = (left.time_weight().expect("weight"), right.time_weight().expect("weight"));
            let (start, end) = (rows[0].0, rows[rows.len() - 1].0 + 1);
            let middle = rows[cut].0;
            let before = left.over(window(start, middle), None, Some(right)).expect("inside");
            let after = right.over(window(middle, end), Some(left), None).expect("inside");
            let all = part(&rows).expect("not empty");
            let all = all.time_weight().expect("weight").over(window(start, end), None, None).expect("inside");
            prop_assert!(close(before.area + after.area, all.area));
            prop_assert!(close(before.seconds + after.seconds, all.seconds));
        }
    }

    #[test]
    fn a_counter_counts_through_resets(steps in prop::collection::vec((1..100_i64, 0..50_u32, prop::bool::weighted(0.2)), 2..60)) {
        let (mut seconds, mut value, mut total, mut resets) = (0, 0_u32, 0, 0);
        let (mut rows, mut totals) = (Vec::new(), Vec::new());
        for &(step, growth, resets_here) in &steps {
            seconds += step;
            if resets_here && value > growth && !rows.is_empty() {
                value = 0;
                resets += 1;
            }
            value += growth;
            if !rows.is_empty() {
                total += growth;
            }
            rows.push((seconds, f64::from(value)));
            totals.push(f64::from(total) + rows[0].1);
        }
        let partial = partial(AGGREGATES[4].1, rows.iter().copied()).expect("not empty");
        let course = partial.counter().expect("counter");
        prop_assert!(close(course.delta(), f64::from(total)));
        prop_assert_eq!(course.resets(), resets);
        let n = rows.len() as f64;
        let mean_x = rows.iter().map(|row| row.0 as f64).sum::<f64>() / n;
        let mean_y = totals.iter().sum::<f64>() / n;
        let xy: f64 = rows.iter().zip(&totals).map(|(row, total)| (row.0 as f64 - mean_x) * (total - mean_y)).sum();
        let xx: f64 = rows.iter().map(|row| (row.0 as f64 - mean_x).powi(2)).sum();
        prop_assert!(close(course.slope().expect("two times"), xy / xx));
        let at_first = mean_y + xy / xx * (rows[0].0 as f64 - mean_x);
        prop_assert!((course.line_at(at(rows[0].0)).expect("two times") - at_first).abs() < 1e-6);
    }

    #[test]
    fn each_second_of_a_heartbeat_is_live_or_dead(
        beats in prop::collection::vec(-20..120_i64, 1..60), liveness in 1..20_i64, cut in 1..99_i64,
    ) {
        let of = |beats: &[i64], start: i64, end: i64| {
            let mut state = State::default();
            for &beat in beats {
                state.add_to_heartbeat(at(beat), window(start, end), liveness * SECOND).expect("valid");
            }
            state.finish().expect("no error").expect("not empty")
        };
        let direct = |start, end| of(&beats, start, end);
        let all = direct(0, 100);
        let heartbeat = all.heartbeat().expect("heartbeat");
        for second in 0..100 {
            let is_live = beats.iter().any(|&beat| beat <= second && second < beat + liveness);
            prop_assert_eq!(heartbeat.live_at(at(second)), Some(is_live));
        }
        let live = super::heartbeat::micros_of(heartbeat.live());
        let dead = super::heartbeat::micros_of(heartbeat.dead());
        prop_assert_eq!(live + dead, 100 * SECOND);
        let mut rollup = State::default();
        // One beat alone is within stretches of life that are there already.
        for part in [direct(cut, 100), direct(0, cut), of(&beats[..1], 0, 100)] {
            rollup.add_partial(&part.encode()).expect("one kind");
        }
        prop_assert_eq!(rollup.finish().expect("no error"), Some(all));
    }

    #[test]
    fn each_second_is_in_the_state_that_was_shown_last(rows in rows(), cut in 1..59_usize) {
        let partial_of = |rows: &[Row]| partial(AGGREGATES[6].1, rows.iter().copied());
        let all = partial_of(&rows).expect("not empty");
        let states = all.states().expect("states");
        let name = |row: &Row| format!("{}", row.1.abs().rem_euclid(3.0).floor());
        let last = rows[rows.len() - 1].0;
        let mut expected = std::collections::BTreeMap::new();
        for pair in rows.windows(2) {
            *expected.entry(name(&pair[0])).or_insert(0) += (pair[1].0 - pair[0].0) * SECOND;
        }
        expected.entry(name(&rows[rows.len() - 1])).or_insert(0);
        let durations = super::states::durations(states.timeline());
        let durations: std::collections::BTreeMap<_, _> =
            durations.into_iter().map(|(state, micros)| (state.to_owned(), micros)).collect();
        prop_assert_eq!(&durations, &expected);
        for row in &rows {
            prop_assert_eq!(states.state_at(at(row.0)).map(str::to_owned), Some(name(row)));
        }
        prop_assert_eq!(states.state_at(at(last + 1)), None);
        // Over a window that begins in what the partial before left.
        if let (Some(left), Some(right)) = (partial_of(&rows[..cut.min(rows.len())]), partial_of(&rows[cut.min(rows.len())..])) {
            let (left, right) = (left.states().expect("states"), right.states().expect("states"));
            let start = rows[cut - 1].0;
            let stays = right.timeline_over(window(start, last + 10), Some(left)).expect("apart");
            prop_assert_eq!(stays.iter().map(|stay| stay.micros()).sum::<i64>(), (last + 10 - start) * SECOND);
            prop_assert_eq!(stays[0].state, name(&rows[cut - 1]));
            prop_assert!(stays.is_sorted_by(|left, right| left.end == right.start && left.state != right.state));
        }
    }
}

/// Calls all that a partial answers.
fn use_everything(partial: &Partial) {
    let _ = (
        partial.count(),
        partial.average(),
        partial.ends(),
        partial.points(),
    );
    if let Ok(percentiles) = partial.percentiles() {
        let _ = (percentiles.value_at(0.5), percentiles.rank_of(1.0));
    }
    if let Ok(weight) = partial.time_weight() {
        let _ = weight.over(window(0, 100), Some(weight), Some(weight));
    }
    if let Ok(course) = partial.course() {
        let _ = (
            course.rate_left(),
            course.line_at(at(0)),
            course.correlation(),
        );
        let _ = course.extrapolated_delta(window(-1, i64::MAX / SECOND / 2));
    }
    if let Ok(states) = partial.states() {
        let _ = super::states::durations(states.timeline());
        let _ = states.timeline_over(window(0, 1), Some(states));
    }
    if let Ok(heartbeat) = partial.heartbeat() {
        let _ = super::heartbeat::micros_of(heartbeat.dead());
    }
    assert!(Partial::decode(&partial.encode()).is_ok(), "{partial:?}");
}

fn rolled_up(parts: &[Partial]) -> Result<Option<Partial>, StatisticsError> {
    let mut rollup = State::default();
    for part in parts {
        rollup.add_partial(&part.encode())?;
    }
    rollup.finish()
}

#[test]
fn partials_that_do_not_add_up_are_refused() {
    let of = |place: usize, rows: &[Row]| {
        partial(AGGREGATES[place].1, rows.iter().copied()).expect("not empty")
    };
    let (early, late) = ([(0, 1.0), (10, 2.0)], [(10, 2.0), (20, 3.0)]);
    for place in [2, 3, 4, 5, 6] {
        let error = rolled_up(&[of(place, &late), of(place, &early)]).expect_err("they meet");
        assert_eq!(error.code(), "statistics.partials_overlap");
    }
    for (left, right) in [(0, 1), (2, 3), (4, 5), (6, 7)] {
        let error = rolled_up(&[of(left, &early), of(right, &late)]).expect_err("mixed");
        assert_eq!(error.code(), "statistics.partials_mixed");
    }
    let points = Partial::Points(vec![(at(0), 1.0)]);
    assert_eq!(
        rolled_up(&[points]).map_err(|error| error.code()),
        Err("statistics.partial_kind")
    );
    assert_eq!(
        of(0, &early).counter().map_err(|error| error.code()),
        Err("statistics.partial_kind")
    );
    assert_eq!(rolled_up(&[]), Ok(None));
}

#[test]
fn values_that_are_not_finite_have_a_place_or_none() {
    let (nan, infinity) = (f64::NAN, f64::INFINITY);
    let rows = [(0, 1.0), (1, nan), (2, infinity), (3, 3.0), (4, -infinity)];
    let of = |place: usize| partial(AGGREGATES[place].1, rows).expect("not empty");
    let moments = of(0);
    let moments = moments.moments().expect("moments");
    assert_eq!((moments.count(), moments.min()), (5, -infinity));
    assert!(moments.max().is_nan() && moments.sum().is_nan() && moments.mean().is_nan());
    assert!(
        moments
            .variance(super::moments::Population::Whole)
            .is_some_and(f64::is_nan)
    );
    let percentiles = of(1);
    let value_at = |fraction| {
        percentiles
            .percentiles()
            .expect("sketch")
            .value_at(fraction)
    };
    assert_eq!(value_at(0.0), Ok(Some(-infinity)));
    assert_eq!(value_at(0.8), Ok(Some(infinity)));
    assert!(value_at(1.0).expect("valid").is_some_and(f64::is_nan));
    assert_eq!(of(2).average(), Ok(Some(1.0)), "passed over");
    assert_eq!(of(4).counter().map(|course| course.delta()), Ok(2.0));
    assert_eq!(of(7).count(), Ok(2));
    assert_eq!(partial(AGGREGATES[4].1, [(0, nan)]), None);
}

#[test]
fn an_infinite_time_is_an_error() {
    for micros in [i64::MIN, i64::MAX] {
        let time = Timestamp::from_micros(micros);
        let mut state = State::default();
        for added in [
            state.add_to_moments(time, 1.0),
            state.add_to_counter(time, f64::NAN),
            state.add_to_states(time, "on"),
            state.add_to_candlestick(time, 1.0, None),
            state.add_to_points(time, 1.0, 3),
        ] {
            assert_eq!(added, Err(StatisticsError::TimeInfinite));
        }
    }
}

/// Worked by hand from the rules of Prometheus' `extrapolatedRate`.
#[test]
fn extrapolation_goes_to_near_ends_and_half_a_step_towards_far_ones() {
    let of = |rows: &[Row]| partial(AGGREGATES[4].1, rows.iter().copied()).expect("not empty");
    let rows = [(10, 100.0), (20, 110.0), (30, 120.0)];
    let delta = |start, end| {
        let partial = of(&rows);
        let course = partial.counter().expect("counter");
        course
            .extrapolated_delta(window(start, end))
            .expect("inside")
    };
    assert_eq!(delta(5, 40), Some(35.0));
    assert_eq!(delta(0, 60), Some(35.0), "10 s is near, 30 s is not");
    assert_eq!(delta(-100, 30), Some(25.0));
    let from_zero = of(&[(10, 2.0), (20, 12.0), (30, 22.0)]);
    let course = from_zero.counter().expect("counter");
    let delta = course.extrapolated_delta(window(0, 30));
    assert_eq!(delta, Ok(Some(22.0)), "it was zero 2 s before");
    assert_eq!(
        course
            .extrapolated_delta(window(11, 40))
            .map_err(|error| error.code()),
        Err("statistics.argument_invalid")
    );
}

#[test]
fn settings_change_within_a_group_only_as_an_error() {
    let mut state = State::default();
    state.add_to_percentiles(1.0, 0.01).expect("valid");
    assert!(state.add_to_percentiles(1.0, 0.02).is_err());
    let mut state = State::default();
    assert!(state.add_to_percentiles(1.0, 0.0).is_err());
    assert!(state.add_to_percentiles(1.0, f64::NAN).is_err());
    state.add_to_points(at(0), 1.0, 3).expect("valid");
    assert!(state.add_to_points(at(0), 1.0, 4).is_err());
    assert!(State::default().add_to_points(at(0), 1.0, -1).is_err());
}

#[test]
fn a_length_counts_months_on_the_calendar() {
    let length = |months, days| Length {
        months,
        days,
        micros: 0,
    };
    let february = Window::new(at(1_769_904_000), length(1, 0)).expect("2026-02-01");
    assert_eq!(february.end, at(1_772_323_200), "2026-03-01");
    assert!(Window::new(at(0), length(0, 0)).is_err());
    assert!(Window::new(at(0), length(1, -40)).is_err());
    assert!(Window::new(at(0), length(i32::MAX, 0)).is_err());
    assert!(length(1, 0).as_micros().is_err());
    assert_eq!(length(0, 2).as_micros(), Ok(172_800 * SECOND));
}

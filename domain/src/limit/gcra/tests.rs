use proptest::prelude::*;

use super::*;

/// Counts by remembering every request that it let through: one may go on when no span of time that
/// ends with it holds more than `burst + span / T`. Knows neither TAT nor tolerance.
struct History {
    interval: i128,
    burst: i128,
    admitted: Vec<i128>,
}

impl History {
    fn new(window: &Window) -> Self {
        Self {
            interval: i128::from(window.interval_micros()),
            burst: i128::from(window.burst()),
            admitted: Vec::new(),
        }
    }

    fn admits(&self, now: i128) -> bool {
        (1..)
            .zip(self.admitted.iter().rev())
            .all(|(before, &then)| before < self.burst + (now - then).div_euclid(self.interval))
    }

    /// By trying one microsecond after another, as far apart as doubling and halving find.
    fn first_admitted_after(&self, now: i128) -> i128 {
        let mut late = now + 1;
        while !self.admits(late) {
            late = now + (late - now) * 2;
        }
        let mut early = now;
        while late - early > 1 {
            let middle = early + (late - early) / 2;
            if self.admits(middle) {
                late = middle;
            } else {
                early = middle;
            }
        }
        late
    }
}

/// A bucket of tokens: holds `burst`, one more each T, as exact fractions of a token.
struct Tokens {
    interval: i128,
    most: i128,
    held: i128,
    at: i128,
}

impl Tokens {
    fn new(window: &Window) -> Self {
        let interval = i128::from(window.interval_micros());
        let most = interval * i128::from(window.burst());
        Self {
            interval,
            most,
            held: most,
            at: i128::from(i64::MIN),
        }
    }

    fn admits(&mut self, now: i128) -> bool {
        self.held = self.most.min(self.held + now - self.at);
        self.at = now;
        self.held >= self.interval
    }
}

fn at(micros: i128) -> Timestamp {
    Timestamp::from_micros(i64::try_from(micros).expect("within the test's times"))
}

fn windows() -> impl Strategy<Value = Window> {
    (1..40_u32, 1..100_u32, 1..20_u32)
        .prop_map(|(count, seconds, burst)| Window::new(count, seconds, burst).expect("valid"))
}

/// Gaps between requests: none, some microseconds, around an interval, longer than a refill.
fn gaps() -> impl Strategy<Value = Vec<i128>> {
    let gap = prop_oneof![
        Just(0),
        1..1000_i128,
        1..3_000_000_i128,
        1..200_000_000_i128,
    ];
    prop::collection::vec(gap, 1..80)
}

fn bucket(window: &Window) -> Bucket {
    Bucket::new(window, EMPTY)
}

proptest! {
    #[test]
    fn one_bucket_lets_through_what_history_and_tokens_do(window in windows(), gaps in gaps()) {
        let (mut history, mut tokens) = (History::new(&window), Tokens::new(&window));
        let mut ours = bucket(&window);
        let mut now = 1_700_000_000_000_000;
        for gap in gaps {
            now += gap;
            let admitted = history.admits(now);
            prop_assert_eq!(tokens.admits(now), admitted);
            let before = ours;
            match decide(at(now), std::slice::from_mut(&mut ours)) {
                Verdict::Admitted { remaining } => {
                    prop_assert!(admitted);
                    history.admitted.push(now);
                    tokens.held -= tokens.interval;
                    prop_assert_eq!(i128::from(remaining), tokens.held / tokens.interval);
                }
                Verdict::Refused { place, retry_after_micros } => {
                    prop_assert!(!admitted);
                    prop_assert_eq!(place, 0);
                    let first = history.first_admitted_after(now);
                    prop_assert_eq!(i128::from(retry_after_micros), first - now);
                    prop_assert_eq!(ours, before);
                }
            }
        }
    }

    #[test]
    fn several_buckets_are_charged_together_or_not_at_all(
        windows in prop::collection::vec(windows(), 1..6), gaps in gaps(),
    ) {
        let mut histories: Vec<_> = windows.iter().map(History::new).collect();
        let mut ours: Vec<_> = windows.iter().map(bucket).collect();
        let mut now = 1_700_000_000_000_000;
        for gap in gaps {
            now += gap;
            let before = ours.clone();
            let refusing: Vec<_> = histories.iter().map(|history| !history.admits(now)).collect();
            match decide(at(now), &mut ours) {
                Verdict::Admitted { .. } => {
                    prop_assert!(!refusing.contains(&true));
                    for history in &mut histories {
                        history.admitted.push(now);
                    }
                }
                Verdict::Refused { place, retry_after_micros } => {
                    let first: Vec<_> = histories
                        .iter()
                        .zip(&refusing)
                        .filter(|&(_, &refuses)| refuses)
                        .map(|(history, _)| history.first_admitted_after(now))
                        .collect();
                    prop_assert!(refusing[place]);
                    let latest = first.into_iter().max().expect("somebody refuses");
                    prop_assert_eq!(i128::from(retry_after_micros), latest - now);
                    prop_assert_eq!(&ours, &before);
                    // And then it is let through, by this bucket and by all others.
                    let later = at(now + i128::from(retry_after_micros));
                    let mut then = ours.clone();
                    let admitted = matches!(decide(later, &mut then), Verdict::Admitted { .. });
                    prop_assert!(admitted);
                }
            }
        }
    }

    #[test]
    fn no_clock_and_no_memory_is_upsetting(
        window in windows(), now in any::<i64>(), taken_until in any::<i64>(),
    ) {
        let mut ours = [Bucket::new(&window, Timestamp::from_micros(taken_until))];
        match decide(Timestamp::from_micros(now), &mut ours) {
            Verdict::Admitted { remaining } => prop_assert!(remaining < window.burst()),
            Verdict::Refused { retry_after_micros, .. } => {
                prop_assert!(retry_after_micros >= 1);
                prop_assert!(
                    retry_after_micros <= window.interval_micros() + CLOCK_SKEW_MICROS_MAX
                );
            }
        }
    }
}

const START: i128 = 1_700_000_000_000_000;
const SECOND: i128 = 1_000_000;

fn admits(window: &Window, ours: &mut Bucket, now: i128) -> bool {
    assert_eq!(window.interval_micros(), ours.interval_micros);
    matches!(
        decide(at(now), std::slice::from_mut(ours)),
        Verdict::Admitted { .. }
    )
}

#[test]
fn a_clock_set_back_a_day_does_not_refuse_for_a_day() {
    let window = Window::new(2, 60, 2).expect("valid");
    let mut ours = bucket(&window);
    assert!(admits(&window, &mut ours, START) && admits(&window, &mut ours, START));
    assert!(!admits(&window, &mut ours, START));
    let yesterday = START - 86_400 * SECOND;
    assert!(admits(&window, &mut ours, yesterday));
    assert!(admits(&window, &mut ours, yesterday));
    assert!(!admits(&window, &mut ours, yesterday));
}

#[test]
fn sessions_whose_clocks_differ_a_little_share_a_burst() {
    let window = Window::new(2, 60, 2).expect("valid");
    let mut ours = bucket(&window);
    assert!(admits(&window, &mut ours, START) && admits(&window, &mut ours, START));
    assert!(!admits(&window, &mut ours, START - 1));
    assert!(!admits(&window, &mut ours, START - 9 * SECOND));
}

#[test]
fn the_widest_window_does_not_overflow() {
    use super::super::window::{COUNT_MAX, PERIOD_SECONDS_MAX};
    let window = Window::new(1, PERIOD_SECONDS_MAX, COUNT_MAX).expect("valid");
    let mut ours = bucket(&window);
    for _ in 0..10 {
        assert!(admits(&window, &mut ours, START));
    }
    let mut late = bucket(&window);
    assert!(admits(&window, &mut late, i128::from(i64::MAX)));
}

#[test]
fn who_is_counted_nowhere_goes_on() {
    let verdict = decide(at(START), &mut []);
    assert_eq!(
        verdict,
        Verdict::Admitted {
            remaining: u32::MAX
        }
    );
}

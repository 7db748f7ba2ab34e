use proptest::prelude::*;

use super::*;

/// The sixth hour of a day.
const HOUR: i64 = 19_676 * 24 + 5;

/// So long after the end of that day.
fn at(micros_after_day: i64) -> Timestamp {
    Timestamp::from_micros(19_677 * DAY_MICROS + micros_after_day)
}

fn policies(policies: &[(Option<i32>, Option<i32>, Option<i32>)]) -> Policies {
    let metrics: Vec<_> = policies.iter().map(|policy| policy.0).collect();
    let raw_days: Vec<_> = policies.iter().map(|policy| policy.1).collect();
    let hourly_days: Vec<_> = policies.iter().map(|policy| policy.2).collect();
    Policies::new(&metrics, &raw_days, &hourly_days).expect("sound policies")
}

#[test]
fn an_hour_is_past_so_many_days_after_the_end_of_its_day() {
    let policies = policies(&[(None, Some(2), Some(3))]);
    let kept = |after_day: i64| {
        let expiry = policies.at(at(after_day));
        (expiry.keeps_readings(7, HOUR), expiry.keeps_hour(7, HOUR))
    };
    assert_eq!(kept(2 * DAY_MICROS - 1), (true, true));
    assert_eq!(kept(2 * DAY_MICROS), (false, true));
    assert_eq!(kept(5 * DAY_MICROS - 1), (false, true));
    assert_eq!(kept(5 * DAY_MICROS), (false, false));
}

#[test]
fn a_policy_of_a_metric_replaces_that_of_all() {
    let now = at(100 * DAY_MICROS);
    let policies = policies(&[
        (Some(1), None, None),
        (None, Some(2), Some(3)),
        (Some(2), Some(200), None),
    ]);
    let expiry = policies.at(now);
    let kept = |metric| {
        (
            expiry.keeps_readings(metric, HOUR),
            expiry.keeps_hour(metric, HOUR),
        )
    };
    assert_eq!(
        [kept(0), kept(1), kept(2)],
        [(false, false), (true, true), (true, true)]
    );
    assert!(!expiry.keeps_any(0, at(0)));
    assert!(expiry.keeps_any(1, at(0)));
}

#[test]
fn without_a_policy_everything_is_kept_for_ever() {
    let policies = policies(&[]);
    let expiry = policies.at(Timestamp::from_micros(i64::MAX));
    assert!(expiry.keeps_readings(1, HOUR));
    assert!(expiry.keeps_hour(1, HOUR));
}

#[test]
fn what_contradicts_itself_is_no_policy() {
    use KeepingError::{HourlyDays, HoursWithoutEnd, RawDays};
    let refused = |raw_days, hourly_days| Keeping::new(raw_days, hourly_days).err();
    assert_eq!(refused(Some(0), None), Some(RawDays(0)));
    assert_eq!(refused(Some(-1), Some(1)), Some(RawDays(-1)));
    assert_eq!(refused(Some(36_501), None), Some(RawDays(36_501)));
    assert_eq!(refused(Some(1), Some(-1)), Some(HourlyDays(-1)));
    assert_eq!(refused(Some(1), Some(36_501)), Some(HourlyDays(36_501)));
    assert_eq!(refused(None, Some(1)), Some(HoursWithoutEnd(1)));
    for sound in [
        (None, None),
        (Some(1), None),
        (Some(36_500), Some(0)),
        (Some(1), Some(36_500)),
    ] {
        assert_eq!(refused(sound.0, sound.1), None, "{sound:?}");
    }
    let lengths = Policies::new(&[None], &[], &[None]).err();
    assert_eq!(
        lengths,
        Some(KeepingError::Lengths {
            metrics: 1,
            days: 0
        })
    );
    assert_eq!(RawDays(0).code(), "retention.invalid");
}

proptest! {
    #[test]
    fn what_lies_before_the_cutoff_is_what_is_past(
        as_of in any::<i64>(), at in any::<i64>(), days in 1..=KEPT_DAYS_MAX,
    ) {
        let (as_of, at) = (Timestamp::from_micros(as_of / 2), Timestamp::from_micros(at / 2));
        let policies = policies(&[(None, Some(days), None)]);
        let expiry = policies.at(as_of);
        prop_assert_eq!(at < cutoff(as_of, days), !expiry.keeps_readings(1, hour_of(at)));
    }

    #[test]
    fn what_lies_near_the_cutoff_is_past_before_it(
        as_of in 0..4_000_000_000_000_000_i64, off in -10_i64..10, days in 1..100,
    ) {
        let as_of = Timestamp::from_micros(as_of);
        let at = Timestamp::from_micros(cutoff(as_of, days).as_micros() + off);
        let policies = policies(&[(None, Some(days), None)]);
        let expiry = policies.at(as_of);
        prop_assert_eq!(off < 0, !expiry.keeps_readings(1, hour_of(at)));
    }
}

use proptest::prelude::*;

use super::*;

fn windows() -> impl Strategy<Value = Vec<Window>> {
    let unit = prop_oneof![Just(1_u32), Just(60), Just(3600), Just(86_400)];
    let window = (
        1..=COUNT_MAX,
        1..=31_u32,
        unit,
        any::<bool>(),
        1..=COUNT_MAX,
    )
        .prop_filter_map("too fast", |(count, number, unit, bursts, burst)| {
            Window::new(count, number * unit, if bursts { burst } else { count })
        });
    prop::collection::vec(window, 1..=WINDOWS_MAX).prop_filter("a period twice", |windows| {
        let mut periods: Vec<_> = windows.iter().map(Window::period_seconds).collect();
        periods.sort_unstable();
        periods.is_sorted_by(|left, right| left < right)
    })
}

proptest! {
    #[test]
    fn what_is_rendered_reads_the_same(windows in windows()) {
        let text: Vec<_> = windows.iter().map(ToString::to_string).collect();
        let read = Limits::parse(&text.join(" ,")).expect("rendered");
        let mut sorted = windows;
        sorted.sort_unstable_by_key(Window::period_seconds);
        prop_assert_eq!(read.windows(), sorted);
        prop_assert_eq!(Limits::parse(&read.to_string()), Ok(read));
    }

    #[test]
    fn no_text_is_upsetting(text in "[0-9smhdburst/, \t]{0,30}|.*") {
        match Limits::parse(&text) {
            Ok(read) => prop_assert_eq!(Limits::parse(&read.to_string()), Ok(read)),
            Err(error) => {
                let position = error.position().expect("an error of the grammar");
                prop_assert!((1..=text.chars().count() + 1).contains(&position));
            }
        }
    }

    #[test]
    fn an_error_points_at_the_character_that_was_put_in(
        windows in windows(), place in any::<prop::sample::Index>(),
    ) {
        let text: Vec<_> = windows.iter().map(ToString::to_string).collect();
        let mut text = text.join(", ");
        let place = place.index(text.len());
        text.insert(place, '§');
        let error = Limits::parse(&text).expect_err("no such character");
        // A word is pointed at where it begins.
        let part = (1..=4).find(|&bytes| text[..place].ends_with(&"burst"[..bytes]));
        prop_assert_eq!(error.position(), Some(place - part.unwrap_or(0) + 1), "{}", text);
    }
}

#[test]
fn limits_have_one_way_to_be_written() {
    for (text, canonical) in [
        ("100/1m", "100/1m"),
        ("100/60s", "100/1m"),
        ("100 / 90s", "100/90s"),
        ("24/24h,  1 / 1s\n", "1/1s, 24/1d"),
        ("100/1m, 1000/1h burst 20", "100/1m, 1000/1h burst 20"),
        ("100/1m burst 100", "100/1m"),
        ("1/31d burst 1000000", "1/31d burst 1000000"),
        ("10000/1s", "10000/1s"),
        ("1/1s,1/2s,1/3s,1/4s", "1/1s, 1/2s, 1/3s, 1/4s"),
    ] {
        let read = Limits::parse(text).map(|limits| limits.to_string());
        assert_eq!(read.as_deref(), Ok(canonical), "{text}");
    }
}

#[test]
fn an_error_names_the_character_and_what_belongs_there() {
    for (text, message) in [
        (
            "",
            "at character 1: expected a whole number from 1 to 1000000",
        ),
        (
            "0/1m",
            "at character 1: expected a whole number from 1 to 1000000",
        ),
        (
            "007/1m",
            "at character 1: expected a whole number from 1 to 1000000",
        ),
        (
            "1000001/1d",
            "at character 1: expected a whole number from 1 to 1000000",
        ),
        (
            "99999999999999999999/1d",
            "at character 1: expected a whole number from 1 to 1000000",
        ),
        ("100", "at character 4: expected \"/\" and a period"),
        (
            "100 per minute",
            "at character 5: expected \"/\" and a period",
        ),
        (
            "100/m",
            "at character 5: expected a whole number from 1 to 2678400",
        ),
        (
            "100/1 m",
            "at character 6: expected a unit, one of s, m, h and d",
        ),
        (
            "100/1w",
            "at character 6: expected a unit, one of s, m, h and d",
        ),
        (
            "100/1M",
            "at character 6: expected a unit, one of s, m, h and d",
        ),
        (
            "100/32d",
            "at character 5: expected a whole number from 1 to 31",
        ),
        (
            "100/745h",
            "at character 5: expected a whole number from 1 to 744",
        ),
        ("100/1m;", "at character 7: expected \",\" or the end"),
        (
            "100/1mburst 3",
            "at character 7: expected a blank, \",\" or the end",
        ),
        (
            "100/1m bust 3",
            "at character 8: expected \"burst\", \",\" or the end",
        ),
        (
            "100/1m burst3",
            "at character 13: expected a blank and a number",
        ),
        (
            "100/1m burst 0",
            "at character 14: expected a whole number from 1 to 1000000",
        ),
        (
            "100/1m,",
            "at character 8: expected a whole number from 1 to 1000000",
        ),
        (
            "1/1s, 10001/1s",
            "at character 7: expected at most 10000 a second",
        ),
        (
            "1/1m, 2/60s",
            "at character 9: expected a period that no other limit of the list has",
        ),
        (
            "1/1s,1/2s,1/3s,1/4s,1/5s",
            "at character 20: expected the end, as 4 limits are the most",
        ),
        ("100/1m – 5", "at character 8: expected \",\" or the end"),
    ] {
        let error = Limits::parse(text).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
        assert_eq!(error.code(), "limit.invalid");
    }
}

#[test]
fn a_window_is_never_looser_than_it_says() {
    for (count, seconds) in [
        (3, 1),
        (7, 1),
        (999, 1),
        (9999, 1),
        (7, 60),
        (1_000_000, 86_400),
    ] {
        let window = Window::new(count, seconds, 1).expect("valid");
        let (interval, period) = (window.interval_micros(), i64::from(seconds) * 1_000_000);
        assert!(interval * i64::from(count) >= period);
        assert!((interval - 1) * i64::from(count) < period);
    }
}

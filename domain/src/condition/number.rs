//! A number of JSON as it is written, so that none is rounded before it is compared.

use std::cmp::Ordering;

/// Digits of an exponent that are read. What is further from one is not compared at all.
const EXPONENT_DIGITS_MAX: usize = 9;

/// A decimal number of any length: `0.d₁d₂d₃… × 10^point`, without zeros at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    negative: bool,
    point: i64,
    digits: Vec<u8>,
}

impl Number {
    /// The number that a JSON text stands for; none when its exponent is out of all proportion.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (negative, magnitude) = match text.strip_prefix('-') {
            Some(magnitude) => (true, magnitude),
            None => (false, text),
        };
        let (mantissa, exponent) = match magnitude.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
            None => (magnitude, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = || whole.bytes().chain(fraction.bytes());
        if whole.is_empty() || !all().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let zeros_before = all().take_while(|&digit| digit == b'0').count();
        let mut digits: Vec<u8> = all().skip(zeros_before).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                point: 0,
                digits,
            });
        }
        let point = i64::try_from(whole.len()).ok()? - i64::try_from(zeros_before).ok()?;
        Some(Self {
            negative,
            point: point.checked_add(exponent)?,
            digits,
        })
    }

    /// −1, 0 or 1.
    fn sign(&self) -> i8 {
        match (self.digits.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.sign().cmp(&other.sign());
        if signs.is_ne() {
            return signs;
        }
        // Of two without zeros at their ends the longer one is the greater one where all else is
        // equal, which is how slices are ordered.
        let magnitudes = (self.point, &self.digits).cmp(&(other.point, &other.digits));
        if self.negative {
            magnitudes.reverse()
        } else {
            magnitudes
        }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches(['+', '-']).trim_start_matches('0');
    if digits.len() > EXPONENT_DIGITS_MAX {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Number {
        Number::parse(text).expect("a number")
    }

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        for (one, other) in [
            ("0", "-0.000"),
            ("100", "1e2"),
            ("100", "1.00E+2"),
            ("0.001", "1e-3"),
            ("-12.50", "-12.5"),
        ] {
            assert_eq!(number(one), number(other), "{one} and {other}");
        }
    }

    #[test]
    fn no_digit_is_lost() {
        // Both are the same as a float.
        assert!(number("9007199254740993") > number("9007199254740992"));
        assert!(number("0.10000000000000000001") > number("0.1"));
        assert!(number("-0.10000000000000000001") < number("-0.1"));
    }

    #[test]
    fn an_exponent_that_is_out_of_proportion_is_no_number() {
        assert_eq!(Number::parse("1e99999999999999999999"), None);
        assert_eq!(Number::parse("1e-9999999999"), None);
        assert!(Number::parse("1e999999999").is_some());
    }

    proptest! {
        #[test]
        fn numbers_are_ordered_as_integers_of_a_common_scale(
            one in -200_000_i64..200_000, other in -200_000_i64..200_000,
            one_scale in 0..4_u32, other_scale in 0..4_u32,
        ) {
            let text = |value: i64, scale: u32| format!("{value}e-{scale}");
            let scaled = |value: i64, scale: u32| value * 10_i64.pow(3 - scale);
            prop_assert_eq!(
                number(&text(one, one_scale)).cmp(&number(&text(other, other_scale))),
                scaled(one, one_scale).cmp(&scaled(other, other_scale))
            );
        }

        #[test]
        fn no_text_upsets_it(text in "[-+0-9.eE]{0,30}") {
            let _ = Number::parse(&text);
        }
    }
}

//! Decimal numbers as they are written, so that none is rounded before it is compared.

use std::cmp::Ordering;

/// Digits of an exponent that are read. What is further from one is not compared at all.
const EXPONENT_DIGITS_MAX: usize = 9;

/// Decimal digits of a group.
const GROUP_DIGITS: usize = 4;

/// Digits of a number that is written without an exponent.
const PLAIN_DIGITS_MAX: i64 = 40;

/// A decimal number of any length, in groups of four digits as Postgres has them:
/// `Σ groupᵢ × 10000^(weight − i)`, without groups of zero at either end.
///
/// A group is two bytes in the machine's order, which need not be aligned: they are read where they
/// are, in a row of a table for one.
#[derive(Clone, Copy, Debug)]
pub struct Number<'g> {
    negative: bool,
    weight: i32,
    groups: &'g [u8],
}

/// A number that owns its groups.
#[derive(Clone, Debug)]
pub(super) struct NumberBuf {
    negative: bool,
    weight: i32,
    groups: Vec<u8>,
}

impl<'g> Number<'g> {
    /// The number of these groups, two bytes each; groups of zero at the ends do not count.
    #[must_use]
    pub fn from_groups(negative: bool, weight: i32, groups: &'g [u8]) -> Self {
        let mut number = Self {
            negative,
            weight,
            groups,
        };
        while let Some((&[0, 0], rest)) = number.groups.split_first_chunk() {
            number.groups = rest;
            number.weight = number.weight.saturating_sub(1);
        }
        while let Some((rest, &[0, 0])) = number.groups.split_last_chunk() {
            number.groups = rest;
        }
        number
    }

    fn groups(self) -> impl Iterator<Item = u16> {
        let pairs = self.groups.as_chunks().0.iter();
        pairs.map(|&pair| u16::from_ne_bytes(pair))
    }

    /// −1, 0 or 1.
    const fn sign(self) -> i8 {
        match (self.groups.is_empty(), self.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.sign().cmp(&other.sign());
        if signs.is_ne() || self.groups.is_empty() {
            return signs;
        }
        // Of two without zeros at their ends the longer one is the greater one where all else is
        // equal, which is how sequences are ordered.
        let weights = self.weight.cmp(&other.weight);
        let magnitudes = weights.then_with(|| self.groups().cmp(other.groups()));
        if self.negative {
            magnitudes.reverse()
        } else {
            magnitudes
        }
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number<'_> {}

impl NumberBuf {
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
        let zeros = all().take_while(|&digit| digit == b'0').count();
        // What the first digit that is not zero counts: ten to the power of this.
        let place = i64::try_from(whole.len()).ok()? - i64::try_from(zeros).ok()? - 1 + exponent;
        let groups = i64::try_from(GROUP_DIGITS).ok()?;
        let weight = i32::try_from(place.div_euclid(groups)).ok()?;
        let before = usize::try_from(place.rem_euclid(groups)).ok()?;
        let lead = GROUP_DIGITS - 1 - before;
        let digits: Vec<u8> = std::iter::repeat_n(b'0', lead)
            .chain(all().skip(zeros))
            .collect();
        let group = |digits: &[u8]| {
            let group = (0..GROUP_DIGITS).fold(0, |group, place| {
                group * 10 + digits.get(place).map_or(0, |digit| u16::from(digit - b'0'))
            });
            group.to_ne_bytes()
        };
        let groups: Vec<u8> = digits.chunks(GROUP_DIGITS).flat_map(group).collect();
        Some(Self::from(Number::from_groups(negative, weight, &groups)))
    }

    /// Without what follows the point; none when it has more digits than `i64`.
    pub(super) fn trunc(&self) -> Option<i64> {
        let count = usize::try_from(i64::from(self.weight) + 1).unwrap_or(0);
        let mut groups = self.get().groups();
        let magnitude = (0..count).try_fold(0_i128, |sum, _| {
            let group = i128::from(groups.next().unwrap_or(0));
            sum.checked_mul(10_000)?.checked_add(group)
        })?;
        i64::try_from(if self.negative { -magnitude } else { magnitude }).ok()
    }

    pub(super) fn get(&self) -> Number<'_> {
        Number {
            negative: self.negative,
            weight: self.weight,
            groups: &self.groups,
        }
    }
}

impl From<Number<'_>> for NumberBuf {
    fn from(number: Number<'_>) -> Self {
        let is_zero = number.groups.is_empty();
        Self {
            negative: number.negative && !is_zero,
            weight: if is_zero { 0 } else { number.weight },
            groups: number.groups.to_vec(),
        }
    }
}

/// One spelling for each number, which JSON and Rust read.
impl std::fmt::Display for NumberBuf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use std::fmt::Write as _;

        let mut digits = String::new();
        for group in self.get().groups() {
            write!(digits, "{group:04}")?;
        }
        let lead = digits.len() - digits.trim_start_matches('0').len();
        let digits = digits.trim_matches('0');
        if digits.is_empty() {
            return formatter.write_str("0");
        }
        let lead = i64::try_from(lead).unwrap_or(i64::MAX);
        // The number is 0.digits × 10^point.
        let point = (i64::from(self.weight) + 1) * 4 - lead;
        let length = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
        if self.negative {
            formatter.write_str("-")?;
        }
        if point > PLAIN_DIGITS_MAX || point <= -PLAIN_DIGITS_MAX {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            write!(formatter, "{first}{dot}{rest}e{}", point - 1)
        } else if point <= 0 {
            write!(formatter, "0.{}{digits}", zeros(-point))
        } else if point >= length {
            write!(formatter, "{digits}{}", zeros(point - length))
        } else {
            let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
            write!(formatter, "{whole}.{fraction}")
        }
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

    fn number(text: &str) -> NumberBuf {
        NumberBuf::parse(text).expect("a number")
    }

    fn compare(one: &str, other: &str) -> Ordering {
        number(one).get().cmp(&number(other).get())
    }

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        for (one, other) in [
            ("0", "-0.000"),
            ("100", "1e2"),
            ("100", "1.00E+2"),
            ("0.001", "1e-3"),
            ("-12.50", "-12.5"),
            ("10000", "1e4"),
            ("0.0001", "1e-4"),
        ] {
            assert_eq!(compare(one, other), Ordering::Equal, "{one} and {other}");
            assert_eq!(number(one).to_string(), number(other).to_string());
        }
    }

    #[test]
    fn no_digit_is_lost() {
        // Both are the same as a float.
        assert!(compare("9007199254740993", "9007199254740992").is_gt());
        assert!(compare("0.10000000000000000001", "0.1").is_gt());
        assert!(compare("-0.10000000000000000001", "-0.1").is_lt());
    }

    #[test]
    fn an_exponent_that_is_out_of_proportion_is_no_number() {
        assert!(NumberBuf::parse("1e99999999999999999999").is_none());
        assert!(NumberBuf::parse("1e-9999999999").is_none());
        assert!(NumberBuf::parse("1e999999999").is_some());
    }

    #[test]
    fn a_number_is_written_in_one_way() {
        for (text, written) in [
            ("-0.0", "0"),
            ("12345678.90", "12345678.9"),
            ("-0.00012", "-0.00012"),
            ("120000", "120000"),
            ("1.5e100", "1.5e100"),
            ("-1e-100", "-1e-100"),
        ] {
            assert_eq!(number(text).to_string(), written);
        }
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
                compare(&text(one, one_scale), &text(other, other_scale)),
                scaled(one, one_scale).cmp(&scaled(other, other_scale))
            );
        }

        #[test]
        fn what_is_written_is_the_number(text in "-?[0-9]{1,30}(\\.[0-9]{1,30})?(e-?[0-9]{1,3})?") {
            let written = number(&text).to_string();
            prop_assert_eq!(compare(&written, &text), Ordering::Equal);
            prop_assert_eq!(number(&written).to_string(), written);
        }

        #[test]
        fn no_text_upsets_it(text in "[-+0-9.eE]{0,30}") {
            let _ = NumberBuf::parse(&text);
        }
    }
}

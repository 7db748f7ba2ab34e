//! Decides how numbers, sums of money and times are written in a language.
//!
//! English and German have the names of their months; every other language has dates as ISO 8601
//! writes them, which nobody misreads. Numbers have the signs of the language, or the region where
//! it matters. Unknown languages are written like English.

use jiff::civil::{Date, Time};

/// The months of the languages that have their names here, January first.
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_DE: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
/// Languages that write 1.234,5 and those that write 1 234,5.
const POINT_AND_COMMA: &[&str] = &[
    "da", "de", "el", "es", "hr", "id", "it", "nl", "pt", "ro", "sl", "sr", "tr", "vi",
];
const SPACE_AND_COMMA: &[&str] = &[
    "bg", "cs", "et", "fi", "fr", "hu", "lt", "lv", "nb", "nn", "no", "pl", "ru", "sk", "sv", "uk",
];
/// Currencies that have other than two decimals (ISO 4217).
const DECIMALS: &[(&str, usize)] = &[
    ("BHD", 3),
    ("CLP", 0),
    ("IQD", 3),
    ("ISK", 0),
    ("JOD", 3),
    ("JPY", 0),
    ("KRW", 0),
    ("KWD", 3),
    ("LYD", 3),
    ("OMR", 3),
    ("PYG", 0),
    ("TND", 3),
    ("UGX", 0),
    ("VND", 0),
    ("XAF", 0),
    ("XOF", 0),
    ("XPF", 0),
];
/// Signs that mean one currency wherever they are read. The others have their codes.
const SIGNS: &[(&str, &str)] = &[("EUR", "€"), ("GBP", "£")];

/// Does not break a line.
const HARD_SPACE: char = '\u{a0}';

/// How a language writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notation {
    group: char,
    decimal: char,
    dates: Dates,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dates {
    British,
    American,
    German,
    Iso,
}

impl Notation {
    /// The notation of a language tag such as `de`, `de-CH` or `en-US`.
    #[must_use]
    pub fn of(tag: &str) -> Self {
        let tag = tag.to_ascii_lowercase();
        let language = tag.split('-').next().unwrap_or_default();
        let (group, decimal) = match tag.as_str() {
            "de-ch" | "de-li" => ('’', '.'),
            "de-at" => (HARD_SPACE, ','),
            _ if POINT_AND_COMMA.contains(&language) => ('.', ','),
            _ if SPACE_AND_COMMA.contains(&language) => (HARD_SPACE, ','),
            _ => (',', '.'),
        };
        let dates = match language {
            "de" => Dates::German,
            "en" if matches!(tag.as_str(), "en-us" | "en-ph") => Dates::American,
            "en" => Dates::British,
            _ => Dates::Iso,
        };
        Self {
            group,
            decimal,
            dates,
        }
    }

    /// A number that is written with digits and a point, such as `-1234.5`.
    #[must_use]
    pub fn number(&self, plain: &str) -> String {
        let (sign, plain) = plain
            .strip_prefix('-')
            .map_or(("", plain), |rest| ("-", rest));
        let (whole, fraction) = plain.split_once('.').unwrap_or((plain, ""));
        let mut written = sign.to_owned();
        // Four digits are read at a glance, and may be a year.
        let groups = whole.len() > 4 && whole.bytes().all(|digit| digit.is_ascii_digit());
        for (place, digit) in whole.chars().enumerate() {
            if groups && place > 0 && (whole.len() - place).is_multiple_of(3) {
                written.push(self.group);
            }
            written.push(digit);
        }
        if !fraction.is_empty() {
            written.push(self.decimal);
            written.push_str(fraction);
        }
        written
    }

    /// A sum in the smallest unit of its currency.
    #[must_use]
    pub fn money(&self, amount_minor: i64, currency: &str) -> String {
        let decimals = DECIMALS
            .iter()
            .find(|(code, _)| *code == currency)
            .map_or(2, |&(_, decimals)| decimals);
        let digits = format!(
            "{:0>width$}",
            amount_minor.unsigned_abs(),
            width = decimals + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let mut amount = self.number(whole);
        if whole.len() == 4 {
            amount.insert(1, self.group);
        }
        if decimals > 0 {
            amount.push(self.decimal);
            amount.push_str(fraction);
        }
        let minus = if amount_minor < 0 { "-" } else { "" };
        let sign = SIGNS.iter().find(|(code, _)| *code == currency);
        match (self.decimal, sign) {
            (',', _) => format!(
                "{minus}{amount}{HARD_SPACE}{}",
                sign.map_or(currency, |s| s.1)
            ),
            (_, Some((_, sign))) => format!("{minus}{sign}{amount}"),
            (_, None) => format!("{currency}{HARD_SPACE}{minus}{amount}"),
        }
    }

    /// A day.
    #[must_use]
    pub fn date(&self, date: Date) -> String {
        let (year, day) = (date.year(), date.day());
        let month = |names: &[&'static str; 12]| {
            let place = usize::try_from(date.month()).unwrap_or(1).saturating_sub(1);
            names.get(place).copied().unwrap_or_default()
        };
        match self.dates {
            Dates::British => format!("{day} {} {year}", month(&MONTHS_EN)),
            Dates::American => format!("{} {day}, {year}", month(&MONTHS_EN)),
            Dates::German => format!("{day}. {} {year}", month(&MONTHS_DE)),
            Dates::Iso => date.to_string(),
        }
    }

    /// A time of day, without seconds.
    #[must_use]
    pub fn time(&self, time: Time) -> String {
        let (hour, minute) = (time.hour(), time.minute());
        match self.dates {
            Dates::American => {
                let half = if hour < 12 { "AM" } else { "PM" };
                let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
                format!("{hour}:{minute:02} {half}")
            }
            _ => format!("{hour:02}:{minute:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_notation_is_as_documented() {
        // number, money, money without a sign of its own, date, time
        for (tag, expected) in [
            (
                "en",
                [
                    "1,234,567.5",
                    "€1,234.50",
                    "USD\u{a0}1,234.50",
                    "3 March 2026",
                    "14:05",
                ],
            ),
            (
                "en-US",
                [
                    "1,234,567.5",
                    "€1,234.50",
                    "USD\u{a0}1,234.50",
                    "March 3, 2026",
                    "2:05 PM",
                ],
            ),
            (
                "de",
                [
                    "1.234.567,5",
                    "1.234,50\u{a0}€",
                    "1.234,50\u{a0}USD",
                    "3. März 2026",
                    "14:05",
                ],
            ),
            (
                "de-CH",
                [
                    "1’234’567.5",
                    "€1’234.50",
                    "USD\u{a0}1’234.50",
                    "3. März 2026",
                    "14:05",
                ],
            ),
            (
                "fr",
                [
                    "1\u{a0}234\u{a0}567,5",
                    "1\u{a0}234,50\u{a0}€",
                    "1\u{a0}234,50\u{a0}USD",
                    "2026-03-03",
                    "14:05",
                ],
            ),
            (
                "",
                [
                    "1,234,567.5",
                    "€1,234.50",
                    "USD\u{a0}1,234.50",
                    "2026-03-03",
                    "14:05",
                ],
            ),
        ] {
            let notation = Notation::of(tag);
            let written = [
                notation.number("1234567.5"),
                notation.money(123_450, "EUR"),
                notation.money(123_450, "USD"),
                notation.date(date(2026, 3, 3)),
                notation.time(time(14, 5, 59, 0)),
            ];
            assert_eq!(written, expected, "{tag}");
        }
    }

    #[test]
    fn money_has_the_decimals_of_its_currency() {
        let english = Notation::of("en");
        assert_eq!(english.money(1_234, "JPY"), "JPY\u{a0}1,234");
        assert_eq!(english.money(1_234, "KWD"), "KWD\u{a0}1.234");
        assert_eq!(english.money(-5, "EUR"), "-€0.05");
        assert_eq!(
            english.money(i64::MIN, "EUR"),
            "-€92,233,720,368,547,758.08"
        );
    }

    proptest! {
        #[test]
        fn a_sum_keeps_its_digits(amount: i64, tag in "[a-z]{2}(-[A-Z]{2})?") {
            let written = Notation::of(&tag).money(amount, "CHF");
            let digits: String = written.chars().filter(char::is_ascii_digit).collect();
            prop_assert_eq!(digits.parse::<u64>().ok(), Some(amount.unsigned_abs()));
        }
    }
}

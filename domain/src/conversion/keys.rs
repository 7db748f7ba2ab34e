//! What a lead is known by: the normal forms in which people and companies are compared.

use serde::Serialize;

use super::record::Record;

/// Puts a value into the form in which two are compared; none where there is none.
pub(super) type Normal = fn(&str) -> Option<String>;

/// Digits of a phone number below which two may be alike by chance: extensions, short codes.
const PHONE_DIGITS_MIN: usize = 6;

/// Domains at which anybody may have an address: they say nothing of a company. The large ones of
/// the world and of the German-speaking countries; what is missing costs a look at the name.
const FREE_MAIL_DOMAINS: [&str; 48] = [
    "126.com",
    "163.com",
    "a1.net",
    "aol.com",
    "arcor.de",
    "bluewin.ch",
    "btinternet.com",
    "comcast.net",
    "fastmail.com",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hey.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.de",
    "mail.ru",
    "mailbox.org",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "posteo.de",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "t-online.de",
    "web.de",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.de",
    "yandex.ru",
    "zoho.com",
];

/// Whether anybody may have an address at a domain, so that it says nothing of a company.
#[must_use]
pub fn is_free_mail_domain(domain: &str) -> bool {
    FREE_MAIL_DOMAINS.binary_search(&domain).is_ok()
}

/// An e-mail address as two are compared: without space around it, letters lowered.
#[must_use]
pub fn normal_email(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    (!email.is_empty()).then_some(email)
}

/// A phone number as two are compared, as `core.normal_identifier` has it: the digits after + or 00.
/// None for what is none, or too short to tell people apart.
#[must_use]
pub fn normal_phone(phone: &str) -> Option<String> {
    let is_number = |byte: u8| byte.is_ascii_digit() || b"-+ ()/.".contains(&byte);
    if !phone.bytes().all(is_number) {
        return None;
    }
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    (digits.len() >= PHONE_DIGITS_MIN).then(|| digits.to_owned())
}

/// A name as two are compared: letters lowered, one space between words.
#[must_use]
pub fn normal_name(name: &str) -> Option<String> {
    let name = name
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase();
    (!name.is_empty()).then_some(name)
}

/// What to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// The person's e-mail address.
    pub email: Option<String>,
    /// The person's phone number.
    pub phone: Option<String>,
    /// Given and family name.
    pub person: Option<String>,
    /// The domain of the e-mail address, unless anybody may have one there.
    pub domain: Option<String>,
    /// The name of the company.
    pub company: Option<String>,
}

impl Keys {
    /// What a lead is known by.
    #[must_use]
    pub fn of(lead: &Record) -> Self {
        let email = lead.text("email").as_deref().and_then(normal_email);
        let domain = email
            .as_deref()
            .and_then(|email| email.rsplit_once('@'))
            .map(|(_, domain)| domain.to_owned())
            .filter(|domain| domain.contains('.') && !is_free_mail_domain(domain));
        let names: Vec<_> = ["given_name", "family_name"]
            .iter()
            .filter_map(|field| lead.text(field))
            .collect();
        Self {
            phone: lead.text("phone").as_deref().and_then(normal_phone),
            person: normal_name(&names.join(" ")),
            company: lead.text("company_name").as_deref().and_then(normal_name),
            email,
            domain,
        }
    }

    /// Whether there is anything of a person in the lead.
    #[must_use]
    pub fn names_a_person(lead: &Record) -> bool {
        ["given_name", "family_name", "email", "phone"]
            .iter()
            .any(|field| !lead.is_empty(field))
    }
}

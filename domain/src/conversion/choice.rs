//! Which of the records that were found a lead is about.

use serde::{Deserialize, Serialize};

use super::fill::Point;
use super::keys::{Keys, Normal, normal_email, normal_name, normal_phone};
use super::options::Wanted;
use super::record::Record;

/// By what a record was chosen. Rules are tried in this order; the first that fits any record wins,
/// and of several records the first, which is the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Whoever converted named it.
    Given,
    /// The e-mail address is the same.
    Email,
    /// The phone number is the same.
    Phone,
    /// The company has the domain of the e-mail address.
    Domain,
    /// The name is the same; that of a contact within the chosen company.
    Name,
    /// It is the company that the contact works for.
    Contact,
    /// Nothing fitted, or a new one was asked for.
    New,
    /// The lead says nothing of one, or none was asked for.
    Nothing,
}

/// A record that a lead may be about, with what hangs on it.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Candidate {
    /// Its columns.
    pub record: Record,
    /// Its further e-mails, phones and addresses.
    #[serde(default)]
    pub points: Vec<Point>,
    /// The further companies that a contact works for.
    #[serde(default)]
    pub company_ids: Vec<String>,
}

impl Candidate {
    /// The id of the record.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.record.text("id")
    }

    /// All e-mail addresses in their normal form, or phone numbers, as `kind` says.
    pub(super) fn reached_by<'a>(
        &'a self,
        kind: &'a str,
        normal: Normal,
    ) -> impl Iterator<Item = String> {
        let points = self.points.iter().filter(move |point| point.kind == kind);
        points
            .filter_map(|point| point.value.clone())
            .chain(self.record.text(kind))
            .filter_map(move |value| normal(&value))
    }
}

/// What was found, the oldest first: only what the caller may write.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Found {
    /// Companies that may be the lead's.
    #[serde(default)]
    pub companies: Vec<Candidate>,
    /// Contacts that may be the lead.
    #[serde(default)]
    pub contacts: Vec<Candidate>,
}

/// A choice: the record, the rule, and how many others the rule fitted too.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'a> {
    pub(super) record: Option<&'a Candidate>,
    pub(super) rule: Rule,
    pub(super) others: usize,
}

impl<'a> Choice<'a> {
    const fn without(rule: Rule) -> Self {
        Self {
            record: None,
            rule,
            others: 0,
        }
    }

    fn among(
        candidates: &'a [Candidate],
        rule: Rule,
        fits: impl Fn(&Candidate) -> bool,
    ) -> Option<Self> {
        let mut fitting = candidates.iter().filter(|candidate| fits(candidate));
        let record = fitting.next()?;
        Some(Self {
            record: Some(record),
            rule,
            others: fitting.count(),
        })
    }
}

/// The company and the contact of a lead.
pub(super) fn choose<'a>(
    lead: &Record,
    keys: &Keys,
    wanted: (&Wanted, &Wanted),
    found: &'a Found,
) -> (Choice<'a>, Choice<'a>) {
    let (wanted_company, wanted_contact) = wanted;
    let company = match wanted_company {
        Wanted::Nothing => Choice::without(Rule::Nothing),
        Wanted::Create if keys.company.is_some() || keys.domain.is_some() => {
            Choice::without(Rule::New)
        }
        Wanted::Create => Choice::without(Rule::Nothing),
        Wanted::Given(id) => given(&found.companies, id),
        Wanted::Find => find_company(keys, found),
    };
    let contact = match wanted_contact {
        Wanted::Nothing => Choice::without(Rule::Nothing),
        Wanted::Create => Choice::without(Rule::New),
        Wanted::Given(id) => given(&found.contacts, id),
        Wanted::Find => find_contact(lead, keys, company.record, found),
    };
    // Of a company that the lead says nothing of, the contact may know.
    let known = contact
        .record
        .and_then(|contact| contact.record.text("company_id"))
        .filter(|_| company.rule == Rule::Nothing && *wanted_company == Wanted::Find)
        .and_then(|id| {
            let has_id = |company: &Candidate| company.id().as_ref() == Some(&id);
            Choice::among(&found.companies, Rule::Contact, has_id)
        });
    (known.unwrap_or(company), contact)
}

fn given<'a>(candidates: &'a [Candidate], id: &str) -> Choice<'a> {
    Choice::among(candidates, Rule::Given, |candidate| {
        candidate.id().as_deref() == Some(id)
    })
    .unwrap_or(Choice::without(Rule::Nothing))
}

fn find_company<'a>(keys: &Keys, found: &'a Found) -> Choice<'a> {
    let has = |field: &'static str, key: &Option<String>| {
        let key = key.clone();
        move |company: &Candidate| {
            key.is_some() && company.record.text(field).as_deref().and_then(normal_name) == key
        }
    };
    Choice::among(&found.companies, Rule::Domain, has("domain", &keys.domain))
        .or_else(|| Choice::among(&found.companies, Rule::Name, has("name", &keys.company)))
        .unwrap_or(Choice::without(match keys.company {
            Some(_) => Rule::New,
            None => Rule::Nothing,
        }))
}

fn find_contact<'a>(
    lead: &Record,
    keys: &Keys,
    company: Option<&Candidate>,
    found: &'a Found,
) -> Choice<'a> {
    let reached = |kind: &'static str, normal: Normal, key: &Option<String>| {
        let key = key.clone();
        move |contact: &Candidate| {
            key.as_ref()
                .is_some_and(|key| contact.reached_by(kind, normal).any(|it| it == *key))
        }
    };
    let company_id = company.and_then(Candidate::id);
    let is_named_there = |contact: &Candidate| {
        let works_there = |id: &String| {
            contact.record.text("company_id").as_ref() == Some(id)
                || contact.company_ids.contains(id)
        };
        let name = contact.record.text("name").as_deref().and_then(normal_name);
        keys.person.is_some() && name == keys.person && company_id.as_ref().is_some_and(works_there)
    };
    Choice::among(
        &found.contacts,
        Rule::Email,
        reached("email", normal_email, &keys.email),
    )
    .or_else(|| {
        let by_phone = reached("phone", normal_phone, &keys.phone);
        Choice::among(&found.contacts, Rule::Phone, by_phone)
    })
    .or_else(|| Choice::among(&found.contacts, Rule::Name, is_named_there))
    .unwrap_or(Choice::without(match Keys::names_a_person(lead) {
        true => Rule::New,
        false => Rule::Nothing,
    }))
}

//! What a lead becomes, as a plan: nothing in it depends on who reads it or when.

use serde::Serialize;
use serde_json::Value;

use super::choice::{Candidate, Choice, Found, Rule, choose};
use super::error::ConversionError;
use super::fill::{
    COMPANY_FIELDS, CONTACT_FIELDS, Fill, Filling, Point, Source, points_of_contact,
    points_of_place,
};
use super::keys::Keys;
use super::options::{DealOptions, Options, Wanted};
use super::record::{Record, Schema};
use super::{COMPANIES, CONTACTS, DEALS};

/// Characters of a company's or a deal's name.
const NAME_CHARACTERS_MAX: usize = 200;

/// What is done about a contact or a company.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is made.
    Create,
    /// One that is there is filled up.
    Match,
    /// Nothing.
    Nothing,
}

/// What becomes of the lead in one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Target {
    /// What is done.
    pub action: Action,
    /// Which one, where it is there already.
    pub id: Option<String>,
    /// By what it was chosen.
    pub rule: Rule,
    /// How many others the rule fitted too.
    pub others: usize,
    /// The fields that are filled.
    pub fills: Vec<Fill>,
    /// The fields that say something else than the lead, and are left alone.
    pub kept: Vec<String>,
    /// What is added to `crm.contact_points`.
    pub points: Vec<Point>,
}

/// What a lead becomes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// The company.
    pub company: Target,
    /// The contact.
    pub contact: Target,
    /// Whether the contact, who works elsewhere, works for the company too from now on.
    pub adds_company: bool,
    /// The fields of the deal, where one is made.
    pub deal: Option<Vec<Fill>>,
}

/// Decides what a lead becomes.
///
/// # Errors
/// [`ConversionError::Nothing`] if there would be neither a contact nor a company, and
/// [`ConversionError::Options`] for an amount without a currency.
pub fn plan(
    lead: &Record,
    options: &Options,
    found: &Found,
    schema: &Schema,
) -> Result<Plan, ConversionError> {
    let keys = Keys::of(lead);
    let (company, contact) = choose(lead, &keys, (&options.company, &options.contact), found);
    let mut company_target = target(COMPANIES, &COMPANY_FIELDS, company, lead, schema);
    let mut contact_target = target(CONTACTS, &CONTACT_FIELDS, contact, lead, schema);
    if company_target.action == Action::Nothing && contact_target.action == Action::Nothing {
        return Err(ConversionError::Nothing);
    }
    fill_domain(&mut company_target, company, &keys);
    let adds_company = join(&mut contact_target, contact, &company_target, company);
    let (there, here) = (company.record.cloned(), contact.record.cloned());
    if contact_target.action == Action::Match {
        contact_target.points = points_of_contact(lead, here.as_ref().unwrap_or(&EMPTY));
    }
    if company_target.action == Action::Nothing {
        let place = here.as_ref().unwrap_or(&EMPTY);
        contact_target
            .points
            .extend(points_of_place(lead, place, false));
    } else {
        company_target.points = points_of_place(lead, there.as_ref().unwrap_or(&EMPTY), true);
    }
    let deal = match &options.deal {
        Some(deal) => Some(deal_fields(
            deal,
            lead,
            &contact_target,
            &company_target,
            schema,
        )?),
        None => None,
    };
    Ok(Plan {
        company: company_target,
        contact: contact_target,
        adds_company,
        deal,
    })
}

/// What is compared with where a record is new.
static EMPTY: std::sync::LazyLock<Candidate> = std::sync::LazyLock::new(Candidate::default);

fn target(
    object: &str,
    pairs: &[(&str, &str)],
    choice: Choice<'_>,
    lead: &Record,
    schema: &Schema,
) -> Target {
    let action = match (choice.record, choice.rule) {
        (Some(_), _) => Action::Match,
        (None, Rule::New) => Action::Create,
        (None, _) => Action::Nothing,
    };
    let filling = match action {
        Action::Nothing => Filling::default(),
        Action::Create | Action::Match => {
            let record = &choice.record.unwrap_or(&EMPTY).record;
            Filling::of(object, pairs, lead, record, schema)
        }
    };
    Target {
        action,
        id: choice.record.and_then(Candidate::id),
        rule: choice.rule,
        others: choice.others,
        fills: filling.fills,
        kept: filling.kept,
        points: Vec::new(),
    }
}

/// A company without a domain gets that of the e-mail address; a new one without a name is called
/// by it.
fn fill_domain(target: &mut Target, company: Choice<'_>, keys: &Keys) {
    let Some(domain) = keys.domain.as_deref() else {
        return;
    };
    let record = &company.record.unwrap_or(&EMPTY).record;
    // Who works for a contact's or a given company may well have an address of another.
    let is_theirs = matches!(company.rule, Rule::Name | Rule::New);
    if is_theirs && record.is_empty("domain") {
        target.fills.push(Fill::value("domain", domain));
    }
    if target.action == Action::Create && !target.fills.iter().any(|fill| fill.field == "name") {
        target.fills.push(Fill::value("name", domain));
    }
}

/// Lets the contact work for the company: mainly, if for no other, else too.
fn join(
    contact: &mut Target,
    choice: Choice<'_>,
    company: &Target,
    company_choice: Choice<'_>,
) -> bool {
    if contact.action == Action::Nothing || company.action == Action::Nothing {
        return false;
    }
    let there = choice.record.unwrap_or(&EMPTY);
    if there.record.is_empty("company_id") {
        contact.fills.push(Fill {
            field: "company_id".to_owned(),
            source: Source::Company,
        });
        return false;
    }
    let company_id = company_choice.record.and_then(Candidate::id);
    company_id.is_none_or(|id| {
        there.record.text("company_id").as_ref() != Some(&id) && !there.company_ids.contains(&id)
    })
}

fn deal_fields(
    options: &DealOptions,
    lead: &Record,
    contact: &Target,
    company: &Target,
    schema: &Schema,
) -> Result<Vec<Fill>, ConversionError> {
    let mut fields = vec![Fill::value("name", deal_name(options, lead))];
    if contact.action != Action::Nothing {
        fields.push(Fill {
            field: "contact_id".to_owned(),
            source: Source::Contact,
        });
    }
    if company.action != Action::Nothing {
        fields.push(Fill {
            field: "company_id".to_owned(),
            source: Source::Company,
        });
    }
    fields.extend(deal_amount(options, lead)?);
    let given = [
        ("pipeline_id", &options.pipeline_id),
        ("expected_close_on", &options.expected_close_on),
    ];
    for (field, value) in given {
        fields.extend(value.as_deref().map(|value| Fill::value(field, value)));
    }
    let told = ["description", "interest"]
        .into_iter()
        .find(|field| !lead.is_empty(field));
    fields.extend(told.map(|field| Fill::from("description", field)));
    fields.extend(
        Filling::of(
            DEALS,
            &[("source", "source")],
            lead,
            &Record::default(),
            schema,
        )
        .fills,
    );
    Ok(fields)
}

/// What was asked for, what the lead asks for, or whom it is about.
fn deal_name(options: &DealOptions, lead: &Record) -> String {
    let known = ["interest", "company_name", "name"]
        .into_iter()
        .find_map(|field| lead.text(field));
    let name = options
        .name
        .clone()
        .or(known)
        .unwrap_or_else(|| "?".to_owned());
    name.chars().take(NAME_CHARACTERS_MAX).collect()
}

/// An amount goes with its own currency, never with another.
fn deal_amount(options: &DealOptions, lead: &Record) -> Result<Vec<Fill>, ConversionError> {
    let currency = options.currency.clone().or_else(|| lead.text("currency"));
    let of_lead = currency == lead.text("currency") && !lead.is_empty("amount_minor");
    let amount = match options.amount_minor {
        Some(amount) => Some(Fill::value("amount_minor", Value::from(amount))),
        None => of_lead.then(|| Fill::from("amount_minor", "amount_minor")),
    };
    if amount.is_some() && currency.is_none() {
        return Err(ConversionError::Options {
            path: "/deal/currency".to_owned(),
            expected: "the currency of the amount",
        });
    }
    let currency = currency.map(|currency| Fill::value("currency", currency));
    Ok(amount.into_iter().chain(currency).collect())
}

impl Options {
    /// The ids that whoever converts has named, of a contact and of a company.
    #[must_use]
    pub fn given(&self) -> (Option<&str>, Option<&str>) {
        fn id(wanted: &Wanted) -> Option<&str> {
            match wanted {
                Wanted::Given(id) => Some(id.as_str()),
                _ => None,
            }
        }
        (id(&self.contact), id(&self.company))
    }
}

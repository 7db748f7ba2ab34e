//! Which fields of a record a lead fills, and what it knows beyond a full one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::LEADS;
use super::choice::Candidate;
use super::keys::{Normal, normal_email, normal_name, normal_phone};
use super::record::{Record, Schema};

/// From where a field gets its value.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From this field of the lead.
    From(String),
    /// It is this.
    Value(Value),
    /// It is the id of the company that the lead becomes.
    Company,
    /// It is the id of the contact that the lead becomes.
    Contact,
}

/// A field that is filled, which was empty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fill {
    /// The field; `custom.color` for the tenant's own.
    pub field: String,
    /// Its value.
    pub source: Source,
}

impl Fill {
    pub(super) fn from(field: &str, lead_field: &str) -> Self {
        Self {
            field: field.to_owned(),
            source: Source::From(lead_field.to_owned()),
        }
    }

    pub(super) fn value(field: &str, value: impl Into<Value>) -> Self {
        Self {
            field: field.to_owned(),
            source: Source::Value(value.into()),
        }
    }
}

/// A further e-mail, phone or web address, or an address: a row of `crm.contact_points`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// email, phone, url or address.
    pub kind: String,
    /// Of all but an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Of an address, as all that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<String>,
    /// City.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country_code: Option<String>,
}

impl Point {
    fn at(kind: &str, value: String) -> Self {
        Self {
            kind: kind.to_owned(),
            value: Some(value),
            ..Self::default()
        }
    }

    fn address_of(lead: &Record) -> Option<Self> {
        let address = Self {
            kind: "address".to_owned(),
            value: None,
            street: lead.text("street"),
            postal_code: lead.text("postal_code"),
            city: lead.text("city"),
            region: lead.text("region"),
            country_code: lead.text("country_code"),
        };
        let is_empty = address.address_lines().iter().all(Option::is_none);
        (!is_empty).then_some(address)
    }

    fn address_lines(&self) -> [Option<String>; 5] {
        [
            &self.street,
            &self.postal_code,
            &self.city,
            &self.region,
            &self.country_code,
        ]
        .map(|line| line.as_deref().and_then(normal_name))
    }
}

/// What fields of a contact are filled from which of the lead.
pub(super) const CONTACT_FIELDS: [(&str, &str); 9] = [
    ("salutation", "salutation"),
    ("given_name", "given_name"),
    ("family_name", "family_name"),
    ("job_title", "job_title"),
    ("email", "email"),
    ("phone", "phone"),
    ("language", "language"),
    ("description", "description"),
    ("source", "source"),
];

/// What fields of a company are filled from which of the lead.
pub(super) const COMPANY_FIELDS: [(&str, &str); 4] = [
    ("name", "company_name"),
    ("website", "website"),
    ("language", "language"),
    ("source", "source"),
];

/// What is filled of a record, and what is kept although the lead says something else.
#[derive(Clone, Debug, Default)]
pub(super) struct Filling {
    pub(super) fills: Vec<Fill>,
    pub(super) kept: Vec<String>,
}

impl Filling {
    /// Compares a record, or nothing for a new one, with the lead.
    pub(super) fn of(
        object: &str,
        pairs: &[(&str, &str)],
        lead: &Record,
        target: &Record,
        schema: &Schema,
    ) -> Self {
        let mut filling = Self::default();
        for (field, lead_field) in pairs {
            filling.compare(field, lead_field, lead, target);
        }
        for field in lead.custom_fields() {
            if is_carried(object, &field, lead, schema) {
                filling.compare(&field, &field, lead, target);
            }
        }
        filling
    }

    fn compare(&mut self, field: &str, lead_field: &str, lead: &Record, target: &Record) {
        if lead.is_empty(lead_field) {
        } else if target.is_empty(field) {
            self.fills.push(Fill::from(field, lead_field));
        } else if lead.value(lead_field) != target.value(field) {
            self.kept.push(field.to_owned());
        }
    }
}

/// Whether the tenant's own field is also one of the object's, of the same type and for that value.
fn is_carried(object: &str, field: &str, lead: &Record, schema: &Schema) -> bool {
    let (Some(here), Some(there)) = (schema.field(LEADS, field), schema.field(object, field))
    else {
        return false;
    };
    let is_listed = there.values.as_ref().is_none_or(|values| {
        let chosen = lead.value(field).unwrap_or("null");
        match serde_json::from_str(chosen) {
            Ok(Value::String(one)) => values.contains(&one),
            Ok(Value::Array(several)) => several.iter().all(|one| {
                one.as_str()
                    .is_some_and(|one| values.iter().any(|it| it == one))
            }),
            _ => true,
        }
    });
    here.kind == there.kind && is_listed
}

/// What a lead knows of how to reach a contact that the contact's own fields have no room for.
pub(super) fn points_of_contact(lead: &Record, contact: &Candidate) -> Vec<Point> {
    let kinds: [(&str, Normal); 2] = [
        ("email", normal_email),
        ("phone", |phone| {
            normal_phone(phone).or_else(|| normal_name(phone))
        }),
    ];
    kinds
        .into_iter()
        .filter_map(|(kind, normal)| {
            let value = lead.text(kind)?;
            let key = normal(&value);
            let is_known = contact
                .reached_by(kind, normal)
                .any(|known| Some(known) == key);
            (!contact.record.is_empty(kind) && !is_known).then(|| Point::at(kind, value))
        })
        .collect()
}

/// The lead's web address and address, as far as they are new to a record: those of the company
/// where there is one, else of the contact, whose `website` is never set.
pub(super) fn points_of_place(lead: &Record, place: &Candidate, has_website: bool) -> Vec<Point> {
    let website = lead.text("website").filter(|website| {
        let key = normal_name(website);
        let has_room = has_website && place.record.is_empty("website");
        let is_known = place
            .record
            .text("website")
            .as_deref()
            .and_then(normal_name)
            == key
            || place.points.iter().any(|point| {
                point.kind == "url" && point.value.as_deref().and_then(normal_name) == key
            });
        !has_room && !is_known
    });
    let address = Point::address_of(lead).filter(|address| {
        let lines = address.address_lines();
        !place
            .points
            .iter()
            .any(|point| point.kind == "address" && point.address_lines() == lines)
    });
    website
        .map(|value| Point::at("url", value))
        .into_iter()
        .chain(address)
        .collect()
}

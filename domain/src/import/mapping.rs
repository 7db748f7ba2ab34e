//! Proposes which field a column fills, by what stands above it: the field's name, its label, or
//! what people call it in English and German.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::plan::Fields;

/// What people call fields, folded by [`folded`].
const SYNONYMS: &[(&str, &[&str])] = &[
    (
        "external_id",
        &[
            "externeid",
            "extid",
            "kundennummer",
            "kundennr",
            "customerid",
            "customernumber",
            "recordid",
            "nummer",
            "number",
        ],
    ),
    ("salutation", &["anrede", "title", "titel", "prefix"]),
    (
        "given_name",
        &["firstname", "first", "vorname", "forename", "givenname"],
    ),
    (
        "family_name",
        &[
            "lastname",
            "last",
            "surname",
            "nachname",
            "familienname",
            "zuname",
        ],
    ),
    (
        "name",
        &[
            "company",
            "companyname",
            "firma",
            "firmenname",
            "unternehmen",
            "organisation",
            "organization",
            "account",
            "accountname",
            "bezeichnung",
            "dealname",
            "deal",
            "opportunity",
            "produkt",
            "product",
            "artikel",
        ],
    ),
    (
        "company_name",
        &[
            "company",
            "firma",
            "firmenname",
            "unternehmen",
            "organisation",
            "organization",
        ],
    ),
    (
        "company_id",
        &[
            "company",
            "companyname",
            "firma",
            "firmenname",
            "unternehmen",
            "organisation",
            "organization",
            "account",
            "accountname",
            "kunde",
        ],
    ),
    (
        "contact_id",
        &[
            "contact",
            "kontakt",
            "ansprechpartner",
            "person",
            "contactemail",
        ],
    ),
    (
        "job_title",
        &[
            "jobtitle", "position", "funktion", "role", "rolle", "beruf", "stelle",
        ],
    ),
    (
        "email",
        &[
            "emailaddress",
            "mail",
            "emailadresse",
            "mailadresse",
            "email1",
            "primaryemail",
            "geschaeftlicheemail",
        ],
    ),
    (
        "phone",
        &[
            "phonenumber",
            "telephone",
            "telefon",
            "telefonnummer",
            "tel",
            "rufnummer",
            "businessphone",
            "phone1",
            "telefongeschaeftlich",
        ],
    ),
    (
        "more.phone",
        &[
            "mobile",
            "mobilephone",
            "cell",
            "cellphone",
            "handy",
            "mobil",
            "mobiltelefon",
            "mobilnummer",
            "phone2",
            "telefon2",
        ],
    ),
    (
        "more.email",
        &["email2", "secondaryemail", "weitereemail", "privateemail"],
    ),
    (
        "website",
        &["web", "url", "homepage", "webseite", "internet", "webpage"],
    ),
    ("domain", &["companydomain", "domaene"]),
    (
        "birth_date",
        &[
            "birthday",
            "birthdate",
            "dateofbirth",
            "geburtstag",
            "geburtsdatum",
        ],
    ),
    ("language", &["sprache", "lang", "locale"]),
    (
        "description",
        &[
            "notes",
            "note",
            "comment",
            "comments",
            "notiz",
            "notizen",
            "bemerkung",
            "beschreibung",
            "anmerkung",
            "kommentar",
        ],
    ),
    (
        "do_not_contact",
        &[
            "donotcall",
            "optout",
            "keinewerbung",
            "nichtkontaktieren",
            "gesperrt",
        ],
    ),
    ("source", &["leadsource", "origin", "quelle", "herkunft"]),
    (
        "owner_id",
        &[
            "owner",
            "owneremail",
            "besitzer",
            "inhaber",
            "verantwortlich",
            "betreuer",
            "zustaendig",
            "assignedto",
            "vertriebler",
        ],
    ),
    (
        "street",
        &[
            "address",
            "address1",
            "strasse",
            "adresse",
            "anschrift",
            "streetaddress",
            "mailingstreet",
        ],
    ),
    (
        "postal_code",
        &["zip", "zipcode", "postcode", "plz", "postleitzahl"],
    ),
    ("city", &["town", "ort", "stadt", "wohnort"]),
    (
        "region",
        &["state", "province", "bundesland", "kanton", "county"],
    ),
    (
        "country_code",
        &["country", "land", "laendercode", "countryiso"],
    ),
    ("industry", &["branche", "sector", "sektor"]),
    (
        "employee_count",
        &[
            "employees",
            "numberofemployees",
            "mitarbeiter",
            "mitarbeiterzahl",
            "headcount",
        ],
    ),
    (
        "annual_revenue_minor",
        &["revenue", "annualrevenue", "umsatz", "jahresumsatz"],
    ),
    (
        "vat_number",
        &[
            "vat",
            "vatid",
            "ustid",
            "ustidnr",
            "umsatzsteuerid",
            "taxid",
        ],
    ),
    (
        "amount_minor",
        &[
            "amount",
            "value",
            "dealvalue",
            "betrag",
            "wert",
            "summe",
            "volumen",
            "auftragswert",
        ],
    ),
    (
        "unit_price_minor",
        &[
            "price",
            "unitprice",
            "preis",
            "einzelpreis",
            "verkaufspreis",
        ],
    ),
    ("currency", &["currencycode", "waehrung"]),
    (
        "expected_close_on",
        &[
            "closedate",
            "expectedclose",
            "abschlussdatum",
            "erwarteterabschluss",
        ],
    ),
    ("stage", &["status", "phase", "dealstage", "stufe"]),
    (
        "code",
        &[
            "sku",
            "articlenumber",
            "artikelnummer",
            "productcode",
            "itemnumber",
        ],
    ),
    ("unit", &["einheit", "mengeneinheit"]),
    (
        "tags",
        &[
            "tag",
            "labels",
            "schlagworte",
            "schlagwort",
            "kategorien",
            "categories",
            "markierungen",
        ],
    ),
    (
        "due_at",
        &["due", "duedate", "faellig", "faelligam", "frist"],
    ),
    ("subject", &["betreff", "thema", "topic"]),
    ("interest", &["interesse", "anliegen", "request"]),
    ("campaign", &["kampagne", "utmcampaign"]),
];

/// Amounts are written for people, unless the header is the name of the column.
fn is_amount(field: &str) -> bool {
    field.ends_with("_minor")
}

/// What a header and a synonym are compared by: letters and digits alone, German letters spelled.
#[must_use]
pub fn folded(header: &str) -> String {
    let mut folded = String::with_capacity(header.len());
    for letter in header.to_lowercase().chars() {
        match letter {
            'ä' => folded.push_str("ae"),
            'ö' => folded.push_str("oe"),
            'ü' => folded.push_str("ue"),
            'ß' => folded.push_str("ss"),
            _ if letter.is_alphanumeric() => folded.push(letter),
            _ => {}
        }
    }
    folded
}

/// A mapping for the columns that are understood, as JSON; no field is filled by two of them.
#[must_use]
pub fn propose(header: &[String], fields: &Fields) -> String {
    let mut proposed: BTreeMap<&str, Value> = BTreeMap::new();
    let mut taken: BTreeSet<&str> = BTreeSet::new();
    // What is said exactly goes before what is understood.
    let ways: [fn(&str, &str, &str) -> bool; 3] = [
        |name, _, header| name == header,
        |name, label, header| {
            let (header, bare) = (folded(header), name.strip_prefix("custom.").unwrap_or(name));
            !header.is_empty() && (folded(bare) == header || folded(label) == header)
        },
        |name, _, header| {
            let name = name.strip_prefix("address.").unwrap_or(name);
            let header = folded(header);
            SYNONYMS
                .iter()
                .any(|(field, words)| *field == name && words.contains(&header.as_str()))
        },
    ];
    for (precision, fits) in ways.iter().enumerate() {
        for column in header {
            if proposed.contains_key(column.as_str()) {
                continue;
            }
            let found = fields.iter().find(|(name, field)| {
                !taken.contains(name.as_str()) && fits(name, &field.label, column)
            });
            if let Some((name, field)) = found {
                taken.insert(name);
                let wish = match field.lookup.first() {
                    Some(by) if precision > 0 => json!({ "field": name, "by": by }),
                    _ if precision > 0 && is_amount(name) => {
                        json!({ "field": name, "as": "money" })
                    }
                    _ => json!(name),
                };
                proposed.insert(column, wish);
            }
        }
    }
    serde_json::to_string(&proposed).expect("invariant: texts are JSON")
}

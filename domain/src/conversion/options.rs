//! What whoever converts a lead asks for.

use serde_json::{Map, Value};

use super::error::ConversionError;

const CHOICE: &str = "\"find\", \"create\" or \"none\", or the id in the field of that name";
const ID: &str = "a UUID";
const DEAL: &str =
    "true, false or an object of name, amount_minor, currency, pipeline_id and expected_close_on";

/// Characters of a deal's name.
const DEAL_NAME_CHARACTERS_MAX: usize = 200;

/// Which contact or company is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// One that matches, or a new one.
    #[default]
    Find,
    /// A new one.
    Create,
    /// None.
    Nothing,
    /// This one.
    Given(String),
}

/// The deal that is wanted; what is left out comes from the lead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DealOptions {
    /// What it is called.
    pub name: Option<String>,
    /// In minor units of the currency.
    pub amount_minor: Option<i64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// The pipeline, where it is not the default one.
    pub pipeline_id: Option<String>,
    /// A date.
    pub expected_close_on: Option<String>,
}

/// What is wanted of a conversion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which contact.
    pub contact: Wanted,
    /// Which company.
    pub company: Wanted,
    /// A deal, if any.
    pub deal: Option<DealOptions>,
}

impl Options {
    /// Reads options as JSON.
    ///
    /// # Errors
    /// [`ConversionError::Options`] with the place of what is wrong.
    pub fn parse(json: &str) -> Result<Self, ConversionError> {
        let mut fields = match serde_json::from_str(json)? {
            Value::Object(fields) => fields,
            Value::Null => Map::new(),
            _ => return Err(wrong("", "an object")),
        };
        let options = Self {
            contact: wanted(&mut fields, "contact")?,
            company: wanted(&mut fields, "company")?,
            deal: match fields.remove("deal") {
                None | Some(Value::Null | Value::Bool(false)) => None,
                Some(Value::Bool(true)) => Some(DealOptions::default()),
                Some(Value::Object(deal)) => Some(deal_options(deal)?),
                Some(_) => return Err(wrong("/deal", DEAL)),
            },
        };
        refuse_others(
            "",
            &fields,
            "contact, contact_id, company, company_id and deal alone",
        )?;
        Ok(options)
    }
}

fn wrong(path: impl Into<String>, expected: &'static str) -> ConversionError {
    ConversionError::Options {
        path: path.into(),
        expected,
    }
}

fn refuse_others(
    path: &str,
    rest: &Map<String, Value>,
    expected: &'static str,
) -> Result<(), ConversionError> {
    match rest.keys().next() {
        None => Ok(()),
        Some(name) => {
            let name: String = name.chars().take(50).collect();
            let name = name.replace('~', "~0").replace('/', "~1");
            Err(wrong(format!("{path}/{name}"), expected))
        }
    }
}

fn wanted(fields: &mut Map<String, Value>, name: &str) -> Result<Wanted, ConversionError> {
    let id_name = format!("{name}_id");
    let id = text(fields, "", &id_name, ID, is_uuid)?;
    match (fields.remove(name), id) {
        (None | Some(Value::Null), Some(id)) => Ok(Wanted::Given(id.to_lowercase())),
        (None | Some(Value::Null), None) => Ok(Wanted::Find),
        (Some(Value::String(word)), None) => match word.as_str() {
            "find" => Ok(Wanted::Find),
            "create" => Ok(Wanted::Create),
            "none" => Ok(Wanted::Nothing),
            _ => Err(wrong(format!("/{name}"), CHOICE)),
        },
        _ => Err(wrong(format!("/{name}"), CHOICE)),
    }
}

fn deal_options(mut deal: Map<String, Value>) -> Result<DealOptions, ConversionError> {
    let options = DealOptions {
        name: text(
            &mut deal,
            "/deal",
            "name",
            "a text of 1 to 200 characters",
            |name| !name.trim().is_empty() && name.chars().count() <= DEAL_NAME_CHARACTERS_MAX,
        )?,
        amount_minor: match deal.remove("amount_minor") {
            None | Some(Value::Null) => None,
            Some(amount) => {
                let whole = amount.as_i64();
                Some(whole.ok_or_else(|| wrong("/deal/amount_minor", "a whole number"))?)
            }
        },
        currency: text(
            &mut deal,
            "/deal",
            "currency",
            "three letters of ISO 4217",
            |code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()),
        )?,
        pipeline_id: text(&mut deal, "/deal", "pipeline_id", ID, is_uuid)?,
        expected_close_on: text(&mut deal, "/deal", "expected_close_on", "a date", |date| {
            date.parse::<jiff::civil::Date>().is_ok()
        })?,
    };
    refuse_others("/deal", &deal, DEAL)?;
    Ok(options)
}

fn text(
    fields: &mut Map<String, Value>,
    path: &str,
    name: &str,
    expected: &'static str,
    fits: impl Fn(&str) -> bool,
) -> Result<Option<String>, ConversionError> {
    match fields.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if fits(&text) => Ok(Some(text)),
        Some(_) => Err(wrong(format!("{path}/{name}"), expected)),
    }
}

/// Whether a text is a UUID as Postgres writes it.
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

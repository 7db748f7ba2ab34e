//! Decides what a lead becomes: which contact and company it is found to be, which of their fields it
//! fills, and what stands in the way of taking that back.
//!
//! [`Keys`] says what to look for, [`plan()`] chooses among what was found and says what is written,
//! [`undo()`] compares what was written with what is there now. Never is a value overwritten, and what
//! a lead knows beyond a full field is kept beside it. Who may see what was found, locks and writes
//! are left to others.

mod choice;
mod error;
mod fill;
mod keys;
mod options;
mod plan;
mod record;
mod undo;

#[cfg(test)]
mod tests;

pub use choice::{Candidate, Found, Rule};
pub use error::ConversionError;
pub use fill::{Fill, Point, Source};
pub use keys::{Keys, is_free_mail_domain, normal_email, normal_name, normal_phone};
pub use options::{DealOptions, Options, Wanted};
pub use plan::{Action, Plan, Target, plan};
pub use record::{Field, Record, Schema};
pub use undo::{Collision, Effects, Reason, Reversal, State, undo};

/// The object of leads, as the fields of tenants are asked for.
pub const LEADS: &str = "crm.leads";

/// The object of contacts.
pub const CONTACTS: &str = "crm.contacts";

/// The object of companies.
pub const COMPANIES: &str = "crm.companies";

/// The object of deals.
pub const DEALS: &str = "crm.deals";

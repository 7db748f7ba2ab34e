//! The audit trail: what triggers record, and what sealing and verifying compute.

mod change;
mod seal;
mod verify;

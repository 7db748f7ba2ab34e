//! The Postgres extension: schema `tenon`, thin glue between SQL and `tenon_domain`.
//!
//! Functions and aggregates only, no tables, no SPI, no types that columns use. Each file converts,
//! calls and maps the error; every decision is the domain's.

mod aggregate;
mod convert;
mod error;
mod jsonb;
mod lazy_bytes;
mod statistics;
mod telemetry;
mod token;
mod version;

pgrx::pg_module_magic!(name, version);

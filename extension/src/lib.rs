//! The Postgres extension: schema `tenon`, thin glue between SQL and `tenon_domain`.
//!
//! Functions and aggregates only, no tables, no SPI, no types that columns use. Each file converts,
//! calls and maps the error; every decision is the domain's. What is counted from call to call is in
//! shared memory, where Postgres gives some: see [`limit`].

mod aggregate;
mod assignment;
mod audit;
mod condition;
mod conversion;
mod convert;
mod custom_field;
mod delivery;
mod effect;
mod error;
mod import;
mod jsonb;
mod lazy_bytes;
mod limit;
mod pipeline;
mod random;
mod schedule;
mod secret;
mod service_level;
mod sign_in;
mod statement_time;
mod statistics;
mod telemetry;
mod template;
mod token;
mod version;

use pgrx::prelude::*;

pgrx::pg_module_magic!(name, version);

/// Called by Postgres when it loads the library: while it starts, or at a session's first call.
#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    limit::memory::prepare();
    secret::prepare();
}

//! Every rule of Tenon as a pure function: values in, a value or an error with a stable code out.
//!
//! Nothing here reads a clock, a file, the environment or a database; the time of day and the
//! time zone are arguments. `extension` brings these rules into Postgres and `bridge` to the wire.

pub mod assignment;
pub mod audit;
pub mod condition;
pub mod conversion;
pub mod custom_field;
pub mod delivery;
pub mod effect;
pub mod errors;
pub mod identity;
pub mod import;
pub mod limit;
pub mod pipeline;
pub mod schedule;
pub mod secret;
pub mod service_level;
pub mod sign_in;
pub mod statistics;
pub mod telemetry;
pub mod template;
pub mod time;
pub mod token;

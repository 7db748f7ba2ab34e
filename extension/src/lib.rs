//! The Postgres extension.

//! The glue of the domain's telemetry, one file for each of its modules.

mod batch;
mod bucket;
mod frame;
mod latest;
mod series;
mod submission;

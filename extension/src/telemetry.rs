//! The glue of the domain's telemetry, one file for each of its modules.

mod batch;
mod block;
mod bucket;
mod compaction;
mod frame;
mod latest;
mod query;
mod retention;
mod submission;

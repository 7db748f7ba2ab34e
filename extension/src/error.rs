//! Turns errors of the domain into Postgres errors; the only place that knows SQLSTATEs.
//!
//! What a caller can mend becomes SQLSTATE `PGRST`, which PostgREST answers with the HTTP status
//! in the detail and the JSON in the message. Stored data that cannot be read becomes
//! `data_corrupted` with the code as the hint.

use std::ffi::{c_int, c_void};
use std::fmt::Display;

use pgrx::pg_sys::panic::ErrorReport;
use pgrx::pg_sys::{self, ErrorContextCallback};
use pgrx::prelude::*;
use tenon_domain::assignment::AssignmentError;
use tenon_domain::audit::AuditError;
use tenon_domain::condition::ConditionError;
use tenon_domain::conversion::ConversionError;
use tenon_domain::custom_field::DefinitionError;
use tenon_domain::delivery::DeliveryError;
use tenon_domain::delivery::signature::SignatureError;
use tenon_domain::errors;
use tenon_domain::identity::IdentityError;
use tenon_domain::import::ImportError;
use tenon_domain::limit::LimitError;
use tenon_domain::pipeline::{MappingError, PipelineError};
use tenon_domain::schedule::ScheduleError;
use tenon_domain::secret::SecretError;
use tenon_domain::service_level::ServiceLevelError;
use tenon_domain::statistics::StatisticsError;
use tenon_domain::telemetry::batch::BatchError;
use tenon_domain::telemetry::block::BlockError;
use tenon_domain::telemetry::bucket::BucketError;
use tenon_domain::telemetry::compaction::KeepingError;
use tenon_domain::telemetry::frame::FrameError;
use tenon_domain::telemetry::payload::PayloadError;
use tenon_domain::telemetry::query::QueryError;
use tenon_domain::template::TemplateError;
use tenon_domain::token::TokenError;

/// From this HTTP status on an error is ours, not the caller's.
const STATUS_OURS_MIN: u16 = 500;

/// An error of the domain.
pub(crate) trait Coded: Display {
    /// Its stable code.
    fn code(&self) -> &'static str;

    /// What programs need to know beside the code, as JSON.
    fn details(&self) -> Option<String> {
        None
    }
}

macro_rules! coded {
    ($($error:ty),* $(,)?) => {
        $(impl Coded for $error {
            fn code(&self) -> &'static str {
                <$error>::code(self)
            }
        })*
    };
}

coded!(
    AssignmentError,
    AuditError,
    BatchError,
    BlockError,
    BucketError,
    DeliveryError,
    FrameError,
    IdentityError,
    ImportError,
    KeepingError,
    LimitError,
    MappingError,
    PayloadError,
    QueryError,
    ScheduleError,
    SecretError,
    ServiceLevelError,
    SignatureError,
    StatisticsError,
    TokenError
);

impl Coded for ConditionError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn details(&self) -> Option<String> {
        Some(serde_json::json!({ "path": self.path }).to_string())
    }
}

impl Coded for PipelineError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn details(&self) -> Option<String> {
        Some(serde_json::json!({ "path": self.path }).to_string())
    }
}

impl Coded for DefinitionError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn details(&self) -> Option<String> {
        Some(serde_json::json!({ "path": self.path }).to_string())
    }
}

impl Coded for ConversionError {
    fn code(&self) -> &'static str {
        self.code()
    }

    fn details(&self) -> Option<String> {
        self.path()
            .map(|path| serde_json::json!({ "path": path }).to_string())
    }
}

impl Coded for TemplateError {
    fn code(&self) -> &'static str {
        Self::code(self)
    }

    fn details(&self) -> Option<String> {
        let place = self.place();
        (place.is_some() || self.name().is_some()).then(|| {
            serde_json::json!({
                "line": place.map(|place| place.line),
                "column": place.map(|place| place.column),
                "name": self.name(),
            })
            .to_string()
        })
    }
}

/// Unwraps, or raises the Postgres error.
pub(crate) trait OrReport<T> {
    /// The value; an error does not return.
    fn or_report(self) -> T;
}

impl<T, E: Coded> OrReport<T> for Result<T, E> {
    fn or_report(self) -> T {
        self.unwrap_or_else(|error| report(&error))
    }
}

fn report(error: &impl Coded) -> ! {
    let (code, status) = (error.code(), errors::status(error.code()));
    let report = if status >= STATUS_OURS_MIN {
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
            error.to_string(),
            "tenon",
        )
        .set_hint(code)
    } else {
        let message = serde_json::json!({
            "code": code, "message": error.to_string(), "details": error.details(), "hint": null,
        });
        let detail = serde_json::json!({ "status": status, "headers": {} });
        raise_as_pgrst();
        ErrorReport::new(
            PgSqlErrorCode::ERRCODE_RAISE_EXCEPTION,
            message.to_string(),
            "tenon",
        )
        .set_detail(detail.to_string())
    };
    report.report(PgLogLevel::ERROR);
    unreachable!("invariant: reporting an error does not return")
}

/// Makes the error that is raised next bear the SQLSTATE `PGRST`.
///
/// pgrx knows the SQLSTATEs of Postgres alone. But Postgres runs the error context callbacks just
/// before it raises an error, and lets them amend it; whoever catches the error restores the stack
/// of callbacks.
fn raise_as_pgrst() {
    // SAFETY: the callback lives in the current memory context, which outlives the raising of the
    // error that follows, and nothing between here and there touches the stack.
    unsafe {
        let callback = PgBox::<ErrorContextCallback>::alloc0().into_pg();
        (*callback).callback = Some(set_sqlstate_pgrst);
        (*callback).previous = pg_sys::error_context_stack;
        pg_sys::error_context_stack = callback;
    }
}

/// `PGRST` as Postgres packs a SQLSTATE (`MAKE_SQLSTATE` in its `elog.h`): six bits a character,
/// the first lowest.
const fn sqlstate_pgrst() -> c_int {
    let characters = *b"PGRST";
    let (mut packed, mut place) = (0, 0);
    while place < characters.len() {
        packed |= ((characters[place] - b'0') as c_int & 0x3f) << (6 * place);
        place += 1;
    }
    packed
}

unsafe extern "C-unwind" fn set_sqlstate_pgrst(_: *mut c_void) {
    unsafe extern "C-unwind" {
        fn errcode(sqlstate: c_int) -> c_int;
    }
    // SAFETY: Postgres calls this while it raises an error, the only time `errcode` may be called.
    unsafe {
        errcode(sqlstate_pgrst());
    }
}

//! Limits how long a part of a statement may take, which no setting can: `statement_timeout` is
//! read when a statement that a client sent begins, so a procedure that runs one piece of work
//! after the other has one limit for all of them.

use std::ffi::c_int;

use pgrx::prelude::*;

/// `STATEMENT_TIMEOUT` of Postgres' `utils/timeout.h`, the same number in 15 to 18.
const STATEMENT_TIMEOUT: c_int = 3;

/// Winds the alarm of `statement_timeout` anew.
#[pg_extern(volatile, parallel_unsafe)]
fn limit_statement_time(milliseconds: default!(Option<i32>, "null")) {
    unsafe extern "C-unwind" {
        fn enable_timeout_after(id: c_int, delay_ms: c_int);
        fn disable_timeout(id: c_int, keep_indicator: bool);
    }
    // SAFETY: Postgres' own main loop winds this alarm by these calls around each statement, and
    // stops it when the statement ends or fails; a session has one thread.
    unsafe {
        let delay_ms = milliseconds.unwrap_or(pg_sys::StatementTimeout);
        disable_timeout(STATEMENT_TIMEOUT, false);
        if delay_ms > 0 {
            enable_timeout_after(STATEMENT_TIMEOUT, delay_ms);
        }
    }
}

extension_sql!(
    r#"
comment on function limit_statement_time(integer) is
    'Cancels the statement that calls it, as statement_timeout does (57014), unless it ends or calls again within so many milliseconds; 0: never. Without an argument the session''s statement_timeout counts from now.';
"#,
    name = "statement_time_comments",
    requires = [limit_statement_time]
);

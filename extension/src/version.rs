//! What is installed, and which errors it can raise.

use pgrx::prelude::*;
use tenon_domain::errors;

/// The version of the extension's binary.
#[pg_extern(immutable, parallel_safe, strict)]
const fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Every error code of the native functions and the HTTP status it goes with.
#[pg_extern(immutable, parallel_safe, strict)]
fn error_codes() -> TableIterator<'static, (name!(code, &'static str), name!(status, i32))> {
    TableIterator::new(
        errors::ALL
            .iter()
            .map(|&(code, status)| (code, i32::from(status))),
    )
}

extension_sql!(
    r#"
comment on function version() is 'The version of the extension''s binary.';
comment on function error_codes() is
    'Every error code of the native functions and the HTTP status it goes with.';
"#,
    name = "version_comments",
    requires = [version, error_codes]
);

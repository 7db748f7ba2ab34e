//! Postgres' own randomness.

use pgrx::prelude::*;

/// So many random bytes, fit for keys.
pub(crate) fn random_bytes<const COUNT: usize>() -> [u8; COUNT] {
    let mut random = [0_u8; COUNT];
    // SAFETY: writes as many bytes as the array has.
    let filled = unsafe { pg_sys::pg_strong_random(random.as_mut_ptr().cast(), COUNT) };
    if !filled {
        ereport!(
            ERROR,
            PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
            "no random bytes are to be had from this machine"
        );
    }
    random
}

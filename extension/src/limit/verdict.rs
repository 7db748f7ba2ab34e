//! A verdict as an array of three numbers: the cheapest answer that Postgres can be given which says
//! more than one thing. As JSON it would take as long as the rest of the check.

use pgrx::callconv::{BoxRet, FcInfo};
use pgrx::datum::Datum;
use pgrx::pg_sys;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};

/// `{refused_by, retry_after_us, remaining}`.
#[derive(Debug)]
pub(super) struct VerdictNumbers {
    /// The place of the bucket that refuses, counted from 1; 0 when none does.
    pub(super) refused_by: i64,
    /// When that bucket lets one through, in microseconds from now.
    pub(super) retry_after_micros: i64,
    /// How many more may come at once.
    pub(super) remaining: i64,
}

const BIGINT_BYTES: i32 = 8;

// SAFETY: the datum returned is of the SQL type below.
unsafe impl BoxRet for VerdictNumbers {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> Datum<'fcx> {
        let numbers = [self.refused_by, self.retry_after_micros, self.remaining];
        let mut datums = numbers.map(pg_sys::Datum::from);
        // SAFETY: three datums of a type that is passed by value, eight bytes long and aligned to
        // as many, as it is wherever Postgres has 64 bits.
        unsafe {
            let array = pg_sys::construct_array(
                datums.as_mut_ptr(),
                numbers.len() as i32,
                pg_sys::INT8OID,
                BIGINT_BYTES,
                true,
                pg_sys::TYPALIGN_DOUBLE as std::ffi::c_char,
            );
            fcinfo.return_raw_datum(array.into())
        }
    }
}

// SAFETY: the type is `bigint[]`.
unsafe impl SqlTranslatable for VerdictNumbers {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(VerdictNumbers);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> =
        Ok(SqlMappingRef::literal("bigint[]"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("bigint[]")));
}

//! A `bytea` argument of which only the wanted parts are fetched.
//!
//! Postgres keeps a long value in pieces of two kilobytes in another table. A query that wants one
//! of a hundred metrics should not fetch the other ninety-nine.

use std::borrow::Cow;
use std::cell::OnceCell;

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, pg_sys, varlena_to_byte_slice};
use tenon_domain::telemetry::block::BlockBody;

/// Up to this many bytes one fetch of all costs less than several of parts.
const WHOLE_BYTES_MAX: usize = 1 << 15;

/// A `bytea` that is not null.
#[derive(Debug)]
pub(crate) struct LazyBytes {
    datum: pg_sys::Datum,
    len: usize,
    whole: OnceCell<*mut pg_sys::varlena>,
}

impl LazyBytes {
    /// All of it.
    pub(crate) fn whole(&self) -> &[u8] {
        // SAFETY: the datum is a `bytea` that lives as long as the call, and so does the copy that
        // fetching it may make in the current memory context.
        unsafe {
            let whole = self
                .whole
                .get_or_init(|| pg_sys::pg_detoast_datum_packed(self.datum.cast_mut_ptr()));
            varlena_to_byte_slice(*whole)
        }
    }
}

impl BlockBody for LazyBytes {
    fn part(&self, start: usize, len: usize) -> Option<Cow<'_, [u8]>> {
        let end = start.checked_add(len).filter(|&end| end <= self.len)?;
        if self.len <= WHOLE_BYTES_MAX {
            return self.whole().get(start..end).map(Cow::Borrowed);
        }
        let (start, count) = (i32::try_from(start).ok()?, i32::try_from(len).ok()?);
        // SAFETY: as above.
        let part = unsafe {
            varlena_to_byte_slice(pg_sys::pg_detoast_datum_slice(
                self.datum.cast_mut_ptr(),
                start,
                count,
            ))
        };
        (part.len() == len).then_some(Cow::Borrowed(part))
    }
}

impl FromDatum for LazyBytes {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the datum is a `bytea` that is not null.
        let size = unsafe { pg_sys::toast_raw_datum_size(datum) };
        Some(Self {
            datum,
            len: size.saturating_sub(pg_sys::VARHDRSZ),
            whole: OnceCell::new(),
        })
    }
}

// SAFETY: what Postgres passes for the SQL type below is a `bytea` datum.
unsafe impl<'fcx> ArgAbi<'fcx> for LazyBytes {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: as above; the functions that take it are strict or ask for an `Option`.
        let bytes: Option<Self> = unsafe { arg.unbox_arg_using_from_datum() };
        bytes.expect("invariant: a strict argument is not null")
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum().into() }
    }
}

// SAFETY: the type is `bytea`.
unsafe impl SqlTranslatable for LazyBytes {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(LazyBytes);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("bytea"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("bytea")));
}

//! The bytes of a `jsonb` argument, where Postgres has them.

use pgrx::callconv::{Arg, ArgAbi};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::varlena::{varatt_is_1b, varatt_is_1b_e, varatt_is_4b_u};
use pgrx::{FromDatum, pg_sys, varlena_to_byte_slice};

use super::JsonbText;

/// A `jsonb` value that is not null.
#[derive(Debug)]
pub(crate) struct JsonbBytes(*mut pg_sys::varlena);

impl JsonbBytes {
    /// Its bytes, without their length.
    pub(crate) fn get(&self) -> &[u8] {
        // SAFETY: the pointer is to a `jsonb` that is in memory and not compressed, and that lives as
        // long as the call.
        unsafe { varlena_to_byte_slice(self.0) }
    }

    /// The same as text.
    pub(crate) fn to_text(&self) -> String {
        // SAFETY: as above.
        let text = unsafe { JsonbText::from_datum(self.0.into(), false) };
        text.map(|text| text.0).unwrap_or_default()
    }
}

impl FromDatum for JsonbBytes {
    unsafe fn from_polymorphic_datum(
        datum: pg_sys::Datum,
        is_null: bool,
        _: pg_sys::Oid,
    ) -> Option<Self> {
        if is_null {
            return None;
        }
        let pointer: *mut pg_sys::varlena = datum.cast_mut_ptr();
        // SAFETY: the datum is a `jsonb` that is not null. What is compressed or kept elsewhere is
        // fetched into the current memory context.
        Some(Self(unsafe {
            let is_here =
                varatt_is_4b_u(pointer) || (varatt_is_1b(pointer) && !varatt_is_1b_e(pointer));
            if is_here {
                pointer
            } else {
                pg_sys::pg_detoast_datum_packed(pointer)
            }
        }))
    }
}

// SAFETY: what Postgres passes for the SQL type below is a `jsonb` datum.
unsafe impl<'fcx> ArgAbi<'fcx> for JsonbBytes {
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

// SAFETY: the type is `jsonb`.
unsafe impl SqlTranslatable for JsonbBytes {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(JsonbBytes);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> =
        Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}

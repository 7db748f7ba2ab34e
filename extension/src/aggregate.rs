//! Keeps the state of an aggregate from row to row.

use pgrx::pg_sys::{self, FunctionCallInfo};
use pgrx::{Internal, PgMemoryContexts};

/// The aggregate's state, empty at its first row. It lives as long as the aggregate does.
pub(crate) fn state_of<T: Default>(state: &mut Internal, fcinfo: FunctionCallInfo) -> &mut T {
    let mut context = std::ptr::null_mut();
    // SAFETY: `fcinfo` is this call's own. Outside of an aggregate the context stays null; then
    // the state lives as long as the call.
    unsafe { pg_sys::AggCheckCallContext(fcinfo, &raw mut context) };
    let mut contexts = if context.is_null() {
        PgMemoryContexts::CurrentMemoryContext
    } else {
        PgMemoryContexts::For(context)
    };
    // SAFETY: each aggregate's state function alone makes the state that its functions are given,
    // as SQL cannot pass a value of the type `internal`.
    unsafe { contexts.switch_to(|_| state.get_or_insert_default::<T>()) }
}

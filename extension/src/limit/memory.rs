//! The shared memory of limits and marks: its settings, and how it is asked for.
//!
//! Postgres hands memory out while it starts, to libraries in `shared_preload_libraries` alone.
//! Where this one is loaded later, by the first session that calls it, there is none, and
//! everything says so instead of failing.

use std::sync::OnceLock;

use pgrx::prelude::*;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

use super::table::{OpenTable, SharedTable};

static BUCKETS: SharedTable = SharedTable::new(c"tenon_limit_buckets");
static MARKS: SharedTable = SharedTable::new(c"tenon_touched_ids");

/// 24 bytes each: 6 MiB.
static BUCKETS_MAX: GucSetting<i32> = GucSetting::<i32>::new(262_144);
static MARKS_MAX: GucSetting<i32> = GucSetting::<i32>::new(16_384);
static IS_ON: GucSetting<bool> = GucSetting::<bool>::new(true);

/// A set for each lock, and 384 MiB.
const KEYS_MIN: i32 = 2048;
const KEYS_MAX: i32 = 16_777_216;

type Hook = Option<unsafe extern "C-unwind" fn()>;
static REQUEST_BEFORE: OnceLock<Hook> = OnceLock::new();
static STARTUP_BEFORE: OnceLock<Hook> = OnceLock::new();

/// The buckets of limits, or nothing when there is no memory or it is not to be used.
pub(super) fn buckets() -> Option<OpenTable<'static>> {
    if IS_ON.get() { BUCKETS.open() } else { None }
}

/// The marks of when something was last used, or nothing as above.
pub(super) fn marks() -> Option<OpenTable<'static>> {
    if IS_ON.get() { MARKS.open() } else { None }
}

/// Makes the settings known and, while Postgres starts, asks for memory.
pub(crate) fn prepare() {
    GucRegistry::define_bool_guc(
        c"tenon.limit_memory",
        c"Uses the shared memory of Tenon where there is any.",
        c"Off: rate limits are counted in a table, for writes alone, and no use is marked.",
        &IS_ON,
        GucContext::Suset,
        GucFlags::default(),
    );
    // SAFETY: Postgres sets this before it loads the library.
    if !unsafe { pg_sys::process_shared_preload_libraries_in_progress } {
        return;
    }
    for (name, about, setting) in [
        (
            c"tenon.limit_buckets",
            c"How many buckets of rate limits are remembered, at 24 bytes each.",
            &BUCKETS_MAX,
        ),
        (
            c"tenon.touched_ids",
            c"How many last uses are remembered until they are collected, at 24 bytes each.",
            &MARKS_MAX,
        ),
    ] {
        GucRegistry::define_int_guc(
            name,
            about,
            c"Rounded up to a power of two. When all are taken, the oldest are forgotten.",
            setting,
            KEYS_MIN,
            KEYS_MAX,
            GucContext::Postmaster,
            GucFlags::default(),
        );
    }
    // SAFETY: the hooks are Postgres' own variables, set by the one thread that loads libraries.
    unsafe {
        if REQUEST_BEFORE.set(pg_sys::shmem_request_hook).is_ok() {
            pg_sys::shmem_request_hook = Some(request);
        }
        if STARTUP_BEFORE.set(pg_sys::shmem_startup_hook).is_ok() {
            pg_sys::shmem_startup_hook = Some(start);
        }
    }
}

/// Who had the hook before goes first.
///
/// # Safety
/// Only within the same hook.
unsafe fn call(before: &OnceLock<Hook>) {
    if let Some(Some(before)) = before.get() {
        // SAFETY: another library's hook, called as Postgres would.
        unsafe { pg_sys::ffi::pg_guard_ffi_boundary(|| before()) };
    }
}

fn sizes() -> [(&'static SharedTable, usize); 2] {
    let keys = |setting: &GucSetting<i32>| usize::try_from(setting.get()).unwrap_or(0);
    [(&BUCKETS, keys(&BUCKETS_MAX)), (&MARKS, keys(&MARKS_MAX))]
}

#[pg_guard]
unsafe extern "C-unwind" fn request() {
    // SAFETY: this is the hook.
    unsafe {
        call(&REQUEST_BEFORE);
        for (table, keys) in sizes() {
            table.request(keys);
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn start() {
    // SAFETY: this is the hook; the settings are as they were at the request.
    unsafe {
        call(&STARTUP_BEFORE);
        for (table, keys) in sizes() {
            table.start(keys);
        }
    }
}

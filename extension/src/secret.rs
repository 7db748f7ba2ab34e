//! The glue of `tenon_domain::secret`: seals with the key of the settings.
//!
//! The key is a setting of the server's files. Postgres writes to its log what changes when it
//! reads them again, but for settings that take a restart: so this one takes a restart. And while
//! a library is not loaded, its settings are plain texts that every session can read: where the
//! library was not there from the server's start, no key is used.

use std::ffi::{CStr, CString, c_char};
use std::sync::atomic::{AtomicBool, Ordering};

use pgrx::prelude::*;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting, Uuid};
use tenon_domain::secret::{self, Key, KeyTrouble, Place, SecretError};

use crate::error::OrReport;
use crate::random::random_bytes;

static KEY: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);
static KEY_PREVIOUS: GucSetting<Option<CString>> = GucSetting::<Option<CString>>::new(None);

/// Set before Postgres forks the first session, and by nobody later.
static IS_PRELOADED: AtomicBool = AtomicBool::new(false);

/// Makes the settings known; shown they are to nobody, also where they are not used.
pub(crate) fn prepare() {
    // SAFETY: Postgres sets this before it loads the library.
    let is_preloaded = unsafe { pg_sys::process_shared_preload_libraries_in_progress };
    IS_PRELOADED.store(is_preloaded, Ordering::Relaxed);
    // Postgres takes a setting that needs a restart only while it starts.
    let context = || {
        if is_preloaded {
            GucContext::Postmaster
        } else {
            GucContext::Sighup
        }
    };
    for (name, about, setting) in [
        (
            c"tenon.secret_key",
            c"The key that secrets are sealed with: 64 hexadecimal digits.",
            &KEY,
        ),
        (
            c"tenon.secret_key_previous",
            c"The key that secrets were sealed with before, until all are sealed anew.",
            &KEY_PREVIOUS,
        ),
    ] {
        // SAFETY: the hook returns a text that is there for as long as the library.
        unsafe {
            GucRegistry::define_string_guc_with_hooks(
                name,
                about,
                c"For a file that the server alone may read. The library must be preloaded.",
                setting,
                context(),
                GucFlags::SUPERUSER_ONLY
                    | GucFlags::NO_SHOW_ALL
                    | GucFlags::NO_RESET_ALL
                    | GucFlags::DISALLOW_IN_AUTO_FILE,
                None,
                None,
                Some(show_nothing),
            );
        }
    }
}

/// Not even a superuser is shown a key.
unsafe extern "C-unwind" fn show_nothing() -> *const c_char {
    c"".as_ptr()
}

/// A secret, sealed for its place.
#[pg_extern(volatile, parallel_safe, strict)]
fn secret_seal(tenant_id: Uuid, id: Uuid, purpose: &str, secret: &str) -> Vec<u8> {
    let key = key(&KEY).or_report();
    let place = place(&tenant_id, &id, purpose);
    secret::seal(&key, place, random_bytes(), secret).or_report()
}

/// The secret that was sealed for this place.
#[pg_extern(stable, parallel_safe, strict)]
fn secret_open(tenant_id: Uuid, id: Uuid, purpose: &str, sealed: &[u8]) -> String {
    let mut keys = vec![key(&KEY).or_report()];
    keys.extend(key(&KEY_PREVIOUS));
    let secret = secret::open(&keys, place(&tenant_id, &id, purpose), sealed).or_report();
    secret.to_string()
}

/// Whether something was sealed with the key of today.
#[pg_extern(stable, parallel_safe, strict)]
fn secret_is_current(sealed: &[u8]) -> bool {
    secret::is_sealed_with(&key(&KEY).or_report(), sealed)
}

/// `ready`, or why there is no key to seal with.
#[pg_extern(stable, parallel_safe, strict)]
fn secret_key_status() -> &'static str {
    match key(&KEY) {
        Err(SecretError::Key(trouble)) => trouble.word(),
        _ => "ready",
    }
}

fn key(setting: &GucSetting<Option<CString>>) -> Result<Key, SecretError> {
    let digits = setting.get();
    let digits = digits.as_deref().map_or("", text);
    if !digits.is_empty() && !IS_PRELOADED.load(Ordering::Relaxed) {
        return Err(SecretError::Key(KeyTrouble::Exposed));
    }
    Key::parse(digits)
}

/// What is not UTF-8 is no key either.
fn text(setting: &CStr) -> &str {
    setting.to_str().unwrap_or("?")
}

fn place<'a>(tenant_id: &Uuid, id: &Uuid, purpose: &'a str) -> Place<'a> {
    Place {
        tenant_id: *tenant_id.as_bytes(),
        id: *id.as_bytes(),
        purpose,
    }
}

// Whoever may open secrets may read them all: the owner of the database's objects alone, who is
// the one that installs a trusted extension.
extension_sql!(
    r#"
comment on function secret_seal(uuid, uuid, text, text) is
'A secret, sealed with tenon.secret_key for this tenant, id and purpose. The owner alone may call
it. Raises secret.store_missing, secret.length_invalid.';
comment on function secret_open(uuid, uuid, text, bytea) is
'The secret that was sealed for this tenant, id and purpose, with tenon.secret_key or
tenon.secret_key_previous. The owner alone may call it. Raises secret.store_missing,
secret.unreadable.';
comment on function secret_is_current(bytea) is
'Whether a sealed secret was sealed with tenon.secret_key rather than with another one. The owner
alone may call it. Raises secret.store_missing.';
comment on function secret_key_status() is
'ready, or why there is no key to seal secrets with: missing, malformed, or exposed, where the
library is not preloaded. The owner alone may call it.';
revoke all on function
    secret_seal(uuid, uuid, text, text), secret_open(uuid, uuid, text, bytea),
    secret_is_current(bytea), secret_key_status()
from public;
grant execute on function
    secret_seal(uuid, uuid, text, text), secret_open(uuid, uuid, text, bytea),
    secret_is_current(bytea), secret_key_status()
to @extowner@;
"#,
    name = "secret_rights",
    requires = [
        secret_seal,
        secret_open,
        secret_is_current,
        secret_key_status
    ]
);

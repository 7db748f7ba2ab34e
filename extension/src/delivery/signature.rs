//! The glue of `tenon_domain::delivery::signature`: signs webhooks and verifies them.

use pgrx::prelude::*;
use tenon_domain::delivery::signature::{self, Encoding, Refusal, Secret, SignatureError};

use crate::convert::to_timestamp;
use crate::error::OrReport;

/// The secret of these random bytes.
#[pg_extern(immutable, parallel_safe, strict)]
fn webhook_secret(random: &[u8]) -> String {
    Secret::new(random).or_report().reveal()
}

/// The signatures of a message, one for each secret.
#[pg_extern(immutable, parallel_safe, strict)]
fn webhook_sign(
    secrets: Vec<Option<String>>,
    id: &str,
    at: TimestampWithTimeZone,
    body: &str,
) -> String {
    let secrets = keys(&secrets).or_report();
    signature::sign(&secrets, id, to_timestamp(at), body).or_report()
}

/// Why the signatures of a message do not hold; null when one does. Whatever is null is malformed:
/// a strict function would answer null, which says that it holds.
#[pg_extern(immutable, parallel_safe)]
fn webhook_verify(
    secrets: Option<Vec<Option<String>>>,
    id: Option<&str>,
    timestamp: Option<&str>,
    signatures: Option<&str>,
    body: Option<&str>,
    at: Option<TimestampWithTimeZone>,
    tolerance_s: default!(Option<i32>, 300),
) -> Option<&'static str> {
    let (Some(secrets), Some(id), Some(timestamp), Some(signatures), Some(body), Some(at)) =
        (secrets, id, timestamp, signatures, body, at)
    else {
        return Some(Refusal::Malformed.word());
    };
    let secrets = keys(&secrets).or_report();
    let tolerance_s = tolerance_s
        .and_then(|tolerance_s| u32::try_from(tolerance_s).ok())
        .unwrap_or(0);
    let at = to_timestamp(at);
    signature::verify(&secrets, id, timestamp, signatures, body, at, tolerance_s)
        .err()
        .map(Refusal::word)
}

/// Why a signature of the body alone does not hold; null when it does. Nulls as above.
#[pg_extern(immutable, parallel_safe)]
fn webhook_verify_body(
    secret: Option<&str>,
    body: Option<&str>,
    signature: Option<&str>,
    encoding: Option<&str>,
    prefix: default!(Option<&str>, "''"),
) -> Option<&'static str> {
    let (Some(secret), Some(body), Some(signature), Some(encoding)) =
        (secret, body, signature, encoding.and_then(Encoding::parse))
    else {
        return Some(Refusal::Malformed.word());
    };
    signature::body_matches(secret, body, signature, encoding, prefix.unwrap_or(""))
        .err()
        .map(Refusal::word)
}

fn keys(secrets: &[Option<String>]) -> Result<Vec<Secret>, SignatureError> {
    secrets
        .iter()
        .map(|secret| Secret::parse(secret.as_deref().unwrap_or("")))
        .collect()
}

extension_sql!(
    r#"
comment on function webhook_secret(bytea) is
'The secret of a webhook, whsec_ and Base64, that 24 to 64 random bytes make. Raises
signature.secret_malformed.';
comment on function webhook_sign(text[], text, timestamptz, text) is
'The signatures of Standard Webhooks 1.0 over id, the second of at, and body: v1,<Base64> for each
secret, separated by spaces. Raises signature.secret_malformed, signature.secret_missing,
signature.id_malformed.';
comment on function webhook_verify(text[], text, text, text, text, timestamptz, integer) is
'Null when one of the signatures is by one of the secrets and the timestamp within tolerance_s of
at; otherwise why not: no_match, too_old, too_new or malformed (also for nulls). The arguments id,
timestamp and signatures are the headers of Standard Webhooks 1.0. In constant time. Raises
signature.secret_malformed.';
comment on function webhook_verify_body(text, text, text, text, text) is
'Null when the signature is prefix and the HMAC-SHA256 of the body by the secret''s bytes in the
encoding hex or base64; otherwise no_match or malformed (also for nulls). In constant time.';
"#,
    name = "signature_comments",
    requires = [
        webhook_secret,
        webhook_sign,
        webhook_verify,
        webhook_verify_body
    ]
);

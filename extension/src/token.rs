//! The glue of `tenon_domain::token`: makes tokens of Postgres' own randomness.

use pgrx::prelude::*;
use tenon_domain::token::{self, RANDOM_BYTES, TokenKind};

use crate::error::OrReport;
use crate::random::random_bytes;

/// A new token of the kind `key`, `dev` or `inv`: 160 random bits, and a check sum.
#[pg_extern(name = "token", volatile, parallel_safe, strict)]
fn new_token(kind: &str) -> String {
    let kind = TokenKind::parse(kind).or_report();
    token::token(kind, random_bytes::<RANDOM_BYTES>())
}

/// The kind of a well-made token; null for any other text.
#[pg_extern(immutable, parallel_safe, strict)]
fn token_kind(token: &str) -> Option<&'static str> {
    token::kind_of(token).map(TokenKind::word)
}

extension_sql!(
    r#"
comment on function token(text) is
    'A new token, tnn_<kind>_ and 33 base62 digits: 160 random bits, then a CRC-32 of all before it.
kind: key, dev or inv. Raises token.kind_unknown. Keep its SHA-256 alone.';
comment on function token_kind(text) is
    'The kind of a token whose check sum is right: key, dev or inv; null for any other text.';
"#,
    name = "token_comments",
    requires = [new_token, token_kind]
);

#!/usr/bin/env bash
# Formats what can be formatted by itself.
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh" check
cd "$ROOT"
cargo fmt --all
sqlfluff fix --quiet --disable-progress-bar supabase/migrations sql/tests sql/support scripts || true
javascript | xargs deno fmt --quiet

#!/usr/bin/env bash
# Formats what can be formatted by itself.
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh" check
cd "$ROOT"
cargo fmt --all
sqlfluff fix --quiet --disable-progress-bar --ignore parsing supabase/migrations sql/tests sql/support scripts >/dev/null 2>&1 || true # make check names what is left
javascript | xargs deno fmt --quiet

#!/usr/bin/env bash
# Builds the extension and installs it into the private copy of Postgres, when it has changed.
. "$(dirname "$0")/lib.sh"

fingerprint() {
    cd "$ROOT"
    {
        find Cargo.toml Cargo.lock domain extension -type f -not -path '*/target/*' -print0 | sort -z | xargs -0 sha256sum
        cat "$PG_HOME/version"
    } | sha256sum
}

now=$(fingerprint)
[ "$(cat "$PG_HOME/extension" 2>/dev/null)" != "$now" ] || exit 0

use_pgrx
say "extension: building (3-5 minutes the first time)"
out=$STATE/extension
rm -rf "$out"
(cd "$ROOT/extension" && cargo pgrx package --no-default-features --features "pg$PG_MAJOR" \
    --pg-config "$PG_BIN/pg_config" --out-dir "$out") ||
    die "the extension did not build: correct what the compiler names, then run the command again"

# The tree repeats the absolute paths of the installation. A running server keeps the old library
# open: it is replaced, never overwritten.
cp -r --remove-destination "$out$PG_HOME/." "$PG_HOME/" ||
    die "the extension could not be installed in $PG_HOME: see above"
rm -rf "$out"
echo "$now" >"$PG_HOME/extension"

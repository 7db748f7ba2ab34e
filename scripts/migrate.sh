#!/usr/bin/env bash
# Brings the database at URL to the newest migration, with the Supabase CLI.
#   migrate.sh URL
# Safe to run many at once: an advisory lock lets one through at a time, and whoever comes later
# finds nothing to do.
. "$(dirname "$0")/lib.sh"

url=${1:?usage: migrate.sh URL}

# The lock lives as long as this psql, and psql ends when this script does, however it ends.
coproc LOCK { exec "$PG_BIN/psql" -XqAt "$url" 2>&1; }
echo "set lock_timeout = '5min'; select pg_advisory_lock(hashtextextended('tenon.migrations', 0));" >&"${LOCK[1]}"
read -r answer <&"${LOCK[0]}" || true
[ -z "${answer:-}" ] || die "cannot take the migrations' lock: $answer"

# The CLI is told which project it is in: it would search upwards for one otherwise.
log=$(mktemp "${TMPDIR:-/tmp}/tenon-migrate.XXXXXX")
if ! supabase --workdir "$ROOT" db push --remote="$url" --yes </dev/null >"$log" 2>&1; then
    sed 's/^/    /' "$log" >&2
    rm -f "$log"
    die "a migration failed, see above: correct it in supabase/migrations, then run the command again"
fi
rm -f "$log"

#!/usr/bin/env bash
# Regenerates what is derived from a migrated database:
#   sql/schema.sql               the whole schema as Postgres sees it
#   docs/sql-api.md              views and functions, from their comments
#   docs/errors.md               the catalogue of errors
#   supabase/types/database.ts   TypeScript types of v1
#
#   schema.sh [FOLDER [STACK]]   into FOLDER instead of the checkout; from a running STACK
. "$(dirname "$0")/lib.sh"

out=${1:-$ROOT}
if [ -n "${2:-}" ]; then
    # shellcheck source=/dev/null
    . "$2/env"
else
    "$ROOT/scripts/setup.sh"
    make_state
    "$ROOT/scripts/extension.sh"
    fresh_stack schema database
fi

mkdir -p "$out/sql" "$out/docs" "$out/supabase/types"

# Left out: the version of pg_dump, the random words with which it guards its meta-commands, and the
# months of the audit trail, which housekeeping makes.
"$PG_BIN/pg_dump" --schema-only --schema=core --schema=hooks --schema=iot --schema=v1 \
    --exclude-table='core.audit_entries_2*' "$DB_URL" |
    grep -vE '^(-- Dumped |.(un)?restrict )' | cat -s >"$out/sql/schema.sql"

for page in sql-api errors; do
    "$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 -f "$ROOT/scripts/schema/$page.sql" "$DB_URL" >"$out/docs/$page.md"
done

supabase --workdir "$ROOT" gen types --lang typescript --schema v1 --remote="$DB_URL" \
    >"$out/supabase/types/database.ts" 2>"$STATE/types.log" ||
    { cat "$STATE/types.log" >&2; die "the types could not be generated, see above"; }
deno fmt --quiet "$out/supabase/types/database.ts"

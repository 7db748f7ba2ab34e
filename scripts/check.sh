#!/usr/bin/env bash
# Everything that can be told without running the tests. Each check is a function named after what
# it promises; all of them run, and the last lines name those that failed.
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh" check
make_state
only_one check
cd "$ROOT"
LOG=$STATE/check/log

# Rust ---------------------------------------------------------------------------------------------

rust_is_formatted() { cargo fmt --all --check; }
rust_has_no_warnings() { cargo clippy --quiet --all-targets -- -D warnings; }
extension_has_no_warnings() {
    use_pgrx
    cargo clippy --quiet --package tenon --no-default-features --features "pg$PG_MAJOR" -- -D warnings
}

# Advisories come from a database on the net: without it, that part is left out, and said so.
crates_are_permissive() {
    cargo deny --log-level error check bans licenses sources || return 1
    if timeout 60 cargo deny --log-level error fetch db >/dev/null 2>&1; then
        cargo deny --log-level error check advisories
    else
        echo "note: advisories not checked, their database is out of reach" >&2
    fi
}

# The direct and indirect dependencies of a crate, by name.
dependencies_of() { cargo tree --package "$1" --edges normal,build --prefix none --format '{lib}' | sort -u; }
crates_keep_their_distance() {
    local found
    # pco samples with a generator that it seeds with a constant: the same every time.
    found=$(dependencies_of tenon-domain | grep -E '^(pgrx|tokio|async|mio|rumqtt|postgres|sqlx|hyper|reqwest|rand|getrandom|tenon)' | grep -vxE 'tenon_domain|rand_core|rand_xoshiro')
    [ -z "$found" ] || { echo "domain depends on: $found" >&2; return 1; }
    ! dependencies_of tenon-bridge | grep -E '^(pgrx|tenon)$' || { echo "bridge depends on the extension" >&2; return 1; }
    ! dependencies_of tenon | grep -E '^(tenon_bridge|tokio|rumqtt)' || { echo "extension depends on the bridge" >&2; return 1; }
    ! grep -rnE 'std::(env|fs|net|process|thread)|::now\(|println!|thread_rng' domain/src ||
        { echo "domain reaches outside: see above" >&2; return 1; }
}
extension_owns_functions_only() {
    ! grep -rnE 'Spi::|#\[derive\([^)]*PostgresType|extension_sql!.*create table' extension/src
}

# SQL ----------------------------------------------------------------------------------------------

sql_is_formatted() {
    sqlfluff lint --disable-progress-bar --nocolor supabase/migrations &&
        sqlfluff lint --disable-progress-bar --nocolor --ignore parsing sql/tests sql/support scripts # psql's variables do not parse
}
migrations_are_safe() { squawk --reporter gcc supabase/migrations/*.sql; }

database() {
    export TENON_STACK=$STATE/check/stack
    scripts/extension.sh && scripts/stack.sh database
}
plpgsql_has_no_errors() {
    "$PG_BIN/psql" -Xq "$DB_ADMIN_URL" -c 'create extension if not exists plpgsql_check schema extensions'
    supabase --workdir "$ROOT" db lint --remote="$DB_URL" --schema core,crm,hooks,iot,v1 --level error --fail-on none |
        node scripts/plpgsql-errors.mjs
}
# The advisors look at schemas that PostgREST exposes. They are told that all of ours are: what is
# right for v1, row level security above all, is right for those behind it.
advisors_have_no_advice() {
    "$PG_BIN/psql" -Xq "$DB_ADMIN_URL" -c "alter database postgres set pgrst.db_schemas = 'v1, core, crm, hooks, iot'"
    supabase --workdir "$ROOT" db advisors --remote="$DB_URL" --level warn --fail-on none |
        node scripts/advice.mjs
}
generated_files_are_fresh() {
    local fresh=$STATE/check/generated file stale=0
    scripts/schema.sh "$fresh" "$STATE/check/stack" || return 1
    while read -r file; do
        diff -u "$file" "$fresh/$file" || stale=1
    done < <(cd "$fresh" && find . -type f -printf '%P\n')
    [ "$stale" = 0 ] || { echo "run make schema, and commit what it writes" >&2; return 1; }
}

# JavaScript and shell -----------------------------------------------------------------------------

javascript_is_formatted() { javascript | xargs deno fmt --check; }
javascript_has_no_lint() { javascript | xargs deno lint --quiet; }
types_hold() { git ls-files --cached --others --exclude-standard '*.ts' | xargs --no-run-if-empty deno check --quiet; }
scripts_have_no_lint() { shellcheck scripts/*.sh scripts/services/*.sh .ci/run; }

# ------------------------------------------------------------------------------------------------

failures=()
check() {
    local name=$1 began=$SECONDS
    if "$name" >"$LOG/$name.log" 2>&1 </dev/null; then
        say "  ${name//_/ } ($((SECONDS - began)) s)$(sed -n 's/^note: /; /p' "$LOG/$name.log")"
        return
    fi
    failures+=("${name//_/ }")
    say "✗ ${name//_/ }:"
    tail -n 60 "$LOG/$name.log" | sed 's/^/    /' >&2
    return 1
}

rm -rf "$LOG"
mkdir -p "$LOG"
export NO_COLOR=1

for name in rust_is_formatted crates_keep_their_distance crates_are_permissive rust_has_no_warnings \
    extension_has_no_warnings extension_owns_functions_only sql_is_formatted migrations_are_safe \
    javascript_is_formatted javascript_has_no_lint types_hold scripts_have_no_lint; do
    check "$name" || true
done

TENON_STACK=$STATE/check/stack TENON_PORT_BASE=free
export TENON_STACK TENON_PORT_BASE
forget_stack
trap forget_stack EXIT
if check database; then
    # shellcheck source=/dev/null
    . "$TENON_STACK/env"
    for name in plpgsql_has_no_errors advisors_have_no_advice generated_files_are_fresh; do
        check "$name" || true
    done
fi

if [ "${#failures[@]}" -gt 0 ]; then
    say "${#failures[@]} checks failed: $(printf '%s; ' "${failures[@]}")see above"
    exit 1
fi
say "all checks passed"

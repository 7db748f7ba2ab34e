#!/usr/bin/env bash
# Runs every test: Rust, migrations, SQL, Deno, end to end. Installs and starts what they need.
# Quiet while green; a job that fails shows its log. The last line is the sum.
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh"
make_state
only_one test
cd "$ROOT"
LOG=$STATE/test
STACKS=$STATE/tests # where tests/ puts its stacks too

# Jobs: each prints what its tools print; afterwards its counter reads "passed failed skipped" ------

job_rust() { cargo test --quiet; }
count_rust() { awk '/^test result:/ { passed += $4; failed += $6; skipped += $8 } END { print passed + 0, failed + 0, skipped + 0 }'; }

# What Postgres and the services need before their tests can start.
job_build() { scripts/extension.sh && TENON_QUIET=1 scripts/bridge.sh; }
count_build() { echo 0 0 0; }

job_sql() {
    local elsewhere
    TENON_STACK=$STACKS/sql scripts/stack.sh database || return 1
    # shellcheck source=/dev/null
    . "$STACKS/sql/env"
    elsewhere="${DB_URL%/postgres\?*}/ten_at_once?sslmode=disable"
    admin() { "$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 "$DB_ADMIN_URL" -c "$1"; }

    test_that "migrations apply a second time, and change nothing" \
        same_before_and_after scripts/migrate.sh "$DB_URL"
    admin 'create database ten_at_once' && TENON_STACK=$STACKS/sql scripts/stack.sh shim ten_at_once
    test_that "migrations apply from ten connections at once" ten_at_once "$elsewhere"
    test_that "ten at once make the same schema as one" same_schema "$DB_URL" "$elsewhere"

    # The tests act as every role, and every role must reach the assertions.
    admin 'create extension pgtap schema extensions; grant usage on schema extensions to public'
    PATH=$PG_BIN:$PATH PGHOST=127.0.0.1 PGPORT=$PG_PORT PGUSER=postgres PGPASSWORD=$POSTGRES_PASSWORD PGDATABASE=postgres \
        pg_prove --ext .sql --jobs 2 --verbose --recurse sql/tests
}
# A file that dies or plans more than it runs has failed, though no line says "not ok".
count_sql() {
    awk '/^ok / { if (/# SKIP/) skipped++; else passed++ } /^not ok / && !/# TODO/ { failed++ }
        /^Result: FAIL/ { bad = 1 } END { if (bad && !failed) failed = 1; print passed + 0, failed + 0, skipped + 0 }'
}

test_that() {
    local what=$1
    shift
    if "$@"; then echo "ok - $what"; else echo "not ok - $what"; fi
}
# The schema as text, and which migrations made it.
schema_of() {
    # Months of the audit trail are made by housekeeping, whenever that runs.
    "$PG_BIN/pg_dump" --schema-only --schema=core --schema=hooks --schema=iot --schema=v1 \
        --exclude-table='core.audit_entries_2*' --dbname "$1" | grep -vE '^.(un)?restrict ' &&
        "$PG_BIN/psql" -XqAt "$1" -c 'select version, name from supabase_migrations.schema_migrations'
}
same_schema() {
    local one other
    one=$(schema_of "$1") && other=$(schema_of "$2") && diff <(echo "$one") <(echo "$other")
}
same_before_and_after() {
    local before after
    before=$(schema_of "$DB_URL") && "$@" && after=$(schema_of "$DB_URL") && diff <(echo "$before") <(echo "$after")
}
ten_at_once() {
    local pid pids=() failed=0
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        scripts/migrate.sh "$1" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    return "$failed"
}

# Edge Functions, and what else is written for Deno as well as for Node.
job_deno() { deno test --quiet --no-remote --allow-net=127.0.0.1 --allow-env supabase scripts; }
count_deno() {
    sed 's/\x1b\[[0-9;]*m//g' | awk '/ passed .*\| [0-9]+ failed/ {
        for (i = 2; i <= NF; i++) { if ($i == "passed") passed += $(i - 1); if ($i == "failed") failed += $(i - 1); if ($i == "ignored") skipped += $(i - 1) }
    } END { print passed + 0, failed + 0, skipped + 0 }'
}

# Each file starts a stack of its own below .tenon/tests, and ends it; two at a time, as they wait a lot.
job_e2e() { node --test --test-concurrency=2 --test-reporter=tap tests/*.test.mjs; }
# Node does not count a suite that is skipped as a whole; its line says so.
count_e2e() {
    awk '/# SKIP/ { skipped++ } /^# (pass|fail|cancelled) / { n[$2] += $3 }
        END { print n["pass"] + 0, n["fail"] + n["cancelled"], skipped + 0 }'
}

# Running jobs --------------------------------------------------------------------------------------

declare -A running=()
passed=0 failed=0 skipped=0

# Each job is a process group of its own, so that Ctrl-C ends its compilers and servers too.
launch() {
    local name=$1
    say "  $name …"
    set -m
    (
        set +em
        SECONDS=0
        "job_$name" >"$LOG/$name.log" 2>&1 </dev/null
        echo "$? $SECONDS" >"$LOG/$name.end"
    ) &
    set +m
    running[$name]=$!
    echo "$! $(process_started "$!")" >"$LOG/$name.job"
}

# Waits for a job, adds its count, reports it. False when it failed.
finish() {
    local name=$1 status seconds ok bad skip
    wait "${running[$name]}" || true
    unset "running[$name]"
    rm -f "$LOG/$name.job"
    read -r status seconds <"$LOG/$name.end"
    read -r ok bad skip < <("count_$name" <"$LOG/$name.log")
    # A job that fails without a failed test did not get as far as its tests.
    if [ "$status" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    if [ "$bad" = 0 ]; then
        [ "$name" = build ] || say "  $name: $ok passed$([ "$skip" = 0 ] || echo ", $skip skipped") (${seconds} s)"
        return
    fi
    say "--- $name failed; the end of $LOG/$name.log:"
    tail -n 80 "$LOG/$name.log" >&2
    say "---"
    return 1
}

# The data of a failed test stays until the next run, for whoever looks for the cause.
end_stacks() {
    local stack
    for stack in "$STACKS"/*/; do
        [ ! -e "$stack/secrets" ] || TENON_STACK=$stack scripts/stack.sh down
    done
}

end_all() {
    local pid
    for pid in "${running[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
    wait
    end_stacks
}

# Jobs and stacks of a run that was killed are still there.
end_killed_run() {
    local job pid started
    for job in "$LOG"/*.job; do
        read -r pid started 2>/dev/null <"$job" || continue
        [ "$started" != "$(process_started "$pid")" ] || kill -KILL -- "-$pid" 2>/dev/null || true
    done
    end_stacks
}

end_killed_run
rm -rf "$LOG" "$STACKS"
mkdir -p "$LOG" "$STACKS"
export TENON_PORT_BASE=free
trap end_all EXIT
trap 'exit 130' INT TERM

launch rust
launch build
launch deno
if finish build; then
    launch sql
    if compgen -G 'tests/*.test.mjs' >/dev/null; then launch e2e; fi
fi
for name in rust deno sql e2e; do
    [ -z "${running[$name]:-}" ] || finish "$name" || true
done
[ "$skipped" = 0 ] || say "  skipped: $(grep -h '# SKIP ' "$LOG"/*.log | sed 's/.*# SKIP *//' | sort -u | paste -sd ';')"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

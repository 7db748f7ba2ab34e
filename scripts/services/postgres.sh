# shellcheck shell=bash
# The private cluster: made once, shimmed and migrated at every start of a stack. Sourced by stack.sh.

DATA=$STACK/postgres

admin_psql() { "$PG_BIN/psql" -XqAt -v ON_ERROR_STOP=1 "$(database_url supabase_admin "$ADMIN_PASSWORD" "$PG_PORT" "${1:-postgres}")"; }

make_cluster() {
    local password
    password=$(mktemp)
    printf '%s\n' "$ADMIN_PASSWORD" >"$password"
    rm -rf "$DATA.new"
    mkdir -m 700 "$DATA.new"
    give_to_service "$DATA.new" "$password"
    (cd / && "${SERVICE[@]}" "$PG_BIN/initdb" --pgdata="$DATA.new" --username=supabase_admin --pwfile="$password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --no-instructions) >>"$STACK/log/postgres.log" 2>&1 ||
        fail_with_log postgres
    rm -f "$password"
    mv "$DATA.new" "$DATA"
}

start_postgres() {
    [ -x "$PG_BIN/postgres" ] || die "the private copy of Postgres is missing: run scripts/setup.sh"
    [ -e "$DATA" ] || make_cluster
    forget_dead_postmaster
    # The extension's shared memory is there only if Postgres starts with it; before the first build
    # of the extension Postgres starts without.
    local preload=pg_cron key=
    if [ -e "$(dirname "$PG_BIN")/lib/tenon.so" ]; then
        preload+=,tenon
        make_secret_key
        key="include = '$STACK/secret-key.conf'"
    fi
    cat >"$STACK/postgresql.conf" <<CONF
data_directory = '$DATA'
hba_file = '$DATA/pg_hba.conf'
ident_file = '$DATA/pg_ident.conf'
listen_addresses = '127.0.0.1'
port = $PG_PORT
unix_socket_directories = ''
max_connections = 100
shared_buffers = '256MB'
max_wal_size = '2GB'
timezone = 'UTC'
log_timezone = 'UTC'
jit = off
shared_preload_libraries = '$preload'
cron.database_name = 'postgres'
cron.use_background_workers = on
$key
CONF
    spawn postgres "${SERVICE[@]}" "$PG_BIN/postgres" -c config_file="$STACK/postgresql.conf"
}
# The key that secrets are sealed with, in a file that the server alone may read. Without the
# library it would be a setting like any other, which every session may read.
make_secret_key() {
    [ ! -e "$STACK/secret-key.conf" ] || return 0
    (umask 077 && echo "tenon.secret_key = '$(random_hex 32)'" >"$STACK/secret-key.conf.new")
    give_to_service "$STACK/secret-key.conf.new"
    mv "$STACK/secret-key.conf.new" "$STACK/secret-key.conf"
}

# Postgres keeps the library that it started with: one that was built since takes a restart.
stop_outdated_postgres() {
    ! [ "$(dirname "$PG_BIN")/lib/tenon.so" -nt "$STACK/pids/postgres" ] || stop postgres
}
# After a crash of the machine, the process id in the lock file may belong to any program.
forget_dead_postmaster() {
    local pid
    pid=$(head -n1 "$DATA/postmaster.pid" 2>/dev/null) || return 0
    [ "$(readlink "/proc/$pid/exe")" = "$PG_BIN/postgres" ] || rm -f "$DATA/postmaster.pid"
}

ready_postgres() { [ "$(admin_psql <<<'select 1')" = 1 ]; }

shim() {
    {
        printf '\\set %s %s\n' postgres_password "$POSTGRES_PASSWORD" authenticator_password \
            "$AUTHENTICATOR_PASSWORD" bridge_password "$BRIDGE_DB_PASSWORD"
        cat "$ROOT/scripts/platform/shim.sql"
    } | admin_psql "${1:-postgres}" >>"$STACK/log/shim.log" 2>&1 || fail_with_log shim
    # Supabase has pgmq as an extension; a plain Postgres has its functions and tables alone.
    DATABASE_URL=$(database_url postgres "$POSTGRES_PASSWORD" "$PG_PORT" "${1:-postgres}") RUST_LOG=error \
        pgmq-cli install install-from-embedded >>"$STACK/log/shim.log" 2>&1 || fail_with_log shim
}

# What the database was made from, comments aside: one line a file.
origins() {
    local file
    for file in "$ROOT"/supabase/migrations/*.sql "$PG_HOME/share/postgresql/$PG_MAJOR/extension"/tenon--*.sql; do
        echo "$(grep -v '^ *--' "$file" | sha256sum | cut -c1-16) $(basename "$file")"
    done
}

# Until the first release, migrations are edited in place, and a database made from their former
# text cannot be brought along.
migrate() {
    [ -e "$PG_HOME/share/postgresql/$PG_MAJOR/extension/tenon.control" ] ||
        die "the extension is not built: run scripts/extension.sh"
    if [ -e "$STACK/origins" ] && origins | awk 'NR == FNR { was[$2] = $1; next } $2 in was && was[$2] != $1 { bad = 1 } END { exit !bad }' "$STACK/origins" -; then
        die "the migrations or the extension changed in place since this data was made: 'make clean-data' forgets it, then run the command again"
    fi
    "$ROOT/scripts/migrate.sh" "$DB_URL" || exit 1
    origins >"$STACK/origins"
}

#!/usr/bin/env bash
# Starts and stops the services of one stack, each on a loopback port of its own:
#   postgres  the private cluster, with the platform shim and the migrations
#   rest      postgrest or postrust          gateway  Supabase's URL layout in front of it
#   broker    Mosquitto                      bridge   tenon-bridge run
#   pgbouncer transaction pooling in front of postgres; only when asked for
#   collector this machine as a device (TENON_COLLECTOR=tenant/d/device); only when asked for
#
#   stack.sh up                  all but pgbouncer; leaves alone what runs
#   stack.sh database            postgres alone, shimmed and migrated
#   stack.sh down                all
#   stack.sh start NAME          one, and waits until it is ready
#   stack.sh stop NAME [KILL]    one; KILL is kill -9
#   stack.sh status              what runs
#   stack.sh device USERNAME…    gives devices (tenant/d/device) a password; prints "username password"
#   stack.sh shim [DATABASE]     applies the platform shim to a database of the cluster
#
# Environment:
#   TENON_STACK          folder of the stack (.tenon/run): data, log/, pids/, env
#   TENON_PORT_BASE      first of six ports (55321), or `free`; remembered by the stack
#   TENON_BRIDGE_DATABASE=pgbouncer   the bridge goes through PgBouncer
#   TENON_BROKER_DURABLE=0            the broker saves its state at exit only, not at every change
#   TENON_LOAD_USER=1                 a broker user that may publish as any device: for load tests
# The file `env` in the stack's folder says how to reach everything, as lines NAME=value.
. "$(dirname "$0")/lib.sh"

make_state
STACK=${TENON_STACK:-$STATE/run}
mkdir -p "$STACK"
STACK=$(cd "$STACK" && pwd -P)
DATA=$STACK/postgres
BROKER=$STACK/broker

# Ports and secrets --------------------------------------------------------------------------------

# Below the range from which the kernel takes the ports of outgoing connections.
free_port_base() {
    local base port
    while :; do
        base=$((20000 + RANDOM % 1200 * 10))
        for port in 0 1 2 3 4 5; do
            ! port_answers $((base + port)) || continue 2
        done
        echo "$base"
        return
    done
}

make_secrets() {
    local jwt
    jwt=$(random_hex 32)
    (
        umask 077
        cat >"$STACK/secrets.new" <<SECRETS
JWT_SECRET=$jwt
ANON_KEY=$(JWT_SECRET=$jwt node "$ROOT/scripts/token.mjs" '{"role":"anon"}')
SERVICE_ROLE_KEY=$(JWT_SECRET=$jwt node "$ROOT/scripts/token.mjs" '{"role":"service_role"}')
ADMIN_PASSWORD=$(random_hex)
POSTGRES_PASSWORD=$(random_hex)
AUTHENTICATOR_PASSWORD=$(random_hex)
BRIDGE_DB_PASSWORD=$(random_hex)
BRIDGE_MQTT_USER=bridge
BRIDGE_MQTT_PASSWORD=$(random_hex)
LOAD_MQTT_USER=load
LOAD_MQTT_PASSWORD=$(random_hex)
SECRETS
    )
    mv "$STACK/secrets.new" "$STACK/secrets"
}

database_url() { # ROLE PASSWORD PORT [DATABASE]
    echo "postgresql://$1:$2@127.0.0.1:$3/${4:-postgres}?sslmode=disable"
}

# Reads the stack's ports and secrets, making them the first time, and writes `env`.
settle() {
    local base
    mkdir -p "$STACK/log" "$STACK/pids"
    [ -e "$STACK/secrets" ] || make_secrets
    # shellcheck source=/dev/null
    . "$STACK/secrets"
    base=$(cat "$STACK/port-base" 2>/dev/null || echo 55321)
    case ${TENON_PORT_BASE:-} in
        '') ;;
        free) [ -e "$STACK/port-base" ] || base=$(free_port_base) ;;
        *) base=$TENON_PORT_BASE ;;
    esac
    echo "$base" >"$STACK/port-base"
    GATEWAY_PORT=$base PG_PORT=$((base + 1)) REST_PORT=$((base + 2))
    MQTT_PORT=$((base + 3)) BRIDGE_PORT=$((base + 4)) PGBOUNCER_PORT=$((base + 5))
    DB_URL=$(database_url postgres "$POSTGRES_PASSWORD" "$PG_PORT")
    DB_ADMIN_URL=$(database_url supabase_admin "$ADMIN_PASSWORD" "$PG_PORT")
    PGBOUNCER_URL=$(database_url tenon_bridge "$BRIDGE_DB_PASSWORD" "$PGBOUNCER_PORT")
    BRIDGE_DB_URL=$(database_url tenon_bridge "$BRIDGE_DB_PASSWORD" "$PG_PORT")
    [ "${TENON_BRIDGE_DATABASE:-}" != pgbouncer ] || BRIDGE_DB_URL=$PGBOUNCER_URL
    (
        umask 077
        cat "$STACK/secrets" - >"$STACK/env.$$" <<ENV
API_URL=http://127.0.0.1:$GATEWAY_PORT
REST_PORT=$REST_PORT
PG_PORT=$PG_PORT
DB_URL=$DB_URL
DB_ADMIN_URL=$DB_ADMIN_URL
BRIDGE_DB_URL=$BRIDGE_DB_URL
PGBOUNCER_URL=$PGBOUNCER_URL
MQTT_PORT=$MQTT_PORT
MQTT_URL=mqtt://127.0.0.1:$MQTT_PORT
BRIDGE_HTTP_URL=http://127.0.0.1:$BRIDGE_PORT
ENV
    )
    mv "$STACK/env.$$" "$STACK/env"
}

# Processes ----------------------------------------------------------------------------------------

# The id of the running service, or false.
running() {
    local pid started
    read -r pid started 2>/dev/null <"$STACK/pids/$1" || return 1
    [ "$started" = "$(process_started "$pid")" ] && echo "$pid"
}

# Runs a service in a session of its own: Ctrl-C in the terminal reaches the script, not the service.
spawn() {
    local name=$1 pid
    shift
    (cd / && exec setsid "$@" </dev/null >>"$STACK/log/$name.log" 2>&1) &
    pid=$!
    disown "$pid"
    echo "$pid $(process_started "$pid")" >"$STACK/pids/$name"
}

port_of() {
    case $1 in
        postgres) echo "$PG_PORT" ;;
        rest) echo "$REST_PORT" ;;
        gateway) echo "$GATEWAY_PORT" ;;
        broker) echo "$MQTT_PORT" ;;
        bridge) echo "$BRIDGE_PORT" ;;
        pgbouncer) echo "$PGBOUNCER_PORT" ;;
        collector) ;; # listens to nobody
        *) die "there is no service $1: postgres, rest, gateway, broker, bridge, pgbouncer, collector" ;;
    esac
}

fail_with_log() {
    local name=$1
    say "--- the last lines of $STACK/log/$name.log"
    tail -n 15 "$STACK/log/$name.log" >&2
    say "---"
    die "$name failed, see above: correct what it names, then run the command again"
}

start() {
    local name=$1 port deadline=$((SECONDS + 60))
    port=$(port_of "$name")
    ! running "$name" >/dev/null || return 0
    [ -z "$port" ] || ! port_answers "$port" ||
        die "port $port, where $name belongs, is taken by another program: stop that, or choose other ports with TENON_PORT_BASE=56321"
    "start_$name"
    until "ready_$name" >/dev/null 2>&1; do
        if ! running "$name" >/dev/null || [ "$SECONDS" -ge "$deadline" ]; then fail_with_log "$name"; fi
        sleep 0.1
    done
}

# Nothing of Postgres may outlive it, or the next one finds its memory still in use.
stop() {
    local name=$1 how=${2:-TERM} pid children=()
    port_of "$name" >/dev/null
    pid=$(running "$name") || return 0
    if [ "$name" = postgres ]; then
        mapfile -t children < <(pgrep -P "$pid")
        [ "$how" != TERM ] || how=INT # ends its sessions instead of waiting for them
    fi
    kill -s "$how" "$pid" 2>/dev/null || true
    [ "$how" != KILL ] || [ "${#children[@]}" = 0 ] || kill -s KILL "${children[@]}" 2>/dev/null || true
    wait_for 30 eval "! running $name" || kill -s KILL "$pid" "${children[@]}" 2>/dev/null || true
    rm -f "$STACK/pids/$name"
}

# Postgres -----------------------------------------------------------------------------------------

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

give_to_service() { [ "$(id -u)" != 0 ] || chown -R postgres:postgres "$@"; }

start_postgres() {
    [ -x "$PG_BIN/postgres" ] || die "the private copy of Postgres is missing: run scripts/setup.sh"
    [ -e "$DATA" ] || make_cluster
    forget_dead_postmaster
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
shared_preload_libraries = 'pg_cron'
cron.database_name = 'postgres'
cron.use_background_workers = on
CONF
    spawn postgres "${SERVICE[@]}" "$PG_BIN/postgres" -c config_file="$STACK/postgresql.conf"
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

# REST ---------------------------------------------------------------------------------------------

start_rest() {
    local server
    server=$(command -v postgrest || command -v postrust) || die "no REST server is installed: run scripts/setup.sh"
    spawn rest env NO_COLOR=1 \
        PGRST_DB_URI="$(database_url authenticator "$AUTHENTICATOR_PASSWORD" "$PG_PORT")" \
        PGRST_DB_SCHEMAS=v1 PGRST_DB_ANON_ROLE=anon PGRST_JWT_SECRET="$JWT_SECRET" \
        PGRST_SERVER_HOST=127.0.0.1 PGRST_SERVER_PORT="$REST_PORT" PGRST_COMPAT_MODE=true \
        "${SERVICE[@]}" "$(reachable "$server")"
}
ready_rest() { curl -s -o /dev/null "http://127.0.0.1:$REST_PORT/"; }

# The path of a program that the services' user can run: itself, or a copy.
reachable() {
    if (cd / && "${SERVICE[@]}" test -x "$1"); then
        echo "$1"
    else
        mkdir -p "$STATE/bin"
        cp -u --remove-destination "$1" "$STATE/bin/"
        echo "$STATE/bin/$(basename "$1")"
    fi
}

start_gateway() {
    spawn gateway env GATEWAY_PORT="$GATEWAY_PORT" REST_PORT="$REST_PORT" node "$ROOT/scripts/gateway.mjs"
}
ready_gateway() { curl -sf "http://127.0.0.1:$GATEWAY_PORT/healthz"; }

# Broker and bridge --------------------------------------------------------------------------------

# Adds users to the broker's password file, which takes hashes, and has the broker read it again.
add_mqtt_users() { # lines "username password" on stdin
    local hashed pid
    hashed=$(mktemp)
    tr ' ' : >"$hashed"
    mosquitto_passwd -U "$hashed"
    cat "$hashed" >>"$BROKER/passwords"
    rm -f "$hashed"
    ! pid=$(running broker) || kill -s HUP "$pid"
}

# A device's name is its identity: the one pattern lets it write to its own topic and no other.
start_broker() {
    local load_rule='' save_often=true
    [ -z "${TENON_LOAD_USER:-}" ] || load_rule=$'user load\ntopic write t/#'
    [ "${TENON_BROKER_DURABLE:-1}" = 1 ] || save_often=false
    if [ ! -e "$BROKER/passwords" ]; then
        mkdir -p "$BROKER" && chmod 700 "$BROKER"
        (umask 077 && touch "$BROKER/passwords" "$STACK/devices")
        printf '%s %s\n' bridge "$BRIDGE_MQTT_PASSWORD" load "$LOAD_MQTT_PASSWORD" | add_mqtt_users
    fi
    cat >"$BROKER/acl" <<ACL
user bridge
topic read t/#

$load_rule

pattern write t/%u/telemetry
ACL
    cat >"$BROKER/mosquitto.conf" <<CONF
listener $MQTT_PORT 127.0.0.1
allow_anonymous false
password_file $BROKER/passwords
acl_file $BROKER/acl
persistence true
persistence_location $BROKER/
autosave_on_changes $save_often
autosave_interval $([ "$save_often" = true ] && echo 1 || echo 0)
max_queued_messages 0
max_inflight_messages 0
set_tcp_nodelay true
log_dest stderr
log_timestamp_format %Y-%m-%dT%H:%M:%S
CONF
    chmod 600 "$BROKER/acl"
    give_to_service "$BROKER"
    spawn broker "${SERVICE[@]}" "$(command -v mosquitto)" -c "$BROKER/mosquitto.conf"
}
ready_broker() { port_answers "$MQTT_PORT"; }

# Passwords of devices are made once and kept: a device that asks again gets the same.
device() {
    local name
    [ -e "$BROKER/passwords" ] || die "the broker has not been started yet: run 'stack.sh start broker'"
    for name in "$@"; do
        [[ $name =~ ^[a-z0-9-]+/d/[A-Za-z0-9_.-]+$ ]] ||
            die "$name is not a device's user name: write tenant/d/device (Mosquitto's password file takes no colon)"
        grep -q "^$name " "$STACK/devices" || echo "$name $(random_hex 16)"
    done >"$STACK/devices.new"
    if [ -s "$STACK/devices.new" ]; then
        add_mqtt_users <"$STACK/devices.new"
        cat "$STACK/devices.new" >>"$STACK/devices"
    fi
    rm -f "$STACK/devices.new"
    printf '%s\n' "$@" | awk 'NR == FNR { password[$1] = $2; next } { print $1, password[$1] }' "$STACK/devices" -
}

start_bridge() {
    [ -x "$STATE/bin/tenon-bridge" ] || die "the bridge is not built: run scripts/bridge.sh"
    spawn bridge env \
        TENON_MQTT_URL="mqtt://$BRIDGE_MQTT_USER:$BRIDGE_MQTT_PASSWORD@127.0.0.1:$MQTT_PORT" \
        TENON_DATABASE_URL="$BRIDGE_DB_URL" TENON_HTTP="127.0.0.1:$BRIDGE_PORT" \
        "${SERVICE[@]}" "$STATE/bin/tenon-bridge" run
}
ready_bridge() { curl -sf "http://127.0.0.1:$BRIDGE_PORT/readyz"; }

start_collector() {
    local name=${TENON_COLLECTOR:?the device that this machine is} password
    read -r name password < <(device "$name")
    spawn collector env TENON_MQTT_URL="mqtt://${name//\//%2F}:$password@127.0.0.1:$MQTT_PORT" \
        "${SERVICE[@]}" "$STATE/bin/tenon-bridge" collect --device "$name"
}
ready_collector() { true; }

start_pgbouncer() {
    mkdir -p "$STACK/pgbouncer" && chmod 700 "$STACK/pgbouncer"
    echo "\"tenon_bridge\" \"$BRIDGE_DB_PASSWORD\"" >"$STACK/pgbouncer/users"
    cat >"$STACK/pgbouncer/pgbouncer.ini" <<CONF
[databases]
* = host=127.0.0.1 port=$PG_PORT
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $PGBOUNCER_PORT
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $STACK/pgbouncer/users
pool_mode = transaction
default_pool_size = 10
ignore_startup_parameters = extra_float_digits
CONF
    give_to_service "$STACK/pgbouncer"
    spawn pgbouncer "${SERVICE[@]}" "$(command -v pgbouncer)" "$STACK/pgbouncer/pgbouncer.ini"
}
ready_pgbouncer() { port_answers "$PGBOUNCER_PORT"; }

# Commands -----------------------------------------------------------------------------------------

database() {
    start postgres
    shim postgres
    migrate
}

up() {
    local name
    database
    [ "${TENON_BRIDGE_DATABASE:-}" != pgbouncer ] || start pgbouncer
    for name in rest gateway broker bridge; do start "$name"; done
}

down() {
    local name
    for name in collector bridge gateway rest broker pgbouncer postgres; do stop "$name"; done
}

status() {
    local name pid
    for name in postgres rest gateway broker bridge pgbouncer collector; do
        if pid=$(running "$name"); then echo "$name runs as process $pid, port $(port_of "$name")"; else echo "$name is stopped"; fi
    done
}

settle
command=${1:?usage: stack.sh up | database | down | start NAME | stop NAME [KILL] | status | device USERNAME… | shim [DATABASE]}
shift
case $command in
    up | database | down | start | stop | status | device | shim) "$command" "$@" ;;
    *) die "stack.sh knows up, database, down, start, stop, status, device, shim; not $command" ;;
esac

#!/usr/bin/env bash
# Starts and stops the services of one stack, each on a loopback port of its own:
#   postgres  the private cluster, with the platform shim and the migrations
#   rest      postgrest or postrust          gateway  Supabase's URL layout in front of it
#   broker    Mosquitto                      bridge   tenon-bridge run
#   functions the Edge Functions, drained every second      mail   takes their mails, and shows them
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
#   TENON_PORT_BASE      first of nine ports (25321), or `free`; remembered by the stack
#   TENON_BRIDGE_DATABASE=pgbouncer   the bridge goes through PgBouncer
#   TENON_BROKER_DURABLE=0            the broker saves its state at exit only, not at every change
#   TENON_LOAD_USER=1                 a broker user that may publish as any device: for load tests
#   TENON_FUNCTIONS_SCHEDULE=0        the functions run when they are called only
# The file `env` in the stack's folder says how to reach everything, as lines NAME=value.
. "$(dirname "$0")/lib.sh"

make_state
STACK=${TENON_STACK:-$STATE/run}
mkdir -p "$STACK"
STACK=$(cd "$STACK" && pwd -P)

# Ports and secrets --------------------------------------------------------------------------------

# Below the range from which the kernel takes the ports of outgoing connections.
free_port_base() {
    local base port
    while :; do
        base=$((20000 + RANDOM % 1200 * 10))
        for port in 0 1 2 3 4 5 6 7 8; do
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
    # Below the range from which the kernel takes the ports of outgoing connections.
    base=$(cat "$STACK/port-base" 2>/dev/null || echo 25321)
    case ${TENON_PORT_BASE:-} in
        '') ;;
        free) [ -e "$STACK/port-base" ] || base=$(free_port_base) ;;
        *) base=$TENON_PORT_BASE ;;
    esac
    echo "$base" >"$STACK/port-base"
    GATEWAY_PORT=$base PG_PORT=$((base + 1)) REST_PORT=$((base + 2))
    MQTT_PORT=$((base + 3)) BRIDGE_PORT=$((base + 4)) PGBOUNCER_PORT=$((base + 5))
    FUNCTIONS_PORT=$((base + 6)) MAIL_PORT=$((base + 7)) MAILBOX_PORT=$((base + 8))
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
FUNCTIONS_URL=http://127.0.0.1:$FUNCTIONS_PORT/functions/v1
MAIL_PORT=$MAIL_PORT
MAILBOX_URL=http://127.0.0.1:$MAILBOX_PORT
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

give_to_service() { [ "$(id -u)" != 0 ] || chown -R postgres:postgres "$@"; }

port_of() {
    case $1 in
        postgres) echo "$PG_PORT" ;;
        rest) echo "$REST_PORT" ;;
        gateway) echo "$GATEWAY_PORT" ;;
        broker) echo "$MQTT_PORT" ;;
        bridge) echo "$BRIDGE_PORT" ;;
        pgbouncer) echo "$PGBOUNCER_PORT" ;;
        functions) echo "$FUNCTIONS_PORT" ;;
        mail) echo "$MAIL_PORT" ;;
        collector) ;; # listens to nobody
        *) die "there is no service $1: postgres, rest, gateway, broker, bridge, functions, mail, pgbouncer, collector" ;;
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
        die "port $port, where $name belongs, is taken by another program: stop that, or choose other ports with TENON_PORT_BASE=26321"
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

for service in postgres rest broker bridge functions; do
    # shellcheck source=/dev/null
    . "$ROOT/scripts/services/$service.sh"
done

# Commands -----------------------------------------------------------------------------------------

database() {
    stop_outdated_postgres
    start postgres
    shim postgres
    migrate
}

up() {
    local name
    database
    [ "${TENON_BRIDGE_DATABASE:-}" != pgbouncer ] || start pgbouncer
    for name in rest gateway broker bridge mail functions; do start "$name"; done
}

down() {
    local name
    for name in collector functions mail bridge gateway rest broker pgbouncer postgres; do stop "$name"; done
}

status() {
    local name pid
    for name in postgres rest gateway broker bridge functions mail pgbouncer collector; do
        if pid=$(running "$name"); then echo "$name runs as process $pid $(port_of "$name" | sed 's/^/on port /')"; else echo "$name is stopped"; fi
    done
}

settle
[ $# -gt 0 ] || die "say what to do: up, database, down, start NAME, stop NAME [KILL], status, device USERNAME…, shim [DATABASE]"
command=$1
shift
case $command in
    up | database | down | start | stop | status | device | shim) "$command" "$@" ;;
    *) die "stack.sh knows up, database, down, start, stop, status, device, shim; not $command" ;;
esac

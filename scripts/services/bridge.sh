# shellcheck shell=bash
# The bridge, the collector that makes this machine a device, and PgBouncer. Sourced by stack.sh.

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

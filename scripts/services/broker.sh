# shellcheck shell=bash
# Mosquitto with a password for every device. Sourced by stack.sh.

BROKER=$STACK/broker

# Adds users to the broker's password file, which takes hashes.
add_mqtt_users() { # lines "username password" on stdin
    local hashed
    hashed=$(mktemp)
    tr ' ' : >"$hashed"
    mosquitto_passwd -U "$hashed"
    cat "$hashed" >>"$BROKER/passwords"
    rm -f "$hashed"
}

# Has the broker read its password file again, and waits until it has.
reload_broker() {
    local pid before
    pid=$(running broker) || return 0
    before=$(reloads)
    kill -s HUP "$pid"
    wait_for 10 reloaded_since "$before" ||
        die "the broker did not read its password file again: see $STACK/log/broker.log"
}
reloaded_since() { [ "$(reloads)" -gt "$1" ]; }
reloads() { grep -c 'Reloading config' "$STACK/log/broker.log" || true; }

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
# No limit in effect. With 0, Mosquitto 2.0.21 disconnects a client after a refused publish.
max_queued_messages 1000000000
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
        reload_broker
    fi
    rm -f "$STACK/devices.new"
    printf '%s\n' "$@" | awk 'NR == FNR { password[$1] = $2; next } { print $1, password[$1] }' "$STACK/devices" -
}

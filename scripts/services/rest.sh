# shellcheck shell=bash
# The REST server, and the gateway that gives it Supabase's URL layout. Sourced by stack.sh.

start_rest() {
    local server
    server=$(command -v postgrest || command -v postrust) || die "no REST server is installed: run scripts/setup.sh"
    spawn rest env NO_COLOR=1 \
        PGRST_DB_URI="$(database_url authenticator "$AUTHENTICATOR_PASSWORD" "$PG_PORT")" \
        PGRST_DB_SCHEMAS=v1 PGRST_DB_PRE_REQUEST=core.pre_request PGRST_DB_ANON_ROLE=anon PGRST_JWT_SECRET="$JWT_SECRET" \
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
    spawn gateway env GATEWAY_PORT="$GATEWAY_PORT" REST_PORT="$REST_PORT" FUNCTIONS_PORT="$FUNCTIONS_PORT" \
        node "$ROOT/scripts/gateway.mjs"
}
ready_gateway() { curl -sf "http://127.0.0.1:$GATEWAY_PORT/healthz"; }

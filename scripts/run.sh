#!/usr/bin/env bash
# Builds and starts everything, makes this machine the first device, and shows what it sends.
# Ctrl-C stops it all; the data stays in .tenon/run until `make clean-data`.
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh"
make_state
only_one run
"$ROOT/scripts/extension.sh"
"$ROOT/scripts/bridge.sh"

TENANT=demo
USER_ID=00000000-0000-4000-8000-00000000d3e0
USER_EMAIL=demo@example.com
DEVICE=$(uname -n | tr -c 'A-Za-z0-9_.\n-' - | sed 's/^[^A-Za-z0-9]*//' | cut -c1-64)
DEVICE=${DEVICE:-this-machine}
export TENON_STACK=$STATE/run TENON_COLLECTOR=$TENANT/d/$DEVICE

stop() {
    trap '' INT TERM
    kill "${view:-}" 2>/dev/null || true
    say "stopping …"
    "$ROOT/scripts/stack.sh" down
    say "stopped; the data stays in .tenon/run, and make run goes on with it"
}
trap stop EXIT
trap 'exit 0' INT TERM

say "starting Postgres, REST, gateway, broker, bridge, mail and functions …"
"$ROOT/scripts/stack.sh" up
# shellcheck source=/dev/null
. "$TENON_STACK/env"

"$PG_BIN/psql" -Xq "$DB_URL" -v tenant="$TENANT" -v device="$DEVICE" -v user_id="$USER_ID" -v user_email="$USER_EMAIL" \
    -f "$ROOT/scripts/platform/seed.sql" >"$TENON_STACK/log/seed.log" 2>&1 ||
    die "the demonstration's tenant could not be made ($(tail -n 1 "$TENON_STACK/log/seed.log")): 'make clean-data' starts afresh"
"$ROOT/scripts/stack.sh" start collector

printf -v USER_CLAIMS '{"sub":"%s","role":"authenticated","aud":"authenticated","email":"%s"}' "$USER_ID" "$USER_EMAIL"
USER_TOKEN=$(JWT_SECRET=$JWT_SECRET node "$ROOT/scripts/token.mjs" "$USER_CLAIMS" 604800)
export API_URL ANON_KEY USER_TOKEN DEVICE TENANT BRIDGE_HTTP_URL
(
    umask 077
    for name in API_URL ANON_KEY USER_TOKEN USER_CLAIMS DB_URL DEVICE; do
        printf "export %s='%s'\n" "$name" "${!name}"
    done >"$TENON_STACK/try"
)

# The first mail on its way to the mailbox; a later one takes its place.
curl -sf -o /dev/null "$API_URL/rest/v1/rpc/invite" -H "apikey: $ANON_KEY" -H "Authorization: Bearer $USER_TOKEN" \
    -H 'content-type: application/json' -d '{"email": "colleague@example.com", "role": "viewer"}' ||
    say "the invitation of colleague@example.com was refused; everything else works"

cat <<TEXT

  API        $API_URL/rest/v1/    (schema v1; what it offers: docs/sql-api.md)
  Postgres   $DB_URL
  MQTT       $MQTT_URL    (this machine publishes to t/$TENANT/d/$DEVICE/telemetry)
  Bridge     $BRIDGE_HTTP_URL/metrics
  Functions  $API_URL/functions/v1/    (deliver-email and deliver-webhook run every second)
  Mails      $MAILBOX_URL/    (what was sent, an invitation first; no mail leaves this machine)

  anon key   $ANON_KEY

  token of $USER_EMAIL, who owns the tenant "$TENANT" (valid for a week)
             $USER_TOKEN

  To try, in this folder and another terminal:

. .tenon/run/try && curl -gs "\$API_URL/rest/v1/rpc/latest?devices={\$DEVICE}" -H "apikey: \$ANON_KEY" -H "Authorization: Bearer \$USER_TOKEN"

. .tenon/run/try && node --input-type=module -e '
import { createClient } from "@supabase/supabase-js"; import ws from "ws"; const { env } = process;
const supabase = createClient(env.API_URL, env.ANON_KEY, { db: { schema: "v1" },
  accessToken: async () => env.USER_TOKEN, realtime: { transport: ws } });
console.table((await supabase.rpc("latest", { devices: [env.DEVICE] })).data);'

. .tenon/run/try && psql "\$DB_URL" -c "set role authenticated" -c "set request.jwt.claims = '\$USER_CLAIMS'" -c "select * from v1.latest(array['\$DEVICE'])"

TEXT
# In the background, because a signal reaches a waiting shell at once, and a busy one later.
node "$ROOT/scripts/live.mjs" &
view=$!
wait "$view"

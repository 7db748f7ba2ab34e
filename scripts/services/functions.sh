# shellcheck shell=bash
# The Edge Functions with their local scheduler, and the mail server that they send to. Sourced by
# stack.sh. TENON_DEVELOPMENT_HOSTS, SMTP_* and RESEND_* of the environment reach the functions.

start_functions() {
    spawn functions env \
        FUNCTIONS_PORT="$FUNCTIONS_PORT" FUNCTIONS_SCHEDULE="${TENON_FUNCTIONS_SCHEDULE:-1}" \
        SUPABASE_URL="http://127.0.0.1:$GATEWAY_PORT" SUPABASE_ANON_KEY="$ANON_KEY" \
        SUPABASE_SERVICE_ROLE_KEY="$SERVICE_ROLE_KEY" \
        TENON_DEVELOPMENT_HOSTS="${TENON_DEVELOPMENT_HOSTS-localhost,127.0.0.1}" \
        SMTP_URL="${SMTP_URL-smtp://127.0.0.1:$MAIL_PORT}" SMTP_TLS="${SMTP_TLS-none}" \
        deno run --quiet --no-remote --allow-net --allow-env --config "$ROOT/deno.json" "$ROOT/scripts/functions.ts"
}
ready_functions() { curl -sf "http://127.0.0.1:$FUNCTIONS_PORT/healthz"; }

start_mail() {
    spawn mail env MAIL_SMTP_PORT="$MAIL_PORT" MAIL_HTTP_PORT="$MAILBOX_PORT" \
        node "$ROOT/scripts/mailbox.mjs"
}
ready_mail() { port_answers "$MAIL_PORT" && curl -sf "http://127.0.0.1:$MAILBOX_PORT/healthz"; }

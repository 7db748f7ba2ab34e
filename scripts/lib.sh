# shellcheck shell=bash
# What the scripts beside this file share: places, messages, the user that services run as.
# Sourced, never run.

set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
TOOLS=${TENON_TOOLS:-$HOME/.cache/tenon} # tools that several checkouts share
PG_MAJOR=15

# Everything this checkout makes is in .tenon, which git ignores and which may be a link. In it is a
# private, relocated copy of Postgres.
find_state() {
    STATE=$(realpath -m "$ROOT/.tenon")
    PG_HOME=$STATE/pg
    export PG_BIN=$PG_HOME/lib/postgresql/$PG_MAJOR/bin
}
find_state
export PATH="$ROOT/node_modules/.bin:$TOOLS/tools/bin:$PATH:/usr/sbin"
export SUPABASE_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1

# Postgres refuses to run as root: there, services run as the user that its package made.
SERVICE=()
if [ "$(id -u)" = 0 ]; then
    SERVICE=(setpriv --reuid=postgres --regid=postgres --init-groups --)
fi

say() { printf '%s\n' "$*" >&2; }

# The one line that ends every failure: what went wrong, and what to do.
die() {
    printf 'tenon: %s\n' "$*" >&2
    exit 1
}

random_hex() { openssl rand -hex "${1:-24}"; }

# Makes .tenon. A folder that the services' user cannot reach (a checkout in /root, say) becomes a
# link to one that it can.
make_state() {
    if [ ! -e "$ROOT/.tenon" ]; then
        rm -f "$ROOT/.tenon" # a link to nothing
        if [ "$(id -u)" = 0 ] && ! (cd / && "${SERVICE[@]}" test -x "$ROOT"); then
            mkdir -p /var/lib/tenon
            ln -s "$(mktemp -d "/var/lib/tenon/$(basename "$ROOT").XXXXXX")" "$ROOT/.tenon"
        else
            mkdir "$ROOT/.tenon"
        fi
        chmod 755 "$ROOT/.tenon/."
        find_state
    fi
    [ -w "$STATE/." ] || die ".tenon belongs to another user: remove it as that user, or go on as that user"
}

# The JavaScript and TypeScript that people write.
javascript() {
    git ls-files --cached --others --exclude-standard '*.mjs' '*.ts' | grep -v '^supabase/types/'
}

# wait_for SECONDS COMMAND…: runs the command until it succeeds; false after the deadline.
wait_for() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.1
    done
}

port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A process is known by its id and its start time: ids are used again, the pair is not. A zombie is
# over, whether or not somebody has asked for its end.
process_started() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk '$1 != "Z" { print $20 }'; }

# Tells pgrx which Postgres to build for. The file is touched only when it changes: cargo watches it.
use_pgrx() {
    local config
    export PGRX_HOME=$STATE/pgrx
    config=$(printf '[configs]\npg%s = "%s"' "$PG_MAJOR" "$PG_BIN/pg_config")
    [ "$(cat "$PGRX_HOME/config.toml" 2>/dev/null)" = "$config" ] && return
    mkdir -p "$PGRX_HOME"
    echo "$config" >"$PGRX_HOME/config.toml"
}

# Makes sure that one command of a kind runs in this checkout at a time.
only_one() {
    local file=$STATE/$1.pid pid started
    if read -r pid started 2>/dev/null <"$file" && [ "$started" = "$(process_started "$pid")" ]; then
        die "make $1 already runs in this checkout, as process $pid: wait for it, or end it"
    fi
    echo "$$ $(process_started $$)" >"$file"
}

# Starts a stack of its own in .tenon/NAME, with nothing in it, and ends it with the script.
# `database` stops at the migrated database. Sets what the stack's env says.
fresh_stack() {
    export TENON_STACK=$STATE/$1 TENON_PORT_BASE=free
    forget_stack
    trap forget_stack EXIT
    "$ROOT/scripts/stack.sh" "${2:-up}"
    # shellcheck source=/dev/null
    . "$TENON_STACK/env"
}

forget_stack() {
    [ ! -e "$TENON_STACK/secrets" ] || "$ROOT/scripts/stack.sh" down
    rm -rf "$TENON_STACK"
}

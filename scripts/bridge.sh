#!/usr/bin/env bash
# Builds the bridge and puts it where the services' user can run it: .tenon/bin/tenon-bridge.
. "$(dirname "$0")/lib.sh"

target=${CARGO_TARGET_DIR:-$ROOT/target}
if ! [ -x "$STATE/bin/tenon-bridge" ]; then say "bridge: building (2-4 minutes the first time)"; fi
(cd "$ROOT" && cargo build ${TENON_QUIET:+--quiet} --release --package tenon-bridge) ||
    die "the bridge did not build: correct what the compiler names, then run the command again"

# One that runs keeps its old file: it is replaced, never overwritten.
mkdir -p "$STATE/bin"
cmp -s "$target/release/tenon-bridge" "$STATE/bin/tenon-bridge" ||
    cp --remove-destination "$target/release/tenon-bridge" "$STATE/bin/tenon-bridge"

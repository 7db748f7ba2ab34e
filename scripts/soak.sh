#!/usr/bin/env bash
# Runs the tests that get better with time, for as long as MINUTES says (10).
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh"
make_state
only_one soak
cd "$ROOT"
scripts/extension.sh
export MINUTES=${MINUTES:-10} # set, but empty, by make
exec node --test --test-reporter=spec tests/soak/*.mjs

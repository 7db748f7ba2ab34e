#!/usr/bin/env bash
# Forgets the data of `make run`: the next run starts with nothing.
. "$(dirname "$0")/lib.sh"

[ -e "$STATE/run" ] || exit 0
only_one run
TENON_STACK=$STATE/run
forget_stack

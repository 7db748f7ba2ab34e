#!/usr/bin/env bash
# Measures, and writes down what came out: a table on the terminal, its section of
# docs/performance.md, and .tenon/bench.json.
#   bench.sh [GROUP]    every bench/GROUP.mjs, or the one named
# A bench writes one JSON object per figure on stdout, {name, value, unit, aim, met}, and what it is
# doing on stderr. Nothing of it is asserted anywhere.
. "$(dirname "$0")/lib.sh"

"$ROOT/scripts/setup.sh"
make_state
only_one bench
"$ROOT/scripts/extension.sh"
"$ROOT/scripts/bridge.sh"
cd "$ROOT"

only=${1:-}
[ -z "$only" ] || [ -e "bench/$only.mjs" ] ||
    die "there is no bench $only: bench/ has $(find bench -name '*.mjs' -printf '%f ' | sed 's/\.mjs//g')"

mkdir -p "$STATE/bench"
trap 'TENON_STACK=$STATE/bench/stack forget_stack' EXIT
export TENON_STACK=$STATE/bench/stack TENON_PORT_BASE=free
for bench in bench/${only:-*}.mjs; do
    group=$(basename "$bench" .mjs)
    forget_stack
    say "bench $group …"
    node "$bench" >"$STATE/bench/$group.jsonl" ||
        die "the bench $group failed, see above: correct what it names, then run make bench ONLY=$group"
    node scripts/bench-report.mjs "$group" "$STATE/bench/$group.jsonl" "$STATE/bench.json" docs/performance.md
done

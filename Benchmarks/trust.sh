#!/bin/bash
# What trust costs on this machine: verify against SHA-256 of a large buffer, appends of single events from one task and
# from 64, a replay beside an import, a backup, and opening. Results are recorded in docs/testing.md.
set -euo pipefail
BINARY=${1:-.build/release/clm-replay}
STORE_BENCHMARK=${2:-.build/benchmarks/release/store-benchmark}
EVENTS=${EVENTS:-2000000}
RULES=fixtures/rules/retail.yaml
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

seconds() { local from=$(date +%s.%N); "$@" > /dev/null 2> "$WORK/err" || { cat "$WORK/err"; exit 1; }; echo "$(date +%s.%N) - $from" | bc; }
bytes() { stat -c %s "$1/log/g1/data.mdb"; }

"$BINARY" generate --events "$EVENTS" --seed 7 -o "$WORK/all" -q
half=$((EVENTS / 2))
head -"$half" "$WORK/all" > "$WORK/first"
tail -n +$((half + 1)) "$WORK/all" > "$WORK/second"
"$BINARY" import "$WORK/alone" "$WORK/first" -q
alone=$(seconds "$BINARY" import "$WORK/alone" "$WORK/second" -q)

# Three rounds, both sides in turn; the best of each.
best_verify=
best_hash=0
for round in 1 2 3; do
  hash=$("$STORE_BENCHMARK" sha256)
  t=$(seconds "$BINARY" verify "$WORK/alone" -q)
  if [ "$hash" -gt "$best_hash" ]; then best_hash=$hash; fi
  if [ -z "$best_verify" ] || [ "$(echo "$t < $best_verify" | bc)" = 1 ]; then best_verify=$t; fi
done
rate=$(echo "$(bytes "$WORK/alone") / $best_verify / 1000000" | bc)
echo "verify        $best_verify s   $rate MB/s on $(nproc) cores; SHA-256 of a large buffer on one: $best_hash MB/s; ratio $(echo "scale=2; $rate / $best_hash" | bc)"
echo "opening       $(seconds "$BINARY" status "$WORK/alone") s for status, all tree pages checked"

"$BINARY" import "$WORK/both" "$WORK/first" -q
replays=0
from=$(date +%s.%N)
"$BINARY" import "$WORK/both" "$WORK/second" -q &
import=$!
while kill -0 $import 2>/dev/null; do "$BINARY" replay "$WORK/both" --rules "$RULES" -q > /dev/null; replays=$((replays + 1)); done
wait $import
both=$(echo "$(date +%s.%N) - $from" | bc)
echo "import        $alone s for $((EVENTS - half)) events alone, $both s beside $replays replays; the log has $(bytes "$WORK/alone") and $(bytes "$WORK/both") bytes"
echo "backup        $(seconds "$BINARY" backup "$WORK/both" "$WORK/copy" -q) s, verified; $(bytes "$WORK/copy") of $(bytes "$WORK/both") bytes"
"$STORE_BENCHMARK" append "$WORK/appends"

#!/bin/bash
# Figures on this machine: import, replay, compare, verify of 2 million events of a made-up shop, with SQL (DuckDB, where it
# can be installed) beside it. Results are recorded in docs/testing.md.
set -euo pipefail
BINARY=${1:-.build/release/clm-replay}
EVENTS=${EVENTS:-2000000}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

seconds() { local from=$(date +%s.%N); "$@" > /dev/null 2> "$WORK/err" || { cat "$WORK/err"; exit 1; }; echo "$(date +%s.%N) - $from" | bc; }
rate() { echo "$1 / $2" | bc; }

"$BINARY" generate --events "$EVENTS" --seed 7 -o "$WORK/shop.ndjson" -q
echo "$EVENTS events, $(du -m "$WORK/shop.ndjson" | cut -f1) MB of NDJSON, $(nproc) cores"
t=$(seconds "$BINARY" import "$WORK/store" "$WORK/shop.ndjson" -q)
echo "import        $t s   $(rate "$EVENTS" "$t") events/s"
t=$(seconds "$BINARY" import "$WORK/store" "$WORK/shop.ndjson" -q)
echo "import again  $t s   $(rate "$EVENTS" "$t") events/s, all duplicates"
t=$(seconds "$BINARY" replay "$WORK/store" --rules fixtures/rules/retail.yaml -q)
replay=$t
echo "replay        $t s   $(rate "$EVENTS" "$t") events/s"
t=$(seconds "$BINARY" compare "$WORK/store" --rules fixtures/rules/retail.yaml --rules fixtures/rules/retail-v4.yaml -q)
echo "compare       $t s   $(echo "scale=2; $t / $replay" | bc) of a replay"
t=$(seconds "$BINARY" verify "$WORK/store" -q)
echo "verify        $t s   $(echo "$(stat -c %s "$WORK/store/log/g1/data.mdb") / $t / 1000000" | bc) MB/s"
echo "store         $(($(stat -c %s "$WORK/store/log/g1/data.mdb") / EVENTS)) bytes an event, lines have $(($(stat -c %s "$WORK/shop.ndjson") / EVENTS))"
if python3 -c 'import duckdb' 2>/dev/null; then
  python3 Benchmarks/sql.py "$WORK/shop.ndjson" "$replay"
else
  echo "(for the comparison with SQL: python3 -m pip install duckdb)"
fi

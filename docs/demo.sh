#!/bin/bash
# The main job on the shop of fixtures/: events in, stages out, and why. Run by `make demo`.
set -euo pipefail
BINARY=${BINARY:-.build/release/clm-replay}
STORE=${STORE:-.build/demo-store}
rm -rf "$STORE" "$STORE".key* "$STORE"-*

run() {
  printf '\n$ clm-replay'
  printf ' %s' "$@"
  printf '\n'
  "$BINARY" "$@"
}
title() { printf '\n== %s\n' "$1"; }

title "Events go into an append-only log"
gzip -dc fixtures/shop.ndjson.gz > "$STORE.ndjson"
run import "$STORE" "$STORE.ndjson"
rm "$STORE.ndjson"
run status "$STORE" --types

title "A rules file folds them into stages, value and segments"
run check fixtures/rules/retail.yaml
run replay "$STORE" --rules fixtures/rules/retail.yaml

title "One loyal customer: where they stand, and why"
"$BINARY" export "$STORE" --table customers -o "$STORE-customers.csv" -q
customer=$(awk -F, '$2 == "loyalty" { print $1; exit }' "$STORE-customers.csv")
run show "$STORE" "$customer"
run explain "$STORE" "$customer" --to loyalty
run history "$STORE" "$customer"

title "Who was at risk, and when; how the stages did"
run export "$STORE" --table segments -o - | head -6
run metrics "$STORE" --table stages --period year
run metrics "$STORE" --table nps --period year

title "All of it as a page"
run report "$STORE" -o "$STORE-report.html" --compare fixtures/rules/retail-v4.yaml

title "What would other rules have said, over all history?"
run compare "$STORE" --rules fixtures/rules/retail.yaml --rules fixtures/rules/retail-v4.yaml

title "Evidence: a signed checkpoint to keep elsewhere, proofs, and what was served when"
run checkpoint "$STORE" --init "$STORE.key" -o "$STORE-checkpoint"
cat "$STORE-checkpoint"
run explain "$STORE" "$customer" --to loyalty --evidence "$STORE-evidence.json" --checkpoint "$STORE-checkpoint" > /dev/null
"$BINARY" explain "$STORE" "$customer" --to loyalty --evidence "$STORE-evidence.html" > /dev/null
if command -v python3 > /dev/null; then
  printf '\n$ python3 docs/check_evidence.py %s --key %s\n' "$STORE-evidence.json" "$STORE.key.pub"
  python3 docs/check_evidence.py "$STORE-evidence.json" --key "$STORE.key.pub" --checkpoint "$STORE-checkpoint"
fi
printf '\nThe same as a page to read and to print: %s\n' "$STORE-evidence.html"
run views "$STORE" --history

title "Nothing was lost, changed, rolled back or forked on the way; a verified copy"
run verify "$STORE" --against "$STORE-checkpoint"
run backup "$STORE" "$STORE-backup"
printf '\nThe store is in %s; try:\n' "$STORE"
printf '  %s export %s --table transitions -o -\n' "$BINARY" "$STORE"

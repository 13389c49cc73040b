#!/bin/bash
# Fitted values of a million customers under each model, beside the Python library `lifetimes` (installed aside, in its last versions that work).
set -euo pipefail
BINARY=${1:-.build/release/clm-replay}
CUSTOMERS=${CUSTOMERS:-1000000}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
PYTHON=${LIFETIMES_PYTHON:-}
if [ -z "$PYTHON" ]; then
  python3 -m venv "$WORK/venv"
  "$WORK/venv/bin/pip" install -q "lifetimes==0.11.3" "pandas<2" "numpy<1.26" "scipy<1.12"
  PYTHON="$WORK/venv/bin/python"
fi
"$PYTHON" Benchmarks/value.py make "$WORK" "$CUSTOMERS"
"$BINARY" import "$WORK/store" "$WORK/purchases.csv" --csv 'subject=customer,time=date,type:=purchase,data.amount=amount' -q
for MODEL in ${MODELS:-bg_nbd mbg_nbd pareto_nbd bg_bb}; do
  UNIT=7d
  [ "$MODEL" = bg_bb ] && UNIT=30d
  cat > "$WORK/rules.yaml" <<RULES
rules: 1
model: { name: $MODEL, version: 1 }
currency: EUR
events:
  purchase: { types: [purchase], fields: { amount: money } }
facts:
  purchases: { count: purchase }
stages: [buyer]
clv: { purchase: purchase.amount, model: $MODEL, unit: $UNIT, horizon: 364d, discount: { rate: 0.01, per: month } }
RULES
  "$PYTHON" Benchmarks/value.py lifetimes "$WORK" "$MODEL" || { echo "$MODEL: lifetimes found no answer"; continue; }
  "$BINARY" replay "$WORK/store" --rules "$WORK/rules.yaml" --format json > "$WORK/replay.json" 2> "$WORK/replay.err"
  "$PYTHON" Benchmarks/value.py compare "$WORK" "$MODEL"
done

#!/usr/bin/env bash
# Pictures of every page, from a server of its own with the sample documents in it.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
out="${1:-${CARGO_TARGET_DIR:-target}/screenshots}"
binary="${CARGO_TARGET_DIR:-target}/debug/docmill"
"$binary" serve --data-dir "$work/data" --listen 127.0.0.1:0 --root samples >"$work/out" 2>"$work/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$work/out" "$work/log" -h | head -n 1 || true)
    [ -z "$url" ] || break
    sleep 0.1
done
make_batch() {
    curl --silent --fail --output /dev/null -H 'content-type: application/json' "$url/api/v1/batches" -d "$1"
}
make_batch "{\"name\": \"till receipts, March\", \"sources\": [\"$PWD/samples/receipts\"], \"template\": \"receipt\", \"model\": \"offline\", \"start\": true}"
make_batch "{\"name\": \"supplier invoices\", \"sources\": [\"$PWD/samples/invoices\"], \"template\": \"invoice\", \"model\": \"offline\", \"start\": true}"
make_batch "{\"name\": \"the whole archive\", \"sources\": [\"$PWD/samples\"], \"template\": \"classify\", \"model\": \"sim/openai/gpt-4o-mini\", \"sim_speed\": 5, \"budget_usd\": 1, \"start\": true}"
make_batch "{\"name\": \"contracts\", \"sources\": [\"$PWD/samples/contracts\"], \"template\": \"contract\", \"model\": \"sim/openai/gpt-4o-mini\"}"
for _ in $(seq 300); do
    busy=$(curl --silent "$url/api/v1/batches?state=draft,estimating,running" | grep -o '"matching":[0-9]*' | cut -d: -f2)
    [ "$busy" != 0 ] || break
    sleep 0.2
done
(cd web && node scripts/screenshots.mjs "$url" "$out")
echo "pictures are in $out"

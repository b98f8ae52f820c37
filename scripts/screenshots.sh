#!/usr/bin/env bash
# Pictures of every page, from a server of its own with the sample documents in it.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
out="${1:-${CARGO_TARGET_DIR:-target}/screenshots}"
binary="${CARGO_TARGET_DIR:-target}/debug/docmill"
# Enough to do that a batch still runs while the pictures are taken.
mkdir "$work/pile"
cp -r samples/receipts samples/invoices "$work/pile"
for number in $(seq 6000); do
    printf 'Corner Shop\n14 Mill Street\nDate: 2026-03-%02d\nMilk %d.40\nTOTAL %d.90 EUR\npaid by card\n' \
        $((number % 28 + 1)) $((number % 9)) "$number" >"$work/pile/till-$number.txt"
done
"$binary" serve --data-dir "$work/data" --listen 127.0.0.1:0 --root samples --root "$work/pile" >"$work/out" 2>"$work/log" &
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
make_batch "{\"name\": \"all tills, first quarter\", \"sources\": [\"$work/pile\"], \"template\": \"receipt\", \"model\": \"sim/openai/gpt-4o-mini\", \"sim_speed\": 2, \"concurrency\": 64, \"budget_usd\": 2, \"start\": true}"
make_batch "{\"name\": \"contracts\", \"sources\": [\"$PWD/samples/contracts\"], \"template\": \"contract\", \"model\": \"sim/openai/gpt-4o-mini\"}"
for _ in $(seq 300); do
    busy=$(curl --silent "$url/api/v1/batches?state=draft,estimating,running" | grep -o '"matching":[0-9]*' | cut -d: -f2)
    done=$(curl --silent "$url/api/v1/totals" | grep -o '"documents_today":[0-9]*' | cut -d: -f2)
    [ "$busy" -gt 1 ] || [ "$done" -lt 1500 ] || break
    sleep 0.2
done
curl --silent --fail --output /dev/null -X PUT -H 'content-type: application/json' "$url/api/v1/alerts/mornings" \
    -d '{"when": "finished", "to": "slack", "url": "https://chat.example.org/hook"}'
curl --silent --fail --output /dev/null -X PUT -H 'content-type: application/json' "$url/api/v1/alerts/half%20the%20budget" \
    -d '{"when": "budget_used", "percent": 50, "to": "email", "address": "ada@example.org"}'
(cd web && node scripts/screenshots.mjs "$url" "$out")
echo "pictures are in $out"

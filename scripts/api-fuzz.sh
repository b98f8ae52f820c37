#!/usr/bin/env bash
# Lints the API's description, then lets a fuzzer make requests from it against a server of
# its own: no answer may be a server error, whatever is asked.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-/tmp/docmill-fuzz-venv}
work=$(mktemp -d)
binary="${CARGO_TARGET_DIR:-target}/debug/docmill"
[ -x "$venv/bin/schemathesis" ] || {
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --requirement scripts/requirements-fuzz.txt
}
"$venv/bin/openapi-spec-validator" web/openapi.json
"$binary" serve --data-dir "$work/data" --listen 127.0.0.1:0 --root samples >"$work/out" 2>"$work/log" &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in $(seq 100); do
    url=$(grep -o 'http://127.0.0.1:[0-9]*' "$work/out" "$work/log" -h | head -n 1 || true)
    [ -z "$url" ] || break
    sleep 0.1
done
# Something to find: a batch of the samples, processed.
curl --silent --fail --output /dev/null -H 'content-type: application/json' "$url/api/v1/batches" \
    -d "{\"sources\": [\"$PWD/samples/receipts\"], \"template\": \"receipt\", \"model\": \"offline\", \"start\": true}"
# Streams never end, and a key would lock the fuzzer out.
"$venv/bin/schemathesis" run "$url/api/v1/openapi.json" \
    --checks not_a_server_error --max-examples "${EXAMPLES:-40}" --seed 1 --workers 2 --request-timeout 20 \
    --exclude-path-regex '/(events|keys.*|session)$'
if grep -q ERROR "$work/log"; then
    grep ERROR "$work/log" | head -n 5
    exit 1
fi

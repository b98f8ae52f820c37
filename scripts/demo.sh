#!/usr/bin/env bash
# Shows docmill at work, without a key and without a cent: first the sample documents
# with the offline model, then a rehearsal of 10,000 documents under a budget that
# does not suffice. Everything happens in a temporary folder that is removed at the end.
set -euo pipefail
cd "$(dirname "$0")/.."

docmill=${DOCMILL:-${CARGO_TARGET_DIR:-target}/quick/docmill}
documents=${DEMO_DOCUMENTS:-10000}
# About 60 % of what 10,000 such receipts cost with gpt-4o-mini.
budget=${DEMO_BUDGET:-1.00}

if [ ! -x "$docmill" ]; then
    echo "demo: $docmill is not there; run: make demo" >&2
    exit 1
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/docmill-demo.XXXXXX")
trap 'rm -rf "$work"' EXIT
data="$work/data"

title() { printf '\n\033[1m── %s\033[0m\n\n' "$*"; }
show() {
    printf '$ docmill %s\n' "$*"
    "$docmill" "$@" --data-dir "$data"
}
# For a run that is expected to end with something left undone: keeps its exit status.
attempt() {
    status=0
    show "$@" || status=$?
}

title "1. The sample documents, read by the offline model"
attempt run samples/receipts --template receipt --yes
show list last --fields
attempt run samples/invoices --template invoice --password lighthouse --yes
show list last --fields
attempt run samples/contracts samples/mixed --template classify --name pile --yes
show list pile --fields
printf '\n(One file is broken, one empty, one of unknown type: each is listed with its reason.)\n\n'

title "2. One document, and the table as a file"
show show receipts 2
show export receipts --out "$work/receipts.csv"
printf '\nThe first lines of receipts.csv:\n'
head -n 6 "$work/receipts.csv" | cut -c 1-150

title "3. A rehearsal: $documents receipts with gpt-4o-mini's prices, speed limits lifted, budget \$$budget"
pile="$work/pile"
python3 - "$pile" "$documents" <<'PYTHON'
import random
import sys
from pathlib import Path

pile, count = Path(sys.argv[1]), int(sys.argv[2])
shops = ["Corner Cafe", "Sunny Side Market", "Wellspring Pharmacy", "Paper & Pine", "Larkspur Cabs"]
goods = ["Coffee", "Bread", "Notebook", "Soap", "Batteries", "Tea", "Stamps", "Apples", "Pencils", "Honey"]
numbers = random.Random(1)
for number in range(count):
    if number % 1000 == 0:
        folder = pile / f"{number // 1000:02}"
        folder.mkdir(parents=True)
    lines = [(numbers.choice(goods), numbers.randrange(100, 3000)) for _ in range(numbers.randrange(2, 9))]
    net = sum(price for _, price in lines)
    tax = net * 8 // 100
    text = [numbers.choice(shops), f"{number + 1} Mill Street, Portland, OR 97204", f"Receipt {number:05}", ""]
    text.append(f"Date: 2026-{numbers.randrange(1, 13):02}-{numbers.randrange(1, 29):02}")
    text += [f"{name:<20}{price / 100:>8.2f}" for name, price in lines]
    text += [f"{'Subtotal':<20}{net / 100:>8.2f}", f"{'Tax':<20}{tax / 100:>8.2f}", f"{'TOTAL USD':<20}{(net + tax) / 100:>8.2f}", ""]
    (folder / f"receipt-{number:05}.txt").write_text("\n".join(text), encoding="utf-8")
PYTHON
attempt run "$pile" --template receipt --model sim/openai/gpt-4o-mini --budget "$budget" --sim-speed 0 --yes
if [ "$status" -eq 0 ]; then
    echo "demo: the budget of \$$budget sufficed, so nothing was stopped; set DEMO_BUDGET lower" >&2
    exit 1
fi
printf '\nThe run ended with exit status %s: the budget was reached, and not passed.\n\n' "$status"
show status

title "That was all; $work is removed"

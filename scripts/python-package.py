#!/usr/bin/env python3
"""Builds the Python package, installs it where nothing is, and uses it as its readers would.

The wheel gets the program that was built before (the one of `cargo build`, unless
DOCMILL_WHEEL_BINARY names another). Says so and ends well when no package registry can be reached.
"""
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = Path(os.environ.get("DOCMILL_WHEEL_BINARY", TARGET / "debug" / "docmill"))
OUT = TARGET / "wheels"

# As in the package's description: a folder becomes a table.
TEN_LINES = """\
import sys
import docmill
from pydantic import BaseModel

class Receipt(BaseModel):
    company: str | None
    total: float | None

table = docmill.run(sys.argv[1], Receipt, model="offline", budget=25).to_pandas()
print(table[["name", "company", "total"]])
assert len(table) == 11 and (table["total"] > 0).sum() >= 8, table
"""

CHECKS = '''\
import asyncio, datetime, decimal, enum, json, sys
from pathlib import Path
from typing import Optional
import docmill
from pydantic import BaseModel, field_validator

samples, data = Path(sys.argv[1]), sys.argv[2]

class Item(BaseModel):
    description: Optional[str] = None
    amount: Optional[decimal.Decimal] = None

class Way(str, enum.Enum):
    cash = "cash"
    card = "card"
    other = "other"

class Receipt(BaseModel):
    company: Optional[str]
    date: Optional[datetime.date] = None
    total: Optional[decimal.Decimal]
    payment_method: Optional[Way] = None
    items: list[Item] = []

heard = []
results = docmill.run(samples / "receipts", Receipt, model="offline", data_dir=data, progress=heard.append)
assert results.is_complete and len(results) == 11 and results.cost == 0, results
assert any("documents" in line for line in heard), heard
by_name = {result.name: result for result in results}
cafe = by_name["corner-cafe.png"]
assert isinstance(cafe.data, Receipt) and cafe.data.total == decimal.Decimal("19.44"), cafe
assert cafe.place("total").page == 1 and "19.44" in cafe.place("total").quote, cafe.evidence
assert cafe.data.date == datetime.date(2026, 3, 14) and cafe.status == "completed", cafe
twin = [result for result in results if result.duplicate_of]
assert len(twin) == 1 and twin[0].status == "skipped", twin

# The same call is the same batch; another template is another.
again = docmill.run(samples / "receipts", Receipt, model="offline", data_dir=data, progress=False)
assert again.id == results.id
assert docmill.results(results.id, Receipt, data_dir=data).batch["documents"] == results.batch["documents"]

class Strict(BaseModel):
    total: Optional[float]

    @field_validator("total")
    @classmethod
    def small(cls, total: Optional[float]) -> Optional[float]:
        if total and total > 20:
            raise ValueError("too much")
        return total

strict = list(docmill.run([samples / "receipts" / "corner-cafe.png", samples / "receipts"], Strict,
                          model="offline", data_dir=data, progress=False))
refused = [result for result in strict if result.invalid]
assert refused and all(result.data is None and result.json["total"] > 20 and result.needs_a_look for result in refused)

table = results.to_pandas()
assert list(table.columns[:5]) == ["document", "name", "status", "company", "date"], table.columns
arrow = results.to_arrow()
assert arrow.num_rows == 11 and "total" in arrow.column_names, arrow.schema
assert results.export(Path(data) / "r.xlsx").stat().st_size > 1000

# A rehearsal within a budget that does not do: the results so far are there.
pile = Path(data) / "pile"
pile.mkdir()
for number in range(200):
    (pile / f"{number}.txt").write_text(f"Corner Shop\\nDate: 2026-03-01\\nTOTAL {number}.50 EUR\\n")
short = docmill.run(pile, "receipt", model="sim/openai/gpt-4o-mini", sim_speed=50.0, budget=0.005, data_dir=data,
                    progress=False, name="short")
assert short.batch["state"] == "budget_exhausted" and not short.is_complete, short
assert short.cost <= 0.005 and "budget_exhausted" in repr(short)

schema = {"title": "Any Thing", "type": "object", "properties": {"company": {"type": ["string", "null"]}}}
from_schema = asyncio.run(docmill.arun(samples / "receipts", schema, model="offline", data_dir=data, progress=False))
assert all(isinstance(result.data, dict) for result in from_schema if result.status == "completed")
for early in from_schema:
    break

for wrong, said in [
    (lambda: docmill.run("/nowhere/at/all", Receipt, model="offline", data_dir=data, progress=False), "/nowhere"),
    (lambda: docmill.run(samples / "receipts", "recipt", model="offline", data_dir=data, progress=False), "recipt"),
    (lambda: docmill.results("no-such-batch", data_dir=data), "no-such-batch"),
]:
    try:
        wrong()
    except docmill.DocmillError as error:
        assert said in str(error) and error.status != 0, error
    else:
        raise AssertionError(said)
print("ok  models, schemas, tables, budgets, errors")
'''


def run(*command: object, **more: object) -> None:
    subprocess.run([str(part) for part in command], check=True, **more)


def installed(python: Path, *wanted: str) -> bool:
    """Whether pip could install it; False: no registry here."""
    command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--timeout", "20", *wanted]
    done = subprocess.run(command, capture_output=True, text=True)
    unreachable = ("No matching distribution", "Temporary failure", "timed out", "Connection", "connection")
    if done.returncode != 0 and not any(word in done.stderr for word in unreachable):
        sys.exit(done.stderr)
    return done.returncode == 0


def main() -> None:
    if not BINARY.exists():
        sys.exit(f"{BINARY} is missing; cargo build makes it")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        venv.create(work / "venv", with_pip=True)
        python = work / "venv" / "bin" / "python"
        environment = {**os.environ, "DOCMILL_WHEEL_BINARY": str(BINARY), "NO_COLOR": "1"}
        if not installed(python, "hatchling>=1.27", "pydantic>=2", "pandas>=2", "pyarrow>=15", "mypy>=1.13", "pandas-stubs"):
            print("skipped: the packages it is tested with cannot be installed here (no package registry?)")
            return
        run(python, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation",
            "--wheel-dir", OUT, ROOT / "python", env=environment)
        wheel = max(OUT.glob("docmill-*.whl"), key=lambda file: file.stat().st_mtime)
        print(f"ok  {wheel.name}: {wheel.stat().st_size / 1e6:.0f} MB")
        run(python, "-m", "mypy", "--strict", "--python-version", "3.10", "src/docmill", cwd=ROOT / "python")
        # Neither Rust nor Node is on this path.
        environment = {"PATH": f"{work / 'venv' / 'bin'}:/usr/bin:/bin", "HOME": folder, "NO_COLOR": "1"}
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", wheel)
        run("docmill", "--version", env=environment)
        run(python, "-m", "docmill", "--version", env=environment)
        run(python, "-c", TEN_LINES, ROOT / "samples" / "receipts", env=environment, cwd=work)
        run(python, "-c", CHECKS, ROOT / "samples", work / "data", env=environment, cwd=work)


if __name__ == "__main__":
    main()

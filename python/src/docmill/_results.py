"""What was taken out of documents."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ._program import DocmillError, program

if TYPE_CHECKING:
    import pandas
    import pyarrow

M = TypeVar("M")

#: From this risk on somebody should look at a result.
NEEDS_A_LOOK = 150


@dataclass(frozen=True)
class Evidence:
    """Where a value stands."""

    #: The value, as a JSON Pointer.
    field: str
    #: Page, from 1.
    page: int
    #: The text on the page.
    quote: str
    #: Left, top, right, bottom in points from the page's top left corner.
    bbox: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class Finding:
    """A rule that a result does not meet."""

    #: The rule.
    check: str
    #: The value it is about, as a JSON Pointer; empty for the whole.
    field: str
    #: What is wrong.
    message: str


@dataclass(frozen=True)
class Result(Generic[M]):
    """What became of one document."""

    #: Its number in the batch, from 1.
    document: int
    name: str
    #: `completed`, `failed`, `skipped`, `pending` or `cancelled`.
    status: str
    #: What was taken out, as the model that was asked for; None: nothing, or see `invalid`.
    data: M | None
    #: The same as plain JSON, with what people corrected.
    json: dict[str, Any] | None
    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...]
    #: Values that were looked for on the pages and not found, as JSON Pointers.
    ungrounded: tuple[str, ...]
    #: 0 to 1000: how much speaks against the result.
    risk: int | None
    cost_usd: float
    #: The model that answered.
    model: str | None
    error_code: str | None
    error: str | None
    #: The document with the same content whose result this is, too.
    duplicate_of: int | None
    #: Why `data` is None though there is `json`: a validator of yours refuses it.
    invalid: Exception | None = None

    @property
    def needs_a_look(self) -> bool:
        """Whether a person should look at it."""
        return self.risk is not None and self.risk >= NEEDS_A_LOOK or self.invalid is not None

    def place(self, field: str) -> Evidence | None:
        """Where a value stands: `total`, `seller.name`, or a JSON Pointer."""
        pointer = field if field.startswith("/") else "/" + field.replace(".", "/")
        return next((found for found in self.evidence if found.field == pointer), None)


class Results(Generic[M]):
    """The results of a batch. Going through them reads them one by one, as often as you like."""

    def __init__(self, batch: dict[str, Any], model: type[M] | None, common: list[str]) -> None:
        #: The batch as it ended: state, counts, money.
        self.batch = batch
        self._model = model
        self._common = common

    @property
    def id(self) -> str:
        """The batch's id, for `docmill.results` and the command line."""
        return str(self.batch["id"])

    @property
    def cost(self) -> float:
        """What it cost so far, in dollars; what nobody knows the end of counts at its worst case."""
        money = self.batch["money"]
        return float(money["settled_usd"]) + float(money["unconfirmed_usd"])

    @property
    def is_complete(self) -> bool:
        """Whether every document came to an end. A batch whose budget is used up is not."""
        return self.batch["state"] in ("completed", "completed_with_failures")

    def __len__(self) -> int:
        return int(self.batch["documents"]["total"])

    def __repr__(self) -> str:
        counts = self.batch["documents"]
        return f"<docmill.Results {self.batch['name']!r}: {self.batch['state']}, {counts['completed']} of {counts['total']} completed, ${self.cost:.4f}>"

    def __iter__(self) -> Iterator[Result[M]]:
        command = [program(), *self._common, "export", self.id, "--format", "jsonl", "--evidence", "--out", "-"]
        with tempfile.TemporaryFile() as said:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as process:
                assert process.stdout is not None
                try:
                    for line in process.stdout:
                        yield self._result(json.loads(line))
                except BaseException:
                    # Whoever stops early does not wait for the rest.
                    process.kill()
                    raise
            if process.returncode != 0:
                said.seek(0)
                raise DocmillError(said.read().decode(errors="replace").strip(), process.returncode)

    def _result(self, row: dict[str, Any]) -> Result[M]:
        data, invalid = row.get("data"), None
        made: Any = data
        if data is not None and self._model is not None:
            try:
                made = self._model.model_validate(data)  # type: ignore[attr-defined]
            except ValueError as error:  # Pydantic's, too.
                made, invalid = None, error
        return Result(
            document=row["document"],
            name=row["name"],
            status=row["status"],
            data=made,
            json=data,
            evidence=tuple(_evidence(found) for found in row.get("evidence") or ()),
            findings=tuple(Finding(it["check"], it["field"], it["message"]) for it in row.get("findings") or ()),
            ungrounded=tuple(row.get("ungrounded") or ()),
            risk=row.get("risk"),
            cost_usd=row.get("cost_usd") or 0.0,
            model=row.get("model"),
            error_code=row.get("error_code"),
            error=row.get("error"),
            duplicate_of=row.get("duplicate_of"),
            invalid=invalid,
        )

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each document: number, name, status, the fields (objects taken apart), risk, cost."""
        import pandas

        rows, fields = [], []
        for result in self:
            rows.append(
                {
                    "document": result.document,
                    "name": result.name,
                    "status": result.status,
                    "risk": result.risk,
                    "cost_usd": result.cost_usd,
                    "error": result.error,
                }
            )
            fields.append(result.json or {})
        about = pandas.DataFrame(rows, columns=["document", "name", "status", "risk", "cost_usd", "error"])
        taken = pandas.json_normalize(fields, sep=".")
        # A field may be called like one of ours.
        taken = taken.rename(columns={name: f"data.{name}" for name in taken.columns if name in about.columns})
        order = [*about.columns[:3], *taken.columns, *about.columns[3:]]
        table: pandas.DataFrame = pandas.concat([about, taken], axis=1)[order]
        return table

    def to_arrow(self) -> pyarrow.Table:
        """The same as an Arrow table, with the types of the schema; lists are left out."""
        from pyarrow import parquet

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "results.parquet"
            self.export(file)
            return parquet.read_table(file)

    def export(self, path: str | Path, *, evidence: bool = False) -> Path:
        """Writes the results as .csv, .jsonl, .parquet or .xlsx."""
        command = [program(), *self._common, "export", self.id, "--out", str(path), "--quiet"]
        if evidence:
            command.append("--evidence")
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            raise DocmillError(done.stderr.strip(), done.returncode)
        return Path(path)


def _evidence(found: dict[str, Any]) -> Evidence:
    box = found.get("bbox")
    bbox = (box["x0"], box["y0"], box["x1"], box["y1"]) if box else None
    return Evidence(field=found["field"], page=found["page"], quote=found["quote"], bbox=bbox)

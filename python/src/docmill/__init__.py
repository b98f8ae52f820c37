"""A pile of documents into checked, structured data, with a language model and within a budget.

    import docmill
    from pydantic import BaseModel

    class Receipt(BaseModel):
        company: str | None
        total: float | None

    results = docmill.run("receipts/", Receipt, model="openai/gpt-4o-mini", budget=5)
    for result in results:
        print(result.name, result.data, result.place("total"))
    table = results.to_pandas()
"""

from __future__ import annotations

from ._program import DocmillError
from ._results import Evidence, Finding, Result, Results
from ._run import arun, results, run

__all__ = ["DocmillError", "Evidence", "Finding", "Result", "Results", "arun", "results", "run"]

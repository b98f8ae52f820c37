"""docmill's program: where it is, and how it is asked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


class DocmillError(Exception):
    """docmill could not do what it was asked; the message says why, and what to do next."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        #: The exit status of the program: 2 for wrong use, 6 for the model, 7 for the database.
        self.status = status


def program() -> str:
    """The program: DOCMILL_BIN, the one in this package, or the one on the PATH."""
    given = os.environ.get("DOCMILL_BIN")
    if given:
        return given
    packaged = Path(__file__).parent / "bin" / "docmill"
    if packaged.exists():
        if not os.access(packaged, os.X_OK):
            # Some installers drop the right to execute.
            packaged.chmod(packaged.stat().st_mode | 0o111)
        return str(packaged)
    found = shutil.which("docmill")
    if found:
        return found
    raise DocmillError("docmill's program is not installed; pip install docmill brings it, DOCMILL_BIN names another", 127)

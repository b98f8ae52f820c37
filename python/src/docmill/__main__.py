"""`python -m docmill`, `uvx docmill`: the program itself."""

from __future__ import annotations

import os
import sys

from ._program import DocmillError, program


def main() -> None:
    """Becomes the program, with the same arguments."""
    try:
        path = program()
    except DocmillError as error:
        sys.exit(str(error))
    os.execv(path, ["docmill", *sys.argv[1:]])


if __name__ == "__main__":
    main()

"""Puts docmill's program into the wheel, and names the machines it runs on.

The program is built beforehand, with its dashboard inside; DOCMILL_WHEEL_BINARY says where it is.
"""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # Read for its version only.
    BuildHookInterface = object  # type: ignore[assignment, misc]

HERE = Path(__file__).resolve().parent


def version() -> str:
    """The version of the program, as its workspace says."""
    found = re.search(r'^version = "([^"]+)"', (HERE.parent / "Cargo.toml").read_text(), re.MULTILINE)
    if found is None:
        raise ValueError("Cargo.toml has no version")
    return found[1]


def machine(binary: Path) -> str:
    """The platform tag: Linux with at least the C library whose symbols the program asks for (PEP 600)."""
    asked = {tuple(map(int, found.split(b"."))) for found in re.findall(rb"GLIBC_(\d+\.\d+)", binary.read_bytes())}
    if not asked:
        return f"musllinux_1_1_{platform.machine()}"
    major, minor = max(asked)
    return f"manylinux_{major}_{minor}_{platform.machine()}"


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg, misc]
    """Adds the program."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        given = os.environ.get("DOCMILL_WHEEL_BINARY")
        if not given:
            raise SystemExit(
                "DOCMILL_WHEEL_BINARY has to name docmill's program: cargo build --release -p docmill makes target/release/docmill"
            )
        binary = Path(given).resolve()
        if not binary.is_file():
            raise SystemExit(f"DOCMILL_WHEEL_BINARY: there is no {binary}")
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{machine(binary)}"
        build_data["force_include"][str(binary)] = "docmill/bin/docmill"

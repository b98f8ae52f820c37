#!/usr/bin/env python3
"""Checks that every crate docmill is built from may be linked into it.

Reads `cargo metadata` (locked; from what is already on this machine where that
suffices), so it needs nothing installed. `deny.toml` says the same to cargo-deny,
for those who have it; `--self-test` checks the two lists against each other.

Exit status: 0 all fine, 1 a crate is not, 2 the question could not be asked.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Licences that ask for no more than their text to be passed on (MPL: changes to its own files).
ALLOWED = {
    "0BSD": "asks nothing",
    "Apache-2.0": "docmill's own",
    "BSD-2-Clause": "passes on its text",
    "BSD-3-Clause": "passes on its text",
    "BSL-1.0": "passes on its text in source form",
    "CC0-1.0": "public domain",
    "ISC": "passes on its text",
    "MIT": "docmill's own",
    "MIT-0": "MIT without its one duty",
    "MPL-2.0": "covers its own files only; we do not change them",
    "Unicode-3.0": "tables of the Unicode Consortium",
    "Unlicense": "public domain",
    "Zlib": "passes on its text",
}
# Exceptions that only give more freedom.
ALLOWED_EXCEPTIONS = {"LLVM-exception"}
# Crates whose manifest says less than the crate: name -> (licence, where it is written).
KNOWN = {}


class Expression:
    """An SPDX expression (also the old form with slashes): OR, AND, WITH, parentheses."""

    def __init__(self, text):
        self.words = re.findall(r"\(|\)|[^\s()]+", text.replace("/", " OR "))

    def allowed(self):
        result = self.either()
        return result and not self.words

    def either(self):
        result = self.both()
        while self.take("OR"):
            other = self.both()
            result = result or other
        return result

    def both(self):
        result = self.one()
        while self.take("AND"):
            other = self.one()
            result = result and other
        return result

    def one(self):
        if self.take("("):
            result = self.either()
            return self.take(")") and result
        if not self.words:
            return False
        result = self.words.pop(0).removesuffix("+") in ALLOWED
        if self.take("WITH"):
            result = bool(self.words) and self.words.pop(0) in ALLOWED_EXCEPTIONS and result
        return result

    def take(self, word):
        if self.words and self.words[0].upper() == word:
            self.words.pop(0)
            return True
        return False


def run(command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def metadata():
    version = run(["rustc", "-vV"]).stdout
    host = next((line.split()[1] for line in version.splitlines() if line.startswith("host:")), None)
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    if host:
        command += ["--filter-platform", host]
    answer = run([*command, "--offline"])
    if answer.returncode != 0:
        answer = run(command)
    if answer.returncode != 0:
        sys.stderr.write(answer.stderr)
        sys.exit(2)
    return json.loads(answer.stdout)


def self_test():
    cases = {
        "MIT": True,
        "MIT/Apache-2.0": True,
        "GPL-3.0": False,
        "GPL-2.0 OR MIT": True,
        "MIT AND GPL-2.0": False,
        "(MIT OR GPL-2.0) AND Unicode-3.0": True,
        "Apache-2.0 WITH LLVM-exception": True,
        "Apache-2.0 WITH Other-exception": False,
        "MIT MIT": False,
        "(MIT": False,
        "": False,
    }
    wrong = [text for text, expected in cases.items() if Expression(text).allowed() != expected]
    denied = tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))["licenses"]["allow"]
    expected = set(ALLOWED) | {f"Apache-2.0 WITH {exception}" for exception in ALLOWED_EXCEPTIONS}
    if set(denied) != expected:
        wrong.append(f"deny.toml and this file differ in {sorted(set(denied) ^ expected)}")
    for text in wrong:
        print(f"check-licenses: wrong: {text!r}", file=sys.stderr)
    sys.exit(1 if wrong else 0)


def main():
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    packages = metadata()["packages"]
    refused = 0
    for package in sorted(packages, key=lambda package: package["name"]):
        name = package["name"]
        text = KNOWN.get(name, (package.get("license"),))[0]
        if not text:
            print(f"check-licenses: {name} {package['version']} names no licence; read it and add it to KNOWN with its place", file=sys.stderr)
            refused += 1
        elif not Expression(text).allowed():
            print(f"check-licenses: {name} {package['version']} is under {text}, which is not allowed; use another crate", file=sys.stderr)
            refused += 1
    unused = sorted(set(KNOWN) - {package["name"] for package in packages})
    if unused:
        print(f"check-licenses: KNOWN names crates that are not used: {', '.join(unused)}", file=sys.stderr)
        refused += 1
    if refused:
        sys.exit(1)
    print(f"licences: {len(packages)} crates, all allowed")


main()

#!/usr/bin/env python3
"""Checks what docmill is made of, offline and with nothing installed but Python and cargo.

- Every crate in Cargo.lock comes from the one registry, with a checksum; none from git.
- No crate that deny.toml bans is in Cargo.lock, and no manifest asks for any version ("*").
- Every npm package of the dashboard has a checksum and a licence that is allowed.
- docmill's own crates hold no `unsafe` code: the count is 0, and a new one fails here.

`--unsafe` also counts the word in the sources of every crate docmill is built from, largest
first, for whoever weighs a dependency. Exit status: 0 all fine, 1 something is not.
"""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Uses of `unsafe` in docmill's own crates. Raise it only with a SAFETY comment at the place.
OWN_UNSAFE = 0

# Licences of npm packages beside those of deny.toml: of tools that are not shipped, and data.
NPM_ALSO = {
    "BlueOak-1.0.0": "permissive, of the npm world",
    "CC-BY-4.0": "data of tools, not shipped",
    "CC-BY-3.0": "data of tools, not shipped",
    "Python-2.0": "passes on its text",
}


def locked_crates():
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    return lock["package"]


def sources(crates):
    """Problems with where crates come from."""
    foreign = [crate for crate in crates if "source" in crate]
    registries = {crate["source"] for crate in foreign}
    for crate in foreign:
        if not crate["source"].startswith("registry+"):
            yield f"{crate['name']} {crate['version']} comes from {crate['source']}, not from the registry"
        elif "checksum" not in crate:
            yield f"{crate['name']} {crate['version']} has no checksum in Cargo.lock"
    if len(registries) > 1:
        yield f"crates come from {len(registries)} places: {', '.join(sorted(registries))}"


def bans(crates):
    """Crates that are banned, and manifests that take any version."""
    deny = tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))["bans"]["deny"]
    names = {crate["name"] for crate in crates}
    for banned in deny:
        if banned["name"] in names:
            yield f"{banned['name']} is banned: {banned['reason']}"
    for manifest in [ROOT / "Cargo.toml", *sorted(ROOT.glob("crates/*/Cargo.toml"))]:
        if re.search(r'=\s*"\*"|version\s*=\s*"\*"', manifest.read_text(encoding="utf-8")):
            yield f"{manifest.relative_to(ROOT)} takes any version of a crate"


def allowed(expression, licences):
    """Whether an SPDX expression can be met: one side of an OR, both of an AND."""
    text = expression.strip().removeprefix("(").removesuffix(")")
    return any(all(part.strip(" ()") in licences for part in side.split(" AND ")) for side in text.split(" OR "))


def npm():
    """Packages of the dashboard without a checksum or under another licence."""
    deny = tomllib.loads((ROOT / "deny.toml").read_text(encoding="utf-8"))
    licences = set(deny["licenses"]["allow"]) | set(NPM_ALSO)
    lock = json.loads((ROOT / "web/package-lock.json").read_text(encoding="utf-8"))
    for place, package in lock["packages"].items():
        if not place or package.get("link"):
            continue
        name = place.rsplit("node_modules/", 1)[-1]
        if not package.get("integrity"):
            yield f"npm {name} has no checksum in package-lock.json"
        # A licence that the lock does not name stands in the package, when that is installed.
        licence = package.get("license")
        manifest = ROOT / "web" / place / "package.json"
        if not licence and manifest.exists():
            licence = json.loads(manifest.read_text(encoding="utf-8")).get("license")
        if not licence:
            yield f"npm {name} names no licence"
        elif not allowed(licence, licences):
            yield f"npm {name} is under {licence}, which is not allowed"


def count_unsafe(folder):
    """How often `unsafe` begins code below a folder: not in comments, strings or lint names."""
    total = 0
    for file in folder.rglob("*.rs"):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            code = re.sub(r'"(\\.|[^"\\])*"', '""', line).split("//")[0]
            total += len(re.findall(r"\bunsafe\b(?=\s*(\{|fn\b|impl\b|trait\b|extern\b))", code))
    return total


def unsafe():
    """The count of docmill's own crates."""
    found = sum(count_unsafe(crate) for crate in sorted((ROOT / "crates").iterdir()) if crate.is_dir())
    if found != OWN_UNSAFE:
        yield f"docmill's crates hold {found} uses of unsafe, {OWN_UNSAFE} are agreed"


def list_unsafe():
    answer = subprocess.run(["cargo", "metadata", "--format-version", "1", "--locked", "--offline"], cwd=ROOT, capture_output=True, text=True, check=True)
    counts = []
    for package in json.loads(answer.stdout)["packages"]:
        folder = Path(package["manifest_path"]).parent
        counts.append((count_unsafe(folder / "src"), package["name"], package["version"]))
    for count, name, version in sorted(counts, reverse=True):
        if count:
            print(f"{count:6} {name} {version}")
    print(f"{sum(count for count, _, _ in counts):6} in all, in {sum(1 for count, _, _ in counts if count)} of {len(counts)} crates")


def self_test():
    assert allowed("(MIT OR GPL-3.0)", {"MIT"}) and not allowed("MIT AND GPL-3.0", {"MIT"})
    odd = [{"name": "x", "version": "1", "source": "git+https://example.org/x"}, {"name": "y", "version": "1", "source": "registry+a"}]
    assert len(list(sources(odd))) == 3, list(sources(odd))


def main():
    self_test()
    crates = locked_crates()
    problems = [*sources(crates), *bans(crates), *npm(), *unsafe()]
    for problem in problems:
        print(f"check-supply: {problem}", file=sys.stderr)
    if "--unsafe" in sys.argv[1:]:
        list_unsafe()
    if not problems:
        print(f"supply: {len(crates)} crates and the dashboard's packages from where they should be; {OWN_UNSAFE} uses of unsafe in docmill's own crates")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

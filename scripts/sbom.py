#!/usr/bin/env python3
"""Writes what docmill is made of as a CycloneDX 1.5 document (JSON) to standard output.

Crates from `cargo metadata` (those that are built, for all systems), npm packages that are
shipped in the dashboard from its lock file, with licences and checksums. The same sources give
the same bytes: the serial number is made from the content, the time from SOURCE_DATE_EPOCH.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import time
import tomllib
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def crates():
    answer = subprocess.run(["cargo", "metadata", "--format-version", "1", "--locked", "--offline"], cwd=ROOT, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(answer.stderr)
    metadata = json.loads(answer.stdout)
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    sums = {(crate["name"], crate["version"]): crate.get("checksum") for crate in lock["package"]}
    names = {package["id"]: f"pkg:cargo/{package['name']}@{package['version']}" for package in metadata["packages"]}
    components = []
    for package in metadata["packages"]:
        one = {
            "type": "library",
            "bom-ref": names[package["id"]],
            "name": package["name"],
            "version": package["version"],
            "purl": names[package["id"]],
        }
        if package.get("license"):
            one["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        checksum = sums.get((package["name"], package["version"]))
        if checksum:
            one["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        components.append(one)
    links = [
        {"ref": names[node["id"]], "dependsOn": sorted(names[dependency] for dependency in node["dependencies"])}
        for node in metadata["resolve"]["nodes"]
    ]
    version = next(package["version"] for package in metadata["packages"] if package["name"] == "docmill")
    return components, links, version


def shipped_npm():
    lock = json.loads((ROOT / "web/package-lock.json").read_text(encoding="utf-8"))
    for place, package in lock["packages"].items():
        if not place or package.get("dev") or package.get("link"):
            continue
        name = place.rsplit("node_modules/", 1)[-1]
        purl = f"pkg:npm/{name.replace('@', '%40')}@{package['version']}"
        one = {"type": "library", "bom-ref": purl, "name": name, "version": package["version"], "purl": purl}
        if package.get("license"):
            one["licenses"] = [{"expression": package["license"]}]
        algorithm, _, encoded = package.get("integrity", "").partition("-")
        if algorithm == "sha512":
            one["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(encoded).hex()}]
        yield one


def main():
    components, links, version = crates()
    components += shipped_npm()
    unique = {component["bom-ref"]: component for component in components}
    components = [unique[reference] for reference in sorted(unique)]
    content = json.dumps([components, links], sort_keys=True).encode()
    at = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(content).digest()[:16], version=4)}",
        "version": 1,
        "metadata": {
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)),
            "component": {"type": "application", "bom-ref": f"pkg:cargo/docmill@{version}", "name": "docmill", "version": version},
        },
        "components": [component for component in components if component["bom-ref"] != f"pkg:cargo/docmill@{version}"],
        "dependencies": sorted(links, key=lambda link: link["ref"]),
    }
    json.dump(document, sys.stdout, indent=2, sort_keys=True)
    print()


if __name__ == "__main__":
    main()

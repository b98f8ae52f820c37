#!/usr/bin/env bash
# Gets a fresh Debian-like machine ready: checks the tools that must be there, and
# installs tesseract (reads scans) where that is permitted; with "tests" also Chromium (browser
# tests). What is missing and cannot be installed is named; only what nothing works without ends
# with a failure.
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

fatal=0
if ! have cargo || ! have rustc; then
    say "Rust is missing; install it with rustup or your package manager (see rust-version in Cargo.toml)"
    fatal=1
fi
if ! have cc && ! have gcc; then
    say "a C compiler is missing (SQLite is compiled in): apt-get install build-essential"
    fatal=1
fi
if ! have python3; then
    say "python3 is missing (checks and samples): apt-get install python3"
    fatal=1
fi
if ! have node || ! have npm; then
    say "Node.js is missing (the dashboard is built with it): install version 20 or newer with npm"
    fatal=1
fi
[ "$fatal" -eq 0 ] || exit 1

# What tesseract can read, one language a line; empty without tesseract.
languages() { if have tesseract; then tesseract --list-langs 2>/dev/null || true; fi; }

wanted=()
have tesseract || wanted+=(tesseract-ocr)
for language in eng deu; do
    languages | grep -qx "$language" || wanted+=("tesseract-ocr-$language")
done
if [ "${1:-}" = tests ] && ! [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
    wanted+=(chromium)
fi
[ "${#wanted[@]}" -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if have sudo && sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    else
        say "scans are not read and the browser is not tested until someone runs: sudo apt-get install ${wanted[*]}"
        exit 0
    fi
fi
if ! have apt-get; then
    say "scans are not read and the browser is not tested until these are installed (no apt-get here): ${wanted[*]}"
    exit 0
fi
say "installing ${wanted[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${wanted[@]}"; }
# The package lists of a fresh machine are often old or not there at all.
if ! install >"$log" 2>&1; then
    "${as_root[@]}" apt-get update >>"$log" 2>&1 || true
    if ! install >>"$log" 2>&1; then
        tail -n 5 "$log" >&2
        say "could not install ${wanted[*]}; going on without: scans will be reported as unreadable, and browser tests fail"
    fi
fi

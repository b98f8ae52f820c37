#!/bin/sh
# Makes target/release-archive/docmill-VERSION-TARGET.tar.gz with its checksum and its bill of
# materials. The same commit, compiler and system give the same bytes: paths of this machine are
# left out of the program, times are those of the commit, and the archive has a fixed order and
# owner. `--check` builds a second time, in another folder, and compares.
set -eu
cd "$(dirname "$0")/.."
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
CARGO=${CARGO:-cargo}
PYTHON=${PYTHON:-python3}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
target=$(rustc -vV | sed -n 's/^host: //p')
name="docmill-$version-$target"
out=target/release-archive
home=${CARGO_HOME:-$HOME/.cargo}

build() { # folder for what is compiled
	RUSTFLAGS="--remap-path-prefix=$PWD=/docmill --remap-path-prefix=$home=/cargo" \
		CARGO_TARGET_DIR="$1" CARGO_INCREMENTAL=0 $CARGO build --release --locked -p docmill --quiet
}

pack() { # folder of what was compiled, archive
	work=$(mktemp -d)
	mkdir "$work/$name"
	cp "$1/release/docmill" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE "$work/$name/"
	$PYTHON scripts/sbom.py >"$work/$name/docmill.cdx.json"
	chmod 755 "$work/$name/docmill"
	chmod 644 "$work/$name"/*.md "$work/$name"/LICENSE-* "$work/$name/docmill.cdx.json"
	tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
		--format=ustar -C "$work" -cf - "$name" | gzip -n -9 >"$2"
	rm -rf "$work"
}

mkdir -p "$out"
build target/release-archive/build
pack target/release-archive/build "$out/$name.tar.gz"
(cd "$out" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256" && cat "$name.tar.gz.sha256")
if [ "${1:-}" = "--check" ]; then
	build target/release-archive/again
	pack target/release-archive/again "$out/again.tar.gz"
	cmp "$out/$name.tar.gz" "$out/again.tar.gz" && echo "a second build is the same, byte for byte"
	rm -rf "$out/again.tar.gz" target/release-archive/again
fi

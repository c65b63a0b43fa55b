#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pin.sh - move the pins: pkg/*/sources and the version in pkg/*/recipe to the newest
# that each source's suite offers, conf/toolchain to what this host has. Prints what
# moved; nothing is committed and conf/expected-hashes stays (`make expected`).
set -eu
. "$(dirname "$0")/common.sh"

for path in "$TOP"/pkg/*/sources; do
	name=$(basename "$(dirname "$path")")
	PIN=1 "$TOP/scripts/fetch.sh" "$name"
	[ -f "$TO/moved/$name" ] || continue
	while read -r _ package pinned got _; do
		echo "$name: $package $pinned -> $got"
		old=$(echo "$pinned" | sed 's/^[0-9]*://; s/-[^-]*$//; s/[+~].*//')
		new=$(echo "$got" | sed 's/^[0-9]*://; s/-[^-]*$//; s/[+~].*//')
		sed -i "s/^version=$old\$/version=$new/" "$TOP/pkg/$name/recipe"
		# An upstream address that names the version follows it.
		sed -i "s|\(${new}[^ ]* [^ ]*\)$old|\1$new|" "$TO/sources/$name"
	done < "$TO/moved/$name"
	{
		grep '^#' "$path"
		cat "$TO/sources/$name"
	} > "$path.new"
	mv "$path.new" "$path"
	rm -f "$TO/moved/$name"
done
"$TOP/scripts/toolchain.sh" pin
git -C "$TOP" diff --stat -- pkg conf/toolchain 2>/dev/null || true

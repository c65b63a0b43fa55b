#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# unpack.sh NAME DIR - check the sources of package NAME (as fetch.sh recorded
# them) against their hashes, unpack each into DIR, apply pkg/NAME/*.patch.
# A tar's one top folder is taken off; a .deb is unpacked as it is.
set -eu
. "$(dirname "$0")/common.sh"

name=$1
dir=$2
grep -v '^#' "$TO/sources/$name" | while read -r sha kind spec file url; do
	path=$CAIRN_CACHE/src/$sha
	[ -f "$path" ] || die "$name: $file is not in the cache (run scripts/fetch.sh $name)"
	got=$(sha256 "$path")
	[ "$got" = "$sha" ] || die "$name: $file refused: SHA-256 is $got, wanted $sha"
	case $file in
	*.deb) dpkg-deb -x "$path" "$dir" ;;
	*.tar.gz) tar -xzf "$path" -C "$dir" --strip-components=1 --no-same-owner ;;
	*.tar.bz2) tar -xjf "$path" -C "$dir" --strip-components=1 --no-same-owner ;;
	*.tar.xz) tar -xJf "$path" -C "$dir" --strip-components=1 --no-same-owner ;;
	*) die "$name: $file: no way to unpack it ($kind $spec $url)" ;;
	esac
done
for patch in "$TOP/pkg/$name"/*.patch; do
	[ -f "$patch" ] || continue
	patch -s -d "$dir" -p1 < "$patch"
done

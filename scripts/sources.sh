#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sources.sh pack | unpack FILE - out/sources.tar with every pinned input, each named
# by its SHA-256, and INDEX saying what it is; or such a file into out/sources/, for a
# build without a network (make image SOURCES=FILE). Same pins, same bytes.
set -eu
. "$(dirname "$0")/common.sh"

case ${1:-} in
pack)
	work=$(mktemp -d "$O/.sources.XXXXXX")
	trap 'rm -rf "$work" "$work.list"' EXIT
	for path in "$TOP"/pkg/*/sources; do
		name=$(basename "$(dirname "$path")")
		STRICT=1 "$TOP/scripts/fetch.sh" "$name"
		sed -n "s|^\([0-9a-f]\{64\} .*\)|$name \1|p" "$path"
	done > "$work/INDEX"
	cut -d ' ' -f 2 "$work/INDEX" | sort -u | while read -r sha; do
		ln -f "$CAIRN_CACHE/src/$sha" "$work/$sha" 2>/dev/null || cp "$CAIRN_CACHE/src/$sha" "$work/$sha"
	done
	(cd "$work" && find . -type f | sort) > "$work.list"
	tar --format=ustar --sort=name --mtime="@$source_date_epoch" --owner=0 --group=0 --numeric-owner \
		--mode=0644 -C "$work" --transform 's,^\./,,' --no-recursion \
		-cf "$O/sources.tar.new" -T "$work.list"
	mv "$O/sources.tar.new" "$O/sources.tar"
	echo "$O/sources.tar: $(stat -c %s "$O/sources.tar") bytes, $(sha256 "$O/sources.tar")"
	;;
unpack)
	[ -f "${2:-}" ] || die "SOURCES=${2:-}: no such file"
	rm -rf "$O/sources"
	mkdir -p "$O/sources"
	# Only what is named as a hash; fetch.sh checks each before it is used.
	tar -tf "$2" | grep -x '[0-9a-f]\{64\}' | tar -xf "$2" -C "$O/sources" --no-same-owner -T -
	;;
*) die "usage: sources.sh pack | unpack FILE" ;;
esac

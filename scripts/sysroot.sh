#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sysroot.sh DIR NAME... - merge the staged packages NAME... into DIR: include/
# and lib/ of those whose recipe says sysroot=yes, bin/ of musl. DIR works from any
# folder. DIR/.stamp lists what is in it, and stays as it is when nothing changed.
set -eu
. "$(dirname "$0")/common.sh"

dir=$1
shift
new=$dir.new
rm -rf "$new"
mkdir -p "$new"
for name in $(printf '%s\n' "$@" | sort); do
	recipe "$name"
	[ "$sysroot" = yes ] || continue
	from=$TO/pkg/$name
	basename "$(readlink -f "$from")" >> "$new/.stamp"
	for part in include lib; do
		[ -d "$from/$part" ] || continue
		mkdir -p "$new/$part"
		cp -a "$from/$part/." "$new/$part/"
	done
	[ "$name" != musl ] || cp -a "$from/bin" "$new/"
done
if cmp -s "$new/.stamp" "$dir/.stamp"; then
	rm -rf "$new"
	exit 0
fi
rm -rf "$dir"
mv "$new" "$dir"

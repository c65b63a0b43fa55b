#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel-microcode.sh PACKAGE|FILE.deb|DIR... - copy processors' microcode into
# conf/microcode/, for conf/board.conf to name. A PACKAGE (intel-microcode,
# amd64-microcode) is fetched with the machine's apt, which must have the
# component non-free-firmware; a DIR holds intel-ucode/ or amd-ucode/.
set -eu
. "$(dirname "$0")/common.sh"

[ $# -gt 0 ] || { say "usage: kernel-microcode.sh PACKAGE|FILE.deb|DIR..."; exit 100; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
for from; do
	dir=$work/x
	rm -rf "$dir"
	mkdir "$dir"
	case $from in
	*.deb) dpkg-deb -x "$from" "$dir" ;;
	*/* | .) cp -R "$from/." "$dir/" ;;
	*)
		(cd "$work" && apt-get -qq download "$from") ||
			die "$from: not to be had from the machine's apt; give its .deb or a folder"
		dpkg-deb -x "$work/$from"_*.deb "$dir" ;;
	esac
	for vendor in intel-ucode amd-ucode; do
		for found in "$dir/$vendor" "$dir/lib/firmware/$vendor" "$dir/usr/lib/firmware/$vendor"; do
			[ -d "$found" ] || continue
			mkdir -p "$TOP/conf/microcode/$vendor"
			cp "$found"/* "$TOP/conf/microcode/$vendor/"
			count=$((count + $(find "$found" -type f | wc -l)))
		done
	done
done
[ "$count" -gt 0 ] || die "no intel-ucode/ or amd-ucode/ in $*"
say "$count files in conf/microcode; name the board's in conf/board.conf"

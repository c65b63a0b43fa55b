#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel-link.sh TREE INITRAMFS.cpio OUT - make the kernel image OUT (bzImage)
# from the staged kernel TREE (pkg/linux) with INITRAMFS.cpio inside.
#
# The compiled kernel keeps a place open for the initramfs; its bytes are put
# there and kbuild's last commands (compress, wrap) run again on a copy of TREE,
# so nothing is compiled, TREE is never changed and the result depends on its
# inputs only. Results are kept in $CAIRN_CACHE/kernel/ by the hash of those.
# ZSTD: the compressor, by default the one of pkg/zstd.
set -eu
. "$(dirname "$0")/common.sh"

[ $# = 3 ] || { say "usage: kernel-link.sh TREE INITRAMFS.cpio OUT"; exit 100; }
tree=$(readlink -f "$1")
cpio=$2
out=$3
ZSTD=${ZSTD:-$TO/pkg/zstd/bin/zstd}
ZSTD=$(command -v "$ZSTD") || die "$ZSTD: no compressor (build pkg/zstd, or set ZSTD)"
export ZSTD

[ -f "$tree/initramfs.place" ] || die "$1: not a staged kernel"
read -r offset place file image < "$tree/initramfs.place"
[ "$(head -c 6 "$cpio")" = 070701 ] || die "$cpio: not a plain newc cpio archive"
size=$(stat -c %s "$cpio")
[ "$size" -le "$place" ] ||
	die "$cpio: $size bytes, the kernel keeps $place open (PLACE in pkg/linux/build.sh)"

mkdir -p "$CAIRN_CACHE/kernel" "$(dirname "$out")"
key=$(cat "$tree/tree.sha256" "$cpio" "$0" "$ZSTD" | sha256sum | cut -c1-32)
cached=$CAIRN_CACHE/kernel/$key
if [ ! -f "$cached" ]; then
	work=$(mktemp -d "$CAIRN_CACHE/kernel/.link.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	cp -R "$tree/." "$work/"
	chmod -R u+w "$work"
	{ cat "$cpio"; head -c $((place - size)) /dev/zero; } |
		dd of="$work/$file" bs=64K iflag=fullblock oflag=seek_bytes seek="$offset" \
			conv=notrunc status=none
	if ! (cd "$work/obj" && sh ../relink.sh) > "$work/log" 2>&1; then
		cat "$work/log" >&2
		die "$tree: relink.sh failed"
	fi
	mv "$work/$image" "$cached"
fi
cp "$cached" "$out.new"
mv "$out.new" "$out"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: bench.sh          (called by `make bench`)
# One table: the machine, build times, sizes of the outputs, boot times, memory.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/row.sh"
TOP=$(cd "$here/../.." && pwd)
O=${O:-out}
case $O in /*) ;; *) O=$TOP/$O ;; esac
img=$O/x86_64

machine

# size FILE NOTE
size() {
	[ ! -f "$img/$1" ] || row "$1" "$(stat -c %s "$img/$1")" "${2:-bytes}"
}
for file in vmlinuz initramfs.cpio boot.img root.img cairn.img cairn.img.zst; do
	size $file bytes
done
if [ -f "$img/root.img" ]; then
	root=$(zstd -q -19 -c "$img/root.img" | wc -c)
	kernel=$(stat -c %s "$img/vmlinuz")
	row "root.img as zstd -19" "$root" "bytes"
	row "kernel and compressed root" $((kernel + root)) "bytes; wanted: 10485760"
fi
# The build's own records: seconds, status, step. A step that the cache answers takes none, so the
# longest time of each is what building it took.
if [ -f "$O/log/steps.tsv" ]; then
	awk -F '\t' '$2 == 0 && $1 > 0 + t[$3] { t[$3] = $1 } END { for (s in t) if (t[s]) print t[s] "\t" s }' \
		"$O/log/steps.tsv" | sort -rn | head -n 16 | while read -r took label; do
		row "build: $label" "$took s" "the longest in out/log/steps.tsv"
	done
fi
sh "$here/boot.sh"
sh "$here/memory.sh"
sh "$here/build.sh"

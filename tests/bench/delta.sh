#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: delta.sh [OLDDIR NEWDIR]          (called by `make bench-update`)
# What there is to send from one root file system to the next, beside the peers, in one run: the
# pair of pair.sh, and, given two folders of images of ours (out/ARCH), root and boot of those.
# Seconds are those of the processor (user and system), so that what else runs has less of a part in
# them; medians of RUNS (5) of applying, of MAKE_RUNS (1) of making.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/row.sh"
TOP=$(cd "$here/../.." && pwd)
O=${O:-out}
case $O in /*) ;; *) O=$TOP/$O ;; esac
export O
RUNS=${RUNS:-5} MAKE_RUNS=${MAKE_RUNS:-1}
cairn=$O/bin/cairn
mkdir -p "$O"
work=$(mktemp -d "$O/.bench-delta.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# timed RUNS COMMAND... - prints "SECONDS s MEMORY": the median, and the most.
timed() {
	n=$1
	shift
	: > "$work/times"
	while [ "$n" -gt 0 ]; do
		command time -f '%U %S %M' -a -o "$work/times" "$@" > /dev/null 2> "$work/err" ||
			{ cat "$work/err" >&2; echo "delta.sh: $*" >&2; exit 1; }
		n=$((n - 1))
	done
	awk '{ print $1 + $2, $3 }' "$work/times" | sort -n | awk '{ t[NR] = $1; if ($2 > m) m = $2 }
		END { printf "%.2f s %.1f MiB", t[int((NR + 1) / 2)], m / 1024 }'
}
size() { stat -c %s "$1"; }
same() { cmp -s "$1" "$2" || { echo "delta.sh: $3 made another file" >&2; exit 1; }; }

# chunks OLD NEW - bytes of casync's chunks and index that NEW needs beside OLD's.
chunks() {
	rm -rf "$work/store"
	casync make --store="$work/store" "$work/old.caibx" "$1" > /dev/null 2>&1
	had=$(find "$work/store" -type f -printf '%s\n' | awk '{ s += $1 } END { print s }')
	casync make --store="$work/store" "$work/new.caibx" "$2" > /dev/null 2>&1
	find "$work/store" -type f -printf '%s\n' |
		awk -v had="$had" -v index_bytes="$(size "$work/new.caibx")" '{ s += $1 } END { print s - had + index_bytes }'
	rm -rf "$work/store"
}

# blocks OLD NEW - bytes of NEW's 4 KiB blocks that OLD has nowhere, and their compressed size.
blocks() {
	python3 - "$1" "$2" "$work/blocks" << 'END'
import hashlib, sys
def blocks(path):
    with open(path, "rb") as f:
        while b := f.read(4096):
            yield b
seen = {hashlib.sha256(b).digest() for b in blocks(sys.argv[1])}
with open(sys.argv[3], "wb") as out:
    for b in blocks(sys.argv[2]):
        if (h := hashlib.sha256(b).digest()) not in seen:
            seen.add(h)
            out.write(b)
END
	size "$work/blocks"
}
packed() { zstd -q -19 --zstd=wlog=21 -c "$1" | wc -c; }

printf 'Machine: %s, %s processors, load %s, %s\n' \
	"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
	"$(cut -d ' ' -f 1 /proc/loadavg)" "$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)"
printf 'Cairn %s\n\n' "$(git -C "$TOP" log -1 --format='commit %h of %cs')"
pair=$("$here/pair.sh")
old=$pair/old.img new=$pair/new.img out=$work/out d=$work/delta
echo "The pair: $(awk '$2 != $3 { printf "%s%s %s -> %s", sep, $1, $2, $3; sep = ", " }' "$pair/versions")"
echo
row "Debian pair: bytes to send" bytes "seconds and peak resident memory"
row ------------------------------------------ -------------- ----------------------------------------------------------
row "whole: squashfs zstd 128 KiB" "$(size "$pair/new.sqz")" ""
row "whole: uncompressed, zstd -19, window 2 MiB" "$(packed "$new")" "$(size "$new") in the slot"
row "casync, squashfs zstd" "$(chunks "$pair/old.sqz" "$pair/new.sqz")" "chunks of 64 KiB and the index"
row "casync, uncompressed" "$(chunks "$old" "$new")" ""
row "4 KiB blocks as RAUC, squashfs zstd" "$(blocks "$pair/old.sqz" "$pair/new.sqz")" "without its index of hashes"
n=$(blocks "$old" "$new")
row "4 KiB blocks as RAUC, uncompressed" "$n" "zstd -19 of them: $(packed "$work/blocks")"

t=$(timed "$MAKE_RUNS" xdelta3 -9 -f -e -B 1073741824 -s "$old" "$new" "$d")
a=$(timed "$RUNS" xdelta3 -f -d -s "$old" "$d" "$out")
same "$out" "$new" xdelta3
row "xdelta3 -9" "$(size "$d")" "make $t, apply $a"
t=$(timed "$MAKE_RUNS" zstd -q -f -19 --long=27 --patch-from="$old" "$new" -o "$d")
a=$(timed "$RUNS" zstd -q -f -d --long=27 --patch-from="$old" "$d" -o "$out")
same "$out" "$new" zstd
row "zstd -19 --patch-from" "$(size "$d")" "make $t, apply $a"
t=$(timed "$MAKE_RUNS" bsdiff "$old" "$new" "$d")
a=$(timed "$RUNS" bspatch "$old" "$out" "$d")
same "$out" "$new" bspatch
row "bsdiff" "$(size "$d")" "make $t, apply $a"
t=$(timed "$MAKE_RUNS" "$cairn" delta --raw "$old" "$new" "$d")
a=$(timed "$RUNS" "$cairn" delta --apply "$old" "$d" "$out")
same "$out" "$new" cairn
row "cairn delta" "$(size "$d")" "make $t, apply $a"

[ $# = 2 ] || exit 0
echo
was=$1 is=$2
for f in root.squashfs boot.img; do
	{ [ -f "$was/$f" ] && [ -f "$is/$f" ]; } || { echo "delta.sh: no $f in $was or $is" >&2; exit 1; }
done
row "ours, $(basename "$was") to $(basename "$is"): root + boot" bytes ""
row ------------------------------------------ -------------- ----------------------------------------------------------
root=$(packed "$is/root.squashfs") boot=$(packed "$is/boot.img")
full=$((root + boot))
# part WHAT ROOT BOOT
part() {
	row "$1" $(($2 + $3)) "root $2, boot $3; $(awk "BEGIN { printf \"%.1f\", 100 * ($2 + $3) / $full }") % of the whole"
}
part "whole: zstd -19, window 2 MiB" "$root" "$boot"
part "casync" "$(chunks "$was/root.squashfs" "$is/root.squashfs")" "$(chunks "$was/boot.img" "$is/boot.img")"
part "4 KiB blocks as RAUC" "$(blocks "$was/root.squashfs" "$is/root.squashfs")" "$(blocks "$was/boot.img" "$is/boot.img")"
for f in root.squashfs boot.img; do
	"$cairn" delta --raw "$was/$f" "$is/$f" "$work/$f"
	"$cairn" delta --apply "$was/$f" "$work/$f" "$out"
	same "$out" "$is/$f" "cairn delta of $f"
done
part "cairn delta" "$(size "$work/root.squashfs")" "$(size "$work/boot.img")"

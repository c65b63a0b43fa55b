#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: update.sh          (called by `make bench-update`; root, for loop devices)
# What an update costs, beside the same work by hand and by RAUC, in one run, medians of RUNS (5).
# The images are the pair of pair.sh. The slot is a loop device and holds other bytes before each
# run. Our program is the device's: static, musl, mbedTLS.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/row.sh"
TOP=$(cd "$here/../.." && pwd)
O=${O:-out}
case $O in /*) ;; *) O=$TOP/$O ;; esac
export O
RUNS=${RUNS:-5}
work=$O/bench-update
cairn=$O/bin/cairn
install=$O/x86_64/bin/bench-install
zstd=$O/x86_64/pkg/zstd/bin/zstd
trust=$TOP/conf/keys/dev/trust
salt=$(sed -n 's/^verity_salt=//p' "$TOP/conf/cairn.conf")
die() { echo "update.sh: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "loop devices need root"
mkdir -p "$work"
pair=$("$here/pair.sh")
disk='' slot=''
cleanup() {
	for dev in $slot $disk; do losetup -d "$dev" 2>/dev/null || :; done
	rm -f "$work/disk.img" "$work/junk"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- what is installed ---

# bundle OUT ROOT ARGS... - a bundle of one image and a boot image of a few blocks.
bundle() {
	out=$1 root=$2
	shift 2
	# shellcheck disable=SC2016
	echo 'chainloader ($root)/vmlinuz quiet' > "$work/slot.cfg"
	"$cairn" fat "$work/boot.img" --size 64K --type 12 --label CAIRNBOOT --id 43410003 \
		"slot.cfg=$work/slot.cfg" "vmlinuz=$TOP/tests/data/pe/tiny.signed.efi"
	"$cairn" bundle create "$out" --boot "$work/boot.img" --loader "1=$TOP/tests/data/pe/tiny.signed.efi" --root "$root" --salt "$salt" \
		--compatible cairn-x86_64 --architecture x86_64 --version 2 --release 2 \
		--key "$TOP/conf/keys/dev/release.key" "$@" > /dev/null
}
full=$work/full.cairn sqz=$work/sqz.cairn old=$work/old.cairn delta=$work/delta.cairn
zst=$work/$(basename "$pair").zst
bundle "$full" "$pair/new.img" --zstd "$zstd"
bundle "$sqz" "$pair/new.sqz" --encoding raw --frame 4M
bundle "$old" "$pair/old.img" --zstd "$zstd" --level 3
"$cairn" delta "$old" "$full" "$delta" --key "$TOP/conf/keys/dev/release.key" > /dev/null
[ -f "$zst" ] || { "$zstd" -q -19 --zstd=wlog=21 "$pair/new.img" -o "$zst.new" && mv "$zst.new" "$zst"; }
bytes=$(stat -c %s "$pair/new.img")
sqz_bytes=$(stat -c %s "$pair/new.sqz")

# --- the disk ---

"$cairn" state "$work/state.img"
"$cairn" disk "$work/sparse.img" --conf "$TOP/conf/disk.conf" "state=$work/state.img" \
	"boot-a=$work/boot.img" "root-a=$pair/old.img"
# Every block is there already, as on a disk.
cp --sparse=never "$work/sparse.img" "$work/disk.img"
rm "$work/sparse.img"
mib() { sed -n "s/^$1=//p" "$TOP/conf/disk.conf"; }
slot_mib=$(mib p6_start_mib) state_mib=$(mib p2_start_mib)
disk=$(losetup -f --show "$work/disk.img")
slot=$(losetup -f --show -o $((slot_mib << 20)) --sizelimit $(($(mib p6_size_mib) << 20)) "$work/disk.img")
head -c $(($(mib p6_size_mib) << 20)) /dev/urandom > "$work/junk"

# reset - other bytes in the slot, the first boot state, nothing in the caches of the devices.
reset() {
	dd if="$work/state.img" of="$disk" seek="$state_mib" bs=1M conv=notrunc,fsync status=none
	dd if="$work/junk" of="$slot" bs=1M conv=fsync status=none
	sync "$work/disk.img"
	blockdev --flushbufs "$disk"
	blockdev --flushbufs "$slot"
}

# clock FILE COMMAND... - its milliseconds go to FILE.
clock() {
	to=$1
	shift
	reset
	from=$(date +%s%N)
	"$@" > "$work/log" 2>&1 || { cat "$work/log" >&2; die "$* failed"; }
	echo $((($(date +%s%N) - from) / 1000000)) >> "$to"
}
# value KEY - of the last clocked run.
value() { sed -n "s/^$1=//p" "$work/log"; }
median() { sort -n "$1" | sed -n "$((($(wc -l < "$1") + 1) / 2))p"; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
ours() { "$install" --trust "$trust" "$1" "$disk"; }
# written DEVICE - bytes that were written to it.
written() { awk '{ printf "%.0f\n", $7 * 512 }' "/sys/block/${1#/dev/}/stat"; }

by_hand() {
	"$zstd" -d -q -c "$zst" | dd of="$slot" bs=1M iflag=fullblock conv=fsync status=none
	veritysetup format --no-superblock --data-blocks $((bytes / 4096)) --hash-offset "$bytes" \
		--salt "$salt" "$slot" "$slot"
	sync "$slot"
	dd if="$slot" iflag=direct,count_bytes bs=1M count="$bytes" status=none | sha256sum
}
copy_by_hand() {
	dd if="$pair/new.sqz" of="$slot" bs=1M conv=fsync status=none
	sha256sum "$pair/new.sqz"
}

# --- the runs, taking turns ---

rm -rf "$work"/ms.* "$work/rauc"
i=0
while [ $i -lt "$RUNS" ]; do
	i=$((i + 1))
	clock "$work/ms.hand" by_hand
	clock "$work/ms.full" ours "$full"
	peak=$(value peak_kib) reader=$(value reader_peak_kib) fetched=$(value fetched)
	clock "$work/ms.delta" ours "$delta"
	delta_peak=$(value peak_kib) delta_reader=$(value reader_peak_kib)
	reset
	"$here/rauc.sh" "$work/rauc" "$pair/new.sqz" "$slot" > "$work/rauc.out"
	read -r rauc_ms rauc_kib < "$work/rauc.out"
	echo "$rauc_ms" >> "$work/ms.rauc"
	clock "$work/ms.sqz" ours "$sqz"
	clock "$work/ms.copy" copy_by_hand
done

# What reaches the disk: counted by the kernel, from a quiet start to a quiet end.
reset
before=$(written "$disk")
ours "$full" > "$work/log" 2>&1
sync "$disk"
flash=$(($(written "$disk") - before))

"$here/large.sh" "$work" "$pair/new.img" > "$work/large.out"
read -r big_peak big_reader < "$work/large.out"

# --- the table ---

hand=$(median "$work/ms.hand") ms=$(median "$work/ms.full")
row "full image: by hand" "$hand ms" "zstd -d, dd fsync, veritysetup, direct read, sha256sum"
row "full image: install" "$ms ms" "$(ratio "$ms" "$hand") x by hand; wanted: 1.20"
row "full bundle" "$(stat -c %s "$full")" "bytes; zstd -19, 2 MiB window, whole: $(stat -c %s "$zst"); wanted: 27900000"
row "  of it fetched" "$fetched" "bytes of payload"
sqz_ms=$(median "$work/ms.sqz") copy=$(median "$work/ms.copy")
row "compressed image: install" "$sqz_ms ms" "$sqz_bytes bytes, tree and reading back included"
rauc_ms=$(median "$work/ms.rauc")
row "compressed image: $(rauc --version)" "$rauc_ms ms" "plain bundle; we take $(ratio "$sqz_ms" "$rauc_ms") x; wanted: 1.00"
row "  its peak" "$rauc_kib KiB" "resident"
row "compressed image: dd fsync, sha256sum" "$copy ms" "no tree, nothing read back"
row "peak while installing" "$peak KiB" "resident; and $reader KiB of who reads back; wanted: 8192"
row "  of an image of 1 GiB" "$big_peak KiB" "and $big_reader KiB"
row "  of a delta" "$delta_peak KiB" "and $delta_reader KiB"
row "written to flash" "$flash" "bytes, $(ratio "$flash" "$bytes") x the image of $bytes; wanted: 1.03"
row "install the delta" "$(median "$work/ms.delta") ms" "$(stat -c %s "$delta") bytes; base checked, all read back"

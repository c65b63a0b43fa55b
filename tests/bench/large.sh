#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: large.sh WORK IMAGE
# Installs an image of 1 GiB, made of copies of IMAGE, into a disk with slots that are large enough.
# Prints the peak in KiB of the program and of the process that reads back.
set -eu
work=$1 image=$2
TOP=$(cd "$(dirname "$0")/../.." && pwd)
cairn=$O/bin/cairn
trap 'rm -f "$work/big.img" "$work/big.disk" "$work/big.cairn"' EXIT

sed 's/^image_mib=.*/image_mib=2400/; s/^p6_size_mib=.*/p6_size_mib=1100/
	s/^p7_start_mib=.*/p7_start_mib=2380/' "$TOP/conf/disk.conf" > "$work/big.conf"
i=0
while [ $i -lt 11 ]; do
	cat "$image"
	i=$((i + 1))
done | head -c $((1 << 30)) > "$work/big.img"
"$cairn" bundle create "$work/big.cairn" --boot "$work/boot.img" --loader "1=$TOP/tests/data/pe/tiny.signed.efi" --root "$work/big.img" --salt 00 \
	--compatible cairn-x86_64 --architecture x86_64 --version 2 --release 2 --level 1 \
	--zstd "$O/x86_64/pkg/zstd/bin/zstd" --key "$TOP/conf/keys/dev/release.key" > /dev/null
rm "$work/big.img"
"$cairn" disk "$work/big.disk" --conf "$work/big.conf" "state=$work/state.img"
"$O/x86_64/bin/bench-install" --trust "$TOP/conf/keys/dev/trust" "$work/big.cairn" "$work/big.disk" \
	> "$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
echo "$(sed -n 's/^peak_kib=//p' "$work/log")" "$(sed -n 's/^reader_peak_kib=//p' "$work/log")"

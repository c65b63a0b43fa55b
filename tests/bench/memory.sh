#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: memory.sh         (called by bench.sh)
# How little memory our part needs: the kernel is told `mem=`, since the firmware itself does not
# start a disk with so little. slot.cfg is changed for it and signed with the development key.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/row.sh"

cd "$T" || exit 111
copy_image "$PROD" disk.img
mcopy -n -i "$(fat disk.img 3)" ::/slot.cfg slot.orig
best='' why=''
for mib in 128 96 72 64 60 56 52 48 44 40; do
	tr -d '\n' <slot.orig >slot.cfg
	echo " mem=${mib}M" >>slot.cfg
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" slot.cfg
	mcopy -o -i "$(fat disk.img 3)" slot.cfg slot.cfg.sig ::/
	if "$VM" --disk disk.img --cpus 1 --no-reboot --timeout 60 --fail 'cairn: failed' \
		--wait '^cairn: ready.* slot=a' >console 2>steps; then
		best=$mib used=$(value mem_used_kib)
	else
		why=$(grep -aE 'panic|Out of memory|oom|failed|Failed' console | head -n 1 | cut -c 1-58)
		break
	fi
done
row "smallest mem= it boots in" "${best:-none} MiB" "wanted: 64; uses ${used:-?} KiB there"
[ -z "$why" ] || row "  at $mib MiB" "no" "$why"

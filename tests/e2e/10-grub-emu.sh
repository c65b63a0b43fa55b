#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shipped grub.cfg in grub-emu: every boot state, with slots that load and slots that do not,
# copies that are damaged or cannot be written, from either ESP, each done and compared with
# bootstate_next (lib/bootstate.c); then whole lives, with what the device writes in between.
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
O=${O:-out}
case $O in /*) ;; *) O=$TOP/$O ;; esac
# Debian keeps sgdisk and mkfs.vfat where a user's PATH does not look.
PATH=$PATH:/usr/sbin:/sbin
CAIRN=${CAIRN:-$O/bin/cairn}
key=$TOP/conf/keys/dev/slot.key
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export MTOOLS_SKIP_CHECK=1

# A disk with the partition numbers of conf/disk.conf, small. STATE begins at 2 MiB.
state_offset=2097152 boot_sectors=2048
truncate -s 10M "$tmp/empty"
sgdisk -o -n 1:2048:+1M -n 2:4096:+4M -n 3:12288:+1M -n 5:14336:+1M "$tmp/empty" >/dev/null

# A signed slot; the kernel is a stand-in, because chainloader is one too.
echo 'a kernel' >"$tmp/vmlinuz"
sed 's/@[A-Z]*@/x/g' "$TOP/bootloader/slot.cfg.in" >"$tmp/slot.cfg"
"$CAIRN" sign --pgp --key "$key" "$tmp/vmlinuz" "$tmp/slot.cfg"
"$CAIRN" sign --pgp-public --key "$key" "$tmp/slot.pub"
truncate -s $((boot_sectors * 512)) "$tmp/boot-Y"
mkfs.vfat -F 12 -i 0 "$tmp/boot-Y" >/dev/null
mcopy -i "$tmp/boot-Y" "$tmp/vmlinuz" "$tmp/vmlinuz.sig" "$tmp/slot.cfg" "$tmp/slot.cfg.sig" ::

# The ways to be damaged: changed slot.cfg, changed kernel, no signature, no kernel, no file system.
for kind in 0 1 2 3 4; do cp "$tmp/boot-Y" "$tmp/boot-$kind"; done
sed 's/quiet/quieT/' "$tmp/slot.cfg" | mcopy -o -i "$tmp/boot-0" - ::/slot.cfg
echo 'a kerneL' | mcopy -o -i "$tmp/boot-1" - ::/vmlinuz
mdel -i "$tmp/boot-2" ::/slot.cfg.sig
mdel -i "$tmp/boot-3" ::/vmlinuz
dd if=/dev/zero of="$tmp/boot-4" bs=4096 count=8 conv=notrunc status=none
for kind in 0 1 2 3 4; do
	for loads in YY YN NY NN; do
		disk=$tmp/disk-$kind-$loads
		cp "$tmp/empty" "$disk"
		case $loads in Y?) a=Y ;; *) a=$kind ;; esac
		case $loads in ?Y) b=Y ;; *) b=$kind ;; esac
		dd if="$tmp/boot-$a" of="$disk" bs=512 seek=12288 conv=notrunc status=none
		dd if="$tmp/boot-$b" of="$disk" bs=512 seek=14336 conv=notrunc status=none
	done
done

# The harness: what the PE's start gives (cmdpath, the key), a chainloader that reports, and the
# shipped grub.cfg without its pauses. grub-emu has no firmware to restart: `reboot` ends it.
sed 's/^\([[:space:]]*\)sleep [0-9]*$/\1true/' "$TOP/bootloader/grub.cfg" >"$tmp/shipped.cfg"
for esp in 1 2; do
	mkdir "$tmp/esp$esp"
	[ "$esp" = 1 ] && part=1 || part=8
	cat >"$tmp/esp$esp/grub.cfg" <<EOF
set enable_progress_indicator=0
set cmdpath=(hd0,gpt$part)/EFI/BOOT
trust --skip-sig (host)$tmp/slot.pub
function chainloader {
	if verify_detached "\$1" "\$1.sig"; then echo "@started \$1"; exit; fi
}
source (host)$tmp/shipped.cfg
echo @fell-through
exit
EOF
done
"$O/bin/grub-emu-table" "$tmp" "$state_offset" ${LONG:+long}

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: grub-image.sh GRUBDIR OUT PUBKEY...
# One GRUB PE (unsigned): the modules of GRUBDIR (pkg/grub), bootloader/early.cfg, grub.cfg in a
# memdisk, and PUBKEYs, the OpenPGP public key packets: slot.cfg and the kernel must be signed by one.
set -eu
. "$(dirname "$0")/common.sh"
[ $# -ge 3 ] || { sed -n '3,5s/^# //p' "$0" >&2; exit 100; }
grub=$1 out=$2
shift 2
for key; do
	set -- "$@" -k "$key"
	shift
done

# What grub.cfg uses and nothing else: no menu entry, no `ls`, no `cat`, no editor of anything.
# normal has the script language (its interactive mode is never entered: early.cfg ends in reboot);
# tpm measures what is opened and run; pgp, gcry_rsa and gcry_sha256 check the signatures.
modules='part_gpt fat memdisk tar normal configfile test true regexp echo sleep loadenv chain boot
	reboot tpm pgp gcry_rsa gcry_sha256'

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
install -m 0644 "$TOP/bootloader/grub.cfg" "$tmp/grub.cfg"
tar --format=ustar --mtime="@$source_date_epoch" --owner=0 --group=0 --numeric-owner \
	-C "$tmp" -cf "$tmp/memdisk.tar" grub.cfg
# --disable-shim-lock: there is no shim, the firmware's db has our key itself.
# shellcheck disable=SC2086
"$grub/bin/grub-mkimage" -d "$grub/lib/grub/x86_64-efi" -O x86_64-efi -o "$tmp/grub.efi" \
	-p '(memdisk)' -m "$tmp/memdisk.tar" -c "$TOP/bootloader/early.cfg" "$@" \
	--disable-shim-lock $modules
mv "$tmp/grub.efi" "$out"

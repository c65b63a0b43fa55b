#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: floor-image.sh INIT OUT
# A disk whose firmware starts the kernel at once, with INIT as the only program: the floor that
# boot times are compared with.
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
O=${O:-out}
case $O in /*) ;; *) O=$TOP/$O ;; esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$TOP/scripts/kernel-initramfs.sh" "$O/x86_64/pkg/linux" "$1" "$tmp/initramfs"
"$TOP/scripts/kernel-link.sh" "$O/x86_64/pkg/linux" "$tmp/initramfs" "$tmp/vmlinuz"
"$O/bin/cairn" fat "$tmp/esp" --size 64M --type 32 --label FLOOR --id 00000001 \
	"EFI/BOOT/BOOTX64.EFI=$tmp/vmlinuz"
"$O/bin/cairn" disk "$2" --conf "$TOP/conf/disk.conf" "esp=$tmp/esp"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel-initramfs.sh TREE INIT OUT.cpio - pack the root finder INIT as /init,
# with the folders it mounts on and /dev/console (the kernel opens that before
# /init runs). Fixed owners, order and times; no root needed.
set -eu
. "$(dirname "$0")/common.sh"

[ $# = 3 ] || { say "usage: kernel-initramfs.sh TREE INIT OUT.cpio"; exit 100; }
mkdir -p "$(dirname "$3")"
"$1/gen_init_cpio" -t "$source_date_epoch" - > "$3.new" <<END
dir /dev 0755 0 0
nod /dev/console 0600 0 0 c 5 1
dir /newroot 0755 0 0
dir /proc 0755 0 0
dir /run 0755 0 0
dir /sys 0755 0 0
file /init $2 0755 0 0
END
mv "$3.new" "$3"

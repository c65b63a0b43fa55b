#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel-initramfs.sh TREE INIT OUT.cpio - pack the root finder INIT as /init,
# with the folders it mounts on and /dev/console (the kernel opens that before
# /init runs). Fixed owners, order and times; no root needed.
# /kernel-id and OUT.cpio.id: the hash of all that the kernel image is made of. The signed command
# line names it, and /init refuses any other: bootloader/README.md.
set -eu
. "$(dirname "$0")/common.sh"

[ $# = 3 ] || { say "usage: kernel-initramfs.sh TREE INIT OUT.cpio"; exit 100; }
mkdir -p "$(dirname "$3")"

# pack [LINE] - the archive, with one more line.
pack() {
	"$tree/gen_init_cpio" -t "$source_date_epoch" - <<END
dir /dev 0755 0 0
nod /dev/console 0600 0 0 c 5 1
dir /newroot 0755 0 0
dir /proc 0755 0 0
dir /run 0755 0 0
dir /sys 0755 0 0
file /init $init 0755 0 0
${1:-}
END
}

tree=$1 init=$2
{ cat "$tree/tree.sha256"; pack; } | sha256sum | cut -d ' ' -f 1 > "$3.id"
pack "file /kernel-id $3.id 0444 0 0" > "$3.new"
mv "$3.new" "$3"

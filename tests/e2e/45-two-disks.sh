#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Two Cairn disks in one machine: the one that the firmware started runs, whatever is on the
# other. The development image stands for another version: its root, and so its root hash, differ.
. "$(dirname "$0")/lib.sh"

# runs VARIANT ARGUMENT...
runs() {
	variant=$1
	shift
	vm "$@" --fail 'cairn: failed' --wait "$READY"
	expect variant "$variant"
	expect verity ok
}

# Both disks hold the same release: only the disk that was started tells them apart.
same_release() {
	vm --disk "$DEV,bus=nvme,bootindex=1" --disk "$DEV,bus=usb,bootindex=0" \
		--fail 'cairn: failed' --wait "$READY" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'cat /run/cairn/boot')" --wait '^END 0'
	between console | tr ' ' '\n' | grep -q '^disk=/dev/sd' ||
		fail "started from USB, but it says: $(between console)"
	between console | tr ' ' '\n' | grep -qx 'disks=2' || fail "it does not see two disks"
}

# A stick with our partition names, types and GUIDs, and nothing of ours in them.
labelled_stick() {
	copy_image "$PROD" stick.img
	for part in 1 2 3 4 5 6 7 8; do
		part_zero stick.img $part
		at=$(part_offset $part)
		dd if=/dev/urandom of=stick.img bs=1M seek=$((at / MIB)) count=1 conv=notrunc \
			status=none
	done
	runs production --disk "stick.img,bus=usb,bootindex=none" --disk "$PROD,bus=nvme,bootindex=0"
	expect slot a
}

# The same, where the firmware tries the stick first and finds nothing to start.
labelled_stick_first() {
	copy_image "$PROD" stick.img
	for part in 2 3 4 5 6 7 8; do
		part_zero stick.img $part
	done
	mdel -i "$(fat stick.img 1)" ::/EFI/BOOT/BOOTX64.EFI
	runs production --disk "stick.img,bus=usb,bootindex=0" --disk "$PROD,bus=nvme,bootindex=1"
}

t "another version on USB, NVMe started" runs production \
	--disk "$PROD,bus=nvme,bootindex=0" --disk "$DEV,bus=usb,bootindex=1"
t "another version on NVMe, USB started" runs dev \
	--disk "$PROD,bus=nvme,bootindex=1" --disk "$DEV,bus=usb,bootindex=0"
t "the same release on both, USB started" same_release
t "a stick that carries our labels" labelled_stick
[ -z "$LONG" ] || t "a stick with our labels and no loader, tried first" labelled_stick_first
finish

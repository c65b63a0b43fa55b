#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A boot state that is missing, garbage, or cannot be written: the machine boots, and the running
# system repairs what it can.
. "$(dirname "$0")/lib.sh"

garbage() {
	copy_image "$PROD" disk.img
	dd if=/dev/urandom of=disk.img bs=512 seek=$(($(state_offset disk.img) / 512)) count=2 \
		conv=notrunc status=none
	vm --disk disk.img,rw --wait "$READY"
	expect slot a
	get_state disk.img | grep -qx 'slot=a' || fail "the state was not repaired"
}

# The whole partition: no file system that GRUB could read or write.
missing() {
	copy_image "$PROD" disk.img
	part_zero disk.img 2
	vm --disk disk.img,rw --wait "$READY"
	expect slot a
}

# Where GRUB cannot record a failed slot it goes on to the other one in the same boot. Which slot
# that was, only GRUB's own line tells: the same release is in both, and no state names one.
no_state_bad_slot() {
	copy_image "$PROD" disk.img
	part_zero disk.img 2
	mdel -i "$(fat disk.img 3)" ::/slot.cfg
	vm --disk disk.img --wait '^cairn: failed what=slot slot=a' --wait '^cairn: boot slot=b' \
		--wait "$READY"
	sane_ready
}

wanted_b() {
	copy_image "$PROD" disk.img
	set_state disk.img slot=b
	vm --disk disk.img,rw --wait '^cairn: boot slot=b' --wait "$READY"
	sane_ready
	expect slot b
	get_state disk.img | grep -qx 'booted=b' || fail "GRUB did not record what it started"
}

t "garbage: slot a, repaired" garbage
t "no state partition: slot a" missing
t "no state partition and a bad slot: the other in the same boot" no_state_bad_slot
t "slot b wanted: slot b" wanted_b
finish

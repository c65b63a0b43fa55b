#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A boot state of which one copy or both are missing, torn, garbage, unreadable or cannot be
# written: the machine boots, and the running system repairs what it can and keeps what was known.
. "$(dirname "$0")/lib.sh"

# The running system has repaired the state, if need be, and then called its slot good.
MARKED='cairn: update good release='

# damage FILE COPY HOW
damage() {
	at=$(($(state_copy "$2") / 512))
	case $3 in
	zeroed) dd if=/dev/zero of="$1" bs=512 seek=$at count=2 conv=notrunc status=none ;;
	garbage) dd if=/dev/urandom of="$1" bs=512 seek=$at count=2 conv=notrunc status=none ;;
	# The value of `open`, behind the block's 25 bytes of signature.
	torn) printf x | dd of="$1" bs=1 seek=$((at * 512 + 30)) conv=notrunc status=none ;;
	esac
}

# one_copy COPY HOW - slot b runs as the other copy says, and the copy is whole again.
one_copy() {
	copy_image "$PROD" disk.img
	# Both copies say it, whichever is lost.
	set_state disk.img primary=b booted=b
	set_state disk.img primary=b booted=b
	damage disk.img "$1" "$2"
	vm --disk disk.img,rw --wait '^cairn: boot slot=b' --wait "$READY" --wait "$MARKED"
	expect slot b
	state_says disk.img "primary=b" "b_good=1" "b_tries=3" "s0=ok" "s1=ok" "fs=ok" "known=yes"
}

# both_copies HOW - nothing is known: slot a, and nothing is held for bad.
both_copies() {
	copy_image "$PROD" disk.img
	set_state disk.img primary=b
	damage disk.img 0 "$1"
	damage disk.img 1 "$1"
	vm --disk disk.img,rw --wait '^cairn: boot slot=a' --wait "$READY" --wait "$MARKED"
	expect slot a
	state_says disk.img "primary=a" "a_good=1" "b_good=1" "s0=ok" "s1=ok" "fs=ok" "known=yes"
}

# The whole partition: no file system that GRUB could read or write.
missing() {
	copy_image "$PROD" disk.img
	part_zero disk.img 2
	vm --disk disk.img,rw --wait '^cairn: failed what=state' --wait "$READY" --wait "$MARKED"
	expect slot a
	state_says disk.img "primary=a" "a_good=1" "b_good=1" "s0=ok" "s1=ok" "fs=ok" "known=yes"
}

# unreadable COPY - the medium gives an error for it, to GRUB and to the kernel.
unreadable() {
	copy_image "$PROD" disk.img
	set_state disk.img primary=b booted=b
	set_state disk.img primary=b booted=b
	vm --disk "disk.img,rw,bad=$(($(state_copy "$1") / 512))" --wait '^cairn: boot slot=b' \
		--wait "$READY" --wait "$MARKED"
	expect slot b
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

# Each boot takes a try, each healthy one gives them back; three that come to nothing hand over.
counted() {
	copy_image "$PROD" disk.img
	vm --disk disk.img,rw --wait '^cairn: boot slot=a tries=2' --wait "$READY" --wait "$MARKED"
	state_says disk.img primary=a booted=a a_good=1 a_tries=3 esp=1
	set_state disk.img primary=b b_good=0 b_tries=3
	vm --disk disk.img,rw --wait '^cairn: boot slot=b tries=2'
	vm --disk disk.img,rw --wait '^cairn: boot slot=b tries=1'
	state_says disk.img booted=b b_good=0 b_tries=1
	vm --disk disk.img,rw --wait '^cairn: boot slot=b tries=0'
	vm --disk disk.img,rw --wait '^cairn: boot slot=a' --wait "$READY" --wait "$MARKED"
	expect slot a
	state_says disk.img primary=a booted=a b_good=0 b_tries=0
}

t "every boot is counted, a healthy one counts again, three bad ones fall back" counted
for copy in 0 1; do
	t "S$copy torn" one_copy $copy torn
	[ -z "$LONG" ] || t "S$copy zeroed" one_copy $copy zeroed
	[ -z "$LONG" ] || t "S$copy garbage" one_copy $copy garbage
	t "S$copy unreadable" unreadable $copy
done
t "both copies garbage: slot a, repaired" both_copies garbage
[ -z "$LONG" ] || t "both copies torn: slot a, repaired" both_copies torn
t "no state partition: slot a, repaired" missing
t "no state partition and a bad slot: the other in the same boot" no_state_bad_slot
finish

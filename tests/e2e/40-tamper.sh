#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One flipped bit anywhere that a boot reads is met, said on the console, and never run.
. "$(dirname "$0")/lib.sh"

# root_blocks FILE - data blocks of 4096 bytes of the root, from the signed slot.cfg.
root_blocks() {
	mtype -i "$(fat "$1" 3)" ::/slot.cfg | sed -n 's/.*cairn\.rootblocks=\([0-9]*\).*/\1/p'
}

# panics WHAT - dm-verity meets it: the kernel stops at once and the machine restarts.
panics() {
	vm --disk disk.img --timeout 90 --fail '^cairn: ready' --wait "verity.*$1.*corrupted" \
		--wait 'panic.*verity' --wait-reset
	never_said '^cairn: ready'
}

# The root's own init, which every boot reads: the block that holds a text of its program.
root_block() {
	copy_image "$PROD" disk.img
	at=$(dd if=disk.img bs=1M skip="$p4_start_mib" count="$p4_size_mib" status=none |
		grep -abo 'NOTIFY_FD' | head -n 1 | cut -d : -f 1)
	[ -n "$at" ] || fail "the root holds no init that could be changed"
	flip_bit disk.img $(($(part_offset 4) + at))
	panics 'data block'
}

# A leaf of the tree: the last level, that of the first data block, which holds the super block.
tree_leaf() {
	copy_image "$PROD" disk.img
	blocks=$(root_blocks disk.img)
	# Levels lie top first; the leaves' level comes last. Blocks before it: the upper levels.
	n=$(((blocks + 127) / 128)) upper=0
	while [ $n -gt 1 ]; do
		n=$(((n + 127) / 128))
		upper=$((upper + n))
	done
	flip_bit disk.img $(($(part_offset 4) + (blocks + upper) * 4096))
	panics 'metadata block'
}

# The top block is what the root finder looks for: no partition fits, and slot b is not asked
# for, since both slots' roots are searched. Both are changed here.
tree_top() {
	copy_image "$PROD" disk.img
	blocks=$(root_blocks disk.img)
	flip_bit disk.img $(($(part_offset 4) + blocks * 4096))
	flip_bit disk.img $(($(part_offset 6) + blocks * 4096))
	vm --disk disk.img --timeout 90 --fail '^cairn: ready' --wait '^cairn: failed what=root' \
		--wait-reset
	never_said '^cairn: ready'
}

# spoil N NAME - flip a bit in the middle of a file of a boot partition.
spoil() {
	mcopy -n -i "$(fat disk.img "$1")" "::/$2" file
	flip_bit file $(($(stat -c %s file) / 2))
	mcopy -o -i "$(fat disk.img "$1")" file "::/$2"
}

# slot_file NAME ERE - GRUB refuses the file, says so, records it, restarts, and slot b runs.
slot_file() {
	copy_image "$PROD" disk.img
	spoil 3 "$1"
	vm --disk disk.img,rw --timeout 90 --fail '^cairn: ready.* slot=a' \
		--wait '^cairn: boot slot=a' --wait "$2" --wait '^cairn: failed what=slot slot=a' \
		--wait-reset --wait '^cairn: boot slot=b' --wait "$READY"
	sane_ready
	expect slot b
	never_said 'grub>'
	state_says disk.img a_tries=0 a_good=1 booted=b
}

missing_signature() {
	copy_image "$PROD" disk.img
	mdel -i "$(fat disk.img 3)" ::/slot.cfg.sig
	vm --disk disk.img --timeout 90 --wait '^cairn: failed what=slot slot=a' --wait-reset \
		--wait "$READY"
	expect slot b
}

# Neither slot: it says so, tries each in turn for ever, and is never at a prompt, even when asked.
both_slots() {
	copy_image "$PROD" disk.img
	spoil 3 slot.cfg
	spoil 5 vmlinuz
	vm --disk disk.img --storm --timeout 120 --fail '^cairn: ready|grub>' \
		--wait '^cairn: boot slot=a' --wait-reset \
		--wait '^cairn: boot slot=b' --wait '^cairn: failed what=slot slot=b' --wait-reset \
		--wait '^cairn: boot slot=a'
	never_said 'grub>|Enter username|login:'
}

t "a flipped bit in a root block that the boot reads" root_block
t "a flipped bit in a leaf of the verity tree" tree_leaf
t "a flipped bit in the top of the verity tree" tree_top
t "a flipped bit in the kernel" slot_file vmlinuz "bad signature"
t "a flipped bit in slot.cfg" slot_file slot.cfg "load the kernel first"
t "both slots bad" both_slots
[ -z "$LONG" ] || t "a missing signature" missing_signature
finish

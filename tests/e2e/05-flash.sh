#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `cairn flash` on loop devices: what it writes, whom it asks, and what a failing device leaves.
# Needs root; no QEMU. Seconds.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/flash-lib.sh"

whole() {
	image
	target 24M
	loop target
	flash "$dev" --yes "$dev" --allow-fixed "$name"
	[ "$status" = 0 ] || fail "$(tail -n 1 said.txt)"
	cmp disk.img target || fail "the device is not the image"
}

# A larger device that held a table of its own: the backup moves to its end.
larger() {
	image
	target 40M
	sgdisk -n 1:0:+1M -n 2:0:0 target >/dev/null
	loop target
	CONFIRM=$dev flash "$dev" --allow-fixed "$name"
	[ "$status" = 0 ] || fail "$(tail -n 1 said.txt)"
	grep -q 'written and compared' said.txt || fail "no closing line"
	sgdisk -v target >gpt.txt
	grep -q 'No problems found' gpt.txt || fail "sgdisk: $(cat gpt.txt)"
	sgdisk -p target | grep -q 'cairn-data' || fail "no partitions"
	# Everything but the headers, which name the other one's place.
	cmp -i "$MIB" -n $((22 * MIB)) disk.img target || fail "the content differs"
}

# A person at a terminal: only y goes on.
asked() {
	need script
	image
	target 24M
	loop target
	for answer in n '' yes y; do
		status=0
		printf '%s\n' "$answer" | script -qec \
			"'$CAIRN' flash disk.img $dev --allow-fixed $name" said.txt >/dev/null || status=$?
		[ "$answer" != y ] || break
		refused 'not confirmed'
		grep -q 'Type y' said.txt || fail "it does not ask"
	done
	[ "$status" = 0 ] || fail "y: exit $status: $(tail -n 1 said.txt)"
	cmp disk.img target || fail "the device is not the image"
}

# The file under the device is on a full file system: writes fail late, when they are flushed.
write_error() {
	image
	mkdir full
	mount -t tmpfs -o size=12m none full || skip "no tmpfs"
	mounts=full
	truncate -s 24M full/target
	loop full/target
	flash "$dev" --yes "$dev" --allow-fixed "$name"
	[ "$status" = 111 ] || fail "exit $status: $(tail -n 1 said.txt)"
	grep -Eq "$dev: write the device (near|at) byte [0-9]+" said.txt ||
		fail "$(tail -n 1 said.txt)"
	! sgdisk -p full/target 2>/dev/null | grep -q cairn-esp || fail "a table was left behind"
	# The device goes before the file system under it.
	for l in $loops; do losetup -d "$l"; done
	loops=''
}

t "writes and compares" whole
t "moves the backup GPT of a larger disk" larger
t "asks a person" asked
t "reports a write error and leaves no table" write_error
finish

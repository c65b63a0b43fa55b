#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# DATA: made and grown at the first boot, encrypted and not, found at the second; full, damaged,
# unknown or missing, the machine says so and runs on. 34-sealed.sh has what opens it and what not.
. "$(dirname "$0")/lib.sh"
FUTURE=1924992000 # 2031-01-01, a clock that the second boot must not fall behind

data_fsck() {
	data_read disk.img data.img
	e2fsck -fn data.img >fsck 2>&1 || fail "e2fsck: $(tail -n 2 fsck)"
	debugfs -R 'cat /kept' data.img 2>/dev/null | grep -qx kept || fail "the file is not in it"
	rm data.img
}

# dev_off COMMAND ARGUMENT... - boot dev to ready, run a command, switch off in order.
dev_off() {
	command=$1
	shift
	vm "$@" --wait "$READY" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text "$command")" --wait '^END 0' \
		--send 'cairn-ctl poweroff\n' --wait-exit
}

first_and_second() {
	copy_image "$DEV" disk.img 2G
	dev_off 'echo kept >/data/kept; df -k /data | tail -n 1' --disk disk.img,rw \
		--rtc 2031-01-01T00:00:00 --fail 'cairn: failed'
	expect data created
	expect encrypted yes
	[ "$(between console | awk '{ print $2 }')" -gt 1000000 ] || fail "DATA did not grow"
	sgdisk -v disk.img | grep -q 'No problems found' || fail "GPT: $(sgdisk -v disk.img)"
	data_fsck
	[ $((data_start + data_bytes)) -gt $((2040 * MIB)) ] || fail "DATA does not reach the end"
	dev_off 'cat /data/kept; date +%s' --disk disk.img,rw --rtc 2025-01-01T00:00:00 \
		--fail 'cairn: failed'
	expect data ok
	expect encrypted yes
	between console | grep -qx kept || fail "the file is gone"
	[ "$(between console | grep -E '^[0-9]+$')" -ge $FUTURE ] || fail "the clock went back"
	data_fsck
}

# Without a TPM the default policy makes it unencrypted, and says so.
unencrypted() {
	TPM_STATE=none
	copy_image "$DEV" disk.img 1G
	dev_off 'echo kept >/data/kept' --disk disk.img,rw --fail 'cairn: failed'
	expect data created
	expect encrypted no
	said 'cairn: DATA is not encrypted: '
	data_fsck
}

full() {
	copy_image "$DEV" disk.img 1G
	dev_off 'dd if=/dev/zero of=/data/fill bs=1M 2>/dev/null; sync' --disk disk.img,rw
	vm --disk disk.img --wait "$READY"
	expect data full
}

# A grown disk whose file system was hit in its middle: repaired, said, and kept.
damaged() {
	copy_image "$DEV" disk.img 1G
	dev_off 'echo kept >/data/kept; sync' --disk disk.img,rw
	data_part disk.img
	# Inode and block tables of the first group, behind super block and descriptors; the encrypted
	# volume begins after 1 MiB.
	dd if=/dev/urandom of=disk.img bs=4096 seek=$(((data_start + MIB) / 4096 + 2)) count=64 \
		conv=notrunc status=none
	vm --disk disk.img --wait '(^|# )cairn: (ready.* data=repaired|failed what=data )'
}

unknown() {
	copy_image "$PROD" disk.img
	dd if=/dev/urandom of=disk.img bs=1M seek="$p7_start_mib" count=4 conv=notrunc status=none
	vm --disk disk.img,rw --wait '^cairn: failed what=data why='
	said 'unknown'
	data_part disk.img
	cmp -s -n 65536 -i "$data_start:0" disk.img /dev/zero && fail "it was written over"
	return 0
}

missing() {
	copy_image "$PROD" disk.img
	sgdisk -d 7 disk.img >/dev/null
	vm --disk disk.img --wait '^cairn: failed what=data why='
	said 'no partition 7'
}

t "made and grown, found again, and the clock does not go back" first_and_second
t "without a TPM: unencrypted, and said" unencrypted
t "full" full
t "damaged" damaged
t "unknown content is left alone" unknown
t "missing partition" missing
finish

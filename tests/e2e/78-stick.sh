#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Without a network. A stick with a damaged bundle is refused, and a check of the integrator's says no
# and then yes; in the next boot a stick with a channel's folder brings the next release.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/update-lib.sh"
[ -n "$LONG" ] || skip "LONG=1: several boots"

# A whole disk of FAT, as many sticks are: cairn/NAME.cairn with one bit of a signature flipped.
damaged() {
	cp "$(image next cairn.bundle)" release.cairn
	# The signatures follow the document, whose end is its last line.
	at=$(grep -abom 1 '^end$' release.cairn | cut -d : -f 1)
	flip_bit release.cairn $((at + 4 + 65 + 20))
	truncate -s 64M damaged.img
	mformat -i damaged.img -F ::
	mmd -i damaged.img ::/cairn
	mcopy -i damaged.img release.cairn ::/cairn/release.cairn
}

# A partition of ext4 on a GPT: a channel's folder.
good() {
	publish channel next
	mkdir -p tree
	cp -R channel tree/cairn
	mke2fs -q -t ext4 -d tree part.img 48M
	truncate -s 64M good.img
	sgdisk -n 1:2048:+48M good.img >/dev/null
	dd if=part.img of=good.img bs=1M seek=1 conv=notrunc status=none
}

# Nothing newer is on it: it is let go. Where it is not, the time runs out.
LET_GO='until ! mount | grep -q /run/cairn/media; do usleep 100000; done'

sticks() {
	fresh
	damaged
	good
	vm --disk disk.img,rw --disk damaged.img,bus=usb,bootindex=none --watchdog --timeout 180 \
		--wait "$READY.* version=0.1.0" --wait 'cairn: update failed what=bundle why=".*sign' \
		--send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'touch /data/config/sick; cairn-ctl restart update; until cairn-update | grep -q told; do usleep 100000; done; cairn-update; rm /data/config/sick; until cairn-update | grep -q marked; do usleep 100000; done; sync')" \
		--wait '^END 0' --kill
	between console >report
	grep -q 'problem *10-e2e: told to be sick' report || fail "$(cat report)"
	state_is primary=a booted=a a_good=1 a_tries=3
	vm --disk disk.img,rw --disk good.img,bus=usb,bootindex=none --watchdog --timeout 180 \
		--wait "$READY.* version=0.1.0" --wait "$INSTALLING"2 --wait "$WRITTEN"2 --wait-reset \
		--wait "$READY.* version=0.2.0 .* slot=b" --wait "$GOOD"2 --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text "$LET_GO; cairn-update")" --wait '^END' --kill
	between console >report
	grep -q 'history .*release 2 (0.2.0), full from stick: good' report || fail "$(cat report)"
}

t "from sticks, without a network; a check of the integrator's" sticks
finish

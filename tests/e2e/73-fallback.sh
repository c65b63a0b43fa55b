#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A release that never becomes healthy: its first trial hangs, the second panics, the third brings a
# critical service that ends. The machine goes back to the old release by itself, remembers, takes
# the failed one no more, but the next one. Then the slot it committed to rots: three panics later
# the old release runs again.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/update-lib.sh"

fallback() {
	fresh
	publish ../channel trouble
	serve ../channel
	machine --timeout 180 --wait "$READY.* version=0.1.0 .* slot=a" \
		--wait "$INSTALLING"4 --wait "$WRITTEN"4 --wait-reset \
		--wait '^cairn: boot slot=b' --wait 'trouble: PID 1 hangs' --wait-reset \
		--wait '^cairn: boot slot=b' --wait 'trouble: the kernel panics' --wait-reset \
		--wait '^cairn: boot slot=b' --wait 'trouble: a critical service ends' --wait-reset \
		--wait '^cairn: boot slot=a' --wait "$READY.* version=0.1.0 .* slot=a" \
		--wait 'cairn: update refuses release 4' \
		--send "$SHELL_ASK" --wait "$SHELL_UP" --send "$(dev_text 'cairn-update check; cairn-update')" \
		--wait '^END' --hold 15 --kill
	said 'cairn: update not healthy in time: service:trouble'
	state_is primary=a booted=a a_good=1 b_good=0 b_tries=0
	# Offered at each look, fetched once.
	[ "$(grep -c 'GET /channel' http.log)" -ge 3 ] || fail "the channel was not looked at"
	fetched_once "$(image trouble cairn.bundle)"
	between console >report
	grep -q 'history .*release 4 (0.4.0), full .*fell-back' report || fail "history"
	grep -q 'refused .*release 4: ' report || fail "status"
	mv disk.img ../disk.img
}

another() {
	mv ../disk.img disk.img
	publish ../channel rekeyed
	serve ../channel
	machine --wait "$READY.* version=0.1.0" --wait "$INSTALLING"5 --wait-reset \
		--wait "$READY.* version=0.5.0 .* slot=b" --wait "$GOOD"5 --kill
	state_is primary=b b_good=1 b_tries=3 a_good=1
	mv disk.img ../disk.img
}

# The block of the root that holds a text of init, which every boot reads.
rotten() {
	mv ../disk.img disk.img
	at=$(dd if=disk.img bs=1M skip="$p6_start_mib" count="$p6_size_mib" status=none |
		grep -abo 'NOTIFY_FD' | head -n 1 | cut -d : -f 1)
	flip_bit disk.img $(($(part_offset 6) + at))
	serve ../channel
	machine --wait '^cairn: boot slot=b' --wait 'panic.*verity' --wait-reset \
		--wait '^cairn: boot slot=b' --wait 'panic.*verity' --wait-reset \
		--wait '^cairn: boot slot=b' --wait 'panic.*verity' --wait-reset \
		--wait '^cairn: boot slot=a' --wait "$READY.* version=0.1.0 .* slot=a" \
		--wait 'cairn: update refuses release 5' --kill
	said "$LEFT"5
	state_is primary=a booted=a a_good=1
}

t "hang, panic, sick: back to the old one, which takes it no more" fallback
[ -z "$LONG" ] || {
	t "but takes the next one" another
	t "a committed slot that rots: back after three starts" rotten
}
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An update as a fleet gets it: the old release finds its channel over HTTP, writes the full bundle
# into the other slot, restarts into it, loses its power in the trial, starts it again, keeps it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/update-lib.sh"

update() {
	fresh
	publish channel next
	serve channel
	machine --fail 'cairn: failed' --wait "$READY.* version=0.1.0 .* slot=a .* encrypted=yes" \
		--wait "$INSTALLING"'2 version=0.2.0 as=full' --wait "$WRITTEN"2 --wait "$RESTARTING"2 \
		--wait-reset --wait '^cairn: boot slot=b' --wait "$STARTED" --kill
	# One try was used, the update was not.
	state_is primary=b booted=b b_good=0 b_tries=2 a_good=1 a_tries=3
	# What is in the slot was fetched once, and nothing was asked for twice.
	fetched_once "$(image next cairn.bundle)"
	machine --fail 'cairn: failed' --wait '^cairn: boot slot=b' \
		--wait "$READY.* version=0.2.0 .* slot=b .* encrypted=yes" --wait "$GOOD"2 --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'cairn-update; cairn-status')" --wait '^END 0' --kill
	never_said "$INSTALLING"
	state_is primary=b booted=b b_good=1 b_tries=3 a_good=1
	between console >report
	grep -q 'running *release 2, version 0.2.0, slot b, marked good' report || fail "status"
	grep -q 'history .*release 2 (0.2.0), full .*good' report || fail "history: $(cat report)"
	grep -q '^update:' report || fail "the agent's status does not speak of updates"
}

t "old finds new over HTTP, tries it, loses its power, tries it again, keeps it" update
finish

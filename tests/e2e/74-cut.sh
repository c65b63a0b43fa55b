#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Power cuts with all that a machine writes: firmware, GRUB, the first boot's growth of DATA, the
# writer, mark-good. QEMU records every write; each state that a cut may leave is judged, and a
# sample of them is really started (10; LONG=1: 100).
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/update-lib.sh"
# A disk of before and a TPM of after would not belong together: 34-sealed.sh has cuts with both.
TPM_STATE=none
PICKS=${CUT_PICKS:-${LONG:+100}}
PICKS=${PICKS:-10}

# The update is killed in the middle of the slot, goes on where it was, and is killed again the
# moment it says that the new release is good.
record() {
	fresh
	cp --sparse=always disk.img ../before.img
	publish channel next
	serve channel
	RECORD=../log
	machine --fail 'cairn: failed' --wait "$INSTALLING"2 --wait 'cairn: update [1-9]0 %' --kill
	machine --fail 'cairn: failed' --wait "$INSTALLING"2 --wait "$WRITTEN"2 --wait-reset \
		--wait "$READY.* version=0.2.0 .* slot=b" --wait "$GOOD"2 --kill
	cp -R channel ../channel
}

judge() {
	cut_check ../log ../before.img --growth --end b:next --picks "$PICKS" >../judged ||
		fail "$(tail -n 3 ../judged)"
	cat ../judged
}

# start NUMBER - the disk of a state, started: the old or the new release is healthy, and the update
# comes to its end (each third one; LONG=1: each).
start() {
	cut_check ../log ../before.img --growth --image disk.img --at "$1"
	serve ../channel
	RECORD=''
	end="${GOOD}[12]"
	[ -z "$LONG" ] && [ $((starts % 3)) != 0 ] || end=${GOOD}2
	machine --fail 'cairn: failed what=(root|boot)' --wait "$READY.* version=0.[12].0 " \
		--wait "$end" --kill
}

t "an update, recorded" record
t "every state starts old or new" judge
sed -n 's/^pick \([0-9]*\) \(.*\)/\1 \2/p' "$T/judged" >"$T/picks" 2>/dev/null || :
starts=0
while read -r number how; do
	t "state $number ($how) starts" start "$number"
	starts=$((starts + 1))
done <"$T/picks"
finish

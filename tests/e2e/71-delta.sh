#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same update by its delta, every write of it recorded: each state that a power cut may leave
# starts the old or the new release. A machine whose slot is not what the delta goes on from takes
# the full bundle by itself.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/update-lib.sh"

delta_channel() {
	"$CAIRN" delta "$(image base cairn.bundle)" "$(image next cairn.bundle)" delta.cairn \
		--key "$KEYS/release.key"
	publish channel next delta.cairn
}

delta() {
	fresh
	delta_channel
	cp --sparse=always disk.img before.img
	serve channel
	RECORD=log
	machine --fail 'cairn: failed' --wait "$READY.* version=0.1.0 .* slot=a" \
		--wait "$INSTALLING"'2 version=0.2.0 as=delta' --wait "$WRITTEN"2 --wait-reset \
		--wait "$READY.* version=0.2.0 .* slot=b" --wait "$GOOD"2 --kill
	fetched_once delta.cairn
	cut_check log before.img --growth --end b:next || fail "power cuts"
}

# One bit of the booted root that no boot reads: in a program that only the installer starts.
modified() {
	fresh
	delta_channel
	at=$(dd if=disk.img bs=1M skip="$p4_start_mib" count="$p4_size_mib" status=none |
		grep -abo 'install writes' | head -n 1 | cut -d : -f 1)
	[ -n "$at" ] || fail "the root holds no text that could be changed"
	flip_bit disk.img $(($(part_offset 4) + at))
	serve channel
	RECORD=''
	machine --fail 'cairn: failed' --wait "$READY.* version=0.1.0" \
		--wait "$INSTALLING"'2 version=0.2.0 as=delta' \
		--wait "$INSTALLING"'2 version=0.2.0 as=full' --wait "$WRITTEN"2 --kill
}

t "by delta; every state of its writes starts old or new" delta
t "a slot that was changed: the full bundle instead" modified
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: update.sh         (`make demo-update`; ALL=1: all that the console says; QUIET=1: only the
#                          table's lines, for the bench)
# What a person sees of updates, in QEMU and without a hand: 0.1.0 starts, finds 0.2.0 on its channel
# over HTTP, writes it, restarts into it, keeps it; then 0.3.0, whose kernel panics at each start,
# and the machine goes back by itself. Ends with how long it was away.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/update-lib.sh"

# told NUMBER PATTERN - seconds from power-on to the NUMBERth step with this pattern.
told() {
	sed -n 's/^cairn-vm: +\([0-9.]*\) s: \(.*\)/\1 \2/p' steps |
		awk -v n="$1" -v what="--wait $2" 'substr($0, index($0, " ") + 1) == what && ++k == n { print $1 }'
}

row() {
	printf '%-46s %7.1f s\n' "$1" "$2"
}

minus() {
	awk -v a="$1" -v b="$2" 'BEGIN { print a - b }'
}

# lines - of the console, those that tell the story.
lines() {
	if [ -n "${QUIET:-}" ]; then
		cat >/dev/null
		return
	fi
	if [ -n "${ALL:-}" ]; then
		cat
		return
	fi
	sed -u -n -e '/^== /{s/^/\n/;p;d}' -e 's/^cairn-dev# //;ta' -e ':a' \
		-e '/^cairn: \(insecure\|INSECURE\)/d' \
		-e 's/^\(cairn: ready version=[^ ]* \).*\(slot=[^ ]*\) .*/\1\2 .../p;t' \
		-e '/^cairn: /p' -e '/^Welcome to GRUB/p' -e 's/^\[[^]]*\] \(Kernel panic.*\)/\1/p' \
		-e '/Rebooting in/p'
}

story() {
	ready1="$READY.* version=0.1.0 "
	ready2="$READY.* version=0.2.0 "
	panic='trouble: the kernel panics'
	echo 111 >status
	{
		"$VM" ${QUIET:+--quiet} --disk disk.img,rw --net "host=$PORT" --watchdog --timeout 180 \
			--say 'The machine runs release 0.1.0. A web server on this host has 0.2.0 in its channel.' \
			--wait "$ready1" \
			--say 'Healthy. It finds 0.2.0 and writes it into slot b, each piece checked before.' \
			--wait "$INSTALLING"2 --wait "$WRITTEN"2 \
			--say 'Read back from the disk and compared with the signed hash. Now the boot state.' \
			--wait "$RESTARTING"2 --wait-reset \
			--say 'A trial: GRUB takes one of three tries off slot b.' \
			--wait '^cairn: boot slot=b' --wait "$ready2" --wait "$GOOD"2 \
			--say 'Healthy, so it is kept. Now the channel offers 0.3.0, whose kernel will panic.' \
			--run "$CAIRN channel publish $PWD/channel $(image bad cairn.bundle) --key $KEYS/channel.key" \
			--wait "$INSTALLING"3 --wait "$WRITTEN"3 --wait-reset \
			--wait "$panic" --wait-reset --say 'Two tries are left.' \
			--wait "$panic" --wait-reset --say 'One is left.' \
			--wait "$panic" --wait-reset --say 'None is left: GRUB starts 0.2.0 again.' \
			--wait "$ready2" --wait 'cairn: update refuses release 3' \
			--say 'Back in 0.2.0, which takes 0.3.0 no more.' --kill 2>steps && echo 0 >status
	} | lines
	[ "$(cat status)" = 0 ]
}

table() {
	start=$(told 1 "$RESTARTING"2)
	row 'reboot order to healthy in the new release' "$(minus "$(told 1 "$ready2")" "$start")"
	row 'reboot order to marked good' "$(minus "$(told 1 "$GOOD"2)" "$start")"
	row 'last panic to healthy in the old release' \
		"$(minus "$(told 2 "$ready2")" "$(told 3 "$panic")")"
	row 'first of 3 panics to healthy in the old one' \
		"$(minus "$(told 2 "$ready2")" "$(told 1 "$panic")")"
}

cd "$T" || exit 111
fresh
publish channel next
serve channel
if ! story; then
	[ -n "${QUIET:-}" ] || printf '\n'
	tail -n 3 steps >&2
	exit 1
fi
[ -n "${QUIET:-}" ] || printf '\nHow long the machine was away (%s; a panic waits 10 s, panic=10):\n' "$("$VM" --kvm-works && echo KVM || echo TCG)"
table

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Service update is killed at every named step (fault_point in the source), once each, and what it was
# about comes to its end: the release is written, tried, kept; rolled back; a new trust, a lost link, a
# trial that stays sick, a fallback, a factory reset; a new stage 1.
# shellcheck disable=SC2154,SC2034 # base.sh's and update-lib.sh's names
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/update-lib.sh"
. "$(dirname "$0")/stage1-lib.sh"
[ -n "$LONG" ] || skip "LONG=1: several boots"
# The channel is not where the release looks for it, so that nothing goes by itself.
SERVER=http://10.0.2.100
# What waits inside the machine knows how slow the host is, in whole numbers.
SCALE=$(echo "${CAIRN_TIMEOUT_SCALE:-1}" | awk '{ print int($1 + 0.999) }')

# inside PHASE - the words for the shell that run this phase.
inside() {
	printf 'until wget -T 9 -qO /tmp/f %s/faults.sh 2>/dev/null; do usleep 50000; done; ' "$SERVER"
	printf 'sh /tmp/f %s %s %s\\n' "$1" "$SERVER" "$SCALE"
}

killed() {
	for point; do
		grep -aqx "killed $point.\{0,1\}" console || fail "it was not killed at $point"
	done
}

points() {
	fresh
	mkdir www
	publish www/c next
	cp "$TOP/tests/e2e/guest/faults.sh" www/
	serve www
	machine --fail 'FAULTS .* FAIL' --wait "$READY.* version=0.1.0" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--timeout 600 --send "$(inside write)" --wait '^FAULTS write ok' --wait-reset \
		--timeout 120 --wait "$READY.* version=0.2.0 .* slot=b" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--timeout 200 --send "$(inside trial)" --wait '^FAULTS trial ok' \
		--send "$(inside rollback)" --wait '^FAULTS rollback ok' --wait-reset \
		--wait "$READY.* version=0.1.0 .* slot=a" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(inside back)" --wait '^FAULTS back ok' --kill
	state_is primary=a booted=a a_good=1 b_good=1
	killed start channel-read fetch-config fetch-read fetch-slice channel-taken log-save log-saved \
		install-order writer-manifest writer-first-write writer-half writer-verify \
		writer-installed written seal-order sealed activate-order writer-activate watch health-passed \
		mark-good-order writer-mark-good writer-marked-good marked-good seal-good rollback-order
	cp --sparse=always disk.img ../disk.img
	cp -R www ../www
	cp console ../points.console
}

# Steps that take a boot each.
more() {
	mv ../disk.img disk.img
	mv ../www www
	"$CAIRN" trust rotate "$KEYS/trust" www/c/trust/2 --key "$KEYS/root.key"
	serve www --fault reset@100000 --only /bundles/
	machine --fail 'FAULTS .* FAIL' --wait "$READY.* version=0.1.0" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--timeout 400 --send "$(inside trust)" --wait '^FAULTS trust ok' --wait-reset \
		--wait "$READY.* version=0.2.0 .* slot=b" --wait-reset \
		--wait "$READY.* version=0.2.0 .* slot=b" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(inside sick)" --wait '^FAULTS sick ok' --wait-reset \
		--wait "$READY.* version=0.2.0 .* slot=b" --wait-reset \
		--wait "$READY.* version=0.1.0 .* slot=a" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(inside left)" --wait '^FAULTS left ok' --kill
	# As after three tries that came to nothing.
	"$CAIRN" state --set disk.img "$(part_offset 2)" primary=b b_good=0 b_tries=0
	machine --fail 'FAULTS .* FAIL' --wait "$READY.* version=0.1.0" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--timeout 400 --send "$(inside reset)" --wait '^FAULTS reset ok' --wait-reset \
		--wait "$READY.* version=0.1.0 .* data=created" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(inside wiped)" --wait '^FAULTS wiped ok' --kill
	state_is primary=a booted=a
}

# A bundle that brings a new stage 1, which then starts the machine and comes to both ESPs.
stage1() {
	fresh
	new_stage1
	bundle_of next bring.cairn --esp esp2.img --generation 2
	mkdir www
	offer www/c bring.cairn
	cp "$TOP/tests/e2e/guest/faults.sh" www/
	serve www
	boot --fail 'FAULTS .* FAIL' --wait "$READY.* version=0.1.0" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--timeout 400 --send "$(inside stage1)" --wait '^FAULTS stage1 ok' --wait-reset \
		--timeout 200 --wait "$GOOD"2 --wait "$STAGE1 done: .* begins with ESP 2" \
		--send "$SHELL_ASK" --wait "$SHELL_UP" --send 'cairn-ctl reboot\n' --wait-reset \
		--wait "$GOOD"2 --wait "$STAGE1 done: .* begins with ESP 1" --kill
	killed stage1-first-sector stage1-go stage1-went
	state_is esp=2 primary=b b_good=1
	part_is 1 esp2.img
	part_is 8 esp2.img
}

# Every name in the source is one of this test.
all_named() {
	grep -rhoE 'fault_point\("[a-z0-9-]+"\)' "$TOP/agent" "$TOP/lib" | sed 's/.*"\(.*\)".*/\1/' |
		sort >names
	[ -z "$(uniq -d names)" ] || fail "twice: $(uniq -d names)"
	while read -r name; do
		grep -q -- "$name" "$TOP/tests/e2e/guest/faults.sh" || fail "$name: killed nowhere"
	done <names
}

t "every named step has its test" all_named
t "killed at every named step of an update, once each, and it is done" points
t "killed in a new trust, a lost link, a sick trial, a fallback, a reset" more
t "killed while stage 1 is replaced" stage1
finish

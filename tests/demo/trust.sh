#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: trust.sh          (`make demo-trust`; ALL=1: all that the consoles say)
# What a person sees of trust, in QEMU with a software TPM, offline but for the channel of the update:
# a machine starts, is enrolled, and its evidence verified; the same machine with one more word on its
# kernel's command line, signed, is told by the event that differs, and its data stay locked; put back
# and updated, they are open.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/update-lib.sh"
. "$(dirname "$0")/../e2e/attest-lib.sh"

CHANNEL=0000000000000000000000000000000000000000000000000000000000000000
LOG=/sys/kernel/security/tpm0/binary_bios_measurements

scene() {
	printf '\n== %s\n' "$*"
}

# story - of a console, what tells the story.
story() {
	[ -z "${ALL:-}" ] || { cat "$1" && return; }
	sed -n -e 's/^cairn-dev# //;ta' -e ':a' -e 's/^\(cairn: ready version=[^ ]* \).*\(slot=[^ ]*\) .*\(data=[^ ]*\) .*/\1\2 \3 .../p;t' \
		-e '/^cairn: \(insecure\|INSECURE\)/d' -e '/^cairn: /p' "$1" | cut -c 1-160
}

# asked - evidence for a fresh nonce, the event log, and what is on DATA: a command for the shell.
asked() {
	"$CAIRN" attest nonce >nonce
	dev_text "cat /data/kept; echo =; cairn-attest evidence $(cat nonce) $CHANNEL | base64; echo =; base64 $LOG"
}

# answered - takes the answer of `asked` apart: kept, evidence, log.
answered() {
	between console | awk 'BEGIN { n = 1 } $0 == "=" { n++; next } { print >"part" n }'
	: >>part1
	mv part1 kept
	base64 -d <part2 >evidence && base64 -d <part3 >log || fail "no base64"
}

# start ARGUMENT... - the machine and its TPM, as always.
start() {
	"$VM" --disk disk.img,rw --tpm "$PWD/tpm" --timeout 180 "$@" >console 2>steps || {
		story console
		fail "$(tail -n 1 steps)"
	}
	story console
}

# verify [OPTION...] - as anybody would who has the machine's record and the list of its events.
verify() {
	status=0
	"$CAIRN" attest verify evidence --machine machine --nonce "$(cat nonce)" --channel $CHANNEL \
		--events list --object "$@" || status=$?
}

explain() {
	"$CAIRN" pcr explain log --image "$1" --secureboot off || :
}

enrol() {
	manufacture
	nonce=$("$CAIRN" attest nonce)
	(
		tpm_on tpm
		"$DRIVE" tpm.s request "$nonce" request
		tpm_off
	)
	"$CAIRN" attest challenge request --nonce "$nonce" --roots roots.pem --secret secret --out credential
	scene 'A new machine. Its TPM has a certificate of its maker; only this TPM can read the credential.'
	start --fail 'cairn: failed' --wait "$GOOD"1 --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text "echo 'a secret of the machine' >/data/kept; sync; echo $(base64 -w 0 credential) | base64 -d >/tmp/c; echo answer=\$(cairn-attest activate /tmp/c)")" \
		--wait '^END 0' --send 'cairn-ctl poweroff\n' --wait-exit
	"$CAIRN" attest enrol request --nonce "$nonce" --secret secret \
		--answer "$(between console | sed -n 's/^answer=//p')" --out machine
	echo 'The machine is enrolled.'
}

healthy() {
	scene 'Started again. What the TPM measured, beside what the build says that it must be:'
	start --fail 'cairn: failed' --wait "$GOOD"1 --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(asked)" --wait '^END 0' --send 'cairn-ctl poweroff\n' --wait-exit
	answered
	explain disk.img
	grep -qx 'a secret of the machine' kept || fail "DATA did not open"
	# PCR 8 has the boot state, which changes; PCR 5 the disk, which has grown by now.
	"$CAIRN" attest show evidence --events all
	sed '/^8 /d;/^pcrs=/s/ 8 / /' all >list
	echo 'Its evidence, verified by the host command:'
	verify
	[ $status = 0 ] || fail "good evidence is refused"
}

# Whoever has the slot key can sign another command line. The TPM is not asked whom it likes.
evil() {
	scene 'Somebody adds one word to the command line, and signs it with the (public) development key.'
	cp --sparse=always disk.img good.img
	mtype -i "$(fat disk.img 3)" ::/slot.cfg | tr -d '\n' >slot.cfg
	echo ' evil=1' >>slot.cfg
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" slot.cfg
	mcopy -o -i "$(fat disk.img 3)" slot.cfg slot.cfg.sig ::/
	start --wait 'cairn: failed what=data' --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(asked)" --wait '^END 0' --send 'cairn-ctl poweroff\n' --wait-exit
	answered
	! grep -q secret kept || fail "DATA opened"
	echo 'It starts, for the signature is good. Its data stay locked. And what differs has a name:'
	explain good.img
	echo 'The verifier says the same:'
	verify
	[ $status = 1 ] || fail "evil evidence is not refused"
}

updated() {
	scene 'The disk is put back, and a real update comes: 0.2.0, another kernel command line, another root.'
	mv good.img disk.img
	publish channel next
	serve channel
	start --net "host=$PORT" --watchdog --fail 'cairn: failed' --wait "$WRITTEN"2 --wait "$RESTARTING"2 --wait-reset \
		--wait "$READY.* version=0.2.0 " --wait "$GOOD"2 --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'cat /data/kept')" --wait '^END 0' --kill
	between console | grep -qx 'a secret of the machine' || fail "DATA did not open"
	scene 'The data opened by themselves in the new release: nobody was asked, nothing was online.'
}

cd "$T" || exit 111
fresh
enrol
healthy
evil
updated

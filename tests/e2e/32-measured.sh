#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Measured boot, seen: the event log of a running machine, replayed by tpm2_eventlog on the host
# as an independent referee, gives the values that the TPM has; PCR 4 and 9 are the same in both
# slots and on two kinds of disk.
. "$(dirname "$0")/lib.sh"
need tpm2_eventlog

LOG=/sys/kernel/security/tpm0/binary_bios_measurements

# measure ARGUMENT... - boot dev; leaves eventlog.bin and the lines `pcrN HEX` in pcrs.
measure() {
	# The last line that init prints of itself, so that none stands in between later.
	vm "$@" --fail 'cairn: failed' --wait "$READY" --wait 'cairn: update good release=' --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text "base64 $LOG; for i in 0 1 2 3 4 5 6 7 8 9 14; do echo pcr \$i \$(cat /sys/class/tpm/tpm0/pcr-sha256/\$i); done")" \
		--wait '^END 0'
	between console | grep -v '^pcr ' | base64 -d >eventlog.bin || fail "event log: no base64"
	between console | sed -n 's/^pcr \([0-9]*\) \([0-9A-Fa-f]\{64\}\)$/\1 \2/p' |
		tr 'A-F' 'a-f' >pcrs
	[ "$(wc -l <pcrs)" = 11 ] || fail "the machine has no 11 PCR values"
}

# replay - what the log says the PCRs are, in the same form.
replay() {
	tpm2_eventlog eventlog.bin >events.yaml 2>/dev/null || fail "tpm2_eventlog refuses the log"
	sed -n '/^pcrs:/,$p' events.yaml | sed -n '/sha256:/,$p' |
		sed -n 's/^ *\([0-9]*\) *: 0x\([0-9a-fA-F]*\)$/\1 \2/p' | tr 'A-F' 'a-f' >replayed
}

agrees() {
	replay
	while read -r nr digest; do
		was=$(sed -n "s/^$nr //p" replayed)
		case $digest in *[!0]*) ;; *) continue ;; esac
		[ "$was" = "$digest" ] || fail "PCR $nr: TPM $digest, log ${was:-nothing}"
	done <pcrs
	# The status line says the same as the TPM.
	for nr in 4 7 8 9; do
		expect "pcr$nr" "$(sed -n "s/^$nr //p" pcrs)"
	done
	expect eventlog match
}

slot_a() {
	measure --disk "$DEV"
	agrees
	expect slot a
	grep -q 'vmlinuz' events.yaml || fail "the log does not name the kernel"
	cp pcrs "$T/a"
}

slot_b() {
	copy_image "$DEV" disk.img
	set_state disk.img primary=b
	measure --disk disk.img,bus=nvme --tpm crb
	agrees
	expect slot b
	[ -f "$T/a" ] || fail "slot a was not measured"
	for nr in 4 9; do
		[ "$(grep "^$nr " pcrs)" = "$(grep "^$nr " "$T/a")" ] ||
			fail "PCR $nr of slot b on NVMe differs from slot a on virtio"
	done
}

t "slot a on virtio: the log replays to the TPM's PCRs" slot_a
t "slot b on NVMe: the same, with the same PCR 4 and 9" slot_b
finish

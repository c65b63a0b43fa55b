#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the TPM has is what `cairn pcr` said of the image before: OVMF of both builds, GRUB, Linux and
# swtpm, event by event; tpm2_eventlog replays the log as an independent referee. Three boots in which
# slot, boot state, ESP, disk, TPM interface and Secure Boot differ; LONG=1: each with each, and the
# table of the verdicts. And a log that is another image's is told by its first other event.
. "$(dirname "$0")/lib.sh"
need tpm2_eventlog

LOG=/sys/kernel/security/tpm0/binary_bios_measurements
OWNER=6169726e-0063-4000-8000-636169726e01 # scripts/vm/efivars.c

# firmware none|off|on - arguments of cairn-vm for a firmware: the build without Secure Boot, the one
# with it and no keys, the one with our keys. The first build has the variable too, and says 0.
firmware() {
	case $1 in
	none) ;;
	off) echo --secureboot on ;;
	on) echo "--secureboot on --enrol $KEYS/db.crt" ;;
	esac
}

# keys none|off|on - what `cairn pcr` is told of it.
keys() {
	case $1 in
	on) echo "--secureboot on --enrolled $KEYS/db.crt --owner $OWNER" ;;
	*) echo "--secureboot off" ;;
	esac
}

# measure ARGUMENT... - boot dev; leaves eventlog.bin and the lines `pcrN HEX` in pcrs.
measure() {
	vm "$@" --wait "$READY" --wait 'cairn: update (good|failed)' --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text "base64 $LOG; for i in 0 1 2 3 4 5 6 7 8 9; do echo pcr \$i \$(cat /sys/class/tpm/tpm0/pcr-sha256/\$i); done")" \
		--wait '^END 0'
	between console | grep -v '^pcr ' | base64 -d >eventlog.bin || fail "event log: no base64"
	between console | sed -n 's/^pcr \([0-9]*\) \([0-9A-Fa-f]\{64\}\)$/\1 \2/p' |
		tr 'A-F' 'a-f' >pcrs
	[ "$(wc -l <pcrs)" = 10 ] || fail "the machine has no 10 PCR values"
}

# PCR 14 of a machine without settings: extended with SHA-256("cairn settings end") by service data,
# after the firmware's log (docs/attestation.md).
NO_SETTINGS=6f2a6e930f2c856552564d2022a79230e3a3df1ea900b0ed18d4e80e04b10ed8

# agrees - the log, replayed by tpm2_eventlog, and the status line say what the TPM says.
agrees() {
	tpm2_eventlog eventlog.bin >events.yaml 2>/dev/null || fail "tpm2_eventlog refuses the log"
	sed -n '/^pcrs:/,$p' events.yaml | sed -n '/sha256:/,$p' |
		sed -n 's/^ *\([0-9]*\) *: 0x\([0-9a-fA-F]*\)$/\1 \2/p' | tr 'A-F' 'a-f' >replayed
	while read -r nr digest; do
		was=$(sed -n "s/^$nr //p" replayed)
		[ "$nr" != 14 ] || was=$NO_SETTINGS
		case $digest in *[!0]*) ;; *) continue ;; esac
		[ "$was" = "$digest" ] || fail "PCR $nr: TPM $digest, log ${was:-nothing}"
	done <pcrs
	for nr in 4 7 8 9; do
		expect "pcr$nr" "$(sed -n "s/^$nr //p" pcrs)"
	done
	expect eventlog match
}

# predicted IMAGE SECUREBOOT SLOT LINE... - explain takes the log, and says this slot and these lines.
predicted() {
	image=$1
	# shellcheck disable=SC2046
	"$CAIRN" pcr explain eventlog.bin --image "$image" $(keys "$2") >explained 2>&1 ||
		fail "$(cat explained)"
	grep -q "^start: .* slot $3\$" explained || fail "not slot $3: $(cat explained)"
	shift 3
	for line in 'PCR 4: .* as predicted' 'PCR 7: .* as predicted' 'PCR 8: .* as predicted' \
		'PCR 9: .* as predicted' "$@"; do
		grep -q "$line" explained || fail "explain does not say $line: $(cat explained)"
	done
}

# same_everywhere - PCR 4 and 9 are those of the first boot, kept in $T/first.
same_everywhere() {
	[ -f "$T/first" ] || fail "there was no first boot"
	for nr in 4 9; do
		[ "$(grep "^$nr " pcrs)" = "$(grep "^$nr " "$T/first")" ] || fail "PCR $nr differs"
	done
}

# --- the default boots ---

# A new disk: the values were known before, PCR 5 too, and the bundle's manifest has them.
new_disk() {
	"$CAIRN" pcr predict "$DEV" --secureboot off >before
	measure --disk "$DEV" --fail 'cairn: failed'
	agrees
	expect slot a
	predicted "$DEV" none a '^start: hd0, ESP 1, slot a$'
	for nr in 4 5 7 8 9; do
		[ "$(sed -n "s/^pcr$nr=//p" before | head -n 1)" = "$(sed -n "s/^$nr //p" pcrs)" ] ||
			fail "PCR $nr is not what was predicted"
	done
	cp pcrs "$T/first"
	cp eventlog.bin "$T/log"
}

# Slot b on trial under Secure Boot, NVMe, a TPM with the CRB interface; PCR 4 and 9 stay the same.
trial() {
	copy_image "$DEV" disk.img
	set_state disk.img primary=b b_good=0 b_tries=2
	# shellcheck disable=SC2046
	measure --disk disk.img,bus=nvme --tpm crb $(firmware on)
	agrees
	expect secureboot on
	expect slot b
	predicted disk.img on b 'state .*primary b, .*b not good 2'
	same_everywhere
}

# Stage 1 of ESP 2, a STATE without a valid copy, SATA, the build with Secure Boot and no keys.
second_esp() {
	copy_image "$DEV" disk.img
	mdel -i "$(fat disk.img 1)" ::/EFI/BOOT/BOOTX64.EFI
	for copy in 0 1; do flip_bit disk.img $(($(state_copy $copy) + 30)); done
	# shellcheck disable=SC2046
	measure --disk disk.img,bus=ahci $(firmware off)
	agrees
	# Another ESP is another image for `explain` too, but for the same GRUB.
	"$CAIRN" pcr explain eventlog.bin --image disk.img --loader "$O/x86_64-dev/esp.img" \
		--secureboot off >explained 2>&1 || fail "$(cat explained)"
	for line in '^start: hd0, ESP 2, slot a$' 'state 0: not valid' 'state 1: not valid' \
		'PCR 7: .* as predicted'; do
		grep -q "$line" explained || fail "explain does not say $line: $(cat explained)"
	done
	same_everywhere
}

# --- what is not as it was built ---

# differs WORDS ARGUMENT... - explain refuses the first boot's log and names the event.
differs() {
	words=$1 status=0
	shift
	"$CAIRN" pcr explain "$T/log" "$@" >explained 2>&1 || status=$?
	[ "$status" = 1 ] || fail "exit $status, not 1: $(cat explained)"
	tr '\n' ' ' <explained | grep -q "$words" || fail "not \`$words': $(cat explained)"
}

other_images() {
	[ -f "$T/log" ] || fail "there was no first boot"
	# The production variant: another slot.cfg, the same kernel and stage 1.
	differs 'PCR 9, event 1, .*expected: (hd0,gpt3)/slot.cfg .*got:  *boot loader "(hd0,gpt3)/slot.cfg"' \
		--image "$PROD"
	# Another kernel.
	copy_image "$DEV" disk.img
	mcopy -n -i "$(fat disk.img 3)" ::/vmlinuz vmlinuz
	sbattach --remove vmlinuz 2>/dev/null
	mcopy -o -i "$(fat disk.img 3)" vmlinuz ::/
	differs 'PCR 9, event 2, .*expected: (hd0,gpt3)/vmlinuz' --image disk.img
	# Another stage 1.
	mcopy -n -i "$(fat disk.img 1)" ::/EFI/BOOT/BOOTX64.EFI grub.efi
	sed 's/ set pager=0/ set pager=1/; s/^set pager=0/set pager=1/' grub.efi >other.efi
	differs 'PCR 4, event 3, .*expected: stage-1 GRUB .*got:  *boot application' \
		--image "$DEV" --loader other.efi
	differs 'PCR 7, event 1, .*expected: variable SecureBoot' --image "$DEV" --secureboot on \
		--enrolled "$KEYS/db.crt" --owner "$OWNER"
	# A log with an event less, one made to look like none, and one cut short.
	python3 - "$T/log" <<'PYTHON' || fail "the log could not be changed"
import struct, sys
log = open(sys.argv[1], 'rb').read()
at, found = 32 + struct.unpack_from('<I', log, 28)[0], []
while at < len(log):
    start, (pcr, kind, banks) = at, struct.unpack_from('<III', log, at)
    at += 12
    for _ in range(banks):
        at += 2 + {4: 20, 11: 32, 12: 48, 13: 64}[struct.unpack_from('<H', log, at)[0]]
    at += 4 + struct.unpack_from('<I', log, at)[0]
    if pcr == 9:
        found.append((start, at))
a, b = found[1]
open('less', 'wb').write(log[:a] + log[b:])
open('hidden', 'wb').write(log[:a + 4] + struct.pack('<I', 3) + log[a + 8:])
open('short', 'wb').write(log[:-5])
PYTHON
	cp "$T/log" log.kept
	for bad in less hidden; do
		cp $bad "$T/log"
		differs 'PCR 9, event 2, .*expected: (hd0,gpt3)/vmlinuz .*got:  *tagged event' --image "$DEV"
	done
	cp short "$T/log"
	differs 'is cut short' --image "$DEV"
	cp log.kept "$T/log"
}

# A bundle says the same, by its manifest alone or with the loader; JSON has the same values.
bundle() {
	made=$O/x86_64-dev-base/cairn.bundle
	[ -f "$made" ] || skip "no $made; make e2e builds it"
	image=$O/x86_64-dev-base/cairn.img
	"$CAIRN" pcr predict "$image" >of_image
	"$CAIRN" pcr predict "$made" >alone
	"$CAIRN" pcr predict "$made" --loader "$O/x86_64-dev-base/esp.img" --json >json
	for nr in 4 9; do
		hex=$(sed -n "s/^pcr$nr=//p" of_image | head -n 1)
		grep -qx "pcr$nr=$hex" alone || fail "PCR $nr of the bundle is not $hex"
		"$CAIRN" bundle inspect "$made" | grep -q "$hex" || fail "the manifest has no $hex"
		[ "$(jq -r ".starts[1].pcrs[\"$nr\"]" json)" = "$hex" ] || fail "PCR $nr in JSON"
	done
	[ "$(jq -r '.starts[0].pcrs["8"]' json)" = "$(sed -n 's/^pcr8=//p' of_image | head -n 1)" ] ||
		fail "PCR 8 in JSON"
	# A delta has the manifest's fields of the release that it makes.
	if [ -f "$O/x86_64-dev-next/cairn.bundle" ]; then
		"$CAIRN" delta "$made" "$O/x86_64-dev-next/cairn.bundle" delta.cairn
		for key in kernel measured pcr9 loader; do
			"$CAIRN" bundle inspect delta.cairn | grep "^$key=" >of_delta
			"$CAIRN" bundle inspect "$O/x86_64-dev-next/cairn.bundle" | grep "^$key=" >of_full
			cmp of_delta of_full || fail "$key of a delta"
		done
	fi
	[ "$("$CAIRN" pcr predict "$image" --all | grep -c '^start ')" = 256 ] || fail "--all: not 256"
	[ "$("$CAIRN" pcr predict "$image" --all | sed -n 's/^pcr[49]=//p' | sort -u | wc -l)" = 2 ] ||
		fail "PCR 4 or 9 differ between boot states"
}

# --- LONG=1 ---

# cell STATE DISK FIRMWARE SLOT - one boot, one line of the table.
cell() {
	state=$1 bus=$2 firmware=$3 slot=$4
	copy_image "$DEV" disk.img
	# shellcheck disable=SC2086
	case $state in
	damaged) for copy in 0 1; do flip_bit disk.img $(($(state_copy $copy) + 30)); done ;;
	one) flip_bit disk.img $(($(state_copy 1) + 30)) ;;
	missing) part_zero disk.img 2 ;;
	unsigned) mdel -i "$(fat disk.img 3)" ::/vmlinuz.sig ;;
	last-resort)
		mdel -i "$(fat disk.img 3)" ::/slot.cfg.sig
		part_zero disk.img 2
		;;
	not-taken)
		# GRUB takes its signature, the firmware does not take the kernel.
		mcopy -n -i "$(fat disk.img 3)" ::/vmlinuz vmlinuz
		sbattach --remove vmlinuz 2>/dev/null
		"$CAIRN" sign --pgp --key "$KEYS/slot.key" vmlinuz
		mcopy -o -i "$(fat disk.img 3)" vmlinuz vmlinuz.sig ::/
		part_zero disk.img 2
		;;
	*) set_state disk.img $state ;;
	esac
	# shellcheck disable=SC2046
	measure --disk "disk.img,bus=$bus" $(firmware "$firmware")
	agrees
	predicted disk.img "$firmware" "$slot"
	# The one start whose PCR 9 has both slots' files (docs/pcr.md).
	[ "$state" = not-taken ] || same_everywhere
}

# The firmware tries a stick first that has nothing to start: PCR 4 has that too, and the disk is another
# number to GRUB.
stick_first() {
	copy_image "$DEV" stick.img
	for part in 2 3 4 5 6 7 8; do
		part_zero stick.img $part
	done
	mdel -i "$(fat stick.img 1)" ::/EFI/BOOT/BOOTX64.EFI
	measure --disk "stick.img,bus=usb,bootindex=0" --disk "$DEV,bus=nvme,bootindex=1"
	agrees
	predicted "$DEV" none a
}

matrix() {
	for firmware in none off on; do
		for bus in virtio nvme ahci usb; do
			for slot in a b; do
				t "slot $slot, $bus, Secure Boot $firmware" cell "primary=$slot" $bus $firmware $slot
			done
		done
	done
	t "a stick without a loader is tried first" stick_first
	t "slot a after 1 of 3 tries" cell 'a_tries=1' virtio none a
	t "slot a given up, b good" cell 'a_good=0 a_tries=0' virtio none b
	t "both out of tries, both good" cell 'a_tries=0 b_tries=0' virtio none a
	t "neither good, they take turns" cell 'a_good=0 a_tries=0 b_good=0 b_tries=0 booted=a' virtio none b
	t "one copy valid" cell one virtio none a
	t "no copy valid" cell damaged virtio none a
	t "no STATE" cell missing virtio none a
	t "slot a not signed: restarts into b" cell unsigned virtio none b
	t "slot a not signed, no STATE: b in the same boot" cell last-resort virtio none b
	t "slot a's kernel not in db, no STATE: PCR 9 has both slots" cell not-taken virtio on b
}

t "a new disk: every PCR as predicted" new_disk
t "slot b on trial, NVMe, CRB, Secure Boot" trial
t "ESP 2, no valid state, SATA, no keys" second_esp
t "what is another image's is named" other_images
t "a bundle, a delta, JSON, every state" bundle
[ -z "$LONG" ] || matrix
finish

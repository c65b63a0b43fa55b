#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# DATA's key is sealed to this machine's TPM and to what runs: it opens at the next start, offline; it
# does not for another TPM, another kernel, command line or root, and then nothing is written over it;
# the owner's recovery key opens it outside the machine. 70-update.sh, 71-delta.sh and 73-fallback.sh
# show that it opens after updates and after a fallback.
# LONG=1: another command line, a cleared TPM, factory reset, a withdrawn release, power cuts in the
# first boot, and 21 rounds of updates and fallbacks with a power cut in each.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/update-lib.sh"
. "$(dirname "$0")/attest-lib.sh"

LOCKED='(^|# )cairn: failed what=data why='

# made - disk.img as a machine left it, its TPM in tpm.before, and /data/kept says what it was told.
made() {
	copy_image "$DEV" disk.img 1G
	vm --disk disk.img,rw --fail 'cairn: failed' --wait "$READY" --wait "$GOOD" \
		--send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'echo "what this machine was told" >/data/kept; sync; cat /run/cairn/data')" \
		--wait '^END 0' --send 'cairn-ctl poweroff\n' --wait-exit
	expect data created
	expect encrypted yes
	between console | grep -q '^sealed="..*"' || fail "to what it is sealed is not said"
	cp --sparse=always disk.img ../disk.img
}

# What stands on the disk cannot be read, and nothing of the key is in it.
hidden() {
	data_part ../disk.img
	! tail -c "+$((data_start + 1))" ../disk.img | grep -aq 'what this machine was told' ||
		fail "the content is on the disk as it is"
	"$CAIRN" data show ../disk.img >keys
	grep -qx 'head=made, encrypted' keys || fail "$(cat keys)"
	grep -q '^sealed1=release 1,' keys || fail "$(cat keys)"
}

opens() {
	vm --disk ../disk.img --fail 'cairn: failed' --wait "$READY" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'cat /data/kept')" --wait '^END 0'
	expect data ok
	between console | grep -qx 'what this machine was told' || fail "the file is not there"
}

# content - all of DATA as it is on disk.img.
content() {
	data_part disk.img
	dd if=disk.img bs=1M skip=$((data_start / MIB)) status=none | sha256sum
}

# locked ERE ARGUMENT... - disk.img does not open, says why, and stays as it is.
locked() {
	why=$1
	shift
	content >before
	vm --disk disk.img,rw --fail "$READY" --wait "$LOCKED" "$@"
	said "what=data why=\"[^\"]*$why"
	said 'data=locked encrypted=yes'
	content | cmp -s - before || fail "DATA was written to"
}

# A foreign disk in this machine and this disk in another machine are the same: a TPM that did not seal.
elsewhere() {
	cp --sparse=always ../disk.img disk.img
	TPM_STATE=$PWD/other
	locked ''
}

# A kernel with one letter of its version changed, signed again for GRUB: PCR 4.
other_kernel() {
	cp --sparse=always ../disk.img disk.img
	mcopy -n -i "$(fat disk.img 3)" ::/vmlinuz vmlinuz
	at=$(head -c 65536 vmlinuz | grep -abo '6\.12\.[0-9]*-cairn' | head -n 1 | cut -d : -f 1)
	[ -n "$at" ] || fail "the kernel's version is not in its head"
	flip_bit vmlinuz $((at + 5))
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" vmlinuz
	mcopy -o -i "$(fat disk.img 3)" vmlinuz vmlinuz.sig ::/
	locked 'PCR 4'
}

# One more word on the command line, signed again: PCR 9.
other_command_line() {
	cp --sparse=always ../disk.img disk.img
	mtype -i "$(fat disk.img 3)" ::/slot.cfg | tr -d '\n' >slot.cfg
	echo " cairn.other=1" >>slot.cfg
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" slot.cfg
	mcopy -o -i "$(fat disk.img 3)" slot.cfg slot.cfg.sig ::/
	locked 'PCR 9'
}

# Another root, with its root hash in a slot.cfg that is signed again: PCR 9.
other_root() {
	mkdir extra
	variant_image another.img extra 9.9.9
	cp --sparse=always ../disk.img disk.img
	part_read another.img 3 boot.img
	part_read another.img 4 root.img
	part_write disk.img 3 boot.img
	part_write disk.img 4 root.img
	rm another.img
	locked 'PCR 9'
}

recovery() {
	data_read ../disk.img data.img
	e2fsck -fn data.img >fsck 2>&1 || fail "e2fsck: $(tail -n 2 fsck)"
	debugfs -R 'cat /kept' data.img 2>/dev/null | grep -qx 'what this machine was told' ||
		fail "the file is not in what was recovered"
	openssl ecparam -name prime256v1 -genkey -noout -out other.key 2>/dev/null
	"$CAIRN" data recover ../disk.img data.img --recovery other.key 2>err && fail "another key recovers it"
	grep -q 'another key' err || fail "$(cat err)"
}

# The owner's seed of the TPM is another one, as after a clear in the firmware's menu.
cleared() {
	cp --sparse=always ../disk.img disk.img
	cp -R "$T/tpm" tpm
	tpm_on tpm
	TPM2TOOLS_TCTI="swtpm:path=$PWD/tpm.s" tpm2_clear -c p >/dev/null 2>&1 || fail tpm2_clear
	tpm_off
	TPM_STATE=$PWD/tpm
	locked ''
}

# A factory reset destroys the key: the disk as it was before does not open any more.
reset() {
	cp --sparse=always ../disk.img disk.img
	vm --disk disk.img,rw --fail 'cairn: failed' --wait "$READY" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'mkdir -p /data/cairn/update; echo all >/data/cairn/update/factory-reset; sync')" \
		--wait '^END 0' --kill
	vm --disk disk.img,rw --fail 'cairn: failed' --wait "$READY" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'ls /data/kept')" --wait '^END 1' --kill
	expect data created
	expect encrypted yes
	cp --sparse=always ../disk.img disk.img
	locked ''
}

# Release 6 withdraws what is below it. Slot b still holds release 2, signed and whole: chosen by
# hand it starts, and DATA stays shut.
withdrawn() {
	fresh
	publish channel next
	serve channel
	machine --fail 'cairn: failed' --wait "$INSTALLING"2 --wait-reset --wait "$GOOD"2 --kill
	publish channel floor
	machine --fail 'cairn: failed' --wait "$INSTALLING"6 --wait-reset \
		--wait "$READY.* version=0.6.0 .* slot=a .* data=(ok|repaired) encrypted=yes" --wait "$GOOD"6 --kill
	set_state disk.img primary=b b_good=1 b_tries=3
	locked '' --net "host=$PORT"
	said 'version=0.2.0 .* slot=b'
	set_state disk.img primary=a
	machine --fail 'cairn: failed' --wait "$READY.* version=0.6.0 " --kill
}

# first_boot - recorded with the TPM as it is at its end; a cut at any write of it: the next boot
# makes DATA or finds it, and never locks it.
first_boot() {
	fresh
	cp --sparse=always disk.img ../before.img
	vm --disk "disk.img,rw,record=../log" --fail 'cairn: failed' --wait "$READY.* data=created encrypted=yes" \
		--run "cp -R '$T/tpm' '$T/tpm.first'" --kill
	cut_check ../log ../before.img --growth --end a:base --picks "${CUT_PICKS:-20}" >../judged ||
		fail "$(tail -n 3 ../judged)"
}

start() {
	cut_check ../log ../before.img --growth --image disk.img --at "$1"
	cp -R "$T/tpm.first" tpm
	TPM_STATE=$PWD/tpm
	vm --disk disk.img,rw --fail 'cairn: failed' --wait "$READY.* data=(created|ok|repaired) encrypted=yes"
}

# power_cut N RELEASE - the machine runs until something happens, and its power goes.
power_cut() {
	case $1 in
	0) set -- --wait "$INSTALLING$2" ;;
	1) set -- --wait "$INSTALLING$2" --wait 'cairn: update [1-9]0 %' ;;
	2) set -- --wait "$WRITTEN$2" ;;
	3) set -- --wait "$RESTARTING$2" ;;
	4) set -- --wait "$RESTARTING$2" --wait-reset --wait "$STARTED" ;;
	5) set -- --wait "$RESTARTING$2" --wait-reset --wait 'cairn: (ready|trouble)' ;;
	6) set -- --wait "$GOOD$2" ;;
	esac
	machine --fail 'cairn: failed what=data' "$@" --kill
}

# One round: the power goes once, then the machine comes to the round's end, its DATA open all the way.
round() {
	mv ../round.img disk.img
	publish ../channel "$1"
	serve ../channel
	power_cut "$3" "$2"
	machine --timeout 300 --fail 'cairn: failed what=data' --wait "$READY.* encrypted=yes" --wait "$4" \
		--send "$SHELL_ASK" --wait "$SHELL_UP" --send "$(dev_text 'cat /data/kept')" --wait '^END 0' --kill
	between console | grep -qx kept || fail "DATA is another one"
	mv disk.img ../round.img
}

begin() {
	copy_image "$(image base cairn.img)" ../round.img 1G
	rm -rf ../channel
	vm --disk ../round.img,rw --fail 'cairn: failed' --wait "$GOOD" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'echo kept >/data/kept; sync')" --wait '^END 0' --kill
}

t "made encrypted at the first boot" made
t "what is on the disk tells nothing" hidden
t "opens at the next start" opens
t "not with another TPM" elsewhere
t "not with another kernel" other_kernel
t "not with another root" other_root
t "the recovery key opens it outside" recovery
if [ -n "$LONG" ]; then
	t "not with another command line" other_command_line
	t "not with a cleared TPM" cleared
	t "a factory reset destroys the key" reset
	t "not for a withdrawn release" withdrawn
	t "the first boot, recorded" first_boot
	sed -n 's/^pick \([0-9]*\) .*/\1/p' "$T/judged" >"$T/picks" 2>/dev/null || :
	while read -r number; do
		t "first boot cut at state $number" start "$number"
	done <"$T/picks"
	for chain in 0 1 2 3 4 5 6; do
		t "chain $chain begins" begin
		t "chain $chain: an update, cut at $chain" round next 2 $chain "$GOOD"2
		t "chain $chain: a fallback, cut at $(((chain + 2) % 6))" round trouble 4 $(((chain + 2) % 6)) 'cairn: update refuses release 4'
		t "chain $chain: and an update" round rekeyed 5 $(((chain + 4) % 7)) "$GOOD"5
	done
fi
finish

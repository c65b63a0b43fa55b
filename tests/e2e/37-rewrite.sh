#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whoever rewrites a disk gets a refusal, never other code. A sweep of flipped bits over every
# partition that is read before the root runs (tests/e2e/host/rewrite.c judges each by the rules of
# firmware, GRUB and dm-verity), and what is whole, signed and yet not what belongs there, in QEMU.
# Flipped bits in QEMU: 40-tamper; unsigned or foreign GRUB and kernel: 31-secureboot; the boot
# state: 41-state; DATA: 42-data.
. "$(dirname "$0")/lib.sh"
need sbsign openssl

EVERY=4096
[ -z "$LONG" ] || EVERY=64

secure() {
	vm --secureboot on --enrol "$KEYS/db.crt" "$@"
}

# sweep EVERY - no flip may give another start.
sweep() {
	"$O/bin/rewrite" "$PROD" --db "$KEYS/db.crt" --slot "$KEYS/slot.key" --every "$1" >flips || fail "$(cat flips)"
	cat flips
	# It found what to refuse in each of them, and slack.
	for what in 'esp boot sector' 'grub headers' grub 'grub signature' kernel 'kernel signature' 'slot.cfg and signatures' root state; do
		grep -Eq "^$what flips=[0-9]+ refused=[1-9]" flips || fail "nothing of $what is refused"
	done
	grep -q '^esp behind it flips=[0-9]* refused=0 ' flips || fail "slack is not slack"
}

# The judge is no judge if it takes what the machine refuses: keys that are not those of the image.
other_keys() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.crt -days 30 -subj /CN=other 2>/dev/null
	! "$O/bin/rewrite" "$PROD" --db other.crt --slot "$KEYS/slot.key" 2>why || fail "another db starts it"
	! "$O/bin/rewrite" "$PROD" --db "$KEYS/db.crt" --slot other.key 2>why || fail "another slot key starts it"
}

# slot_cfg PART KEY SED-SCRIPT - slot.cfg of a slot, changed, signed by a key.
slot_cfg() {
	mtype -i "$(fat disk.img "$1")" ::/slot.cfg | sed "$3" >slot.cfg
	"$CAIRN" sign --pgp --key "$2" slot.cfg
	mcopy -o -i "$(fat disk.img "$1")" slot.cfg slot.cfg.sig ::/
}

# Slot A: a slot.cfg that somebody else signed. GRUB refuses it, and the machine restarts into slot B.
# Slot B: the signed slot.cfg of another release (its root, its kernel's name) beside this kernel,
# which the owner signed as well: firmware and GRUB have nothing against it, the kernel has.
signed_by_whom() {
	copy_image "$PROD" disk.img
	openssl genrsa -out other.key 2048 2>/dev/null
	slot_cfg 3 other.key ''
	slot_cfg 5 "$KEYS/slot.key" 's/cairn.kernel=[0-9a-f]*/cairn.kernel=c0de/; s/cairn.version=[^ ]*/cairn.version=9/'
	secure --disk disk.img --timeout 90 --fail '^cairn: ready' \
		--wait '^cairn: boot slot=a' --wait 'bad signature|not found|load the kernel first' --wait '^cairn: failed what=slot slot=a' --wait-reset \
		--wait '^cairn: boot slot=b' --wait '^cairn: failed what=root why="the command line is for another kernel"'
	never_said 'grub>'
}

# The reverse: the kernel of another release, signed for firmware and GRUB, beside this slot.cfg.
other_kernel() {
	copy_image "$PROD" disk.img
	"$TOP/scripts/kernel-initramfs.sh" "$O/x86_64/pkg/linux" "$O/x86_64/bin/e2e-probe" "$PWD/other.cpio"
	! cmp -s other.cpio.id "$O/x86_64/initramfs.cpio.id" || fail "another root finder has the same id"
	# This root finder, with the name of another kernel.
	"$O/x86_64/pkg/linux/gen_init_cpio" - >cpio <<END
dir /dev 0755 0 0
nod /dev/console 0600 0 0 c 5 1
dir /newroot 0755 0 0
dir /proc 0755 0 0
dir /run 0755 0 0
dir /sys 0755 0 0
file /init $O/x86_64/bin/initrd 0755 0 0
file /kernel-id $PWD/other.cpio.id 0444 0 0
END
	CAIRN_CACHE=$PWD "$TOP/scripts/kernel-link.sh" "$O/x86_64/pkg/linux" cpio vmlinuz.raw
	"$CAIRN" sign --authenticode vmlinuz.raw --key "$KEYS/db.key" --cert "$KEYS/db.crt" --out p7
	"$CAIRN" sign --attach vmlinuz.raw p7 vmlinuz
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" vmlinuz
	mcopy -o -i "$(fat disk.img 3)" vmlinuz vmlinuz.sig ::/
	secure --disk disk.img --timeout 90 --fail '^cairn: ready' --wait '^cairn: boot slot=a' \
		--wait '^cairn: failed what=root why="the command line is for another kernel"' --wait-reset
}

# dbx has our key: not one byte of ours runs.
in_dbx() {
	cp -R "$KEYS" keys
	"$CAIRN" keys enrol keys --time 2024-01-01 --revoke "$KEYS/db.crt"
	secure --preset dbx=keys/dbx.auth --disk "$PROD" \
		--wait 'failed to load Boot.*(Access Denied|Security Violation)' --wait 'Security Violation|No bootable option'
	never_said '^cairn:|Welcome to GRUB'
}

# dbx has this kernel: GRUB runs, the firmware refuses what it chainloads, in either slot.
kernel_in_dbx() {
	cp -R "$KEYS" keys
	"$CAIRN" keys enrol keys --time 2024-01-01 --revoke "$O/x86_64/signed/vmlinuz"
	secure --preset dbx=keys/dbx.auth --disk "$PROD" --timeout 90 --fail '^cairn: ready' \
		--wait '^cairn: failed what=slot slot=a' --wait-reset --wait '^cairn: failed what=slot slot=b'
}

# Whole partitions of another disk: what is signed by somebody else never starts; empty ones neither.
swapped() {
	copy_image "$PROD" disk.img
	part_zero disk.img 4
	part_zero disk.img 6
	secure --disk disk.img --timeout 90 --fail '^cairn: ready' --wait '^cairn: failed what=root' --wait-reset
}

# The kernel is locked down whatever the firmware says, and DATA's content can never be a program.
locked_down() {
	vm --disk "$DEV" --fail 'cairn: failed' --wait "$READY" --send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "$(dev_text 'cat /sys/kernel/security/lockdown; grep " /data " /proc/mounts')" --wait '^END 0'
	said 'none integrity \[confidentiality\]'
	said ' /data .*nosuid,nodev,noexec'
}

t "a flipped bit in every partition" sweep "$EVERY"
t "the sweep's judge refuses other keys" other_keys
t "a foreign slot.cfg, then an old kernel with a new root" signed_by_whom
t "dbx holds our key" in_dbx
if [ -n "$LONG" ]; then
	t "a new kernel with an old root" other_kernel
	t "dbx holds the kernel" kernel_in_dbx
	t "empty roots" swapped
fi
t "lockdown and mount flags without Secure Boot" locked_down
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A machine in UEFI Setup Mode takes the owner's keys at its first boot and restarts under Secure Boot;
# wherever that is cut it goes on; and where it would lock the machine out nothing is written.
. "$(dirname "$0")/lib.sh"
need sbsign openssl
ENROL=$O/x86_64-enrol/cairn.img
[ -f "$ENROL" ] || skip "no $ENROL (make e2e-setup)"

# setup ARGUMENT... - without --enrol the firmware has no keys: Setup Mode.
setup() {
	vm --secureboot on "$@"
}

# under_secureboot - the last status line is of a machine whose DATA was made after the restart.
under_secureboot() {
	sane_ready
	expect secureboot on
	expect data created
	expect eventlog match
	grep -aq 'cairn: enrol done' console || fail "it was not this machine that enrolled"
}

# From nothing: every variable in its order, then one restart and no other.
enrolled() {
	setup --disk "$ENROL" --fail 'cairn: (failed|enrol refused)' --wait '^cairn: enrol checked loader=[0-9a-f]{64} kernel=' \
		--wait '^cairn: enrol wrote db$' --wait '^cairn: enrol wrote KEK$' --wait '^cairn: enrol wrote PK$' \
		--wait '^cairn: enrol done' --wait-reset --wait "$READY"
	under_secureboot
	said '^cairn: insecure development keys'
	[ "$(grep -ac '^cairn: boot slot=' console)" = 2 ] || fail "more than one restart"
	# What it was checked by is what starts.
	loader=$("$CAIRN" sign --hash "$O/x86_64-enrol/signed/BOOTX64.EFI")
	kernel=$("$CAIRN" sign --hash "$O/x86_64-enrol/signed/vmlinuz")
	said "enrol checked loader=$loader kernel=$kernel\$"
}

# A GRUB that the new db does not vouch for, in the ESP that starts the machine. Setup Mode starts it.
unfit() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.crt -days 30 -subj /CN=other 2>/dev/null
	copy_image "$ENROL" disk.img
	mcopy -n -i "$(fat disk.img 1)" ::/EFI/BOOT/BOOTX64.EFI grub.efi
	sbattach --remove grub.efi 2>/dev/null
	sbsign --key other.key --cert other.crt --output grub.efi grub.efi 2>/dev/null
	mcopy -o -i "$(fat disk.img 1)" grub.efi ::/EFI/BOOT/BOOTX64.EFI
	setup --disk disk.img --fail 'enrol (wrote|done)' --wait '^cairn: enrol refused why=.*BOOTX64.EFI.*not in db' --wait "$READY"
	expect secureboot off
	sane_ready
}

# cut VARIABLE... - power went after these were written: the next start goes on from there.
cut() {
	for name; do
		file=$KEYS/$name.auth
		[ "$name" != db ] || file=$KEYS/db-microsoft.auth
		set -- "$@" --preset "$name=$file"
		shift
	done
	setup "$@" --disk "$ENROL" --fail 'cairn: (failed|enrol refused)|enrol wrote db$' --wait '^cairn: enrol wrote PK$' \
		--wait '^cairn: enrol done' --wait-reset --wait "$READY"
	under_secureboot
}

# What the machine revoked already counts, and stays.
revoked_before() {
	cp -R "$KEYS" keys
	"$CAIRN" keys enrol keys --time 2024-01-01 --revoke "$O/x86_64-enrol/signed/vmlinuz"
	setup --preset dbx=keys/dbx.auth --disk "$ENROL" --fail 'enrol (wrote|done)' \
		--wait '^cairn: enrol refused why=.*vmlinuz.*in dbx' --wait "$READY"
	expect secureboot off
}

# Keys of somebody else: left alone.
foreign() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.crt -days 30 -subj /CN=other 2>/dev/null
	copy_image "$ENROL" disk.img
	for part in 1 3 5; do
		name=vmlinuz
		[ $part != 1 ] || name=EFI/BOOT/BOOTX64.EFI
		mcopy -n -i "$(fat disk.img $part)" "::/$name" image
		sbsign --key other.key --cert other.crt --output image image 2>/dev/null
		mcopy -o -i "$(fat disk.img $part)" image "::/$name"
		[ $part != 1 ] || continue
		mv image vmlinuz
		"$CAIRN" sign --pgp --key "$KEYS/slot.key" vmlinuz
		mcopy -o -i "$(fat disk.img $part)" vmlinuz.sig ::/
	done
	setup --enrol other.crt --disk disk.img --fail 'enrol (wrote|done)' --wait "^cairn: enrol refused why=.*another owner" --wait "$READY"
	expect secureboot on
}

t "Setup Mode: keys enrolled, restarted under Secure Boot" enrolled
t "a GRUB that would not start any more: nothing is written" unfit
if [ -n "$LONG" ]; then
	t "cut after db" cut db
	t "cut after KEK" cut db KEK
	t "a kernel that the machine has revoked" revoked_before
	t "another owner's machine" foreign
fi
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Secure Boot with our db key enrolled: the image boots; what is unsigned, changed or signed by
# somebody else does not, whether it is GRUB or the kernel.
. "$(dirname "$0")/lib.sh"
need sbsign

secure() {
	vm --secureboot on --enrol "$KEYS/db.crt" "$@"
}

boots() {
	secure --disk "$PROD" --fail 'cairn: failed' --wait "$READY"
	sane_ready
	digest_pcrs
	expect secureboot on
	expect eventlog match
}

# other_key - a key pair that nobody enrolled.
other_key() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.crt -days 30 \
		-subj /CN=other 2>/dev/null
}

# unsigned FILE - takes the signature of a PE file away.
unsigned() {
	sbattach --remove "$1" 2>/dev/null
}

# grub_refused HOW - a GRUB that is unsigned, or signed by another key, is not started.
grub_refused() {
	copy_image "$PROD" disk.img
	mcopy -n -i "$(fat disk.img 1)" ::/EFI/BOOT/BOOTX64.EFI grub.efi
	unsigned grub.efi
	if [ "$1" = other ]; then
		other_key
		sbsign --key other.key --cert other.crt --output grub.efi grub.efi 2>/dev/null
	fi
	mcopy -o -i "$(fat disk.img 1)" grub.efi ::/EFI/BOOT/BOOTX64.EFI
	secure --disk disk.img --wait 'failed to load Boot.*Access Denied' --wait 'Security Violation|No bootable option'
	never_said '^cairn:|Welcome to GRUB'
}

# kernel_refused HOW - the same for the kernel in slot A. Its OpenPGP signature is made anew with
# the development key, so that GRUB's own check passes and the firmware's is what refuses.
kernel_refused() {
	copy_image "$PROD" disk.img
	mcopy -n -i "$(fat disk.img 3)" ::/vmlinuz vmlinuz
	unsigned vmlinuz
	if [ "$1" = other ]; then
		other_key
		sbsign --key other.key --cert other.crt --output vmlinuz vmlinuz 2>/dev/null
	fi
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" vmlinuz
	mcopy -o -i "$(fat disk.img 3)" vmlinuz vmlinuz.sig ::/
	secure --disk disk.img --wait '^cairn: boot slot=a' --wait 'failed what=slot slot=a' \
		--wait-reset --wait '^cairn: boot slot=b' --fail '^cairn: ready.* slot=a' \
		--wait "$READY"
	expect slot b
}

t "boots with the development key enrolled" boots
t "unsigned GRUB is refused" grub_refused unsigned
t "kernel signed by another key is refused, slot b runs" kernel_refused other
if [ -n "$LONG" ]; then
	t "GRUB signed by another key is refused" grub_refused other
	t "unsigned kernel is refused, slot b runs" kernel_refused unsigned
fi
finish

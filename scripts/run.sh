#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh            (called by `make run`)
# Boots the built image in QEMU. Set by variables of make:
#   VARIANT=dev          the development variant, with a shell; Ctrl-] ends it
#   MEM=512 CPUS=2       memory in MiB, processors
#   BUS=virtio           or nvme, ahci, usb, sdhci
#   NET=user             or none, tap=IFNAME, or user,hostfwd=tcp::8080-:80
#   TPM=on               or none, crb
#   ACCEL=auto           or kvm, tcg; auto takes KVM only where it really runs code
#   SECUREBOOT=off       or on, with the development keys enrolled
#   DISK=FILE            a disk that is kept between runs (made when missing, with its TPM)
#   SIZE=2G              size of a new DISK
#   HEADLESS=1           show the console, end at the line WAIT (an extended regular expression;
#                        the ready line unless told) or after TIMEOUT seconds (120); the exit
#                        status is 0 when it came. The same without a terminal.
# Without HEADLESS, Ctrl-C ends the machine.
set -eu
. "$(dirname "$0")/common.sh"

img=$IMG/cairn.img
[ -f "$img" ] || die "$img is not there: make image ${VARIANT:+VARIANT=$VARIANT}"
bus=${BUS:-virtio} tpm=${TPM:-on} mode=''

if [ -n "${DISK:-}" ]; then
	if [ ! -f "$DISK" ]; then
		cp --sparse=always "$img" "$DISK"
		truncate -s "${SIZE:-2G}" "$DISK"
	fi
	img=$DISK mode=,rw
	[ "$tpm" != on ] || tpm=$DISK.tpm
fi
set -- --disk "$img,bus=$bus$mode" --mem "${MEM:-512}" --cpus "${CPUS:-2}" --tpm "$tpm" \
	--net "${NET:-user}" --accel "${ACCEL:-auto}" --watchdog --box
if [ "${SECUREBOOT:-off}" = on ]; then
	set -- "$@" --secureboot on --enrol "$TOP/conf/keys/dev/db.crt"
fi
if [ "$bus" = sdhci ]; then
	# Debian's OVMF has no driver for cards: GRUB and the kernel come from a second disk, whose
	# roots are gone, and the root and DATA from the card.
	loader=$IMG/loader.img
	cp --sparse=always "$img" "$loader"
	. "$TOP/conf/disk.conf"
	# shellcheck disable=SC2154
	fallocate --punch-hole -o ${p4_start_mib}M -l ${p4_size_mib}M "$loader"
	# shellcheck disable=SC2154
	fallocate --punch-hole -o ${p6_start_mib}M -l ${p6_size_mib}M "$loader"
	set -- "$@" --disk "$loader"
fi
[ -z "${QUIET:-}" ] || set -- "$@" --quiet

if [ -n "${HEADLESS:-}${WAIT:-}" ] || [ ! -t 0 ]; then
	[ -n "${WAIT:-}" ] || set -- "$@" --fail '^cairn: failed'
	exec "$O/bin/cairn-vm" "$@" --timeout "${TIMEOUT:-120}" --wait "${WAIT:-^cairn: ready}"
fi
key=^C
[ -z "$VARIANT" ] || key=^]
say "Booting $img. Ctrl-${key#^} ends the machine."
exec "$O/bin/cairn-vm" "$@" --interactive --end-key "$key"

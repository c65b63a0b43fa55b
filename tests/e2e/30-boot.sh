#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shipped image boots on every kind of disk and machine, says so in one line, and the line's
# values can be true. Each boot is also another number of processors, size of memory, or TPM.
. "$(dirname "$0")/lib.sh"

# boots SECUREBOOT TPM ARGUMENT... - to the ready line, with the expected values.
boots() {
	sb=$1 tpm=$2
	shift 2
	vm "$@" --fail 'cairn: failed' --wait "$READY"
	sane_ready
	expect variant production
	expect slot a
	expect secureboot "$sb"
	expect tpm "$tpm"
	never_said 'grub>|login:|[#$] $'
	if [ "$tpm" = none ]; then
		expect pcr4 -
		expect eventlog none
	else
		digest_pcrs
		expect eventlog match
	fi
}

# The firmware used here has no driver for SD cards, so GRUB comes from another disk, whose
# roots are gone; the root finder then has to find the card's.
card() {
	copy_image "$PROD" grub.img
	part_zero grub.img 4
	part_zero grub.img 6
	boots off 2.0 --disk grub.img --disk "$PROD,bus=sdhci"
}

t "virtio, 1 CPU, TPM with TIS" boots off 2.0 --disk "$PROD" --cpus 1 --tpm tis
t "NVMe, 4 CPUs, TPM with CRB" boots off 2.0 --disk "$PROD,bus=nvme" --cpus 4 --tpm crb
t "AHCI, 160 MiB" boots off 2.0 --disk "$PROD,bus=ahci" --mem 160
t "USB storage, without a TPM" boots off none --disk "$PROD,bus=usb" --tpm none
t "SDHCI" card
if [ -n "$LONG" ]; then
	for bus in virtio nvme ahci usb; do
		for cpus in 1 4; do
			for mem in 160 2048; do
				for tpm in tis none; do
					want=2.0
					[ $tpm = tis ] || want=none
					t "$bus $cpus CPUs $mem MiB TPM $tpm" boots off $want \
						--disk "$PROD,bus=$bus" --cpus $cpus --mem $mem --tpm $tpm
				done
			done
		done
	done
fi
finish

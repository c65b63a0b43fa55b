#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: boot.sh           (called by bench.sh)
# Boots the production image five times and gives the medians, beside the floor of the same
# firmware and kernel with an /init that only switches the machine off.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/row.sh"

RUNS=${RUNS:-5}

# median FILE - of a file of numbers.
median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# seconds - when the last step was met, from power-on.
seconds() {
	sed -n 's/^cairn-vm: +\([0-9.]*\) s: .*/\1/p' steps | tail -n 1
}

cd "$T" || exit 111
for accel in tcg kvm; do
	if [ $accel = kvm ]; then
		# `auto' takes KVM only where it runs code; then TCG alone was measured above.
		"$VM" --kvm-works || continue
	fi
	: >power
	: >kernel
	: >memory
	for run in $(seq "$RUNS"); do
		vm --disk "$PROD" --cpus 2 --accel $accel --fail 'cairn: failed' --wait "$READY"
		seconds >>power
		value kernel_to_ready_ms >>kernel
		value mem_used_kib >>memory
	done
	row "power-on to ready, $accel" "$(median power) s" "median of $RUNS"
	row "kernel start to ready, $accel" "$(median kernel) ms" "wanted: 2500 ms under TCG"
	row "memory used when ready" "$(median memory) KiB" "wanted: 24576 KiB"
	floor=$O/x86_64/bench-floor.img
	[ -f "$floor" ] || continue
	: >power
	for run in $(seq "$RUNS"); do
		vm --disk "$floor" --cpus 2 --accel $accel --wait '^floor: up' --wait-exit
		seconds >>power
		sed -n 's/^floor: up \([0-9]*\) ms.*/\1/p' console >>floor
	done
	row "floor: power-on to off, $accel" "$(median power) s" "same firmware and kernel, no GRUB, /init ends it"
	row "floor: kernel start to /init, $accel" "$(median floor) ms" "the same"
done

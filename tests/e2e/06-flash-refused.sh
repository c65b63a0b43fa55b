#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `cairn flash` refuses, on loop devices, each time without writing a byte. Needs root; no
# QEMU. Seconds.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/flash-lib.sh"

unasked() {
	image
	target 24M
	loop target
	flash "$dev"
	refused "no removable disk.*--allow-fixed $name"
	flash "$dev" --allow-fixed sda
	refused 'no removable disk'
	flash "$dev" --allow-fixed "$name"
	refused 'nobody to ask'
	flash "$dev" --allow-fixed "$name" --yes /dev/sda
	refused 'confirmed is /dev/sda'
}

short() {
	image
	target 20M
	loop target
	flash "$dev" --yes "$dev" --allow-fixed "$name"
	refused 'too small: it has 20971520 bytes'
}

read_only() {
	image
	target 24M
	loop target -r
	flash "$dev" --yes "$dev" --allow-fixed "$name"
	refused 'read-only'
}

mounted() {
	image
	truncate -s 24M target
	mkfs.ext4 -q target || skip "no mkfs.ext4"
	# The first KiB is not the file system's.
	printf old | dd of=target conv=notrunc status=none
	loop target
	mkdir mnt
	mount "$dev" mnt 2>/dev/null || skip "no ext4 in this kernel"
	mounts=mnt
	flash "$dev" --yes "$dev" --allow-fixed "$name"
	refused 'in use.*mounted on'
}

swap() {
	image
	truncate -s 24M target
	mkswap target >/dev/null 2>&1 || skip "no mkswap"
	loop target
	swapon "$dev" 2>/dev/null || skip "this host cannot swap to a loop device"
	flash "$dev" --yes "$dev" --allow-fixed "$name"
	swapoff "$dev"
	[ "$status" = 1 ] || fail "exit $status"
	grep -q 'in use' said.txt || fail "$(tail -n 1 said.txt)"
}

# Neither a file nor a partition table of chance, nor a packed or damaged image.
not_a_disk() {
	image
	target 24M
	flash target
	refused 'no block device'
	flash nothing-there
	[ "$status" = 111 ] || fail "exit $status"
	loop target
	cp disk.img good.img
	head -c 5000000 /dev/urandom >disk.img
	flash "$dev" --yes "$dev" --allow-fixed "$name"
	refused 'is no disk image'
	zstd -q -f good.img -o disk.img || skip "no zstd"
	flash "$dev" --yes "$dev" --allow-fixed "$name"
	refused 'packed; unpack it first'
	cp good.img disk.img
	flip_bit disk.img 1030
	flash "$dev" --yes "$dev" --allow-fixed "$name"
	refused 'is no disk image.*damaged'
}

partition() {
	image
	target 40M
	sgdisk -n 1:0:+30M target >/dev/null
	loop target -P
	# Not every host has udev to make the node.
	number=$(cat "/sys/block/$name/${name}p1/dev" 2>/dev/null) || skip "no partitions on loop devices"
	mknod part b "${number%:*}" "${number#*:}"
	flash part --yes part --allow-fixed "$name"
	refused 'is a partition'
}

t "refuses a fixed or unconfirmed disk" unasked
t "refuses a short disk" short
t "refuses a read-only disk" read_only
t "refuses a mounted disk" mounted
t "refuses swap" swap
t "refuses what is no disk or no image" not_a_disk
t "refuses a partition" partition
finish

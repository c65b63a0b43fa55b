#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The data program on loop devices of this host: first boot, later boots, growth, power cuts in
# the first boot, damage, full, missing, someone else's; and what it does with each answer of service
# trust, for which a double stands: encrypted where the kernel has dm-crypt, else up to there.
# Needs root and loop devices, else 77.
# shellcheck disable=SC2016,SC2317 # conditions are text that is evaluated until they hold
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
case ${O:=$TOP/out} in /*) ;; *) O=$TOP/$O ;; esac
DATA=${DATA_BIN:-$O/x86_64/bin/data}
TYPE=63616972-6e00-4000-8000-000000000007
PROGRAMS=$O/x86_64/pkg/e2fsprogs/bin
[ -x "$PROGRAMS/mke2fs" ] || PROGRAMS=/usr/sbin
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
DOUBLE=${DOUBLE_BIN:-$O/bin/trust-double}
for program in "$DATA" "$DOUBLE"; do
	[ -x "$program" ] || { echo "$program is not built"; exit 1; }
done
if [ "${1:-}" != inside ]; then exec unshare -m -u --propagation private sh "$0" inside; fi

tmp=$(mktemp -d) loop='' pid='' double='' failed=0
end() {
	[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || :
	[ -z "$double" ] || kill "$double" 2>/dev/null || :
	umount "$tmp/mnt" 2>/dev/null || :
	[ -z "$loop" ] || losetup -d "$loop"
	rm -rf "$tmp"
}
trap end EXIT
mkdir "$tmp/mnt"
# trust ORDER [WHY] - what service trust says from now on.
trust() { echo "$*" >"$tmp/orders"; }
trust plain "not encrypted: no TPM"
mkfifo "$tmp/fifo"
"$DOUBLE" "$tmp/trust" "$tmp/orders" >"$tmp/fifo" &
double=$!
timeout 10 grep -q ready <"$tmp/fifo" || { echo "FAIL the double does not listen"; exit 1; }

check() {
	if eval "$2"; then echo "ok $1"; else
		echo "FAIL $1: $2"
		cat "$tmp/report" "$tmp/log" || :
		failed=1
	fi
}
attach() {
	loop=$(losetup -f -P --show "$tmp/disk") || { echo "no loop device"; exit 77; }
	partx -a "$loop" 2>/dev/null || : # a kernel without GPT support is told
	[ -b "${loop}p7" ] || { echo "no partitions on loop devices"; exit 77; }
	printf 'disk=%s\nroot=none\n' "$loop" >"$tmp/boot"
}
detach() {
	losetup -d "$loop"
	loop=''
}
# new MIB - a disk as flashed: DATA of 16 MiB, all zero, the last partition.
new() {
	rm -f "$tmp/disk"
	truncate -s "${1}M" "$tmp/disk"
	sgdisk -n 7:16384:+16M -t "7:$TYPE" "$tmp/disk" >/dev/null
}
# up - start data and wait until it is ready.
up() {
	rm -f "$tmp/report" "$tmp/fifo"
	mkfifo "$tmp/fifo"
	NOTIFY_FD=3 "$DATA" -b "$tmp/boot" -m "$tmp/mnt" -r "$tmp/report" -p "$PROGRAMS" \
		-t "$tmp/trust" 3>"$tmp/fifo" >"$tmp/log" 2>&1 &
	pid=$!
	timeout 30 grep -q READY=1 <"$tmp/fifo" || { echo "FAIL data is not ready"; exit 1; }
}
# down - as init ends it.
down() {
	kill -TERM "$pid"
	wait "$pid" || { echo "FAIL data ends badly"; exit 1; }
	pid=''
}
again() {
	down
	up
}
# no_resource - a container without CAP_SYS_RESOURCE (24) cannot grow ext4 while it is mounted.
no_resource() { [ $((0x$(sed -n "s/^CapEff:.//p" /proc/self/status) >> 24 & 1)) = 0 ]; }
# content - of the partition's begin, where all that was made is.
content() { head -c 64M "${loop}p7" | sha256sum; }
# at_mark - version and state of the mark in sector 0 (lib/datahead.h).
at_mark() { od -An -tu4 -j 16 -N 8 "${loop}p7" | awk '{ print $1, $2 }'; }
state() { grep -q "^state=$1\$" "$tmp/report"; }

new 64
attach
truncate -s 300M "$tmp/disk" && losetup -c "$loop" # flashed to something larger
up
check plain-is-said 'grep -q "^cairn: DATA is not encrypted: no TPM" "$tmp/log" &&
	grep -qx "encrypted=no" "$tmp/report"'
check created 'state created && findmnt -n -o OPTIONS "$tmp/mnt" | grep -q nosuid,nodev,noexec'
check grown-table 'sgdisk -v "$loop" | grep -q "No problems found" && [ "$(blockdev --getsize64 "${loop}p7")" -gt $((280 << 20)) ]'
check grown-fs '[ "$(df -k --output=size "$tmp/mnt" | tail -n 1)" -gt 260000 ]'
echo kept >"$tmp/mnt/config/file"
hostname before
echo edge-7 >"$tmp/mnt/config/hostname"
down
check unmounted '! findmnt "$tmp/mnt" >/dev/null && "$PROGRAMS/e2fsck" -fn "${loop}p7" >/dev/null 2>&1'

up
check second-boot 'state ok && [ "$(cat "$tmp/mnt/config/file")" = kept ] && [ "$(hostname)" = edge-7 ]'
check time-and-seed 'grep -qx "[0-9]*" "$tmp/mnt/system/clock" && [ "$(stat -c %s-%a "$tmp/mnt/system/seed")" = 32-600 ]'
cp "$tmp/mnt/system/seed" "$tmp/seed"
sync
# A power cut: the process and the mount are gone, the journal is not replayed.
cp --sparse=always "$tmp/disk" "$tmp/cut"
kill -9 "$pid" && { wait "$pid" 2>/dev/null || :; }
umount "$tmp/mnt"
detach
mv "$tmp/cut" "$tmp/disk"
attach
up
check after-a-cut 'state ok && [ "$(cat "$tmp/mnt/config/file")" = kept ] && ! cmp -s "$tmp/seed" "$tmp/mnt/system/seed"'
down

truncate -s 400M "$tmp/disk" && losetup -c "$loop"
up
check grows-again 'state ok && [ "$(cat "$tmp/mnt/config/file")" = kept ] && { no_resource ||
	[ "$(df -k --output=size "$tmp/mnt" | tail -n 1)" -gt 350000 ]; }'
dd if=/dev/zero of="$tmp/mnt/fill" bs=1M 2>/dev/null || :
again
check full 'state full && echo more >"$tmp/mnt/system/more"' # root has the reserve
rm "$tmp/mnt/fill"
down

# Factory reset, by the marker that service update writes.
fill() {
	mkdir -p "$tmp/mnt/cairn/identity/deep" "$tmp/mnt/cairn/update" "$tmp/mnt/config"
	echo me >"$tmp/mnt/cairn/identity/deep/key"
	echo kept >"$tmp/mnt/config/file"
	echo x >"$tmp/mnt/cairn/other"
	ln -s / "$tmp/mnt/link"
	# Deeper than there are descriptors for.
	(cd "$tmp/mnt" && for i in $(seq 200); do mkdir d && cd d && echo x >f; done)
}
wiped() {
	[ -z "$(find "$tmp/mnt" -mindepth 1 ! -path "$tmp/mnt/lost+found*" \
		! -path "$tmp/mnt/system*" ! -path "$tmp/mnt/config" ! -path "$tmp/mnt/cairn*")" ] &&
		[ ! -e "$tmp/mnt/cairn/other" ] && [ ! -e "$tmp/mnt/cairn/update/factory-reset" ]
}
up
fill
echo keep-identity >"$tmp/mnt/cairn/update/factory-reset"
again
check reset-keeps-identity 'state created && wiped && [ "$(cat "$tmp/mnt/cairn/identity/deep/key")" = me ]'
again
check reset-is-over 'state ok && [ -s "$tmp/mnt/cairn/identity/deep/key" ]'
# Cut in the middle of it: what is left carries the marker, and the next boot goes on.
fill
echo keep-identity >"$tmp/mnt/cairn/update/factory-reset"
rm -rf "$tmp/mnt/config" "$tmp/mnt/d/d"
again
check reset-goes-on 'state created && wiped && [ "$(cat "$tmp/mnt/cairn/identity/deep/key")" = me ]'
fill
echo all >"$tmp/mnt/cairn/update/factory-reset"
again
check reset-all 'state created && wiped && [ ! -e "$tmp/mnt/cairn/identity" ]'
again
check reset-all-is-over 'state ok'
mkdir -p "$tmp/mnt/config"
echo kept >"$tmp/mnt/config/file"
down

# What service trust says decides; without a word of it nothing is touched.
for order in silent "closed PCR 4 is another"; do
	trust "$order"
	sha=$(content)
	up
	check "locked-${order%% *}" 'state locked && [ "$(findmnt -n -o FSTYPE "$tmp/mnt")" = tmpfs ]'
	down
	check "locked-${order%% *}-untouched" '[ "$sha" = "$(content)" ]'
done
check locked-why 'grep -q "why=\"PCR 4 is another\"" "$tmp/report"'
trust make
up
check made-is-not-made-anew 'state failed && [ "$sha" = "$(content)" ]'
down
trust plain
up
check closed-once-then-open 'state ok && [ "$(cat "$tmp/mnt/config/file")" = kept ] && grep -qx "why=\"\"" "$tmp/report"'
down

dd if=/dev/urandom of="${loop}p7" bs=1024 seek=1 count=1 conv=notrunc 2>/dev/null
up
check superblock-lost 'state repaired && [ "$(cat "$tmp/mnt/config/file")" = kept ]'
down
dd if=/dev/urandom of="${loop}p7" bs=64K count=1 conv=notrunc 2>/dev/null
sha=$(content)
up
check garbage-is-kept 'state failed && grep -q "why=.*unknown" "$tmp/report" && [ "$(findmnt -n -o FSTYPE "$tmp/mnt")" = tmpfs ]'
down
check garbage-untouched '[ "$sha" = "$(content)" ]'
mkfs.ext4 -q -F -L holiday "${loop}p7"
up
check foreign-is-kept 'state failed && "$PROGRAMS/e2fsck" -fn "${loop}p7" >/dev/null 2>&1'
down
sgdisk -t 7:8300 "$loop" >/dev/null 2>&1
up
check wrong-type 'state missing'
down
sgdisk -d 7 "$loop" >/dev/null 2>&1
up
check missing 'state missing && grep -q "why=.*no partition 7" "$tmp/report"'
down
detach

# Power cuts in the first boot: mke2fs ended at many points, then the next boot.
new 64
attach
real=$PROGRAMS
for cut in 1 2 4 64 1024 8192; do
	# Without the program the mark "being made" is all that comes to be; then as far as it got.
	PROGRAMS=$tmp/none
	up
	check "cut-at-${cut}k-is-marked" 'state failed'
	down
	PROGRAMS=$real
	"$PROGRAMS/mke2fs" -q -F -t ext4 -b 4096 -L cairn-data "${loop}p7"
	dd if=/dev/zero of="${loop}p7" bs=1K seek="$cut" conv=notrunc 2>/dev/null || :
	up
	check "cut-at-${cut}k" 'state created && echo x >"$tmp/mnt/file"'
	again
	check "cut-at-${cut}k-then" 'state ok && [ -s "$tmp/mnt/file" ]'
	down
	dd if=/dev/zero of="${loop}p7" bs=1M count=1 conv=notrunc 2>/dev/null
done

# Encrypted. A kernel without dm-crypt shows what must hold there: nothing is mounted in its stead,
# and the head says "being made" until all of it was made.
trust make
rm -f "$tmp/trust.log"
up
if state failed && grep -q "/dev/mapper/control" "$tmp/report"; then
	check no-dm-crypt '[ "$(at_mark)" = "2 1" ] && [ "$(cat "$tmp/trust.log")" = new ]'
	again
	check cut-key-is-ended '[ "$(tail -n 2 "$tmp/trust.log" | tr "\n" " ")" = "wipe new " ]'
	down
	trust closed "the TPM does not answer"
	up
	check being-made-may-be-locked 'state locked && [ "$(at_mark)" = "2 1" ]'
	down
	trust plain "no TPM"
	up
	check being-made-becomes-plain 'state created && [ "$(at_mark)" = "1 2" ] && echo x >"$tmp/mnt/file"'
	down
	printf 'CAIRN-DATA\0\0\0\0\0\0\002\0\0\0\002\0\0\0' | dd of="${loop}p7" conv=notrunc status=none
	for order in silent plain make closed; do
		trust $order
		sha=$(content)
		again_state=$([ $order = plain ] || [ $order = make ] && echo failed || echo locked)
		up
		check "encrypted-$order" 'state "$again_state" && [ "$sha" = "$(content)" ]'
		down
	done
else
	check encrypted 'state created && grep -qx encrypted=yes "$tmp/report" && [ "$(at_mark)" = "2 2" ]'
	echo secret-of-this-test >"$tmp/mnt/config/file"
	down
	check not-readable '! grep -aq secret-of-this-test "${loop}p7"'
	trust open
	up
	check opened 'state ok && [ "$(cat "$tmp/mnt/config/file")" = secret-of-this-test ]'
	down
	truncate -s 500M "$tmp/disk" && losetup -c "$loop"
	up
	check encrypted-grows 'state ok && [ "$(cat "$tmp/mnt/config/file")" = secret-of-this-test ] && {
		no_resource || [ "$(df -k --output=size "$tmp/mnt" | tail -n 1)" -gt 420000 ]; }'
	down
fi
detach
exit "$failed"

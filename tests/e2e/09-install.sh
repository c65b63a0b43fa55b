#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `cairn install`: bundles into the slot of an image file, with veritysetup as the referee of the
# hash tree. No root, no QEMU; seconds.
. "$(dirname "$0")/lib.sh"

need "$CAIRN"
ZSTD=$O/x86_64/pkg/zstd/bin/zstd
need "$ZSTD"
SALT=c0de01

# release NAME NUMBER - NAME.boot, NAME.root and the bundle NAME.cairn.
release() {
	{ seq 1 20000 && printf '%s' "$1"; } >fill
	boot_image "$1.boot" fill
	{ seq 1 300000 && printf '%s' "$1" && cat noise && seq 1 90000; } >"$1.root"
	truncate -s %4096 "$1.root"
	"$CAIRN" bundle create "$1.cairn" --loader "$LOADER" --boot "$1.boot" --root "$1.root" --salt "$SALT" \
		--compatible cairn-x86_64 --architecture x86_64 --version "$1" --release "$2" \
		--frame 256K --level 3 --zstd "$ZSTD" --key "$KEYS/release.key" >/dev/null
}

# prepare - two releases; disk.img runs the first one in slot a.
prepare() {
	head -c 700000 /dev/urandom >noise
	release old 1
	release new 2
	"$CAIRN" state state.img
	"$CAIRN" disk disk.img --conf "$TOP/conf/disk.conf" state=state.img boot-a=old.boot root-a=old.root
}

# part NUMBER FILE - the partition, as a file.
part() {
	eval "start=\$p$1_start_mib size=\$p$1_size_mib"
	# shellcheck disable=SC2154 # from eval
	dd if=disk.img of="$2" bs=1M skip="$start" count="$size" conv=sparse status=none
}

install() {
	"$CAIRN" install --trust "$KEYS/trust" "$@"
}

# holds_new - slot b has the new release, and veritysetup takes its tree.
holds_new() {
	part 5 boot.part
	part 6 root.part
	bytes=$(stat -c %s new.root)
	cmp -n "$(stat -c %s new.boot)" new.boot boot.part || fail "another boot image"
	cmp -n "$bytes" new.root root.part || fail "another root"
	hash=$("$CAIRN" bundle inspect new.cairn | sed -n 's/^roothash=//p')
	veritysetup verify --no-superblock --salt "$SALT" --data-blocks $((bytes / 4096)) \
		--hash-offset "$bytes" root.part root.part "$hash" || fail "veritysetup refuses the tree"
}

# primary - the slot that GRUB starts next, by the newest copy of the boot state.
primary() {
	part 2 state.part
	tail -c +20481 state.part | head -c 512 >s0
	tail -c +24577 state.part | head -c 512 >s1
	a=$(sed -n 's/^open=//p' s0) b=$(sed -n 's/^open=//p' s1)
	if [ $(((a + 1) % 3)) = "$b" ]; then newest=s1; else newest=s0; fi
	sed -n 's/^primary=//p' $newest
}

full() {
	prepare
	cp disk.img before.img
	install new.cairn disk.img >out
	{ grep -qx slot=b out && grep -qx skipped=0 out; } || fail "$(cat out)"
	holds_new
	[ "$(primary)" = b ] || fail "slot b is not the next to start"
	# Slot a, which runs, and the partition table are what they were.
	cmp -n $((p2_start_mib * MIB)) before.img disk.img || fail "before STATE"
	dd if=before.img of=a1 bs=1M skip="$p3_start_mib" count=320 status=none
	dd if=disk.img of=a2 bs=1M skip="$p3_start_mib" count=320 status=none
	cmp a1 a2 || fail "the running slot"
}

again() {
	prepare
	install --no-activate new.cairn disk.img >/dev/null
	[ "$(primary)" = a ] || fail "activated without an order"
	install new.cairn disk.img >out
	grep -qx fetched=0 out || fail "fetched again: $(cat out)"
	# One byte goes bad: one frame comes again.
	printf x | dd of=disk.img bs=1 seek=$((p6_start_mib * MIB + 600000)) conv=notrunc status=none
	install --slot b new.cairn disk.img >out 2>&1 || fail "$(cat out)"
	skipped=$(sed -n 's/^skipped=//p' out)
	[ "$skipped" = $(($(stat -c %s new.boot) + $(stat -c %s new.root) - 262144)) ] || fail "$(cat out)"
	holds_new
}

delta() {
	prepare
	"$CAIRN" delta old.cairn new.cairn delta.cairn --key "$KEYS/release.key" >/dev/null
	install delta.cairn disk.img >out
	holds_new
	[ "$(sed -n 's/^fetched=//p' out)" -lt 100000 ] || fail "no small delta: $(cat out)"
	# From another base: refused, and nothing given up.
	"$CAIRN" disk disk.img --conf "$TOP/conf/disk.conf" state=state.img boot-a=old.boot root-a=new.root
	cp disk.img before.img
	refuses delta.cairn
	cmp disk.img before.img || fail "something was written"
}

# refuses BUNDLE [ARGUMENT...] - exit 1, slot b untouched.
refuses() {
	status=0
	install "$@" disk.img >refused 2>&1 || status=$?
	[ "$status" = 1 ] || fail "exit $status, not 1: $* ($(cat refused))"
}

refused() {
	prepare
	cp disk.img before.img
	cp new.cairn bad.cairn
	flip_bit bad.cairn 200
	refuses bad.cairn
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out other.key 2>/dev/null
	"$CAIRN" bundle create foreign.cairn --loader "$LOADER" --boot new.boot --root new.root --salt "$SALT" \
		--compatible cairn-x86_64 --architecture x86_64 --version 9 --release 9 \
		--level 3 --zstd "$ZSTD" --key other.key >/dev/null
	refuses foreign.cairn
	refuses new.cairn --compatible cairn-other
	cmp disk.img before.img || fail "something was written"
	# A damaged payload is told by its piece; slot b is then never started.
	cp new.cairn bad.cairn
	flip_bit bad.cairn $(($(stat -c %s new.cairn) - 5000))
	status=0
	install bad.cairn disk.img >refused 2>&1 || status=$?
	{ [ "$status" = 1 ] && grep -q 'piece .* of root' refused; } || fail "$(cat refused)"
	[ "$(primary)" = a ] || fail "a broken slot is the next to start"
	install new.cairn disk.img >/dev/null
	holds_new
}

need veritysetup
t "a full bundle into the slot that does not run" full
t "what is there is not fetched again" again
t "a delta, and one that does not fit" delta
t "bundles that are refused" refused
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `cairn delta`, of files and of bundles. No root, no QEMU; seconds.
. "$(dirname "$0")/lib.sh"

need "$CAIRN"
size() { stat -c %s "$1"; }

# files - an image of programs, and the same with a page more in its middle.
files() {
	cat "$CAIRN" /bin/sh /bin/sort > old
	head -c 2000001 old > new
	head -c 4096 /dev/urandom >> new
	tail -c +2000002 old >> new
}

raw() {
	files
	"$CAIRN" delta --raw old new one
	"$CAIRN" delta --raw old new two
	cmp one two || fail "the same files make another delta"
	[ "$(size one)" -lt 6000 ] || fail "$(size one) bytes for one page"
	"$CAIRN" delta --apply old one got
	cmp new got || fail "another file"
	: > nothing
	for pair in 'nothing new' 'old nothing' 'nothing nothing' 'new old'; do
		was=${pair% *} is=${pair#* }
		"$CAIRN" delta --raw "$was" "$is" d
		"$CAIRN" delta --apply "$was" d got
		cmp "$is" got || fail "$pair: another file"
	done
}

# refuses FILE DELTA WHY - exit 1, a sentence, and no output.
refuses() {
	rm -f got
	status=0
	"$CAIRN" delta --apply "$1" "$2" got 2> err || status=$?
	[ "$status" = 1 ] || fail "$3: exit $status"
	grep -q "^cairn delta: .*$2" err || fail "$3: $(cat err)"
	{ [ ! -e got ] && [ ! -e got.new ]; } || fail "$3: a file is left"
}

refused() {
	files
	"$CAIRN" delta --raw old new d
	refuses new d "another old file"
	cp old changed
	flip_bit changed 1000
	refuses changed d "an old file with one bit changed"
	for at in 0 20 60 70 96 100 104 150 $(($(size d) / 2)) $(($(size d) - 1)); do
		cp d flipped
		flip_bit flipped "$at"
		refuses old flipped "a bit at byte $at"
	done
	for n in 0 50 103 104 107 108 200 $(($(size d) - 1)); do
		head -c "$n" d > short
		refuses old short "cut to $n bytes"
	done
	{ cat d; echo; } > long
	refuses old long "a byte more"
}

# bundle OUT VERSION BOOT ROOT ARGS...
bundle() {
	out=$1 version=$2 boot=$3 root=$4
	shift 4
	truncate -s %4096 "$root"
	"$CAIRN" bundle create "$out" --boot "$boot" --root "$root" --salt 00ff --compatible x \
		--architecture x86_64 --version "$version" --release "$version" --level 3 \
		--key "$KEYS/release.key" "$@"
}
value() { "$CAIRN" bundle inspect "$1" | sed -n "s/^$2=//p"; }

bundles() {
	files
	head -c 300000 /dev/urandom > fill
	boot_image boot1 fill
	seq 1 9000 > fill
	boot_image boot2 fill "$TOP/tests/data/pe/tiny32-odd.signed.efi"
	"$CAIRN" fat esp --size 128K --type 12 --label CAIRNESP --id 43410003 \
		EFI/BOOT/BOOTX64.EFI="$TOP/tests/data/pe/tiny.signed.efi"
	bundle old.cairn 1 boot1 old --esp esp --generation 3
	bundle new.cairn 2 boot1 new --esp esp --generation 3
	bundle boot.cairn 3 boot2 new --esp esp --generation 4
	"$CAIRN" delta old.cairn new.cairn d.cairn --key "$KEYS/release.key"
	"$CAIRN" bundle verify d.cairn --trust "$KEYS/trust" > out
	grep -qx 'ok version=2 release=2 kind=delta' out || fail "$(cat out)"
	[ "$(size d.cairn)" -lt 9000 ] || fail "$(size d.cairn) bytes for one page"
	[ "$(value d.cairn base)" = "$(value old.cairn roothash)" ] || fail "another base"
	[ "$(value d.cairn roothash)" = "$(value new.cairn roothash)" ] || fail "another root"
	[ "$(value d.cairn encoding | tr '\n' ' ')" = 'delta delta ' ] || fail "encodings, or an esp"
	# A boot image of which nothing is the same, and another loader, go as they are.
	"$CAIRN" delta old.cairn boot.cairn b.cairn
	[ "$(value b.cairn encoding | tr '\n' ' ')" = 'zstd delta zstd ' ] || fail "$(value b.cairn encoding)"
	[ "$(value b.cairn generation)" = 4 ] || fail "generation"
	"$CAIRN" bundle extract b.cairn boot got
	cmp got boot2 || fail "another boot image"
	"$CAIRN" bundle inspect b.cairn | grep -q '^signature=' && fail "signed without a key"
	for pair in 'd.cairn new.cairn' 'old.cairn d.cairn' 'old.cairn old'; do
		status=0
		# shellcheck disable=SC2086 # two names
		"$CAIRN" delta $pair x 2> err || status=$?
		[ "$status" = 1 ] || fail "$pair: exit $status"
		[ ! -e x ] || fail "$pair: a file is left"
	done
}

t "files, there and back" raw
t "what is not right is refused and leaves nothing" refused
t "bundles" bundles
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `cairn` writes, read by programs of others: veritysetup, fsck.vfat, mtools, GRUB's FAT
# driver, sgdisk, jq. No root, no QEMU; seconds.
. "$(dirname "$0")/lib.sh"

need "$CAIRN"

verity() {
	need veritysetup
	salt=$(printf 'ab%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
	for size in 4097 8192 524288 5000001; do
		head -c "$size" /dev/urandom >ours
		cp ours theirs
		truncate -s %4096 theirs
		veritysetup format theirs tree --no-superblock --salt="$salt" >out
		cat tree >>theirs
		"$CAIRN" verity ours --salt "$salt" --append >ours.out
		cmp ours theirs || fail "$size bytes: another tree"
		hash=$(sed -n 's/^Root hash:[[:space:]]*//p' out)
		grep -qx "roothash=$hash" ours.out || fail "$size bytes: another root hash"
		blocks=$(sed -n 's/^blocks=//p' ours.out)
		"$CAIRN" verity ours --salt "$salt" --check --blocks "$blocks" --roothash "$hash" \
			>/dev/null || fail "--check refuses its own tree"
		flip_bit ours $((blocks * 4096 + 5))
		! "$CAIRN" verity ours --salt "$salt" --check --blocks "$blocks" >/dev/null 2>&1 ||
			fail "--check accepts a flipped bit"
		rm -f tree
	done
}

# fat_ok TYPE SIZE CLUSTER - files come back through mtools and through GRUB's driver.
fat_ok() {
	"$CAIRN" fat fs --size "$2" --type "$1" --label REFEREE --id 0badcafe --cluster "$3" \
		--align 4096 --map vmlinuz=big slot.cfg.sig=small 'dir/a long name.text=small' \
		dir/sub/X.EFI=big empty=none >map
	fsck.vfat -n -V fs >fsck.txt 2>&1 || fail "fsck.vfat: $(cat fsck.txt)"
	for pair in vmlinuz:big slot.cfg.sig:small 'dir/a long name.text:small' dir/sub/X.EFI:big; do
		path=${pair%:*} file=${pair##*:}
		mtype -i fs "::/$path" | cmp - "$file" || fail "mtools: $path"
		grub-fstest "$PWD/fs" cp "/$path" got 2>/dev/null || fail "GRUB: $path"
		cmp got "$file" || fail "GRUB reads something else: $path"
		offset=$(awk -v p="$path" '{ n = $0; sub(/^[0-9]+ [0-9]+ /, "", n) } n == p { print $1 }' map)
		[ $((offset % 4096)) = 0 ] || fail "$path is not aligned"
		tail -c +$((offset + 1)) fs | cmp -n "$(stat -c %s "$file")" - "$file" ||
			fail "$path is not in one piece at $offset"
	done
	cp fs again
	"$CAIRN" fat fs --size "$2" --type "$1" --label REFEREE --id 0badcafe --cluster "$3" \
		--align 4096 vmlinuz=big slot.cfg.sig=small 'dir/a long name.text=small' \
		dir/sub/X.EFI=big empty=none
	cmp fs again || fail "the same arguments give other bytes"
}

fat_all() {
	need fsck.vfat mtype grub-fstest
	export MTOOLS_SKIP_CHECK=1
	head -c 300001 /dev/urandom >big
	head -c 287 /dev/urandom >small
	: >none
	fat_ok 12 4M 4096
	fat_ok 16 64M 4096
	fat_ok 32 64M 512
}

disk() {
	need sgdisk
	head -c 100000 /dev/urandom >content
	"$CAIRN" disk image --conf "$TOP/conf/disk.conf" esp=content data=content
	sgdisk -v image >gpt.txt
	grep -q 'No problems found' gpt.txt || fail "sgdisk: $(cat gpt.txt)"
	sgdisk -i 7 image | grep -q "name: 'cairn-data'" || fail "no partition 7"
	tail -c +$(($(part_offset 7) + 1)) image | cmp -n 100000 - content || fail "data elsewhere"
	[ "$(du -k image | cut -f 1)" -lt 1024 ] || fail "the image is not sparse"
}

manifest() {
	need jq
	echo one >a.img
	"$CAIRN" manifest m.json version=1 z.y='quote " and \ back' blocks:=7 ok:=true z.a=1 -- a.img=a.img
	jq -S . m.json | cmp - m.json || fail "not in the form of jq -S"
	[ "$(jq -r '.files["a.img"].sha256' m.json)" = "$(sha256sum a.img | cut -d ' ' -f 1)" ] ||
		fail "another hash"
	! "$CAIRN" manifest m.json a=1 a=2 2>/dev/null || fail "a key twice is accepted"
}

# slotcfg ARG... - with the shipped template.
slotcfg() {
	"$CAIRN" slotcfg --template "$TOP/bootloader/slot.cfg.in" --kernel "$(printf %064d 9)" --salt c0de --blocks 12 \
		--roothash "$(printf 'ab%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 \
			21 22 23 24 25 26 27 28 29 30 31 32)" --version "$@"
}

slot() {
	slotcfg 1.0 cairn.install=x >slot.cfg
	[ "$(wc -l <slot.cfg)" = 1 ] || fail "not one line"
	# shellcheck disable=SC2016
	grep -q '^chainloader (\$root)/vmlinuz .* cairn.version=1.0 cairn.install=x$' slot.cfg ||
		fail "$(cat slot.cfg)"
	# shellcheck disable=SC2016
	for word in 'a b' 'a"b' "a'b" 'a$b' 'a\b' 'a;b' 'a{b' 'a#b' 'a*b' 'a&b' 'a<b' 'a|b' 'a
b' ''; do
		! slotcfg 1.0 "$word" >out 2>&1 || fail "\`$word' is accepted"
		! slotcfg "1$word" >out 2>&1 || [ -z "$word" ] || fail "version 1$word is accepted"
	done
}

t "verity tree: veritysetup" verity
t "FAT: fsck.vfat, mtools, GRUB" fat_all
t "GPT: sgdisk" disk
t "manifest: jq" manifest
t "slot.cfg: forbidden characters" slot
finish

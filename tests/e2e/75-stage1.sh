#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stage-1 GRUB is replaced: tried by BootNext, put first in BootOrder, copied to the other ESP. A
# GRUB that hangs, a firmware that forgets, an ESP that is gone: the machine comes up all the same.
# Then the slot key changes, in the right order and in the wrong one.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/update-lib.sh"
. "$(dirname "$0")/stage1-lib.sh"

# Generation 2 is a program that never goes on.
hanging_stage1() {
	printf 'echo this GRUB hangs\nsleep 100000\n' >hang.cfg
	"$GRUB/bin/grub-mkimage" -d "$GRUB/lib/grub/x86_64-efi" -O x86_64-efi -o hang.efi \
		-p '(memdisk)' -c hang.cfg echo sleep
	esp_image esp2.img 2 hang.efi
}

REBOOT='cairn-ctl reboot\n'

# From the old release with the old stage 1 to the new one with the new one, twice restarted.
replaced() {
	VARS=vars.fd
	cp /usr/share/OVMF/OVMF_VARS_4M.fd "$VARS"
	fresh
	cp --sparse=always disk.img before.img
	RECORD=log
	new_stage1
	bundle_of next bring.cairn --esp esp2.img --generation 2
	offer channel bring.cairn
	serve channel
	boot --fail 'cairn: failed' --wait "$GOOD"1 --wait "$WRITTEN"2 \
		--wait "$STAGE1 done: the next start tries generation 2, 1 of 3" --wait-reset \
		--wait '^cairn: boot slot=b' --wait "$GOOD"2 --wait "$STAGE1 done: .* begins with ESP 2" \
		--send "$SHELL_ASK" --wait "$SHELL_UP" --kill
	state_is esp=2 primary=b b_good=1
	part_is 1 "$(image base esp.img)"
	part_is 8 esp2.img
	boot --fail 'cairn: failed' --wait "$GOOD"2 --wait "$STAGE1 done: .* begins with ESP 1" \
		--send "$SHELL_ASK" --wait "$SHELL_UP" --kill
	state_is esp=2
	part_is 1 esp2.img
	boot --fail 'cairn: failed' --wait "$GOOD"2 --kill
	state_is esp=1
	never_said "$STAGE1"
	# Whatever the firmware remembers of its variables: what it finds is whole.
	NEXT_ESP=esp2.img
	cut_check log before.img --growth --stage1 --end b:next || fail "power cuts"
	RECORD=''

	# Now the slot key may change: the next release is signed by the new one alone.
	rekey
	bundle_of rekeyed rely.cairn --stage1 2
	offer channel rely.cairn
	boot --fail 'cairn: failed' --wait "$WRITTEN"5 --wait-reset --wait '^cairn: boot slot=a' \
		--wait "$READY.* version=0.5.0 .* slot=a" --wait "$GOOD"5 --kill
	state_is primary=a a_good=1 b_good=1
}

# rekey - boot.img: that of release rekeyed, its signatures by the new key.
rekey() {
	from=$(image rekeyed boot.img)
	mcopy -n -i "$from" ::/vmlinuz ::/slot.cfg .
	"$CAIRN" sign --pgp --key new.key vmlinuz slot.cfg
	cp "$from" boot.img
	mcopy -o -i boot.img vmlinuz.sig slot.cfg.sig ::/
}

# The other order: the release is refused; one that got in all the same costs one restart.
wrong_order() {
	VARS=''
	fresh
	new_stage1
	rekey
	bundle_of rekeyed rely.cairn --stage1 2
	bundle_of rekeyed both.cairn --stage1 2 --esp esp2.img --generation 2
	offer channel rely.cairn
	serve channel
	boot --fail 'cairn: failed' --wait "$GOOD"1 \
		--wait '^cairn: update failed what=stage1 why="it needs generation 2' --kill
	offer channel both.cairn
	boot --fail 'cairn: failed' --wait "$GOOD"1 \
		--wait '^cairn: update failed what=stage1 why="it needs generation 2' --kill
	part_is 8 "$(image base esp.img)"
	part_write disk.img 5 boot.img
	part_write disk.img 6 "$(image rekeyed root.img)"
	set_state disk.img primary=b b_good=0 b_tries=3
	boot --wait '^cairn: boot slot=b' --wait '^cairn: failed what=slot slot=b' --wait-reset \
		--wait '^cairn: boot slot=a' --wait "$READY.* version=0.1.0 .* slot=a" --wait "$GOOD"1 --kill
	state_is primary=a b_good=0 b_tries=0
}

# brought - a machine whose ESP 2 holds the new stage 1 already, as a bundle leaves it.
brought() {
	PORT=9
	fresh
	part_write disk.img 8 esp2.img
}

# The new GRUB hangs: one power cycle, and the old one is there.
hangs() {
	VARS=vars.fd
	cp /usr/share/OVMF/OVMF_VARS_4M.fd "$VARS"
	hanging_stage1
	brought
	boot --fail 'cairn: failed' --wait "$GOOD"1 \
		--wait "$STAGE1 done: the next start tries generation 2, 1 of 3" --send "$SHELL_ASK" \
		--wait "$SHELL_UP" --send "$REBOOT" --wait-reset \
		--wait 'starting Boot.*Cairn 2' --wait 'this GRUB hangs' --kill
	boot --fail 'cairn: failed' --wait '^cairn: boot slot=a tries=2' --wait "$GOOD"1 \
		--wait "$STAGE1 done: the next start tries generation 2, 2 of 3" --kill
	state_is esp=1 a_good=1
	part_is 1 "$(image base esp.img)"
}

# Each start with fresh variables: three tries that never come, then it is left at the old one.
forgets() {
	VARS=''
	new_stage1
	brought
	for n in 1 2 3; do
		boot --fail 'cairn: failed' --wait "$GOOD"1 --wait "$STAGE1 done: .* $n of 3" --kill
		state_is esp=1
	done
	boot --fail 'cairn: failed' --wait "$GOOD"1 \
		--wait "$STAGE1 done: .*ESP 2 has the content of ESP 1" --kill
	part_is 1 "$(image base esp.img)"
	part_is 8 "$(image base esp.img)"
	boot --fail 'cairn: failed' --wait "$GOOD"1 --kill
	never_said "$STAGE1"
}

# An ESP without its first sector, as a cut leaves it: firmware takes the other one by itself, and
# the machine mends it.
esp_gone() {
	VARS='' PORT=9
	fresh
	dd if=/dev/zero of=disk.img bs=512 count=1 seek=$(($(part_offset "$1") / 512)) conv=notrunc \
		status=none
	boot --fail 'cairn: failed' --wait "$GOOD"1 --wait "$STAGE1 done: ESP $2 has the content of" --kill
	part_is 1 "$(image base esp.img)"
	part_is 8 "$(image base esp.img)"
}

t "replaced, then another slot key" replaced
# Each of these is several boots more.
[ -n "$LONG" ] || {
	finish
	exit
}
t "another slot key before its stage 1: refused, and nothing is lost" wrong_order
t "a new stage 1 that hangs" hangs
t "a firmware that forgets its variables stays with the old stage 1" forgets
t "ESP 1 is gone: ESP 2 starts the machine, ESP 1 is mended" esp_gone 1 1
t "ESP 2 is gone: it is mended" esp_gone 8 2
finish

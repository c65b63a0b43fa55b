#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Power cuts without a machine: the device's own writer updates a disk whose every write is
# recorded, and each state that a cut may leave is judged (tests/cut/). 74-cut.sh does the same with
# what a whole machine writes.
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC2154
samples=40 salt=$verity_salt

# release N ROOT - boot.N, root.N and the bundle bundle.N of small images.
release() {
	cp "$2" "root.$1"
	truncate -s %4096 "root.$1"
	"$CAIRN" verity "root.$1" --salt "$salt" --append >tree.sum
	head -c 3000000 /dev/urandom >fill
	echo 'chainloader ($root)/vmlinuz quiet' >slot.cfg
	"$CAIRN" fat "boot.$1" --size 64M --type 16 --cluster 4K --label CAIRNBOOT --id 43410003 \
		vmlinuz="$TOP/tests/data/pe/tiny.signed.efi" slot.cfg=slot.cfg fill=fill
	"$CAIRN" bundle create "bundle.$1" --loader "$LOADER" --boot "boot.$1" --root "root.$1" --salt "$salt" \
		--blocks "$(sed -n 's/^blocks=//p' tree.sum)" --compatible test --architecture test \
		--version "0.$1" --release "$1" --level 1
}

make_world() {
	head -c 4000000 /dev/urandom >tree
	release 1 tree
	dd if=/dev/urandom of=tree bs=1000 seek=900 count=3 conv=notrunc status=none
	release 2 tree
	dd if=/dev/urandom of=tree bs=1000 seek=2500 count=40 conv=notrunc status=none
	release 3 tree
	"$CAIRN" delta bundle.2 bundle.3 delta.3
	[ "$(stat -c %s delta.3)" -lt "$(stat -c %s bundle.3)" ] || fail "the delta is no smaller"
	"$CAIRN" state state.img
	"$CAIRN" fat esp.img --size 64M --type 32 --label CAIRN-ESP --id 43410001 x=tree.sum
	"$CAIRN" disk disk.img --conf "$TOP/conf/disk.conf" esp=esp.img esp-2=esp.img state=state.img \
		boot-a=boot.1 root-a=root.1 boot-b=boot.1 root-b=root.1
}

# check LOG END ARGUMENT... - every state boots; shows N of N.
check() {
	log=$1 end=$2
	shift 2
	"$O/bin/cut-check" --log "$log" --base disk.img --conf "$TOP/conf/disk.conf" --samples $samples \
		--release one:boot.1:root.1:esp.img --release two:boot.2:root.2:esp.img \
		--release three:boot.3:root.3:esp.img --end "$end" "$@" || return 1
}

updates() {
	make_world
	# Into slot b, and from there into slot a.
	"$O/bin/cut-record" --disk disk.img --conf "$TOP/conf/disk.conf" --log full.log \
		bundle.2 bundle.3
	check full.log a:three || fail "full"
	"$O/bin/cut-record" --disk disk.img --conf "$TOP/conf/disk.conf" --log delta.log \
		bundle.2 delta.3
	check delta.log a:three || fail "delta"
	# Another result than the one wanted is no success.
	! check delta.log a:two 2>/dev/null || fail "slot a passes for release two"
}

t "full and delta: every state boots old or new" updates
finish

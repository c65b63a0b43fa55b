# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# flash-lib.sh - loop devices for the tests of `cairn flash`; sourced after lib.sh.

[ "$(id -u)" = 0 ] || skip "loop devices need root"
need "$CAIRN"

loops='' mounts=''
clean() {
	for m in $mounts; do umount "$m" || :; done
	for l in $loops; do losetup -d "$l" || :; done
	mounts='' loops=''
}

# loop FILE [OPTION...] - sets dev and its kernel name; given back at the case's end.
loop() {
	file=$1
	shift
	dev=$(losetup -f --show "$@" "$file") || skip "no loop device"
	name=${dev#/dev/}
	loops="$loops $dev"
	trap clean EXIT
}

# image - disk.img: a small disk whose partitions hold something.
image() {
	sed 's/^image_mib=.*/image_mib=24/; s/^p\([1-7]\)_start_mib=.*/p\1_start_mib=\1/
		s/^p\([1-7]\)_size_mib=.*/p\1_size_mib=1/; s/^p7_size_mib=.*/p7_size_mib=16/
		/^p8_/d' \
		"$TOP/conf/disk.conf" >small.conf
	head -c 1000000 /dev/urandom >content
	"$CAIRN" disk disk.img --conf small.conf esp=content root-a=content data=content
}

# flash ARG... - the command with nobody to ask; its words go to said.txt, its status to $status.
flash() {
	status=0
	"$CAIRN" flash disk.img "$@" </dev/null >said.txt 2>&1 || status=$?
}

# refused ERE - exit 1, for this reason, and the device still has its old first bytes.
refused() {
	[ "$status" = 1 ] || fail "exit $status: $(tail -n 1 said.txt)"
	grep -Eq -e "$1" said.txt || fail "it does not say $1: $(tail -n 1 said.txt)"
	[ ! -e target ] || [ "$(head -c 3 target)" = old ] || fail "it wrote all the same"
}

target() {
	printf old >target
	truncate -s "$1" target
}

# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# lib.sh - what every e2e test shares; sourced first. Sets TOP, O, PROD and DEV (the images), the
# values of conf/disk.conf, and T: a folder of this test, removed at its end.
set -eu
umask 022
LC_ALL=C TZ=UTC
export LC_ALL TZ
PATH=$PATH:/usr/sbin:/sbin

TOP=${TOP:-$(cd "$(dirname "$0")/../.." && pwd)}
O=${O:-$TOP/out}
case $O in /*) ;; *) O=$TOP/$O ;; esac
PROD=$O/x86_64/cairn.img
DEV=$O/x86_64-dev/cairn.img
KEYS=$TOP/conf/keys/dev
VM=$O/bin/cairn-vm
CAIRN=$O/bin/cairn
MIB=1048576
# The line of a healthy machine; in the development variant the shell's prompt may stand before it.
READY='(^|# )cairn: ready'
. "$TOP/conf/cairn.conf"
. "$TOP/conf/disk.conf"

T=$(mktemp -d "${TMPDIR:-/tmp}/cairn-e2e.XXXXXX")
failures=0
trap 'rm -rf "$T"' EXIT
trap 'exit 1' INT TERM HUP
TMPDIR=$T
export TMPDIR

# fail WORD... - this case is over, and why.
fail() {
	printf 'why: %s\n' "$*"
	exit 1
}

# skip WORD... - this host cannot run the test.
skip() {
	printf '%s\n' "$*"
	exit 77
}

# need PROGRAM... - or this host cannot run the test.
need() {
	for program; do
		command -v "$program" >/dev/null || skip "no $program on this host"
	done
}

# t NAME FUNCTION [ARG...] - one case, in a subshell with its own folder.
t() {
	name=$1
	shift
	mkdir -p "$T/case"
	start=$(date +%s)
	# `set -e` would be off in a condition; a subshell of its own keeps it.
	set +e
	(
		set -e
		cd "$T/case"
		"$@"
	)
	status=$?
	set -e
	if [ "$status" = 0 ]; then
		printf 'ok %s (%d s)\n' "$name" $(($(date +%s) - start))
	elif [ "$status" = 77 ]; then
		printf 'skipped %s\n' "$name"
	else
		printf 'FAIL %s (%d s)\n' "$name" $(($(date +%s) - start))
		failures=$((failures + 1))
		show console 60
		show steps 20
	fi
	rm -rf "$T/case"
}

show() {
	[ ! -s "$T/case/$1" ] || {
		printf -- '--- %s:\n' "$1"
		tail -n "$2" "$T/case/$1"
	}
}

# finish - the end of every test.
finish() {
	[ "$failures" = 0 ]
}

# vm ARGUMENT... - boot; the console goes to the file console, the steps' times to steps. A machine
# whose disk keeps what is written keeps its TPM too, from there to the test's end: TPM_STATE says
# which one, else $T/tpm.
vm() {
	keep=''
	case "$* " in *,rw[,\ ]*) keep=${TPM_STATE:-$T/tpm} ;; esac
	[ ! -e "$T/tpm" ] || keep=${TPM_STATE:-$T/tpm}
	"$VM" --cpus 1 ${keep:+--tpm "$keep"} "$@" >console 2>steps || {
		tail -n 1 steps >why
		fail "$(cat why)"
	}
}

# status_line [FILE] - the last status line of a console.
status_line() {
	grep -aE "$READY" "${1:-console}" | tail -n 1 | sed 's/^.*cairn: ready/cairn: ready/'
}

# value KEY [FILE] - one value of the last status line.
value() {
	status_line "${2:-console}" | tr ' ' '\n' | sed -n "s/^$1=//p" | tr -d '"'
}

# expect KEY VALUE - the last status line says so.
expect() {
	got=$(value "$1")
	[ "$got" = "$2" ] || fail "$1 is \`$got', not \`$2'"
}

# digest_pcrs - PCR 4, 7, 8 and 9 of the last status line are digests and not zero.
digest_pcrs() {
	for pcr in 4 7 8 9; do
		value "pcr$pcr" | grep -Eqx '[0-9a-f]{64}' || fail "pcr$pcr is no digest"
		! value "pcr$pcr" | grep -Eqx '0+' || fail "pcr$pcr is zero"
	done
}

# sane_ready - the last status line has every key, with values that can be.
sane_ready() {
	[ -n "$(status_line)" ] || fail "no ready line"
	for key in version variant slot verity secureboot tpm eventlog pcr4 pcr7 pcr8 pcr9 \
		services data net kernel_to_ready_ms mem_used_kib; do
		[ -n "$(value $key)" ] || fail "the ready line has no $key"
	done
	# shellcheck disable=SC2154
	expect version "$version"
	expect verity ok
	value slot | grep -Eqx '[ab]' || fail "slot is \`$(value slot)'"
	value services | awk -F / 'NF != 2 || $1 != $2 || $1 < 1 { exit 1 }' ||
		fail "services: $(value services)"
	value kernel_to_ready_ms | grep -Eqx '[1-9][0-9]*' || fail "kernel_to_ready_ms"
	value mem_used_kib | grep -Eqx '[1-9][0-9]*' || fail "mem_used_kib"
}

# said ERE [FILE] - a line of the console matches.
said() {
	grep -aEq -e "$1" "${2:-console}" || fail "the console does not say: $1"
}

# never_said ERE [FILE]
never_said() {
	! grep -aEq -e "$1" "${2:-console}" || fail "the console says: $(grep -aEm1 -e "$1" "${2:-console}")"
}

# copy_image FROM TO [SIZE] - a sparse copy, grown to SIZE where given.
copy_image() {
	cp --sparse=always "$1" "$2"
	[ -z "${3:-}" ] || truncate -s "$3" "$2"
}

# part_offset N, part_size N - of the layout, in bytes.
part_offset() {
	eval "echo \$((p${1}_start_mib * MIB))"
}

part_size() {
	eval "echo \$((p${1}_size_mib * MIB))"
}

# flip_bit FILE OFFSET - change one bit of one byte in place.
flip_bit() {
	was=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\$(printf '%03o' $((was ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# part_zero FILE N - a partition without content.
part_zero() {
	fallocate --punch-hole -o "$(part_offset "$2")" -l "$(part_size "$2")" "$1"
}

# part_read FILE N OUT, part_write FILE N IN - a partition's content.
part_read() {
	dd if="$1" of="$3" bs=1M skip=$(($(part_offset "$2") / MIB)) \
		count=$(($(part_size "$2") / MIB)) conv=sparse status=none
}

part_write() {
	dd if="$3" of="$1" bs=1M seek=$(($(part_offset "$2") / MIB)) conv=notrunc status=none
}

# data_part FILE - data_start and data_bytes: where DATA is by the table of a disk image.
data_part() {
	sgdisk -i 7 "$1" >table
	data_start=$(($(sed -n 's/^First sector: \([0-9]*\).*/\1/p' table) * 512))
	data_bytes=$(($(sed -n 's/^Partition size: \([0-9]*\).*/\1/p' table) * 512))
}

# data_read FILE OUT - DATA's file system from a disk image; an encrypted one with the recovery key.
data_read() {
	data_part "$1"
	if "$CAIRN" data show "$1" >data.keys 2>/dev/null; then
		"$CAIRN" data recover "$1" "$2" --recovery "$KEYS/recovery.key" || fail "DATA is not to be recovered"
	else
		dd if="$1" of="$2" bs=1M skip=$((data_start / MIB)) count=$((data_bytes / MIB + 1)) \
			conv=sparse status=none
		truncate -s $data_bytes "$2"
	fi
}

# fat FILE N - mtools' name for the FAT file system in a partition.
fat() {
	echo "$1@@$(part_offset "$2")"
}

# state_copy N - where copy 0 or 1 of the boot state lies in a disk image (lib/bootstate.h).
state_copy() {
	echo $(($(part_offset 2) + 20480 + $1 * 4096))
}

# set_state FILE KEY=VALUE... - change the boot state as the device does.
set_state() {
	image=$1
	shift
	"$CAIRN" state --set "$image" "$(part_offset 2)" "$@"
}

# get_state FILE - what the boot state says: lines key=value.
get_state() {
	"$CAIRN" state --show "$1" "$(part_offset 2)"
}

# state_says FILE KEY=VALUE... - the boot state has these values.
state_says() {
	get_state "$1" >state.now
	shift
	for line; do
		grep -qx "$line" state.now || fail "the boot state is not $line: $(tr '\n' ' ' <state.now)"
	done
}

# boot_image OUT FILE [KERNEL] - a small BOOT file system for bundles that no machine starts: what `cairn
# bundle create` wants to predict from, and FILE. LOADER is a stage-1 loader for them.
LOADER=1=$TOP/tests/data/pe/tiny.signed.efi
boot_image() {
	# shellcheck disable=SC2016
	echo 'chainloader ($root)/vmlinuz quiet' >boot.cfg
	"$CAIRN" fat "$1" --size $((($(stat -c %s "$2") + 131072) / 4096 * 4096)) --type 12 \
		--label CAIRNBOOT --id 43410003 vmlinuz="${3:-$TOP/tests/data/pe/tiny.signed.efi}" \
		slot.cfg=boot.cfg fill="$2"
}

# dev_run COMMAND - arguments of cairn-vm that run a command in the development shell and wait
# for its end; its output stands in the console between lines BEGIN and END.
# Usage: vm ... --send "$SHELL_ASK" --wait "$SHELL_UP" --send "$(dev_text 'COMMAND')" --wait '^END'
#
# The shell is asked, not its prompt looked for: what the system says meanwhile may follow a prompt.
# shellcheck disable=SC2016
SHELL_ASK='echo shell $((1 + 1))\n'
SHELL_UP='shell 2'
dev_text() {
	# The echoed command line must not look like the marks.
	printf '%s' "echo BE''GIN; $1; echo EN''D \$?\\n"
}

# between FILE - what the shell's last command said, without what the system said meanwhile.
between() {
	awk '/^BEGIN/ { text = ""; on = 1; next } /^END/ { on = 0 } on && !/^cairn: / { text = text $0 "\n" }
		END { printf "%s", text }' "$1"
}

# variant_image OUT EXTRA [VERSION] - the production image with the files of the folder EXTRA in
# its root, built and signed anew with the development keys: for tests that need a service of
# their own, or another version.
variant_image() {
	tools=$O/x86_64/pkg/squashfs-tools/bin
	"$tools/unsquashfs" -q -n -d variant.root "$O/x86_64/root.img" >/dev/null ||
		fail "root.img cannot be unpacked"
	cp -R "$2/." variant.root/
	# shellcheck disable=SC2154
	if [ -n "${3:-}" ]; then
		sed -i "s/^version=.*/version=$3/" variant.root/etc/cairn/release
	fi
	"$tools/mksquashfs" variant.root variant.img -noappend -all-root -no-xattrs -noI -noD -noF \
		-noX -quiet -no-progress >/dev/null || fail "mksquashfs"
	rm -rf variant.root
	truncate -s %4096 variant.img
	# shellcheck disable=SC2154
	"$CAIRN" verity variant.img --salt "$verity_salt" --append >variant.verity
	hash=$(sed -n 's/^roothash=//p' variant.verity)
	blocks=$(sed -n 's/^blocks=//p' variant.verity)
	mtype -i "$(fat "$PROD" 3)" ::/slot.cfg |
		sed "s/cairn.roothash=[0-9a-f]*/cairn.roothash=$hash/
			s/cairn.rootblocks=[0-9]*/cairn.rootblocks=$blocks/
			s/cairn.version=[^ ]*/cairn.version=${3:-$version}/" >slot.cfg
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" slot.cfg
	copy_image "$PROD" "$1"
	for part in 4 6; do
		part_zero "$1" $part
		part_write "$1" $part variant.img
	done
	for part in 3 5; do
		mcopy -o -i "$(fat "$1" $part)" slot.cfg slot.cfg.sig ::/
	done
	rm -f variant.img
}

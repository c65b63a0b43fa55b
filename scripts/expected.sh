#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# expected.sh check DIR | update - compare the outputs in DIR with conf/expected-hashes,
# or write that file from the outputs that are there (production and dev).
# A host with other tools than conf/toolchain, moved pins, other keys or added files
# give other bytes: they are named and nothing is compared. A difference is said; with
# STRICT=1 or SOURCES it fails (exit 1).
set -eu
. "$(dirname "$0")/common.sh"

list=$TOP/conf/expected-hashes
outputs='vmlinuz grub.efi root.img slot.cfg boot.img esp.img state.img cairn.img cairn.img.zst'

# hash FILE - from a record beside it while that is newer: the images are large.
hash() {
	if [ -z "$(find "$1.sha256" -newer "$1" 2>/dev/null)" ]; then
		sha256 "$1" > "$1.sha256"
	fi
	cat "$1.sha256"
}

# why_not - what makes the outputs incomparable.
why_not() {
	"$TOP/scripts/toolchain.sh" check || true
	cat "$TO"/moved/* 2>/dev/null | sed 's/^\([^ ]*\) \([^ ]*\) \([^ ]*\) \([^ ]*\) .*/\1: \2 \3 has moved to \4/'
	[ "$(readlink -f "${KEYS:-$TOP/conf/keys/dev}")" = "$(readlink -f "$TOP/conf/keys/dev")" ] ||
		echo "keys of ${KEYS:-}"
	[ -z "${CAIRN_BUILD:-}${CAIRN_VERSION:-}${CAIRN_NUMBER:-}${CAIRN_FLOOR:-}" ] || echo "another release than conf/cairn.conf"
	[ -z "${CAIRN_ENROL:-}" ] || echo "ENROL=$CAIRN_ENROL"
	[ -z "${ROOT_EXTRA:-}" ] || echo "ROOT_EXTRA=$ROOT_EXTRA"
	[ -z "${ADDON:-}" ] || echo "ADDON=$ADDON"
}

case ${1:-} in
check)
	dir=$2
	where=$(basename "$dir")
	reason=$(why_not)
	if [ -n "$reason" ]; then
		echo "hashes not compared: $(echo "$reason" | paste -sd ';' | sed 's/;/; /g')"
		exit 0
	fi
	bad='' n=0
	for f in $outputs; do
		wanted=$(sed -n "s|^\([0-9a-f]*\) $where/$f\$|\1|p" "$list" 2>/dev/null || true)
		got=$(hash "$dir/$f")
		n=$((n + 1))
		[ "$got" = "$wanted" ] || bad="$bad
  $f is $got, expected ${wanted:-(none recorded)}"
	done
	if [ -z "$bad" ]; then
		echo "hashes met: all $n outputs in $dir are those of conf/expected-hashes"
		exit 0
	fi
	echo "hashes NOT met in $dir (own changes do that; \`make expected\` records them):$bad"
	[ -z "${STRICT:-}${SOURCES:-}" ] || exit 1
	;;
update)
	{
		echo "# SPDX-License-Identifier: Apache-2.0"
		echo "# SHA-256 of each output for the pinned inputs, tools (conf/toolchain) and the"
		echo "# development keys: two machines must agree. \`make image\` compares; \`make expected\` writes."
		for dir in "$O/$ARCH" "$O/$ARCH-dev"; do
			for f in $outputs; do
				[ ! -f "$dir/$f" ] || echo "$(hash "$dir/$f") $(basename "$dir")/$f"
			done
		done
	} > "$list.new"
	mv "$list.new" "$list"
	;;
*) die "usage: expected.sh check DIR | update" ;;
esac

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# root.sh OUT.squashfs - build the root file system from its lists: nothing but what
# they name gets in, and what they name must be there.
#
# rootfs/manifest.list, for VARIANT=dev rootfs/manifest-dev.list and those of $ADDON after it, and
# $ROOT_EXTRA/manifest.list (tests), and what tls_roots of conf/cairn.conf asks for, have lines
#     TYPE PATH MODE UID:GID SOURCE # why
# TYPE f d l. SOURCE: skel:PATH (below the list's own skeleton), bin:NAME (a program
# of ours), pkg:NAME/PATH (a staged package), link:TARGET, gen:release, key:NAME (a file
# of the folder KEYS), or - (d).
# A later list's line for the same PATH replaces the earlier one.
set -eu
. "$(dirname "$0")/common.sh"

out=$1
KEYS=${KEYS:-conf/keys/dev}
case $KEYS in /*) ;; *) KEYS=$TOP/$KEYS ;; esac

# insecure - is one of the keys, or of those in trust, one that everybody has?
insecure() {
	"$O/bin/cairn" keys show "$KEYS" 2>/dev/null | grep -qx insecure=yes ||
		grep '^key=' "$TOP/conf/keys/dev/trust" | grep -qxFf - "$KEYS/trust"
}

work=$(mktemp -d "$O/.root.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir "$tree"
: > "$work/all"

# list FILE SKELETON - take a list in; every file of its skeleton must be in it.
list() {
	[ -f "$1" ] || die "$1: the list is missing"
	grep -v '^[[:space:]]*\(#\|$\)' "$1" | while read -r type path mode owner source hash why; do
		case $type:$path:$mode:$owner:$hash in
		[fdl]:/*:[0-7]*:[0-9]*:[0-9]*:'#') ;;
		*) die "$1: not TYPE PATH MODE UID:GID SOURCE # why: $type $path $mode $owner $source" ;;
		esac
		[ -n "$why" ] || die "$1: $path: no reason given"
		case $mode in
		0[0-7][0-7][0-7]) ;;
		*) die "$1: $path: mode $mode is setuid or setgid, or none" ;;
		esac
		case $source in skel:*) source=file:$2/${source#skel:} ;; esac
		echo "$type $path $mode $owner $source"
	done > "$work/part"
	# The loop above is a subshell: its failure is seen here.
	[ "$(grep -cv '^[[:space:]]*\(#\|$\)' "$1")" = "$(wc -l < "$work/part")" ] || exit 1
	[ ! -d "$2" ] || (cd "$2" && find . ! -type d | sort) | while read -r f; do
		grep -q " file:$2/${f#./}\$" "$work/part" || die "$2/${f#./}: not in $1"
	done || exit 1
	while read -r type path rest; do
		grep -v "^[fdl] $path " "$work/all" > "$work/all.new" || true
		mv "$work/all.new" "$work/all"
		echo "$type $path $rest" >> "$work/all"
	done < "$work/part"
}
list "$TOP/rootfs/manifest.list" "$TOP/rootfs/skeleton"
# shellcheck disable=SC2154 # conf/cairn.conf
case $tls_roots in
none) ;;
public) list "$TOP/rootfs/manifest-roots.list" "$work/none" ;;
*)
	case $tls_roots in /*) ;; *) tls_roots=$TOP/$tls_roots ;; esac
	grep -q '^-----BEGIN CERTIFICATE-----$' "$tls_roots" || die "tls_roots=$tls_roots: no PEM file"
	echo "f /etc/cairn/ca.pem 0644 0:0 file:$tls_roots # the operator's roots" > "$work/ca.list"
	list "$work/ca.list" "$work/none"
	;;
esac
# shellcheck disable=SC2154 # conf/cairn.conf
case $secureboot_enrol in
no) ;;
yes)
	drop='^$'
	[ -f "$KEYS/dbx.auth" ] || drop='/dbx\.auth '
	case $secureboot_microsoft in
	keep) ms=-microsoft ;;
	drop) ms='' ;;
	*) die "conf/cairn.conf: secureboot_microsoft is keep or drop" ;;
	esac
	[ -f "$KEYS/db$ms.auth" ] || die "$KEYS has no db$ms.auth: \`cairn keys enrol\` makes it"
	grep -v "$drop" "$TOP/rootfs/manifest-enrol.list" | sed "s/key:db-microsoft/key:db$ms/" > "$work/enrol.list"
	list "$work/enrol.list" "$TOP/rootfs/skeleton-enrol"
	! insecure || echo "WARNING: secureboot_enrol=yes with keys that everybody has: for trying only"
	;;
*) die "conf/cairn.conf: secureboot_enrol is yes or no" ;;
esac
[ "$VARIANT" != dev ] || list "$TOP/rootfs/manifest-dev.list" "$TOP/rootfs/skeleton-dev"
for addon in ${ADDON:-}; do
	[ "$VARIANT" = dev ] || die "ADDON=$addon: only VARIANT=dev takes add-ons"
	list "$TOP/rootfs/addon-$addon.list" "$TOP/rootfs/skeleton-addon-$addon"
done
[ -z "${ROOT_EXTRA:-}" ] || list "$ROOT_EXTRA/manifest.list" "$ROOT_EXTRA/skeleton"
sort -k2,2 "$work/all" > "$work/sorted"

release() {
	echo "version=$version"
	echo "variant=${VARIANT:-production}"
	echo "release=$release"
	echo "floor=$floor"
	echo "compatible=$compatible-$ARCH"
	echo "architecture=$ARCH"
	echo "build_time=$source_date_epoch"
	echo "data_seal=$data_seal"
	echo "data_cipher=$data_cipher"
	# The agent says aloud what `dev` means.
	if insecure; then echo keys=dev; else echo keys=own; fi
}

# A release trusts no key that everybody has.
[ -z "${RELEASE:-}" ] || ! insecure ||
	die "RELEASE=1 refuses $KEYS: an insecure development key of conf/keys/dev is in it"

# The tree, and mksquashfs's list of modes and owners.
while read -r type path mode owner source; do
	uid=${owner%:*} gid=${owner#*:}
	to=$tree$path
	[ -d "$(dirname "$to")" ] || die "$path: its folder is in no list"
	case $type in
	d)
		mkdir -p "$to"
		[ "$path" = / ] || echo "$path m $mode $uid $gid"
		;;
	l)
		case $source in link:*) ;; *) die "$path: a link's source is link:TARGET" ;; esac
		echo "$path s $mode $uid $gid ${source#link:}"
		;;
	f)
		case $source in
		file:*) from=${source#file:} ;;
		bin:*) from=$TO/bin/${source#bin:} ;;
		pkg:*) from=$TO/pkg/${source#pkg:} ;;
		key:*) from=$KEYS/${source#key:} ;;
		gen:release)
			from=$work/release
			release > "$from"
			;;
		*) die "$path: source $source is not known" ;;
		esac
		[ -f "$from" ] || die "$path: its source $from is missing"
		cp "$from" "$to"
		echo "$path m $mode $uid $gid"
		;;
	esac
done < "$work/sorted" > "$work/pseudo"

blocks='-noI -noId -noD -noF -noX'
[ "$root_compression" != zstd ] || blocks='-Xcompression-level 19'
unset SOURCE_DATE_EPOCH
tools=$TO/pkg/squashfs-tools/bin
# shellcheck disable=SC2086
"$tools/mksquashfs" "$tree" "$work/squashfs" -comp zstd $blocks -b 131072 -noappend \
	-no-fragments -no-exports -no-xattrs -root-mode 755 -root-uid 0 -root-gid 0 \
	-mkfs-time "$source_date_epoch" -all-time "$source_date_epoch" \
	-pf "$work/pseudo" -quiet -no-progress

# What came out is what the lists say, seen with other eyes.
"$tools/unsquashfs" -lln "$work/squashfs" |
	sed -n 's/^\([-dlcbps]\S*\) \([0-9]*\/[0-9]*\) .* squashfs-root\(\/[^ ]*\).*/\1 \3 \2/p' | sort > "$work/is"
awk '$2 != "/" {
	split("--- --x -w- -wx r-- r-x rw- rwx", bits, " ")
	n = length($3)
	sub("f", "-", $1)
	sub(":", "/", $4)
	print $1 bits[substr($3, n - 2, 1) + 1] bits[substr($3, n - 1, 1) + 1] bits[substr($3, n, 1) + 1], $2, $4
}' "$work/sorted" | sort > "$work/should"
cmp -s "$work/is" "$work/should" || {
	diff "$work/should" "$work/is" >&2 || true
	die "the root is not what the lists say (< wanted, > is)"
}
mkdir -p "$(dirname "$out")"
cp "$work/sorted" "$out.list"
mv "$work/squashfs" "$out"
echo "$(wc -l < "$work/sorted") entries, $(stat -c %s "$out") bytes"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: pair.sh          prints the folder that holds the pair
# The pair of root file systems that deltas are measured with: Debian 12 programs, and the same
# after Debian's own updates of ten packages. Rebuilt from the archive by package names; for each
# of the ten, the oldest and the newest version of Debian 12 that the archive has now. Made once
# a set of versions, in $CAIRN_CACHE/pair:
#     versions              package, old version, new version
#     old.img new.img       uncompressed squashfs, files in stable order
#     old.sqz new.sqz       the same with zstd, 128 KiB blocks
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
O=${O:-out}
case $O in /*) ;; *) O=$TOP/$O ;; esac
CAIRN_CACHE=${CAIRN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cairn}
LC_ALL=C TZ=UTC
export O LC_ALL TZ
umask 022
die() {
	echo "pair.sh: $*" >&2
	exit 1
}

updated='libssl3 curl libcurl4 libc6 libxml2 libexpat1 util-linux wpasupplicant libsystemd0'
updated="$updated qemu-system-x86"
# What stays as it is: with the ten, about 107 MB.
same='bash coreutils dash findutils gawk grep gzip init-system-helpers kmod libblkid1 libcap2
	libcom-err2 libcrypt1 libgcc-s1 libglib2.0-0 libgmp10 libgnutls30 libhogweed6 libidn2-0
	libkmod2 liblz4-1 liblzma5 libmount1 libncursesw6 libnettle8 libnghttp2-14 libnl-3-200
	libnl-genl-3-200 libp11-kit0 libpam-modules libpam0g libpcre2-8-0 libpixman-1-0
	libpng16-16 libpsl5 libreadline8 libseccomp2 libselinux1 libslirp0 libssh2-1 libstdc++6
	libtinfo6 libudev1 libunistring2 libuuid1 libzstd1 mount openssl procps sed tar zlib1g'

mkdir -p "$O"
work=$(mktemp -d "$O/.pair.XXXXXX")
trap 'rm -rf "$work"' EXIT
conf=$("$TOP/scripts/apt-root.sh")
# shellcheck disable=SC2086 # lists of names
apt-cache -c "$conf" madison $updated $same | awk -F ' *[|] *' '
	$3 ~ / bookworm(-security|-updates)?\/main .*Packages$/ { sub(/^ */, "", $1); print $1, $2 }
	' > "$work/all"
madison() {
	awk -v p="$1" '$1 == p { print $2 }' "$work/all"
}
# ordered FIRST|LAST - the oldest or newest of the versions on standard input.
ordered() {
	best=''
	while read -r v; do
		if [ -z "$best" ] || dpkg --compare-versions "$v" "$1" "$best"; then best=$v; fi
	done
	echo "$best"
}

for p in $updated $same; do
	new=$(madison "$p" | ordered gt)
	old=$(madison "$p" | ordered lt)
	[ -n "$new" ] || die "$p: the archive has no version of it for bookworm"
	case " $updated " in
	*" $p "*) [ "$old" != "$new" ] || echo "$p: the archive has but one version, $new" >&2 ;;
	*) old=$new ;;
	esac
	echo "$p $old $new"
done > "$work/versions"

# The number goes up when what is done with the packages changes.
key=$({ cat "$work/versions"; echo 1; } | sha256sum | cut -c 1-16)
dir=$CAIRN_CACHE/pair/$key
if [ -f "$dir/versions" ]; then
	echo "$dir"
	exit 0
fi
mkdir -p "$dir" "$CAIRN_CACHE/pair/deb"
echo "the pair: fetching $(wc -l < "$work/versions") packages" >&2
awk '{ print $1 "=" $2; print $1 "=" $3 }' "$work/versions" | sort -u > "$work/want"
(cd "$CAIRN_CACHE/pair/deb" && xargs apt-get -c "$conf" -qq download < "$work/want") >&2

# tree WHICH COLUMN - unpack the versions of a column; what no machine needs stays out.
tree() {
	mkdir "$work/$1"
	awk -v c="$2" '{ print $1, $c }' "$work/versions" | while read -r p v; do
		deb=$(echo "$CAIRN_CACHE/pair/deb/${p}_$(echo "$v" | sed 's/:/%3a/')"_*.deb)
		dpkg-deb -x "$deb" "$work/$1"
	done
	(cd "$work/$1" && rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/lintian \
		usr/share/bash-completion usr/share/zsh usr/share/info var)
}
squash() {
	rm -f "$2.new"
	# shellcheck disable=SC2086
	mksquashfs "$1" "$2.new" -comp zstd $3 -b 131072 -noappend -no-fragments -no-exports -no-xattrs \
		-all-root -mkfs-time 0 -all-time 0 -quiet -no-progress > /dev/null
	mv "$2.new" "$2"
}
unset SOURCE_DATE_EPOCH
tree old 2
tree new 3
for which in old new; do
	squash "$work/$which" "$dir/$which.img" '-noI -noId -noD -noF -noX'
	squash "$work/$which" "$dir/$which.sqz" '-Xcompression-level 19'
	echo "$which: $(du -s --apparent-size -B 1 "$work/$which" | cut -f 1) bytes in the tree," \
		"$(stat -c %s "$dir/$which.img") as squashfs, $(stat -c %s "$dir/$which.sqz") with zstd" >&2
done
cp "$work/versions" "$dir/versions"
echo "$dir"

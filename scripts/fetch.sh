#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fetch.sh NAME... - bring the sources of packages into $CAIRN_CACHE/src/SHA256
# and record what was got in $(TO)/sources/NAME (the lines of pkg/NAME/sources,
# with another hash and version where the archive has moved).
#
# In order: the cache; out/sources/ when SOURCES names a sources.tar (and then
# nothing else); the archive, at the pinned version; the upstream address; a newer
# version that the archive's signature vouches for, said loudly (never with
# STRICT=1). Other bytes than the pinned ones are refused. PIN=1 (scripts/pin.sh) takes
# the suite's newest version at once.
set -eu
. "$(dirname "$0")/common.sh"

mkdir -p "$CAIRN_CACHE/src" "$CAIRN_CACHE/lock" "$TO/sources" "$TO/moved"
work=$(mktemp -d "$CAIRN_CACHE/src/.fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT

# apt COMMAND ARG... - apt-get with our own root, run in the work folder.
apt() {
	(cd "$work" && apt-get -c "$conf" -qq "$@" >&2)
}

# get KIND PACKAGE VERSION - from the archive, which apt checks against its signed lists.
get() {
	rm -f "$work"/*
	case $1 in
	apt-source) apt source --download-only --tar-only "$2=$3" ;;
	apt-binary) apt download "$2=$3" ;;
	*) die "$name: kind $1 is not known" ;;
	esac
}

# newest KIND PACKAGE SUITE - the newest version that the suite offers.
newest() {
	type=Packages
	[ "$1" = apt-binary ] || type=Sources
	apt-cache -c "$conf" madison "$2" 2>/dev/null |
		awk -F '|' -v suite="$3" -v type="$type" '{
			v = $2; gsub(/ /, "", v)
			if (index($3, " " suite "/") && index($3, type)) print v }' |
		while read -r v; do
			[ -n "${best:-}" ] && dpkg --compare-versions "$v" le "$best" || best=$v
			echo "$best"
		done | tail -n 1
}

# keep FILE SHA - into the cache, whole or not at all.
keep() {
	mv "$1" "$CAIRN_CACHE/src/$2"
}

refuse() {
	die "$name: $file REFUSED: SHA-256 does not match
  pinned: $sha (pkg/$name/sources)
  got:    $1 from $2"
}

fetch_line() {
	sha=$1 kind=$2 spec=$3 file=$4 url=$5
	package=${spec%%=*}
	suite=${spec##*@}
	pinned=${spec#*=}
	pinned=${pinned%@*}
	cached=$CAIRN_CACHE/src/$sha
	line="$sha $kind $spec $file $url"
	if [ -n "${PIN:-}" ]; then
		[ -n "${conf:-}" ] || conf=$("$TOP/scripts/apt-root.sh")
		best=$(newest "$kind" "$package" "$suite")
		if [ -n "$best" ] && dpkg --compare-versions "$best" gt "$pinned"; then
			moved "$best"
			return 0
		fi
	fi
	if [ -f "$cached" ]; then
		got=$(sha256 "$cached")
		[ "$got" != "$sha" ] || return 0
		rm -f "$cached"
		say "$name: $file in the cache was damaged ($got); it is fetched again"
	fi
	if [ -n "${SOURCES:-}" ]; then
		[ -f "$O/sources/$sha" ] || die "$name: $file ($sha) is not in $SOURCES"
		got=$(sha256 "$O/sources/$sha")
		[ "$got" = "$sha" ] || refuse "$got" "$SOURCES"
		cp "$O/sources/$sha" "$work/offline"
		keep "$work/offline" "$sha"
		return 0
	fi
	[ -n "${conf:-}" ] || conf=$("$TOP/scripts/apt-root.sh")
	say "$name: fetching $package $pinned"
	if get "$kind" "$package" "$pinned" 2>"$O/apt/error"; then
		set -- "$work"/*
		got=$(sha256 "$1")
		[ "$got" = "$sha" ] || refuse "$got" "the archive's $package $pinned"
		keep "$1" "$sha"
		return 0
	fi
	if [ "$url" != - ] && /usr/lib/apt/apt-helper -c "$conf" -qq download-file \
		"$url" "$work/upstream" >&2; then
		got=$(sha256 "$work/upstream")
		[ "$got" = "$sha" ] || refuse "$got" "$url"
		say "$name: the archive has no $package $pinned any more; taken from upstream"
		keep "$work/upstream" "$sha"
		return 0
	fi
	moved "$(newest "$kind" "$package" "$suite")"
}

# moved VERSION - take the archive's newer version in place of the pinned one.
moved() {
	if [ -z "$1" ] || ! dpkg --compare-versions "$1" gt "$pinned"; then
		cat "$O/apt/error" >&2
		die "$name: $package $pinned is neither in $suite nor at its upstream address"
	fi
	[ -z "${STRICT:-}" ] || die "$name: STRICT: $suite has moved from $package $pinned to $1 (make pin moves the pins)"
	get "$kind" "$package" "$1" || die "$name: $package $1 cannot be had from $suite"
	set -- "$1" "$work"/*
	got=$(sha256 "$2")
	line="$got $kind $package=$1@$suite $(basename "$2") $url"
	keep "$2" "$got"
	echo "$name $package $pinned $1 $got" >> "$TO/moved/$name"
	[ -z "${PIN:-}" ] || return 0
	say "WARNING: $name: $suite no longer has $package $pinned. Building with $1,"
	say "WARNING: which the archive's signature vouches for: SHA-256 $got"
	say "WARNING: the outputs cannot meet conf/expected-hashes. \`make pin\` moves the pins."
}

for name; do
	exec 8>"$CAIRN_CACHE/lock/src-$name"
	flock 8
	rm -f "$TO/moved/$name"
	: > "$TO/sources/$name.new"
	while read -r sha rest; do
		case $sha in '' | '#'*) continue ;; esac
		# shellcheck disable=SC2086
		fetch_line "$sha" $rest
		echo "$line" >> "$TO/sources/$name.new"
	done < "$TOP/pkg/$name/sources"
	mv "$TO/sources/$name.new" "$TO/sources/$name"
done

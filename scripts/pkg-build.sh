#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pkg-build.sh NAME - make $(TO)/pkg/NAME point at the staged package in the
# cache, building it there first when no build with these inputs is there yet.
# The dependencies of the recipe must be done already (out/pkg.mk orders them).
set -eu
. "$(dirname "$0")/common.sh"

name=$1
recipe "$name"
mkdir -p "$TO/pkg" "$TO/sources" "$CAIRN_CACHE/pkg" "$CAIRN_CACHE/lock"

# The key by the pins first: with a cached build no source is needed at all.
pinned=$TOP/pkg/$name/sources
inputs=$("$TOP/scripts/pkg-hash.sh" "$name" "$pinned")
key=${inputs##*key }
cp "$pinned" "$TO/sources/$name"
if [ ! -d "$CAIRN_CACHE/pkg/$key" ]; then
	"$TOP/scripts/fetch.sh" "$name"
	inputs=$("$TOP/scripts/pkg-hash.sh" "$name" "$TO/sources/$name")
	key=${inputs##*key }
fi
stage=$CAIRN_CACHE/pkg/$key

# link - publish the cached package to the checkout.
link() {
	ln -sfn "$stage" "$TO/pkg/$name.new"
	mv -fT "$TO/pkg/$name.new" "$TO/pkg/$name"
	echo "$key" > "$TO/pkg/$name.ok"
}

exec 9>"$CAIRN_CACHE/lock/$key"
flock 9
if [ -d "$stage" ]; then
	say "$name: cached as $key"
	link
	exit 0
fi

WORK=$(mktemp -d "$CAIRN_CACHE/pkg/.build-$name.XXXXXX")
# Who waits for the lock need not wait for the tidying up.
trap 'exec 9>&-; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM
STAGE_SYSROOT=$WORK/sysroot
mkdir "$WORK/src" "$WORK/work" "$WORK/dest" "$WORK/tmp" "$STAGE_SYSROOT"
. "$TOP/scripts/pkg-env.sh"

# closure NAME... - the packages below, each once.
closure() {
	for d; do
		case " $seen " in *" $d "*) continue ;; esac
		seen="$seen $d"
		# shellcheck disable=SC2046
		closure $(recipe "$d" && echo "$depends")
	done
}
seen=''
# shellcheck disable=SC2086
closure $depends
# shellcheck disable=SC2086
"$TOP/scripts/sysroot.sh" "$STAGE_SYSROOT" $seen
"$TOP/scripts/unpack.sh" "$name" "$WORK/src"

# The jobserver of the make above us goes on; nothing else of its flags does.
jobs=$(nproc)
case ${MAKEFLAGS:-} in
*--jobserver-auth=*)
	auth=${MAKEFLAGS##*--jobserver-auth=}
	flags="-j --jobserver-auth=${auth%% *}" ;;
*) flags=-j$jobs ;;
esac

# No network in a build: a package that fetches by itself fails here.
unshare=''
if unshare -n true 2>/dev/null; then
	unshare='unshare -n'
elif unshare -rn true 2>/dev/null; then
	unshare='unshare -rn'
else
	say "$name: no network namespaces here: built with the network reachable"
fi

say "$name: building $key"
cd "$WORK/work"
# shellcheck disable=SC2086
env -i PATH="$BUILD_PATH" HOME="$WORK/tmp" TMPDIR="$WORK/tmp" LC_ALL=C TZ=UTC \
	SRC="$WORK/src" DEST="$WORK/dest" SYSROOT="$STAGE_SYSROOT" CC="$CC" \
	CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS" JOBS="$jobs" MAKEFLAGS="$flags" \
	SOURCE_DATE_EPOCH="$source_date_epoch" ARCH="$ARCH" TOP="$TOP" \
	DEPS="$TO/pkg" KEEP="$CAIRN_CACHE/tree/$name" ZERO_AR_DATE=1 \
	$unshare sh -eu "$TOP/pkg/$name/build.sh" 9>&-

cd "$WORK"
[ -n "$(ls "$WORK/dest")" ] || die "$name: build.sh staged nothing in \$DEST"
if grep -rqF "$WORK" "$WORK/dest"; then
	grep -rlF "$WORK" "$WORK/dest" >&2
	die "$name: the build's own path is in the files above"
fi
[ "$("$TOP/scripts/pkg-hash.sh" "$name" "$TO/sources/$name")" = "$inputs" ] ||
	die "$name: its recipe changed while it was built; run make again"
printf '%s\n' "$inputs" > "$WORK/dest/.inputs"
cp "$TO/sources/$name" "$WORK/dest/.sources"
find "$WORK/dest" -exec touch -h -d "@$source_date_epoch" {} +
mv -T "$WORK/dest" "$stage"
link

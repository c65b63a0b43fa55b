# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# common.sh - what every script of the build shares; sourced, never run.
# Sets TOP (the checkout), O, ARCH, TO (absolute), CAIRN_CACHE, and conf/'s values.

umask 022
LC_ALL=C
TZ=UTC
export LC_ALL TZ

TOP=$(cd "$(dirname "$0")/.." && pwd)
ARCH=${ARCH:-x86_64}
VARIANT=${VARIANT:-}
case ${O:=out} in /*) ;; *) O=$TOP/$O ;; esac
TO=$O/$ARCH
IMG=$O/$ARCH${VARIANT:+-$VARIANT}${CAIRN_BUILD:+-$CAIRN_BUILD}
CAIRN_CACHE=${CAIRN_CACHE:-${XDG_CACHE_HOME:-${HOME:-$O}/.cache}/cairn}

. "$TOP/conf/cairn.conf"
# make VERSION= NUMBER= FLOOR=: another release of the same sources.
version=${CAIRN_VERSION:-$version}
release=${CAIRN_NUMBER:-$release}
floor=${CAIRN_FLOOR:-$floor}
# make ENROL=yes: with what conf/ may leave out.
secureboot_enrol=${CAIRN_ENROL:-$secureboot_enrol}

# say WORD... - one line for the person who builds.
say() {
	printf '%s\n' "$*" >&2
}

# die WORD... - the reason, then exit 1 (refused or failed).
die() {
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# sha256 FILE - prints its hash.
sha256() {
	set -- "$(sha256sum "$1")"
	printf '%s\n' "${1%% *}"
}

# recipe NAME - loads pkg/NAME/recipe into version license depends tools kind ...
recipe() {
	version='' license='' depends='' tools='' kind=target sysroot=no inputs=''
	[ -f "$TOP/pkg/$1/recipe" ] || die "pkg/$1/recipe: no such package"
	. "$TOP/pkg/$1/recipe"
}

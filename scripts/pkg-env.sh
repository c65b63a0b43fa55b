# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2034
# pkg-env.sh - what a package's build.sh sees: sourced by pkg-build.sh, and part
# of the hash of every package, so it holds only what shapes their bytes.
# In: WORK (the build's folder), STAGE_SYSROOT (merged dependencies), kind.

BASE_TOOLS="gcc-12 libgcc-12-dev binutils"
BUILD_PATH=/usr/sbin:/usr/bin:/sbin:/bin

# Paths of this build never reach an object file; no build id, which would differ
# with them.
MAP="-ffile-prefix-map=$WORK=/build"
case $kind in
target)
	CC="$STAGE_SYSROOT/bin/musl-gcc"
	CFLAGS="-O2 -pipe $MAP -fstack-protector-strong -fstack-clash-protection"
	CFLAGS="$CFLAGS -ffunction-sections -fdata-sections"
	LDFLAGS="-static-pie -Wl,--gc-sections -Wl,--build-id=none"
	;;
host)
	CC="$STAGE_SYSROOT/bin/musl-gcc"
	CFLAGS="-O2 -pipe $MAP"
	LDFLAGS="-static-pie -Wl,--build-id=none"
	;;
esac

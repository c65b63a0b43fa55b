#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel-config.sh SRC OBJ FRAGMENT... - write OBJ/.config for the kernel source
# SRC: the smallest configuration there is (tinyconfig) with the fragments on
# top. Fails, with names, when anything asked for is not in the result.
# Environment: ARCH. OBJ is relative to SRC.
set -eu

[ $# -ge 3 ] || { echo "usage: kernel-config.sh SRC OBJ FRAGMENT..." >&2; exit 100; }
here=$(cd "$(dirname "$0")" && pwd)
src=$1
obj=$2
shift 2

cd "$src"
mkdir -p "$obj"
make -s ARCH="$ARCH" O="$obj" tinyconfig
./scripts/kconfig/merge_config.sh -m -O "$obj" "$obj/.config" "$@" > "$obj/merge.log"
make -s ARCH="$ARCH" O="$obj" olddefconfig
"$here/kernel-check-config.sh" "$obj/.config" . "$@"

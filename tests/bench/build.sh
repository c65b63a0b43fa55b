#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: build.sh          (called by bench.sh)
# Times of building: each step of the last clean build from the build's own records, and in a
# second clone with the shared cache: first image, nothing changed, one C file changed.
set -eu
. "$(dirname "$0")/row.sh"
TOP=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset MAKEFLAGS MAKELEVEL O VARIANT || :

# timed COMMAND... - wall time in seconds.
timed() {
	from=$(date +%s.%N)
	"$@" >"$tmp/log" 2>&1 || {
		tail -n 20 "$tmp/log" >&2
		exit 1
	}
	echo "$from $(date +%s.%N)" | awk '{ printf "%.1f s", $2 - $1 }'
}

git clone -q "$TOP" "$tmp/clone"
cd "$tmp/clone"
took=$(timed make image)
row "second clone to image (cache is warm)" "$took" ""
took=$(timed make image)
row "nothing changed" "$took" "wanted: 2 s"
printf '\n/* A change of the bench. */\nconst char bench_changed[] = "bench";\n' >>agent/init/main.c
took=$(timed make image)
row "one C file changed, to image" "$took" "wanted: 10 s; agent/init/main.c"

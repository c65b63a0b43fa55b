#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: downtime.sh       (called by the bench of updates; needs `make e2e-releases`)
# How long an update takes a machine away from its work: medians of RUNS (5) whole stories of
# tests/demo/update.sh, as rows of the bench's table.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/row.sh"
RUNS=${RUNS:-5}

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
for _ in $(seq "$RUNS"); do
	QUIET=1 "$here/../demo/update.sh" >>"$lines"
done
sed 's/  *\([0-9.]*\) s$/|\1/' "$lines" | sort -t '|' -k 1,1 -k 2,2n | awk -F '|' '
	$1 != what { flush(); what = $1; n = 0 }
	{ v[++n] = $2 }
	function flush() { if (n) print what "|" v[int((n + 1) / 2)] }
	END { flush() }' | while IFS='|' read -r what seconds; do
	row "$what" "$seconds s" "median of $RUNS; a panic waits 10 s (panic=10); no peer publishes it"
done

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: e2e.sh [NAME...]
# Runs tests/e2e/NN-*.sh (those whose name contains a NAME, or all), JOBS at a time, each with a
# limit of LIMIT seconds (900; with LONG=1 7200). A script prints `ok NAME` or `FAIL NAME` for each of
# its cases; one that prints none is one case by its exit status; 77 says that this host cannot run it.
# LONG=1 runs the long matrices too. Ends with `N passed, N failed`.
set -eu
. "$(dirname "$0")/common.sh"

logs=$O/log/e2e
limit=${LIMIT:-${LONG:+7200}}
limit=${limit:-900}
mkdir -p "$logs"
export LONG="${LONG:-}" O TOP

# one SCRIPT - run it, keep its output, say how it went.
one() {
	name=$(basename "$1" .sh) start=$(date +%s) status=0
	timeout -k 30 "$limit" sh "$1" >"$logs/$name.log" 2>&1 </dev/null || status=$?
	took=$(($(date +%s) - start))
	passed=$(grep -c '^ok ' "$logs/$name.log" || :)
	failed=$(grep -c '^FAIL ' "$logs/$name.log" || :)
	text=ok
	if [ "$status" = 77 ]; then
		text="skipped: $(tail -n 1 "$logs/$name.log")"
	elif [ "$status" != 0 ]; then
		text="FAILED (status $status), log: $logs/$name.log"
		[ "$failed" -gt 0 ] || failed=1
	elif [ $((passed + failed)) = 0 ]; then
		passed=1
	fi
	echo "$passed $failed" >"$logs/$name.count"
	{
		printf '%-22s %4d s  %s\n' "$name" "$took" "$text"
		case $text in FAILED*)
			grep '^FAIL ' "$logs/$name.log" || :
			tail -n 40 "$logs/$name.log" | sed 's/^/    /'
			;;
		esac
	} >"$logs/$name.text"
	cat "$logs/$name.text"
}

if [ "${1:-}" = --one ]; then
	one "$2"
	exit 0
fi

rm -f "$logs"/*.count "$logs"/*.log "$logs"/*.text
for script in "$TOP"/tests/e2e/[0-9]*.sh; do
	name=$(basename "$script" .sh)
	[ $# = 0 ] && { echo "$script"; continue; }
	for wanted; do
		case $name in *"$wanted"*) echo "$script" && break ;; esac
	done
done | xargs -r -P "${JOBS:-$(nproc)}" -n 1 "$0" --one

cat "$logs"/*.count 2>/dev/null | awk '{ p += $1; f += $2 }
	END { printf "%d passed, %d failed\n", p, f; exit f > 0 || p == 0 }'

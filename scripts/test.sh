#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: test.sh SUITE...
# Runs `make SUITE` one after the other, each to its end, and sums their closing lines. A suite
# that ends without one, or fails without a failed test, counts as one failure.
set -eu
passed=0 failed=0 start=$(date +%s)
mkdir -p out/log
for suite; do
	printf '== make %s\n' "$suite"
	log=out/log/test-$suite.log
	{ ${MAKE:-make} -j"$(nproc)" "$suite" 2>&1 && echo 0 >"$log.rc" || echo $? >"$log.rc"; } | tee "$log"
	line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1 || :)
	p=$(echo "${line:-0}" | cut -d ' ' -f 1)
	f=$(echo "${line:-0 passed, 0 failed}" | cut -d ' ' -f 3)
	if [ "$(cat "$log.rc")" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
	if [ -z "$line" ] && [ "$f" -eq 0 ]; then f=1; fi
	passed=$((passed + p)) failed=$((failed + f))
	rm -f "$log.rc"
done
echo "== $# suites in $(($(date +%s) - start)) s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

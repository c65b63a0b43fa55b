#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: check.sh UNITDIR CORPUSDIR
# Runs every unit test and replays every kept fuzz input; ends with `N passed, N failed`.
set -eu
dir=$1 corpus=$2
passed=0 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for t in "$dir"/test_* "$dir"/fuzz_*; do
	[ -x "$t" ] || continue
	name=$(basename "$t")
	case $name in *.d) continue ;; fuzz_*)
		set -- "$corpus/$name"/*
		[ -e "$1" ] || set --
		;;
	*) set -- ;; esac
	if "$t" "$@" >"$tmp/log" 2>&1; then
		n=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$tmp/log")
		passed=$((passed + ${n:-1}))
	else
		n=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$tmp/log")
		f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$tmp/log")
		passed=$((passed + ${n:-0})) failed=$((failed + ${f:-1}))
		echo "FAILED: $name" >&2
		grep -v '^\[ RUN \|^\[       OK' "$tmp/log" | tail -n 40 >&2
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

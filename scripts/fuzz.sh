#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: fuzz.sh BINDIR CORPUSDIR SECONDS
# Runs each fuzz target for SECONDS, starting from the kept inputs. A crash input is left in
# CORPUSDIR/NAME, where `make check` replays it from then on.
set -eu
bin=$1 corpus=$2 seconds=$3 status=0
for t in "$bin"/fuzz_*; do
	[ -x "$t" ] || continue
	name=$(basename "$t")
	mkdir -p "$corpus/$name" "$bin/grown/$name"
	printf '  FUZZ    %s for %s s\n' "$name" "$seconds"
	"$t" -max_total_time="$seconds" -max_len=65536 -timeout=10 -print_final_stats=1 \
		-artifact_prefix="$corpus/$name/crash-" "$bin/grown/$name" "$corpus/$name" \
		>"$bin/$name.log" 2>&1 || { status=1; tail -n 40 "$bin/$name.log" >&2; }
	grep -E 'number_of_executed_units|new_units_added' "$bin/$name.log" || :
	rmdir "$corpus/$name" 2>/dev/null || :
done
exit $status

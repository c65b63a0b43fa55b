#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# step.sh LABEL LOG COMMAND... - run one arrow of the build: a line when it
# starts, a line when it ends, everything else into out/log/LOG.log, whose last 20
# lines are shown when it fails. Under `make -n` it only says STEP, which is how
# scripts/steps.sh counts what is to be done. V=1 shows the log as it grows.
set -u
flags=${MAKEFLAGS:-}
case ${flags%% *} in
-* | *=*) ;;
*n*)
	echo STEP
	exit 0
	;;
esac

O=${O:-out}
label=$1
log=$O/log/$2.log
shift 2
mkdir -p "$O/log"
dir=${CAIRN_STEPS_DIR:-}
start=$(date +%s)

# line TEXT - one whole line, over the status line that steps.sh may be drawing.
line() {
	if [ -n "$dir" ] && [ -f "$dir/tty" ]; then
		printf '\r\033[K%s\n' "$1"
	else
		printf '%s\n' "$1"
	fi
}

mark=''
if [ -n "$dir" ] && [ -d "$dir" ]; then
	# shellcheck disable=SC2016 # the inner shell expands it
	n=$(flock "$dir/count" sh -c 'n=$(($(cat "$1") + 1)); echo $n > "$1"; echo $n' - "$dir/count")
	# The total is an estimate of `make -n`: what a step changes is not known before.
	total=$(cat "$dir/total")
	[ "$n" -le "$total" ] || total=$n
	mark="[$n/$total] "
	echo "$start $mark$label" > "$dir/running.$n"
fi
line "$mark$label"
if [ -n "${V:-}" ]; then
	{ "$@" 2>&1; echo $? > "$log.status"; } | tee "$log"
	status=$(cat "$log.status")
	rm -f "$log.status"
else
	"$@" > "$log" 2>&1
	status=$?
fi
[ -z "$mark" ] || rm -f "$dir/running.$n"
took=$(($(date +%s) - start))
# For `make bench`: seconds, status, step; the newest last.
printf '%s\t%s\t%s\n' "$took" "$status" "$label" >> "$O/log/steps.tsv"
grep '^WARNING: ' "$log" 2>/dev/null | while read -r text; do line "$text"; done
if [ "$status" != 0 ]; then
	line "$mark$label FAILED after $took s; the end of $log:"
	tail -n 20 "$log" | sed 's/^/    /'
	# A full disk cuts the log off before the reason: say it here, where it can be read.
	df -Pm "$O" "${CAIRN_CACHE:-$O}" | awk 'NR > 1 && $4 < 4096 && !seen[$6]++ {
		print "    only " $4 " MiB are free on " $6 "; a whole build needs some 6000" }'
	exit "$status"
fi
[ "$took" -lt 1 ] || line "$mark$label: done in $took s"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# steps.sh TARGET... - make the targets with every core, showing step n of m, what
# runs and for how long: a status line on a terminal, a line each half minute in
# a log. Called from the top Makefile; MAKE is make's own name.
set -eu
O=${O:-out}
dir=$O/steps.$$
mkdir -p "$dir"
ticker=''
end() {
	[ -z "$ticker" ] || kill "$ticker" 2>/dev/null || true
	[ ! -f "$dir/tty" ] || printf '\r\033[K'
	rm -rf "$dir"
}
trap end EXIT
trap 'exit 130' INT TERM

echo 0 > "$dir/count"
total=$(${MAKE:-make} -n --no-print-directory "$@" 2>/dev/null | grep -cx STEP || true)
echo "$total" > "$dir/total"
CAIRN_STEPS_DIR=$dir
export CAIRN_STEPS_DIR
started=$(date +%s)

# show - what runs now, in one line.
show() {
	now=$(date +%s)
	text=''
	for f in "$dir"/running.*; do
		read -r since what < "$f" 2>/dev/null || continue
		text="$text${text:+, }$what $((now - since)) s"
	done
	# shellcheck disable=SC2059 # the caller's format
	[ -z "$text" ] || printf "$1" "$text (total $((now - started)) s)"
}

# tick SECONDS FORMAT - show it again and again; takes its own sleep along when it is ended, so
# that nothing of ours holds the output open.
tick() {
	trap 'kill "$nap" 2>/dev/null; exit 0' TERM
	while :; do
		sleep "$1" &
		nap=$!
		wait "$nap"
		show "$2"
	done
}

if [ "$total" -gt 0 ]; then
	if [ -t 1 ]; then
		: > "$dir/tty"
		tick 1 '\r\033[K%.200s' &
	else
		tick 30 '... %s\n' &
	fi
	ticker=$!
fi
case " ${MAKEFLAGS:-}" in
*jobserver*) jobs='' ;;
*) jobs=-j$(nproc) ;;
esac
# shellcheck disable=SC2086
${MAKE:-make} $jobs --no-print-directory "$@"
done=$(cat "$dir/count")
[ "$done" = 0 ] || echo "$done steps in $(($(date +%s) - started)) s"

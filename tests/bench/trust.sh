#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: trust.sh          (called by `make bench-trust`)
# How many machines' evidence one processor verifies in a second, beside what `openssl speed` says
# of the same signatures in the same run, and beside tpm2_checkquote. Evidence of 60 events, 16 KB.
# openssl and ours take turns, RUNS (5) times; rates are of processor time; medians.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/row.sh"
TOP=$(cd "$here/../.." && pwd)
O=${O:-out}
case $O in /*) ;; *) O=$TOP/$O ;; esac
RUNS=${RUNS:-5} MS=${MS:-1000}
bench=$O/bin/attest-kit cairn=$O/bin/cairn
work=$(mktemp -d "$O/.bench-trust.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# median FILE - of a column of numbers.
median() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

value() {
	tr ' ' '\n' | sed -n "s/^$1=//p"
}

# bytes HEX - those bytes.
bytes() {
	perl -e 'print pack("H*", $ARGV[0])' "$1"
}

ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.0f", 100 * a / b }'
}

n=0
while [ "$n" -lt "$RUNS" ]; do
	openssl speed -seconds 1 ecdsap256 2>/dev/null | awk '/nistp256/ { print $NF }' >>"$work/openssl"
	"$bench" rate "$MS" >"$work/run"
	for what in full key object; do
		value "$what" <"$work/run" >>"$work/$what"
	done
	n=$((n + 1))
done
"$bench" ours "$MS" >"$work/ours"

machine
speed=$(median "$work/openssl") full=$(median "$work/full")
percent=$(ratio "$full" "$speed")
row "openssl speed ecdsap256, verify" "$(printf '%.0f' "$speed")/s" "$(openssl version | cut -d ' ' -f 1,2), one processor, its own clock"
row "cairn: whole verification" "$full/s" "$percent % of it (wanted 60); all checks, 60 events"
row "cairn: signature alone" "$(median "$work/key")/s" "the same call without the rest"
row "cairn: as an object of the identity key" "$(median "$work/object")/s" "a second signature around it"
for what in full key replay bind list; do
	eval "ns_$what=$(value "${what}_ns" <"$work/ours")"
done
# shellcheck disable=SC2154
row "one verification" "$(awk -v v="$ns_full" 'BEGIN { printf "%.1f us", v / 1000 }')" "$(value bytes <"$work/ours") bytes, of which log $(value log <"$work/ours")"
# shellcheck disable=SC2154
row "  public-key work" "$(awk -v v="$ns_key" 'BEGIN { printf "%.1f us", v / 1000 }')" "libcrypto"
# shellcheck disable=SC2154
row "  ours" "$(awk -v f="$ns_full" -v k="$ns_key" 'BEGIN { printf "%.1f us", (f - k) / 1000 }')" \
	"$(awk -v r="$ns_replay" -v b="$ns_bind" -v l="$ns_list" 'BEGIN { printf "replay %.1f, nonce over all bytes %.1f, list %.1f", r / 1000, b / 1000, l / 1000 }')"

# Programs, one process a verification: most of it is their start.
"$bench" write "$work"
set -- attest verify "$work/evidence" --machine "$work/machine" --nonce "$(cat "$work/nonce")" \
	--channel "$(cat "$work/channel")" --events "$work/events"
timed() {
	command time -f '%U %S' -o "$work/time" sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do "$@" >/dev/null 2>&1 || exit 1; done' sh "$@"
	awk '{ printf "%.1f ms", ($1 + $2) * 100 }' "$work/time"
}
row "cairn attest verify, the program" "$(timed "$cairn" "$@")" "of processor time, a process each"
if command -v tpm2_checkquote >/dev/null; then
	mkdir "$work/x"
	"$cairn" attest show "$work/evidence" --extract "$work/x"
	qualify=$({
		printf cairn-evidence-1
		bytes "$(cat "$work/nonce")$(cat "$work/channel")$(sha256sum "$work/x/bound" | cut -c 1-64)"
	} | sha256sum | cut -c 1-64)
	row "tpm2_checkquote" "$(timed tpm2_checkquote -u "$work/x/ak.pub" -m "$work/x/quote.msg" \
		-s "$work/x/quote.sig" -f "$work/x/pcrs.serialized" -g sha256 -q "$qualify" -e "$work/x/eventlog")" \
		"likewise; quote and log, no list, no clock"
fi
[ "$percent" -ge 60 ] || { echo "trust.sh: $percent % is less than 60" >&2; exit 1; }

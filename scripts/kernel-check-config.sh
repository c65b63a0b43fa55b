#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel-check-config.sh CONFIG SRC FRAGMENT... - see that every option of the
# fragments is in the kernel's final CONFIG as asked (y, n and values), that
# each stands in one fragment only, and that each exists in the source SRC, so
# that a misspelt `=n` is found too. Prints what is not so, and exits 1.
set -eu

[ $# -ge 3 ] || { echo "usage: kernel-check-config.sh CONFIG SRC FRAGMENT..." >&2; exit 100; }
config=$1
src=$2
shift 2

symbols=$(mktemp)
trap 'rm -f "$symbols"' EXIT
find "$src" -name 'Kconfig*' -type f -exec \
	sed -n 's/^[[:space:]]*\(menu\)\{0,1\}config[[:space:]]\{1,\}\([A-Za-z0-9_]\{1,\}\).*/\2/p' {} + |
	sort -u > "$symbols"
[ -s "$symbols" ] || { echo "kernel-check-config.sh: no Kconfig in $src" >&2; exit 111; }

awk -v symbols="$symbols" -v config="$config" '
	BEGIN {
		while ((getline line < symbols) > 0)
			known[line] = 1
		while ((getline line < config) > 0) {
			if (line !~ /^CONFIG_/)
				continue
			i = index(line, "=")
			final[substr(line, 1, i - 1)] = substr(line, i + 1)
		}
	}
	function bad(why) {
		printf "%s:%d: %s: %s\n", FILENAME, FNR, $0, why
		wrong++
	}
	/^[ \t]*(#|$)/ { next }
	!/^CONFIG_[A-Za-z0-9_]+=./ { bad("not an option"); next }
	{
		i = index($0, "=")
		name = substr($0, 1, i - 1)
		want = substr($0, i + 1)
		total++
		if (name in seen)
			bad("also in " seen[name])
		seen[name] = FILENAME
		if (!(substr(name, 8) in known)) {
			bad("no such option in this kernel")
			next
		}
		got = (name in final) ? final[name] : "n"
		if (got != want)
			bad("is " got " in the final configuration")
	}
	END {
		if (!total)
			print "no option asked for"
		if (wrong || !total)
			exit 1
		printf "kernel configuration: all %d options asked for are in it\n", total
	}' "$@"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: lint.sh
# Form and static analysis over the files git knows. Ends non-zero at any finding.
set -eu
cd "$(dirname "$0")/.."
status=0
c=$(git ls-files -co --exclude-standard '*.c')
h=$(git ls-files -co --exclude-standard '*.h')
sh=$(git ls-files -co --exclude-standard '*.sh' .ci/run)

echo "  LINT    clang-format"
# shellcheck disable=SC2086 # lists of names without blanks
clang-format --dry-run -Werror $c $h || status=1

echo "  LINT    SPDX headers"
for f in $c $h $sh; do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
		{ echo "$f: no SPDX-License-Identifier line" >&2; status=1; }
done

echo "  LINT    shellcheck"
recipes=$(git ls-files -co --exclude-standard 'pkg/*/build.sh')
# shellcheck disable=SC2046,SC2086
shellcheck -x -s sh $(printf '%s\n' $sh | grep -v '^pkg/') || status=1
# A recipe runs under `sh -eu` in a folder of its own: a failing cd ends it, $DEST is set.
# shellcheck disable=SC2086
shellcheck -x -s sh -e SC2016,SC2086,SC2103,SC2115,SC2164 $recipes || status=1

echo "  LINT    cppcheck"
# shellcheck disable=SC2086
cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr -D_GNU_SOURCE -Ilib -I. \
	--enable=warning,performance,portability --suppress=missingIncludeSystem \
	--suppressions-list=conf/cppcheck.suppress -j 2 $c || status=1

echo "  LINT    clang-tidy"
# Device programs are read with the headers of the packages that are built, or, where those are
# not, left to the compiler's warnings: a lint must not wait for them.
device=''
for p in curl mbedtls tpm2-tss zstd; do
	dir=${O:-out}/x86_64/pkg/$p/include
	[ ! -d "$dir" ] || device="$device -isystem $dir"
done
export device
# shellcheck disable=SC2016 # the inner shell's
for f in $c; do
	case $f in
	*_mbedtls.c) continue ;;
	esac
	if [ -z "$device" ] && grep -Eq '#include (<(curl|tss2|mbedtls|zstd)|"agent/update/fetch.h)' "$f"; then
		continue
	fi
	echo "$f"
done | xargs -P 2 -n 4 sh -c '
	clang-tidy --quiet --warnings-as-errors="*" "$@" -- -std=c11 -D_GNU_SOURCE -Ilib -I. $device \
		2>/dev/null || exit 1' sh || status=1
exit $status

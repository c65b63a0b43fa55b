#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pkg-mk.sh - print make rules for every package: what it waits for comes from
# its own recipe. A folder is a prerequisite too, so that a file taken away counts.
# shellcheck disable=SC2016 # make's own names
set -eu
. "$(dirname "$0")/common.sh"

cd "$TOP"
echo "# Made by scripts/pkg-mk.sh from pkg/*/recipe."
for path in pkg/*/recipe; do
	name=${path#pkg/}
	name=${name%/recipe}
	recipe "$name"
	echo "PACKAGES += $name"
	[ "$sysroot" != yes ] || echo "SYSROOT_PACKAGES += $name"
	printf '$(TO)/pkg/%s.ok:' "$name"
	for dep in $depends; do
		[ -f "pkg/$dep/recipe" ] || die "$path: depends on $dep, which is no package"
		printf ' $(TO)/pkg/%s.ok' "$dep"
	done
	for input in $inputs; do
		# shellcheck disable=SC2046
		printf ' %s' $(find "$input" -type f | sort)
	done
	printf ' pkg/%s $(wildcard pkg/%s/*) $(PKG_TOOLS)\n' "$name" "$name"
	printf '\t+@scripts/step.sh "package %s %s" pkg-%s scripts/pkg-build.sh %s\n' \
		"$name" "$version" "$name" "$name"
done

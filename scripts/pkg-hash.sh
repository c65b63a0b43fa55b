#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# pkg-hash.sh NAME SOURCES - print every input of package NAME, one a line, and
# its hash as the last line ("key NAME-HASH").
# SOURCES is the file of sources really used (from fetch.sh), or pkg/NAME/sources.
# Dependencies count by their own keys: $(TO)/pkg/DEP must be there already.
set -eu
. "$(dirname "$0")/common.sh"

name=$1
sources=$2
recipe "$name"
WORK=/ STAGE_SYSROOT=/
. "$TOP/scripts/pkg-env.sh"

inputs() {
	echo "format 1"
	echo "arch $ARCH"
	echo "source_date_epoch $source_date_epoch"
	(cd "$TOP" && sha256sum scripts/pkg-env.sh)
	(cd "$TOP/pkg/$name" && find . -type f ! -name sources ! -name '*~' ! -name '.*' |
		sort | xargs -r sha256sum)
	sed -n 's/^\([0-9a-f]\{64\}\) .*/source \1/p' "$sources"
	for path in ${inputs:-}; do
		[ -e "$TOP/$path" ] || die "pkg/$name/recipe: inputs: $path is missing"
		(cd "$TOP" && find "$path" -type f | sort | xargs -r sha256sum)
	done
	for dep in $depends; do
		[ -e "$TO/pkg/$dep" ] || die "$name: its dependency $dep is not built"
		echo "depends $(basename "$(readlink -f "$TO/pkg/$dep")")"
	done
	# shellcheck disable=SC2086
	dpkg-query -W -f 'tool ${Package} ${Version}\n' $BASE_TOOLS $tools ||
		die "$name: a tool of its recipe is not installed"
}

list=$(inputs)
printf '%s\n' "$list"
hash=$(printf '%s\n' "$list" | sha256sum | cut -c1-32)
echo "key $name-$hash"

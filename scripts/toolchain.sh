#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# toolchain.sh list|check|pin - the versions of the tools that shape the outputs.
# list: as installed. check: print each that differs from conf/toolchain; exit 1
# when one does. pin: write conf/toolchain from what is installed.
set -eu
. "$(dirname "$0")/common.sh"
pins=$TOP/conf/toolchain

# names - the tools pinned, and those that recipes name.
names() {
	sed -n 's/^\([a-z0-9.+-]*\)=.*/\1/p' "$pins"
	cat "$TOP"/pkg/*/recipe | sed -n 's/^tools="\(.*\)"/\1/p' | tr ' ' '\n'
}

# versions NAME... - name=version of each, "none" where it is not installed.
versions() {
	dpkg-query -W -f '${db:Status-Status} ${Package}=${Version}\n' "$@" 2>/dev/null |
		sed -n 's/^installed //p' | sort -u
}

case ${1:-} in
list)
	# shellcheck disable=SC2046
	versions $(names | sort -u)
	;;
check)
	# shellcheck disable=SC2046
	have=$(versions $(sed -n 's/^\([a-z0-9.+-]*\)=.*/\1/p' "$pins"))
	status=0
	# shellcheck disable=SC2013 # no blanks in a pin
	for pin in $(grep '^[a-z]' "$pins"); do
		case "
$have
" in
		*"
$pin
"*) ;;
		*)
			got=$(printf '%s\n' "$have" | sed -n "s/^${pin%%=*}=//p")
			echo "${pin%%=*} is ${got:-not installed}, pinned ${pin#*=}"
			status=1
			;;
		esac
	done
	exit "$status"
	;;
pin)
	sed '/^[a-z]/d' "$pins" > "$pins.new"
	# shellcheck disable=SC2046
	versions $(sed -n 's/^\([a-z0-9.+-]*\)=.*/\1/p' "$pins") >> "$pins.new"
	mv "$pins.new" "$pins"
	;;
*) die "usage: toolchain.sh list|check|pin" ;;
esac

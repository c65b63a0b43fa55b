#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# host-setup.sh TARGET... - install the Debian packages that conf/host-packages
# lists for these targets (build run test bench lint repro) and that are missing here;
# root or sudo. Records the versions of all of them in out/host-packages. Never
# touches apt's sources; reads its lists anew only where a package is not in them.
set -eu
. "$(dirname "$0")/common.sh"

list=$TOP/conf/host-packages
stamp=$O/host-packages.$(echo "$@" | tr ' ' -)
# Nothing was installed or removed since all was seen there.
if [ -n "$(find "$stamp" -newer "$list" -newer /var/lib/dpkg/status 2>/dev/null)" ]; then
	exit 0
fi
command -v apt-get > /dev/null ||
	die "this is no Debian system: install what $list names by other means"

wanted=''
for target; do
	more=$(awk -v t="$target" '!/^#/ && NF { n = split($2, a, ","); for (i = 1; i <= n; i++) if (a[i] == t) print $1 }' "$list")
	[ -n "$more" ] || die "no package of conf/host-packages is for $target"
	wanted="$wanted $more"
done

# missing - those that dpkg does not know as installed.
missing() {
	# shellcheck disable=SC2086
	have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
		sed -n 's/^installed //p')
	for p in $wanted; do
		printf '%s\n' "$have" | grep -qxF "$p" || echo "$p"
	done
}

need=$(missing)
if [ -n "$need" ]; then
	# shellcheck disable=SC2086
	set -- $need
	sudo=''
	if [ "$(id -u)" != 0 ]; then
		command -v sudo > /dev/null ||
			die "these host packages are missing, and there is neither root nor sudo; as root: apt-get install $*"
		sudo=sudo
	fi
	[ -z "${SOURCES:-}" ] ||
		die "SOURCES builds use no network, and these host packages are missing: $*"
	say "Installing host packages: $*"
	log=$O/log/host-setup.log
	mkdir -p "$O/log"
	if ! apt-cache show -q=0 "$@" > /dev/null 2>&1; then
		say "apt's lists do not have them all: apt-get update"
		$sudo apt-get -qq update > "$log" 2>&1 || { tail -n 20 "$log" >&2; die "apt-get update failed, see $log"; }
	fi
	install() {
		$sudo env DEBIAN_FRONTEND=noninteractive apt-get -y -qq --no-install-recommends install "$@" >> "$log" 2>&1
	}
	if ! install "$@"; then
		# Lists that are old name files the archive has no more.
		$sudo apt-get -qq update >> "$log" 2>&1 || true
		install "$@" || { tail -n 20 "$log" >&2; die "apt-get install failed, see $log"; }
	fi
	need=$(missing)
	[ -z "$need" ] || die "still missing: $(echo "$need" | tr '\n' ' ')"
fi
mkdir -p "$O"
# shellcheck disable=SC2086
dpkg-query -W -f '${Package} ${Version}\n' $wanted | sort -u > "$O/host-packages.new"
mv "$O/host-packages.new" "$O/host-packages"
touch "$stamp"

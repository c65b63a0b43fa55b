#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# apt-root.sh - make out/apt: an apt root of our own, with its own lists, cache
# and an empty dpkg status; the system's apt is read and never written. Prints
# the options file for `apt-get -c`. Its lists are at most an hour old.
#
# Mirror and keyring come from the machine's own apt configuration, in either of
# its forms; CAIRN_MIRROR (and CAIRN_MIRROR_SECURITY, by default the same address
# with -security) replace the mirror.
set -eu
. "$(dirname "$0")/common.sh"

root=$O/apt
conf=$root/apt.conf
mkdir -p "$root/lists/partial" "$root/archives/partial" "$root/none"
exec 8>"$root/lock"
flock 8

# uri SUITE - the address the machine's apt uses for a suite.
uri() {
	# shellcheck disable=SC2016 # apt's own names
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' |
		awk -v suite="$1" '$1 == suite { print $2; exit }'
}

# keyring - the file that the machine's apt trusts for Debian, empty for apt's default.
keyring() {
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$f" ] || continue
		sed -n 's/^deb .*signed-by=\([^] ,]*\).*bookworm.*/\1/p' "$f"
	done
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -f "$f" ] || continue
		awk 'BEGIN { RS = "" } /Suites:[^\n]*bookworm/ && match($0, /Signed-By: *\/[^ \n]*/) {
			s = substr($0, RSTART, RLENGTH); sub(/^Signed-By: */, "", s); print s }' "$f"
	done
	ls /usr/share/keyrings/debian-archive-keyring.gpg 2>/dev/null || true
}

main=${CAIRN_MIRROR:-$(uri bookworm)}
[ -n "$main" ] || main=$(uri stable)
[ -n "$main" ] || die "the machine's apt names no Debian mirror for bookworm: set CAIRN_MIRROR"
main=${main%/}
security=${CAIRN_MIRROR_SECURITY:-}
[ -n "$security" ] || [ -n "${CAIRN_MIRROR:-}" ] || security=$(uri bookworm-security)
[ -n "$security" ] || security=$main-security
key=$(keyring | head -n 1)

list() {
	for suite in bookworm trixie; do
		for type in deb deb-src; do
			echo "$type [${key:+signed-by=$key }arch=amd64] $main $suite main"
			echo "$type [${key:+signed-by=$key }arch=amd64] ${security%/} $suite-security main"
		done
	done
}

: > "$root/status"
cat > "$conf" <<EOF
Dir::Etc::sourcelist "$root/sources.list";
Dir::Etc::sourceparts "$root/none";
Dir::Etc::preferences "$root/none/none";
Dir::Etc::preferencesparts "$root/none";
Dir::State "$root";
Dir::State::lists "$root/lists";
Dir::State::status "$root/status";
Dir::State::extended_states "$root/extended_states";
Dir::Cache "$root";
Dir::Cache::archives "$root/archives";
APT::Architecture "amd64";
APT::Get::AllowUnauthenticated "false";
Acquire::AllowInsecureRepositories "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
$([ "$(id -u)" != 0 ] || echo 'APT::Sandbox::User "root";')
EOF
list > "$root/sources.list.new"
if ! cmp -s "$root/sources.list.new" "$root/sources.list"; then
	mv "$root/sources.list.new" "$root/sources.list"
	rm -f "$root/updated"
fi
if [ -z "$(find "$root/updated" -mmin -60 2>/dev/null)" ]; then
	say "apt: reading the archive's lists from $main"
	apt-get -c "$conf" -qq update >&2 || die "the archive's lists cannot be had from $main"
	touch "$root/updated"
fi
echo "$conf"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/privileges.md is true of a production machine: every process, mount and setting is compared
# with it from inside, and each row is entered and what it denies is tried. The same boot looks for
# whatever a person or the network could get hold of.
. "$(dirname "$0")/lib.sh"

running() {
	mkdir -p extra/usr/libexec/cairn extra/etc/cairn/services
	cp "$O/x86_64/bin/e2e-privileges" extra/usr/libexec/cairn/privileges
	cp "$O/x86_64/bin/e2e-probe" extra/usr/libexec/cairn/probe
	cp "$TOP/docs/privileges.md" extra/etc/cairn/
	# Time servers, so that ntpd runs; nobody answers there.
	printf 'ntp=10.0.2.2\n[interface eth*]\n' >extra/etc/cairn/network.conf
	{
		echo 'command=/usr/libexec/cairn/privileges'
		printf '%s\n' user=root type=simple restart=no capabilities=all 'needs=agent netd timed update'
	} >extra/etc/cairn/services/privileges.conf
	{
		echo 'command=/usr/libexec/cairn/probe locked'
		printf '%s\n' user=root type=simple restart=no capabilities=all
	} >extra/etc/cairn/services/looker.conf
	variant_image disk.img extra
	# The two end in either order.
	end='^(privileges: (ok|FINDINGS)|probe: locked)'
	vm --disk disk.img --net user --timeout 90 --wait "$READY" --wait "$end" --wait "$end"
	said '^probe: locked ok'
	said '^privileges: ok rows=[1-9][0-9]* attempts=[1-9][0-9][0-9]'
}

# refused LINE - the build of a root with this line in a list ends, and says why.
refused() {
	mkdir -p list/skeleton
	: >list/skeleton/file
	echo "$1" >list/manifest.list
	! ROOT_EXTRA=$PWD/list "$TOP/scripts/root.sh" "$PWD/out.squashfs" >root.log 2>&1 ||
		fail "a root is built with $1"
	grep -q 'is setuid or setgid' root.log || fail "$(tail -n 2 root.log)"
}

setuid() {
	for mode in 4755 2755 6755 04755; do
		refused "f /usr/sbin/file $mode 0:0 skel:file # why"
	done
}

t "processes, mounts and settings are as documented; what is denied fails; nothing is open" running
t "a setuid or setgid file ends the build" setuid
finish

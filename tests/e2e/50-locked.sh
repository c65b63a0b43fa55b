#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nobody can log into the production image: not by keyboard, not by the serial line, not by the
# network; and inside it nothing waits for them.
. "$(dirname "$0")/lib.sh"

# Keys, control characters, breaks and SysRq from power-on on; then a while with the machine up.
storm() {
	vm --disk "$PROD" --storm --cpus 2 --timeout 120 --fail '^cairn: failed|grub>|login:' \
		--wait "$READY" --hold 8
	sane_ready
	never_said 'sysrq|SysRq|[Pp]assword|ash:|sh:|not found|restarting|power off|BusyBox|Oops'
}

# Nothing that is open is found from outside: every TCP port, over IPv6's link-local address and
# over IPv4, in a network of our own.
ports() {
	unshare -n true 2>/dev/null || skip "no network namespaces for this user"
	export VM PROD O
	cat >inside.sh <<'EOF'
set -eu
ip tuntap add vm0 mode tap
ip addr add 192.0.2.1/24 dev vm0
ip link set vm0 up
ip link set lo up
cat >udhcpd.conf <<EOC
start 192.0.2.77
end 192.0.2.77
interface vm0
lease_file leases
pidfile pid
option router 192.0.2.1
option lease 3600
EOC
: >leases
busybox udhcpd -f udhcpd.conf &
dhcp=$!
"$VM" --disk "$PROD" --net tap=vm0 --timeout 90 --fail 'cairn: failed' \
	--wait "cairn: ready" --hold 100 >console 2>steps &
vm=$!
trap 'kill $vm $dhcp 2>/dev/null; wait' EXIT
# The address is there when it answers; the runner's own deadline ends this loop.
until busybox ping -c 1 -W 1 192.0.2.77 >/dev/null; do kill -0 $vm; done
until grep -q 'cairn: ready' console; do kill -0 $vm; busybox ping -c 1 -W 1 192.0.2.77 >/dev/null || :; done
"$O/bin/portscan" 192.0.2.77 >scan4 || echo "IPv4: $(cat scan4)" >>findings
mac=$(ip -6 neigh show dev vm0 | awk '{ print $1 }' | grep '^fe80' | head -n 1)
"$O/bin/portscan" "${mac:-fe80::5054:ff:feca:1201}%vm0" >scan6 || echo "IPv6: $(cat scan6)" >>findings
EOF
	unshare -n sh inside.sh >inside.log 2>&1 || fail "the scan did not run: $(tail -n 3 inside.log)"
	[ ! -e findings ] || fail "$(cat findings)"
	grep -q '65535 refused' scan4 || fail "IPv4: $(tail -n 1 scan4)"
	grep -q '65535 refused' scan6 || fail "IPv6: $(tail -n 1 scan6)"
}

# The files of the root: no setuid, no shell, no login.
files() {
	list=$O/log/e2e/root-files
	"$(unsquashfs_of)" -lls "$O/x86_64/root.img" >"$list" || fail "root.img cannot be listed"
	! grep -E '^-..[sS]|^-.....[sS]|^-[rwx-]{7}w' "$list" || fail "setuid or world-writable files"
	! grep -E '/(sh|ash|bash|dash|login|getty|su|sulogin|sshd|dropbear|telnetd)( |$)' "$list" ||
		fail "a shell or login is in the root"
}

unsquashfs_of() {
	for f in "$O"/x86_64/pkg/squashfs-tools/bin/unsquashfs \
		"$O"/x86_64/pkg/squashfs-tools/usr/bin/unsquashfs; do
		[ ! -x "$f" ] || {
			echo "$f"
			return
		}
	done
	command -v unsquashfs || fail "unsquashfs is missing"
}

t "a storm of keys and serial input during the whole boot" storm
t "no open port, IPv4 and IPv6" ports
t "no setuid file, no shell in root.img" files
finish

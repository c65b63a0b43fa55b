#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# netd in a network namespace of its own, with a router in another: DHCPv4, SLAAC and RDNSS,
# DHCPv6, static settings, loss and return of the link, a second interface, a dead client, what
# rights it keeps. The device's own programs run; dnsmasq is the router.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip "network namespaces want root"
need ip dnsmasq
DEVNS=cairn-dev-$$ RTR=cairn-rtr-$$
ip netns add "$DEVNS" 2>/dev/null || skip "no network namespaces on this host"
ip netns add "$RTR"

# The programs where the unprivileged user can reach them.
chmod 755 "$T"
mkdir "$T/bin"
cp "$O/x86_64/bin/netd" "$O/x86_64/bin/net-event" "$O/x86_64/pkg/busybox/bin/busybox" "$T/bin"

netd_pid='' router_pid=''
stop() {
	for pid in $netd_pid $router_pid; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	netd_pid='' router_pid=''
}
clean() {
	stop
	ip netns del "$DEVNS" 2>/dev/null || :
	ip netns del "$RTR" 2>/dev/null || :
	rm -rf "$T"
}
trap clean EXIT

# cable N - interface ethN of the device, at a bridge of the router's.
cable() {
	ip -n "$RTR" link add "br$1" type bridge
	ip -n "$RTR" link add "r$1" type veth peer name "eth$1" netns "$DEVNS"
	ip -n "$RTR" link set "r$1" master "br$1" up
	ip -n "$RTR" link set "br$1" up
}

# router ARGUMENT... - begin anew with a router that serves br0, without DNS.
router() {
	stop
	for i in 0 1; do
		ip -n "$RTR" link del "r$i" 2>/dev/null || :
		ip -n "$RTR" link del "br$i" 2>/dev/null || :
	done
	cable 0
	ip -n "$RTR" addr add 192.0.2.1/24 dev br0
	ip -n "$RTR" addr add 2001:db8:1::1/64 dev br0 nodad
	[ $# -gt 0 ] || return 0
	ip netns exec "$RTR" dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 \
		--log-facility="$PWD/router.log" --log-dhcp --interface=br0 --interface=br1 \
		--bind-dynamic --leasefile-ro --pid-file= --user=root "$@" &
	router_pid=$!
}

DHCP4='--dhcp-range=192.0.2.50,192.0.2.60,255.255.255.0,120s --dhcp-option=3,192.0.2.1
	--dhcp-option=6,192.0.2.53 --dhcp-option=42,192.0.2.123
	--dhcp-option=121,10.9.0.0/16,192.0.2.9,0.0.0.0/0,192.0.2.1'

# netd TEXT - begin with these settings.
netd() {
	mkdir -p run
	printf '%b' "$1" >network.conf
	ip netns exec "$DEVNS" "$T/bin/netd" -c "$PWD/network.conf" -d "$PWD/data.conf" \
		-r "$PWD/run" -l "$PWD/run/resolv.conf" -b "$T/bin/busybox" \
		-e "$T/bin/net-event" -u nobody >console 2>&1 &
	netd_pid=$!
}

# until_true WHAT COMMAND... - a condition, with a deadline of 20 s.
until_true() {
	what=$1 tries=200
	shift
	until "$@" >/dev/null 2>&1; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || {
			ip -n "$DEVNS" addr
			cat run/net run/resolv.conf
			fail "not within 20 s: $what"
		}
		sleep 0.1
	done
}
says() { grep -Eq -- "$2" "run/$1"; }
logged() { grep -Eq -- "$1" console; }
silent() { ! says "$@"; }
addr() { ip -n "$DEVNS" addr show dev "$1" | grep -Eq -- "$2"; }
no_addr() { ! addr "$@"; }
route() { ip -n "$DEVNS" "$1" route | grep -Eq -- "$2"; }
no_route() { ! route "$@"; }

dhcp4() {
	# shellcheck disable=SC2086
	router $DHCP4
	netd '[interface eth*]\n'
	until_true "online" says net '^state=online$'
	until_true "address" addr eth0 'inet 192\.0\.2\.(5[0-9]|60)/24'
	until_true "default route" route -4 '^default via 192\.0\.2\.1 dev eth0 .*metric 100'
	until_true "classless route" route -4 '^10\.9\.0\.0/16 via 192\.0\.2\.9 '
	until_true "name server" says resolv.conf '^nameserver 192\.0\.2\.53$'
	until_true "time server" says ntp '^servers="192\.0\.2\.123"$'
	says net '^addr4=192\.0\.2\.' || fail "run/net has no address"
	[ ! -L run/resolv.conf ] || [ -f run/netd/resolv.conf ] || fail "resolv.conf is nowhere"
}

rights() {
	dhcp4
	pid=$(pgrep -P "$netd_pid" -x netd || echo "$netd_pid")
	grep -Eq '^CapEff:[[:space:]]*0000000000003000$' "/proc/$pid/status" ||
		fail "netd: $(grep CapEff "/proc/$pid/status")"
	grep -Eq '^NoNewPrivs:[[:space:]]*1$' "/proc/$pid/status" || fail "netd: no_new_privs"
	client=$(pgrep -P "$pid") || fail "no DHCP client"
	grep -Eq '^CapPrm:[[:space:]]*0000000000002400$' "/proc/$client/status" ||
		fail "udhcpc: $(grep CapPrm "/proc/$client/status")"
	[ "$(stat -c %U "/proc/$client")" = nobody ] || fail "udhcpc is $(stat -c %U "/proc/$client")"
	# A client that dies is started again; the network comes back.
	kill -9 "$client"
	until_true "another client" pgrep -P "$pid"
	until_true "online again" says net '^state=online$'
	until_true "address again" addr eth0 'inet 192\.0\.2\.'
}

slaac() {
	router --dhcp-range=2001:db8:1::,ra-only,64,600 --enable-ra \
		'--dhcp-option=option6:dns-server,[2001:db8:1::53]'
	netd '[interface eth*]\nipv4=off\n'
	until_true "SLAAC address" addr eth0 'inet6 2001:db8:1:.*/64 .*dynamic'
	until_true "RDNSS" says resolv.conf '^nameserver 2001:db8:1::53$'
	until_true "default route" route -6 '^default via fe80:.*metric 100'
	until_true "online" says net '^state=online$'
	no_addr eth0 'inet 192' || fail "IPv4 is off, and there is an address"
}

link_loss() {
	# shellcheck disable=SC2086
	router $DHCP4 --dhcp-range=2001:db8:1::,ra-only,64,600 --enable-ra \
		'--dhcp-option=option6:dns-server,[2001:db8:1::53]'
	netd '[interface eth*]\n'
	for round in 1 2; do
		until_true "online ($round)" says net '^state=online$'
		until_true "address ($round)" addr eth0 'inet 192\.0\.2\.'
		until_true "both name servers ($round)" says resolv.conf '2001:db8:1::53'
		until_true "both name servers ($round)" says resolv.conf '192\.0\.2\.53'
		ip -n "$RTR" link set r0 down
		until_true "offline ($round)" says net '^state=offline$'
		until_true "no address ($round)" no_addr eth0 'inet 192'
		until_true "no name server ($round)" silent resolv.conf '^nameserver'
		ip -n "$RTR" link set r0 up
	done
	until_true "online at the end" says net '^state=online$'
}

dhcp6() {
	router --dhcp-range=2001:db8:1::100,2001:db8:1::1ff,64,600 --enable-ra \
		'--dhcp-option=option6:dns-server,[2001:db8:1::54]'
	netd '[interface eth*]\nipv4=off\n'
	until_true "DHCPv6 address" addr eth0 'inet6 2001:db8:1::1[0-9a-f]{2}/128 '
	until_true "name server" says resolv.conf '^nameserver 2001:db8:1::54$'
	until_true "online" says net '^state=online$'
	router --dhcp-range=2001:db8:1::,ra-stateless,64,600 --enable-ra \
		'--dhcp-option=option6:dns-server,[2001:db8:1::55]'
	rm -rf run
	netd '[interface eth*]\nipv4=off\n'
	until_true "stateless DHCPv6" logged 'DHCPv6: no address, settings only'
	until_true "name server" says resolv.conf '^nameserver 2001:db8:1::55$'
}

static() {
	router
	netd 'ntp=time.example.org\n[interface eth0]\nipv6=static\naddress=192.0.2.5/24
address=2001:db8:1::5/64\ngateway=192.0.2.1\ngateway=2001:db8:1::1\nroute=10.0.0.0/8 via 192.0.2.9
dns=192.0.2.53\nmtu=1400\nmetric=7\n'
	until_true "addresses" addr eth0 'inet 192\.0\.2\.5/24'
	until_true "addresses" addr eth0 'inet6 2001:db8:1::5/64'
	until_true "IPv4 route" route -4 '^default via 192\.0\.2\.1 .*metric 7'
	until_true "IPv6 route" route -6 '^default via 2001:db8:1::1 .*metric 7'
	until_true "route" route -4 '^10\.0\.0\.0/8 via 192\.0\.2\.9'
	until_true "MTU" addr eth0 'mtu 1400'
	until_true "online" says net '^state=online$'
	says resolv.conf '^nameserver 192\.0\.2\.53$' || fail "no name server"
	says ntp '^servers="time.example.org"$' || fail "no time server"
	ip -n "$DEVNS" route get 203.0.113.1 | grep -q 'via 192.0.2.1 .*src 192.0.2.5' ||
		fail "packets to others go elsewhere"
	# Settings on DATA that are wrong are named and not used; right ones win, without a restart.
	printf '[interface eth0]\naddress=192.0.2.300/24\n' >data.conf
	kill -HUP "$netd_pid"
	until_true "a problem is named" says net '^problem=".*data.conf: line 2: not an address'
	until_true "the old address" addr eth0 'inet 192\.0\.2\.5/24'
	printf '[interface eth0]\nipv6=off\naddress=192.0.2.6/24\n' >data.conf
	kill -HUP "$netd_pid"
	until_true "the new address" addr eth0 'inet 192\.0\.2\.6/24'
	until_true "from DATA" says net '^config=data$'
	no_addr eth0 'inet 192\.0\.2\.5/' || fail "the old address is still there"
	no_addr eth0 'inet6' || fail "IPv6 is off, and there is an address"
}

# A netd that is killed leaves nothing that the next one does not know.
leftovers() {
	router
	netd '[interface eth0]\naddress=192.0.2.5/24\ngateway=192.0.2.1\n'
	until_true "online" says net '^state=online$'
	kill -9 "$netd_pid"
	wait "$netd_pid" 2>/dev/null || :
	netd '[interface eth0]\naddress=192.0.2.6/24\n'
	until_true "the new address" addr eth0 'inet 192\.0\.2\.6/24'
	until_true "the old address goes" no_addr eth0 'inet 192\.0\.2\.5/'
	until_true "the old route goes" no_route -4 '^default'
}

second() {
	# shellcheck disable=SC2086
	router $DHCP4 --dhcp-range=198.51.100.50,198.51.100.60,255.255.255.0,120s
	netd '[interface eth0]\n[interface eth*]\n'
	until_true "eth0" route -4 '^default via 192\.0\.2\.1 dev eth0 .*metric 100'
	cable 1
	ip -n "$RTR" addr add 198.51.100.1/24 dev br1
	until_true "eth1, found later" addr eth1 'inet 198\.51\.100\.'
	until_true "its route comes second" route -4 'dev eth1 .*metric 200'
	until_true "eth0 is the first" says net '^if=eth0$'
	ip -n "$RTR" link set r0 down
	until_true "eth1 takes over" says net '^if=eth1$'
	until_true "online by eth1" says net '^state=online$'
	ip -n "$RTR" link del r1
	until_true "gone" says net '^state=offline$'
	ip -n "$RTR" link set r0 up
	until_true "eth0 again" says net '^if=eth0$'
}

none() {
	router
	ip -n "$RTR" link del r0
	netd '[interface eth*]\n'
	until_true "none" says net '^state=none$'
}

# case NAME FUNCTION - its netd and router end with it.
run_case() { (trap stop EXIT && "$1"); }
t "DHCPv4: address, routes, name and time servers" run_case dhcp4
t "netd and its client keep few rights; a client that dies comes back" run_case rights
t "SLAAC and RDNSS, IPv4 off" run_case slaac
t "the link goes and comes back, twice" run_case link_loss
t "DHCPv6, with addresses and without" run_case dhcp6
t "static settings; those on DATA, wrong and right" run_case static
t "what a killed netd left is taken away" run_case leftovers
t "a second interface: found later, second choice, takes over" run_case second
t "no interface at all" run_case none
finish

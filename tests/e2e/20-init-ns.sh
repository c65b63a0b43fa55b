#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The real init as PID 1 of a namespace on this host, with services of every bad habit: quick,
# and without QEMU. Needs root and cgroup v2; 77 where the host gives neither.
# shellcheck disable=SC2016,SC2317 # conditions are text that is evaluated until they hold
set -eu
TOP=$(cd "$(dirname "$0")/../.." && pwd)
case ${O:=$TOP/out} in /*) ;; *) O=$TOP/$O ;; esac
BIN=${INIT_BIN:-$O/x86_64/bin}
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
cg=$(findmnt -n -t cgroup2 -o TARGET | head -n 1)
[ -n "$cg" ] || { echo "needs cgroup v2"; exit 77; }
[ -x "$BIN/init" ] || { echo "$BIN/init is not built"; exit 1; }

tmp=$(mktemp -d) group=$cg/cairn-test.$$ outer='' failed=0
end() {
	[ -z "$outer" ] || kill -9 "$outer" 2>/dev/null || :
	[ ! -e "$group/cgroup.kill" ] || echo 1 >"$group/cgroup.kill"
	wait_for 50 'rmdir_all' || :
	rm -rf "$tmp"
}
rmdir_all() { find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || [ ! -e "$group" ]; }
# wait_for TENTHS COMMAND - until it holds, at most so long.
wait_for() {
	left=$1
	until eval "$2"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}
# check NAME COMMAND [TENTHS] - one case.
check() {
	if wait_for "${3:-1}" "$2"; then echo "ok $1"; else
		echo "FAIL $1: $2"
		failed=1
	fi
}
trap end EXIT

# A root with services that misbehave, each in its own way.
root=$tmp/root
mkdir -p "$root/sbin" "$root/etc/cairn/services" "$root/dev" "$root/proc" "$root/sys" \
	"$root/run" "$root/tmp" "$root/data" "$root/bin"
cp "$BIN/init" "$root/sbin/init"
cp "$BIN/cairn-ctl" "$root/bin/"
cc -static -O1 -w -D_GNU_SOURCE -o "$root/bin/misbehave" "$TOP/tests/e2e/host/misbehave.c"
cp "$TOP"/rootfs/skeleton/etc/passwd "$TOP"/rootfs/skeleton/etc/group "$root/etc/"
# The host's kernel is shared: none of its settings is touched.
echo '# none' >"$root/etc/cairn/sysctl.conf"
printf 'version=0\nvariant=production\nbuild_time=1704067200\n' >"$root/etc/cairn/release"
service() {
	name=$1 habit=$2
	shift 2
	{
		printf 'command=/bin/misbehave %s\n' "$habit"
		case " $* " in *" user="*) ;; *) echo user=root ;; esac
		for line; do echo "$line"; done
	} >"$root/etc/cairn/services/$name.conf"
}
service good good type=notify console=yes
service builds-on good type=notify needs=good console=yes
service later good after=crasher console=yes
service crasher crash backoff_ms=20 max_backoff_ms=200
service hang hang type=notify start_timeout_ms=300 stop_timeout_ms=300 backoff_ms=50
service silent silent type=notify watchdog_ms=300 backoff_ms=50
service stubborn stubborn type=notify stop_timeout_ms=300
service once once type=oneshot
service daemonize daemonize backoff_ms=50 max_backoff_ms=100
service flood flood
service closer close type=notify
service orphans orphans type=simple
service rights rights user=cairn-agent groups=tpm capabilities=CAP_NET_BIND_SERVICE type=notify
service circle-a good needs=circle-b
service circle-b good needs=circle-a
service lost good needs=nowhere
service nobody good user=stranger
service skipped good condition=cmdline:cairn.no-such-key
echo 'nonsense' >"$root/etc/cairn/services/broken.conf"

mkdir "$group"
: >"$tmp/console"
cat >"$tmp/enter" <<'END'
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs "$1/dev"
mknod -m 666 "$1/dev/null" c 1 3
mknod -m 666 "$1/dev/urandom" c 1 9
: >"$1/dev/console"
mount --bind "$2" "$1/dev/console"
exec chroot "$1" /sbin/init
END
# up - the machine starts.
up() {
	(
		echo 0 >"$group/cgroup.procs"
		exec unshare -C -m -u -i -n -p -f --kill-child sh "$tmp/enter" "$root" "$tmp/console"
	) &
	outer=$!
	wait_for 50 'pid=$(pgrep -P $outer) && [ "$(cat /proc/$pid/comm)" = init ]' ||
		{ echo "FAIL start"; exit 1; }
}
up
inside() { nsenter -t "$pid" -C -m -u -n -p -r -w "$@"; }
status() { inside /bin/cairn-ctl status >"$tmp/status" 2>&1 && grep -q "$1" "$tmp/status"; }
logs() { cat "/proc/$pid/root/run/log/$1"; }

check ready 'status "^good state=up health=ok"' 50
check needs 'status "^builds-on state=up health=ok"' 50
check oneshot 'status "^once state=done health=ok"' 50
check crash-for-ever 'status "^crasher .*health=failing .*why=\"ended by signal 6: about to crash\""' 50
check after-a-crasher 'status "^later state=up"' 50
check not-ready 'status "^hang .*health=failing .*why=\"hangs: not ready after 300 ms"' 80
check watchdog 'status "^silent .*health=failing .*why=\"hangs: no WATCHDOG=1 for 300 ms"' 80
check double-fork 'status "^daemonize .*health=failing"' 80
check no-leftovers '[ "$(pgrep -P "$pid" -f "misbehave daemonize" | wc -l)" -le 2 ]'
check flood-is-bounded 'status "^flood state=up .*lost=[1-9]" &&
	[ "$(stat -c %s /proc/$pid/root/run/log/flood)" -le 65536 ] &&
	[ "$(stat -c %s /proc/$pid/root/run/log/flood.1)" -le 65536 ]' 50
check closed-pipes 'status "^closer state=up health=ok"' 50
check orphans 'logs orphans | grep -q "orphans done" && ! ps --ppid "$pid" -o stat= | grep -q Z' 100
check uid 'logs rights | grep -q "Uid:.100.100.100.100"' 50
check groups 'logs rights | grep -q "Groups:.110 $"'
check caps 'logs rights | grep -q "CapEff:.0000000000000400" && logs rights | grep -q "CapBnd:.0000000000000400"'
check no-new-privs 'logs rights | grep -q "NoNewPrivs:.1"'
check signals 'logs rights | grep -q "SigBlk:.0000000000000000"'
check descriptors '[ "$(logs rights | grep -c " fd ")" = 4 ] && logs rights | grep -q "sid 1"'
check circle 'status "^circle-a state=failed .*why=\"waits for itself: circle-a -> circle-b -> circle-a\""'
check missing-need 'status "^lost state=failed .*why=\"needs nowhere, which does not exist\""'
check no-such-user 'status "^nobody state=failed .*why=\"the user stranger does not exist\""'
check bad-file 'status "^broken state=failed .*why=\"broken line 1: no key=value\""'
check condition 'status "^skipped state=skipped health=skipped"'
check restart-order 'inside /bin/cairn-ctl restart good &&
	wait_for 50 "status \"^good state=up .*starts=2\""'
check stop-and-start 'inside /bin/cairn-ctl stop good && wait_for 20 "status \"^good state=down\"" &&
	inside /bin/cairn-ctl start good && wait_for 20 "status \"^good state=up\""'
check unknown-order '! inside /bin/cairn-ctl start nothing 2>/dev/null'
check stranger-may-ask 'nsenter -t "$pid" -m -p -r -w -S 65534 -G 65534 /bin/cairn-ctl status >/dev/null'
check stranger-may-not-order '! nsenter -t "$pid" -m -p -r -w -S 65534 -G 65534 /bin/cairn-ctl poweroff 2>/dev/null'
check answers-quickly 'timeout 1 nsenter -t "$pid" -m -p -r -w /bin/cairn-ctl status >/dev/null'
# data_*, client and ctl are other programs; everything else here is PID 1.
check no-heap 'nm $(ls "${BIN%/bin}"/obj/agent/init/*.o | grep -v -e /data_ -e /client -e /ctl) >"$tmp/nm" &&
	grep -q " T main" "$tmp/nm" &&
	! grep -wE "U (malloc|calloc|realloc|opendir|fopen|strdup|getpwnam|asprintf)" "$tmp/nm"'

# Down: a stubborn service does not hold it, and what builds on another ends before it.
begun=$(date +%s%N)
inside /bin/cairn-ctl poweroff
check poweroff-ends '! kill -0 "$outer" 2>/dev/null' 100
took_ms=$((($(date +%s%N) - begun) / 1000000))
check poweroff-in-time '[ "$took_ms" -lt 3000 ]'
check reverse-order 'tr "\n" " " <"$tmp/console" | grep -q "term builds-on.*term good"'
check says-so 'grep -q "cairn: power off" "$tmp/console"'

# A vital service that never stays up: the machine restarts. One that stays up does not count.
rm "$root"/etc/cairn/services/*
service good good type=notify vital_ms=2000 reset_ms=300
service vital crash backoff_ms=20 max_backoff_ms=200 vital_ms=3000
up
check vital-restarts '! kill -0 "$outer" 2>/dev/null' 200
check vital-says-so 'grep -q "cairn: reboot: service vital was not well for too long" "$tmp/console"'
[ "$failed" = 0 ] || cat "$tmp/status" "$tmp/console"
exit "$failed"

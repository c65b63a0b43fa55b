#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs inside a machine of the development variant, fetched from the test's channel:
# faults.sh PHASE SERVER SCALE. Kills service update at every named step of a phase, once each, and lets
# what it was about come to its end. Says `killed NAME' for each, and `FAULTS PHASE ok'. Every wait
# is SCALE times as long.
phase=$1 server=$2 scale=$3

die() {
	echo "$phase: $*"
	cairn-update
	cat /run/log/update
	# Last: it ends the run.
	echo "FAULTS $phase FAIL"
	exit 1
}

now() { cut -d . -f 1 /proc/uptime; }
# until_ok SECONDS COMMAND - until it holds.
until_ok() {
	end=$(($(now) + $1 * scale))
	until eval "$2"; do
		[ "$(now)" -lt "$end" ] || die "not after $1 s times $scale: $2"
		usleep 100000
	done
}
answers() { cairn-update >/run/state 2>/dev/null; }
# state ERE - what service update says of itself.
state() { answers && sed -n 's/^state *\([a-z-]*\).*/\1/p' /run/state | grep -qxE "$1"; }
good() { answers && grep -q "marked good" /run/state; }
restart() { cairn-ctl restart update; }

# again - the service from its beginning; its failures in a row are forgiven by the order.
again() {
	restart 2>/dev/null
	until_ok 60 answers
}

# kill_at NAME COMMAND... - arm, do it, wait for the death.
kill_at() {
	name=$1
	shift
	echo "$name" >/run/cairn/fault
	# The answer may die with it.
	"$@" >/dev/null 2>&1
	until_ok 200 '[ ! -s /run/cairn/fault ]'
	echo "killed $name"
}

# kill_order NAME ORDER - the same for an order to a service that rests; then it lives again.
kill_order() {
	until_ok 200 'state "idle|failed|ready-to-reboot"'
	kill_at "$1" cairn-update "$2"
	again
}

settings() {
	{
		printf 'jitter_pct=0\nreboot=ordered\npoll_s=2592000\n'
		for line; do echo "$line"; done
	} >/data/config/update.conf
	sync
}
# away - the channel is out of reach: a trial that wants it does not end.
away() { settings "channel=$server:1/c" require=channel "health_window_s=$1"; }

# written - the release is in its slot, whatever was killed on the way.
written() {
	until_ok 200 'state "idle|failed|ready-to-reboot"'
	state ready-to-reboot || cairn-update check >/dev/null || die "no check"
	until_ok 200 'state ready-to-reboot'
}

case $phase in
write)
	# Nothing but what is ordered, over restarts too.
	settings "channel=$server/c"
	again
	cairn-update pause || die "no pause"
	kill_at start restart
	again
	for point in channel-read fetch-config fetch-read fetch-slice channel-taken log-save log-saved \
		install-order writer-manifest writer-first-write writer-half writer-verify \
		writer-installed written; do
		kill_order $point check
	done
	# What was written counts again when it was read back again.
	written
	for point in seal-order sealed activate-order; do
		kill_order $point activate
		written
	done
	kill_order writer-activate activate
	written
	# Killed between the switch and the restart: the restart comes all the same.
	away 3600
	echo writer-activated >/run/cairn/fault
	echo "FAULTS write ok"
	cairn-update activate
	;;
trial)
	until_ok 60 'state trial'
	kill_at watch restart
	again
	# It is asked where it stands before it knows itself.
	until_ok 60 'state trial'
	settings "channel=$server/c" require=channel health_window_s=3600
	# Each is armed before the life that comes by; only the last one ends well.
	for point in health-passed mark-good-order writer-mark-good writer-marked-good marked-good seal-good; do
		kill_at $point restart
	done
	again
	until_ok 60 good
	grep -q 'release 2 (0.2.0).*: good' /run/state || die "the history does not say good"
	echo "FAULTS trial ok"
	;;
rollback)
	kill_order rollback-order rollback
	until_ok 60 'state idle'
	echo reboot-order >/run/cairn/fault
	echo "FAULTS rollback ok"
	cairn-update rollback
	;;
back)
	until_ok 60 'state idle'
	grep -q 'release 2 .*: rolled-back' /run/state || die "the history does not say rolled back"
	grep -q 'release 2: rolled back by order' /run/state || die "it is not refused"
	echo "FAULTS back ok"
	;;
trust)
	until_ok 60 'state idle'
	for point in trust-save trust-saved trust-taken; do
		kill_order $point check
	done
	cairn-update check
	until_ok 60 'state idle'
	[ "$(grep -c '^cairn-trust 1' /data/cairn/update/trust)" -ge 1 ] || die "no trust was kept"
	kill_order fetch-lost check
	cairn-update forget all
	written
	away 10
	echo sick >/data/config/fault
	sync
	echo "FAULTS trust ok"
	cairn-update activate
	;;
sick)
	# Killed where it had found the trial sick; the next life of it found the same.
	grep -q 'fault point sick' /run/log/update || echo "passed"
	echo mark-bad-order >/data/config/fault
	sync
	echo "FAULTS sick ok"
	;;
left)
	until_ok 120 'state idle'
	grep -q 'release 2: channel' /run/state || die "the reason is not remembered: $(cat /run/state)"
	echo fallback-recorded >/data/config/fault
	sync
	echo "FAULTS left ok"
	;;
reset)
	until_ok 120 'state idle'
	grep -q 'fault point fallback-recorded' /run/log/update || die "no death at fallback-recorded"
	mkdir -p /data/cairn/identity
	echo me >/data/cairn/identity/key
	kill_order reset-order factory-reset
	[ ! -e /data/cairn/update/factory-reset ] || die "the marker is there too early"
	until_ok 60 'state idle'
	kill_order reset-ordered factory-reset
	[ -e /data/cairn/update/factory-reset ] || die "no marker"
	until_ok 60 'state idle'
	echo "FAULTS reset ok"
	cairn-update factory-reset --keep-identity
	;;
stage1)
	settings "channel=$server/c"
	again
	cairn-update pause || die "no pause"
	# ESP 2 is no file system now; the next life, once it is healthy, gives it that of ESP 1.
	kill_order stage1-first-sector check
	until_ok 60 good
	written
	# Each life goes on with what waits once it is healthy. It is armed, and only once.
	kill_at stage1-go restart
	kill_at stage1-went restart
	again
	written
	echo "FAULTS stage1 ok"
	cairn-update activate
	;;
wiped)
	[ "$(cat /data/cairn/identity/key)" = me ] || die "the identity is gone"
	[ ! -e /data/config/update.conf ] || die "the settings are still there"
	until_ok 60 'state "idle|failed"'
	! grep -q history /run/state || die "the history is still there"
	echo "FAULTS wiped ok"
	;;
esac

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Services that misbehave, added to the production root: the machine says which and why, goes on
# with the rest, and still goes down in time.
. "$(dirname "$0")/lib.sh"
PROBE=$O/x86_64/bin/e2e-probe

# with_service NAME WHAT LINE... - an image disk.img with the probe as one more service.
with_service() {
	name=$1 what=$2
	shift 2
	mkdir -p extra/usr/libexec/cairn extra/etc/cairn/services
	cp "$PROBE" extra/usr/libexec/cairn/probe
	{
		printf 'command=/usr/libexec/cairn/probe %s\nuser=root\n' "$what"
		for line; do
			echo "$line"
		done
	} >"extra/etc/cairn/services/$name.conf"
	variant_image disk.img extra
}

# Ends at once, for ever: tried again with growing pauses, then given up and said.
crashes() {
	with_service crasher crash type=simple restart=always backoff_ms=100 max_backoff_ms=1000 \
		console=yes
	vm --disk disk.img --timeout 90 --wait '^cairn: failed what=service:crasher why=' --hold 5
	never_said '^cairn: ready'
}

# Says it is ready and then never feeds its watchdog: killed and started again.
hangs() {
	with_service hanger silent type=notify restart=always watchdog_ms=2000 backoff_ms=100 \
		console=yes
	vm --disk disk.img --timeout 90 --wait '^probe: silent' \
		--wait '^probe: silent' \
		--wait '^cairn: failed what=service:hanger why="hangs: no WATCHDOG=1' --hold 2
}

# Ignores every signal: killed at its deadline, and the machine goes down.
stubborn() {
	with_service stubborn stubborn type=notify restart=no stop_timeout_ms=2000 orders=yes needs=data
	vm --disk disk.img --timeout 90 --wait '^probe: stubborn' --timeout 30 \
		--wait '^cairn: poweroff ordered' --wait-exit
	never_said 'probe: init does not'
}

t "a service that crashes for ever" crashes
t "a service that hangs" hangs
t "a child that ignores the end, at shutdown" stubborn
finish

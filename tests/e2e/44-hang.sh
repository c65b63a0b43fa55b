#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A system that hangs is restarted by the hardware watchdog. PID 1 is put into a frozen control
# group, which is as deaf as a system gets; nothing in the machine can then restart it.
. "$(dirname "$0")/lib.sh"

frozen() {
	x=/sys/fs/cgroup/x
	vm --disk "$DEV" --watchdog --timeout 120 --fail 'cairn: failed' --wait "$READY" \
		--send "$SHELL_ASK" --wait "$SHELL_UP" \
		--send "mkdir $x; echo 1 >$x/cgroup.procs; echo freezing; echo 1 >$x/cgroup.freeze\\n" \
		--wait '^freezing' --wait-reset --wait '^cairn: boot slot=' --wait "$READY"
	never_said '^cairn: restarting'
}

t "a frozen PID 1: the watchdog restarts the machine" frozen
finish

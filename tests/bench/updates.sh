#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: updates.sh          (called by `make bench-update`)
# One table: installing, deltas, and how long an update takes a machine away (DOWNTIME=no: not that).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/row.sh"
TOP=$(cd "$here/../.." && pwd)
O=${O:-out}
case $O in /*) ;; *) O=$TOP/$O ;; esac
export O
machine
"$here/update.sh"
set --
for dir in "$O/x86_64-dev-base" "$O/x86_64-dev-next"; do
	[ ! -f "$dir/root.img" ] || set -- "$@" "$dir"
done
[ $# = 2 ] || set --
"$here/delta.sh" "$@"
[ "${DOWNTIME:-}" = no ] || "$here/downtime.sh"

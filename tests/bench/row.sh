# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# row.sh - sourced: one form for every table of the bench.

# row WHAT VALUE NOTE
row() {
	printf '| %-42s | %14s | %-58s |\n' "$1" "$2" "$3"
}

# machine - what the numbers below were measured on, and the table's head.
machine() {
	printf 'Machine: %s, %s processors, %s MiB of memory, %s, %s\n' \
		"$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" \
		"$(awk '/MemTotal/ { print int($2 / 1024) }' /proc/meminfo)" \
		"$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)" \
		"$(qemu-system-x86_64 --version | sed -n 's/^QEMU emulator version \([0-9.]*\).*/QEMU \1/p')"
	printf 'Cairn %s, %s\n\n' "$(sed -n 's/^version=//p' "$TOP/conf/cairn.conf")" \
		"$(git -C "$TOP" log -1 --format='commit %h of %cs')"
	row what measured note
	row ------------------------------------------ -------------- ----------------------------------------------------------
}

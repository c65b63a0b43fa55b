# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# row.sh - sourced: one form for every table of the bench.

# row WHAT VALUE NOTE
row() {
	printf '| %-42s | %14s | %-58s |\n' "$1" "$2" "$3"
}

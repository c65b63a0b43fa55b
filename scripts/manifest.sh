#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# manifest.sh DIR - DIR/manifest.json: each output with size and SHA-256, the versions
# of everything in it, the root hash, and the pins that had moved.
set -eu
. "$(dirname "$0")/common.sh"

dir=$1
value() {
	sed -n "s/^$1=//p" "$dir/root.verity"
}
set -- "version=$version" "variant=${VARIANT:-production}" "arch=$ARCH" \
	"source_date_epoch:=$source_date_epoch" "root.hash=$(value roothash)" \
	"root.blocks:=$(value blocks)" "root.salt=$verity_salt" \
	"authenticode.grub=$("$O/bin/cairn" sign --hash "$dir/grub.efi")" \
	"authenticode.kernel=$("$O/bin/cairn" sign --hash "$dir/vmlinuz")"
for path in "$TO"/sources/*; do
	name=$(basename "$path")
	[ -f "$TOP/pkg/$name/recipe" ] || continue
	spec=$(grep -v '^#' "$path" | head -n 1 | cut -d ' ' -f 3)
	spec=${spec#*=}
	set -- "$@" "packages.$name=${spec%@*}"
done
while read -r tool; do
	set -- "$@" "tools.${tool%%=*}=${tool#*=}"
done < "$O/toolchain"
# One file says which pins had moved; none where none had.
rm -f "$TO/moved-pins"
for moved in "$TO"/moved/*; do
	[ -f "$moved" ] || continue
	cat "$moved" >> "$TO/moved-pins"
	while read -r name package pinned got sha; do
		set -- "$@" "moved.$package=pinned $pinned, built from $got ($sha, package $name)"
	done < "$moved"
done
set -- "$@" --
for f in vmlinuz grub.efi root.img slot.cfg boot.img esp.img state.img cairn.img cairn.img.zst sbom.spdx.json; do
	set -- "$@" "$f=$dir/$f"
done
for f in "$dir"/sig/*; do
	set -- "$@" "$(basename "$f")=$f"
done
"$O/bin/cairn" manifest "$dir/manifest.json" "$@"

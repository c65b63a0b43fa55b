#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# image.sh ARROW DIR - one arrow from the parts in DIR to the disk image; the rules
# that call it, with what each reads and makes, are in scripts/rules.mk.
#   rootimg   root.squashfs -> root.img (with its hash tree), root.verity (root hash)
#   slotcfg   root.verity, initramfs.cpio.id -> slot.cfg            INSTALL=SPEC: of an installer stick
#   grub      -> grub.efi (unsigned), slot.pub
#   signpe    grub.efi, vmlinuz -> sig/, signed/: Authenticode, made apart, attached
#   signslot  slot.cfg, signed/vmlinuz -> sig/ : OpenPGP, for GRUB
#   esp, boot, state      file system images
#   disk OUT  -> the disk image
#   bundle    boot.img, root.img, esp.img (ESP=1: in it too) -> cairn.bundle, sig/bundle.sig
# KEYS: folder that `cairn keys init` makes (docs/keys.md); RELEASE=1 refuses the development
# keys. SIGNATURES: folder of published signatures, attached in place of own ones:
# whoever has them restores a release bit for bit without its keys.
set -eu
. "$(dirname "$0")/common.sh"

arrow=$1
dir=$2
cairn=$O/bin/cairn
KEYS=${KEYS:-conf/keys/dev}
case $KEYS in /*) ;; *) KEYS=$TOP/$KEYS ;; esac

# conf_mib N - size of partition N in the layout.
conf_mib() {
	sed -n "s/^p$1_size_mib=//p" "$TOP/conf/disk.conf"
}

# value NAME - from root.verity.
value() {
	sed -n "s/^$1=//p" "$dir/root.verity"
}

keys_fit() {
	# Under other names `cairn` knows them too.
	[ -z "${RELEASE:-}" ] || [ "$(readlink -f "$KEYS")" != "$(readlink -f "$TOP/conf/keys/dev")" ] ||
		die "RELEASE=1 refuses the insecure development keys of conf/keys/dev: set KEYS"
}

# pe FILE NAME - signed/NAME, from a published signature or our own.
pe() {
	if [ -n "${SIGNATURES:-}" ]; then
		cp "$SIGNATURES/$2.p7" "$dir/sig/$2.p7"
	else
		"$cairn" sign --authenticode "$1" --key "$KEYS/db.key" --cert "$KEYS/db.crt" \
			--time "$source_date_epoch" --out "$dir/sig/$2.p7"
	fi
	"$cairn" sign --attach "$1" "$dir/sig/$2.p7" "$dir/signed/$2"
}

# pgp FILE NAME - sig/NAME.sig, likewise; a published one must be the slot key's.
pgp() {
	if [ -n "${SIGNATURES:-}" ]; then
		cp "$SIGNATURES/$2.sig" "$dir/sig/$2.sig"
	else
		"$cairn" sign --pgp --key "$KEYS/slot.key" --time "$source_date_epoch" "$1" --out "$dir/sig/$2.sig"
	fi
}

case $arrow in
rootimg)
	cp "$dir/root.squashfs" "$dir/root.img.new"
	"$cairn" verity "$dir/root.img.new" --salt "$verity_salt" --append > "$dir/root.verity.new"
	size=$(stat -c %s "$dir/root.img.new")
	[ "$size" -le $(($(conf_mib 4) << 20)) ] || die "root.img: $size bytes do not fit $(conf_mib 4) MiB"
	mv "$dir/root.verity.new" "$dir/root.verity"
	mv "$dir/root.img.new" "$dir/root.img"
	;;
slotcfg)
	set --
	[ -z "${INSTALL:-}" ] || set -- "cairn.install=$INSTALL"
	"$cairn" slotcfg --template "$TOP/bootloader/slot.cfg.in" \
		--kernel "$(cat "$dir/initramfs.cpio.id")" --roothash "$(value roothash)" \
		--blocks "$(value blocks)" --salt "$verity_salt" --version "$version" "$@" > "$dir/slot.cfg.new"
	mv "$dir/slot.cfg.new" "$dir/slot.cfg"
	;;
grub)
	"$cairn" sign --pgp-public --key "$KEYS/slot.key" "$dir/slot.pub"
	set -- "$dir/slot.pub"
	# A key that slots will be signed by, or were: bootloader/README.md, another slot key.
	if [ -f "$KEYS/slot-also.pem" ]; then
		"$cairn" sign --pgp-public --key "$KEYS/slot-also.pem" "$dir/slot-also.pub"
		set -- "$@" "$dir/slot-also.pub"
	fi
	"$TOP/scripts/grub-image.sh" "$TO/pkg/grub" "$dir/grub.efi" "$@"
	;;
signpe)
	keys_fit
	mkdir -p "$dir/sig" "$dir/signed"
	pe "$dir/grub.efi" BOOTX64.EFI
	pe "$dir/vmlinuz" vmlinuz
	;;
signslot)
	keys_fit
	mkdir -p "$dir/sig"
	pgp "$dir/signed/vmlinuz" vmlinuz
	pgp "$dir/slot.cfg" slot.cfg
	;;
esp)
	# The device reads the generation of stage-1 GRUB from the volume's number (lib/stage1.h).
	"$cairn" fat "$dir/esp.img" --size "$(conf_mib 1)M" --type 32 --label CAIRNESP \
		--id "$(printf '4341%04x' "$stage1")" \
		"EFI/BOOT/BOOTX64.EFI=$dir/signed/BOOTX64.EFI"
	;;
boot)
	"$cairn" fat "$dir/boot.img" --size "$(conf_mib 3)M" --type 16 --cluster 4K --label CAIRNBOOT \
		--id 43410003 "vmlinuz=$dir/signed/vmlinuz" "vmlinuz.sig=$dir/sig/vmlinuz.sig" \
		"slot.cfg=$dir/slot.cfg" "slot.cfg.sig=$dir/sig/slot.cfg.sig"
	;;
state)
	"$cairn" state "$dir/state.img"
	;;
disk)
	"$cairn" disk "$3.new" --conf "$TOP/conf/disk.conf" esp="$dir/esp.img" esp-2="$dir/esp.img" \
		state="$dir/state.img" boot-a="$dir/boot.img" root-a="$dir/root.img" boot-b="${BOOT_B:-$dir/boot.img}" root-b="$dir/root.img"
	mv "$3.new" "$3"
	;;
bundle)
	keys_fit
	set -- --loader "$stage1=$dir/esp.img"
	for loader in $loaders; do
		set -- "$@" --loader "$loader"
	done
	[ -z "${ESP:-}" ] || set -- "$@" --esp "$dir/esp.img" --generation "$stage1"
	"$cairn" bundle create "$dir/cairn.bundle.new" --boot "$dir/boot.img" --root "$dir/root.img" \
		--salt "$verity_salt" --blocks "$(value blocks)" --roothash "$(value roothash)" \
		--compatible "$compatible-$ARCH" --architecture "$ARCH" --version "$version" \
		--release "$release" --floor "$floor" --stage1 "$stage1_least" \
		--level "$bundle_level" --frame "$bundle_frame" --zstd "$TO/pkg/zstd/bin/zstd" "$@"
	mkdir -p "$dir/sig"
	if [ -n "${SIGNATURES:-}" ]; then
		cp "$SIGNATURES/bundle.sig" "$dir/sig/bundle.sig"
	elif [ -f "$KEYS/release.key" ]; then
		"$cairn" bundle sign "$dir/cairn.bundle.new" --key "$KEYS/release.key" --out "$dir/sig/bundle.sig"
	else
		: > "$dir/sig/bundle.sig"
	fi
	[ ! -s "$dir/sig/bundle.sig" ] ||
		"$cairn" bundle sign "$dir/cairn.bundle.new" --attach "$dir/sig/bundle.sig"
	"$cairn" bundle verify "$dir/cairn.bundle.new" --trust "$KEYS/trust" --time "$source_date_epoch" ||
		echo "WARNING: $dir/cairn.bundle needs more signatures (docs/publish.md)"
	mv "$dir/cairn.bundle.new" "$dir/cairn.bundle"
	;;
*) die "usage: image.sh rootimg|slotcfg|grub|signpe|signslot|esp|boot|state|disk|bundle DIR" ;;
esac

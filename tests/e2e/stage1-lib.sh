# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# stage1-lib.sh - a new stage-1 GRUB and bundles that bring it; sourced after update-lib.sh.

TO=$O/x86_64
GRUB=$TO/pkg/grub
STAGE1='^cairn: update stage1'

# esp_image OUT GENERATION EFI
esp_image() {
	"$CAIRN" sign --authenticode "$3" --key "$KEYS/db.key" --cert "$KEYS/db.crt" --out efi.p7
	"$CAIRN" sign --attach "$3" efi.p7 efi.signed
	# shellcheck disable=SC2154
	"$CAIRN" fat "$1" --size "${p1_size_mib}M" --type 32 --label CAIRNESP \
		--id "$(printf '4341%04x' "$2")" EFI/BOOT/BOOTX64.EFI=efi.signed
}

# Generation 2 knows the old slot key and a new one.
new_stage1() {
	openssl genrsa -out new.key 2048 2>/dev/null
	"$CAIRN" sign --pgp-public --key "$KEYS/slot.key" old.pub
	"$CAIRN" sign --pgp-public --key new.key new.pub
	O=$O "$TOP/scripts/grub-image.sh" "$GRUB" new.efi old.pub new.pub
	esp_image esp2.img 2 new.efi
}

# bundle_of RELEASE OUT ARGUMENT... - of a release's root, with BOOT (boot.img if there is one).
bundle_of() {
	release=$1 out=$2 boot=$(image "$1" boot.img)
	shift 2
	[ ! -f boot.img ] || boot=boot.img
	case "$*" in
	*'--stage1 2'*) loader=2=esp2.img ;;
	*) loader=1=$(image "$release" esp.img) ;;
	esac
	"$CAIRN" bundle inspect "$(image "$release" cairn.bundle)" >inspect.out
	number=$(sed -n 's/^release=//p' inspect.out) named=$(sed -n 's/^version=//p' inspect.out)
	verity=$(image "$release" root.verity)
	# shellcheck disable=SC2154
	"$CAIRN" bundle create "$out" --loader "$loader" --boot "$boot" --root "$(image "$release" root.img)" \
		--salt "$verity_salt" --blocks "$(sed -n 's/^blocks=//p' "$verity")" \
		--compatible "$compatible-x86_64" --architecture x86_64 --version "$named" \
		--release "$number" --level 1 --key "$KEYS/release.key" "$@" >bundle.out
}

# part_is N FILE - the partition holds exactly that.
part_is() {
	part_read disk.img "$1" part.now
	cmp -s part.now "$2" || fail "partition $1 is not $2"
	rm part.now
}

# Real firmware keeps its variables; it is told no order by QEMU.
boot() {
	vm --disk "disk.img,rw,bootindex=none${RECORD:+,record=$RECORD}" ${VARS:+--vars "$VARS,rw"} --net "host=$PORT" \
		--watchdog --timeout 120 "$@"
}

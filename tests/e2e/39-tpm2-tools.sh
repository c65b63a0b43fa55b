#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ADDON=tpm2-tools: Debian's tools look at the TPM from the development variant's shell, beside the
# service that holds it, and see what that service reports; the production image never has them.
. "$(dirname "$0")/lib.sh"
TOOLS=$O/x86_64-dev-tools

shell() {
	look='tpm2_pcrread sha256:4,7,8,9; tpm2_getcap properties-fixed | grep -A 2 MANUFACTURER; grep tpm2-tools /proc/self/mounts'
	vm --disk "$TOOLS/cairn.img" --timeout 120 --fail '^cairn: failed' --wait "$READY" \
		--send "$SHELL_ASK" --wait "$SHELL_UP" --send "$(dev_text "$look")" --wait '^END'
	expect tpm 2.0
	between console | tr -d '\r' >said
	# `  4 : 0x3A0D...' as the referee has it.
	for pcr in 4 7 8 9; do
		got=$(sed -n "s/^ *$pcr *: 0x//p" said | tr A-F a-f)
		[ "$got" = "$(value "pcr$pcr")" ] || fail "tpm2_pcrread has pcr$pcr=$got"
	done
	grep -q 'TPM2_PT_MANUFACTURER' said || fail "tpm2_getcap: $(cat said)"
	grep -q '^/dev/loop[0-9]* /usr/lib/tpm2-tools squashfs ro,nosuid,nodev' said ||
		fail "how it is mounted: $(grep squashfs said)"
}

never() {
	! make -C "$TOP" ADDON=tpm2-tools image >make.log 2>&1 || fail "a production image takes it"
	grep -q 'only VARIANT=dev' make.log || fail "$(tail -n 1 make.log)"
	! ADDON=tpm2-tools VARIANT='' "$TOP/scripts/root.sh" "$PWD/out.squashfs" >root.log 2>&1 ||
		fail "root.sh takes it for a production image"
	grep -q 'only VARIANT=dev' root.log || fail "$(tail -n 1 root.log)"
	for image in x86_64 x86_64-dev; do
		"$O/x86_64/pkg/squashfs-tools/bin/unsquashfs" -lls "$O/$image/root.img" >list
		grep -q '/sbin/init$' list || fail "$image: no list of the root"
		! grep -iE 'tpm2[-_]|libtss2|/lib64|ld-linux' list || fail "it is in $image/root.img"
	done
	# Its pins are in the SBOM of the image that has it, and in no other.
	sha=$(sed -n 's/ apt-binary tpm2-tools=.*//p' "$TOP/pkg/tpm2-tools/sources")
	grep -q "$sha" "$TOOLS/sbom.spdx.json" || fail "the SBOM does not name it"
	! grep -q "$sha" "$O/x86_64/sbom.spdx.json" || fail "production's SBOM names it"
}

t "tpm2_pcrread in the shell sees what the service reports" shell
t "never in the production image" never
finish

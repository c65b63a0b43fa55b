#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What `cairn sign` makes, checked by programs of others: sbverify, osslsigncode, gpgv. GRUB's pgp
# module is in 10-grub-emu.sh, firmware in 31-secureboot.sh. No root, no QEMU; seconds.
. "$(dirname "$0")/lib.sh"

need "$CAIRN"

authenticode() {
	need sbverify
	for file in "$TOP/tests/data/pe/tiny.efi" "$TOP/tests/data/pe/tiny32-odd.efi"; do
		for n in 1 2; do
			"$CAIRN" sign --authenticode "$file" --key "$KEYS/db.key" --cert "$KEYS/db.crt" \
				--out sig$n
		done
		cmp sig1 sig2 || fail "signing twice gives other bytes"
		"$CAIRN" sign --attach "$file" sig1 signed
		sbverify --cert "$KEYS/db.crt" signed >out 2>&1 || fail "sbverify: $(cat out)"
		if command -v osslsigncode >/dev/null; then
			osslsigncode verify -CAfile "$KEYS/db.crt" signed >out 2>&1 ||
				fail "osslsigncode: $(cat out)"
		fi
		flip_bit signed 600
		! sbverify --cert "$KEYS/db.crt" signed >/dev/null 2>&1 || fail "a flipped bit passes"
		cp "$file" changed
		flip_bit changed 600
		! "$CAIRN" sign --attach changed sig1 out 2>said.txt || fail "another image takes it"
		grep -q 'for another image' said.txt || fail "$(cat said.txt)"
	done
}

# GnuPG wants a user ID that the key itself signed (RFC 4880, 5.2.4); GRUB does not.
certify() {
	size=$(($(stat -c %s pub) - 3))
	uid=referee
	hashed='\004\023\001\010\000\006\005\002\145\222\000\200'
	{
		printf '\231'
		tail -c +2 pub | head -c 2
		tail -c "$size" pub
		# shellcheck disable=SC2059
		printf "\264\000\000\000\007$uid$hashed\004\377\000\000\000\014"
	} >tosign
	openssl dgst -sha256 -sign "$KEYS/slot.key" tosign >rsa
	{
		cat pub
		# shellcheck disable=SC2059
		printf "\264\007$uid"
		# shellcheck disable=SC2059
		printf "\211\001\034$hashed\000\012\011\020"
		tail -c +20 "$1" | head -c 8
		openssl dgst -sha256 -binary tosign | head -c 2
		printf '\010\000'
		cat rsa
	} >ring
}

pgp() {
	head -c 100001 /dev/urandom >file
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" file
	cp file.sig again
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" file
	cmp file.sig again || fail "signing twice gives other bytes"
	"$CAIRN" sign --pgp-public --key "$KEYS/slot.key" pub
	"$CAIRN" sign --pgp-check --key "$KEYS/slot.key" file file.sig || fail "--pgp-check"
	cp file changed
	flip_bit changed 5000
	! "$CAIRN" sign --pgp-check --key "$KEYS/slot.key" changed file.sig 2>said.txt ||
		fail "--pgp-check accepts a flipped bit"
	if command -v gpg >/dev/null; then
		gpg --list-packets file.sig >packets 2>/dev/null
		grep -q 'version 4.*sigclass 0x00' packets || fail "gpg reads: $(cat packets)"
	fi
}

gnupg() {
	need gpgv gpg openssl
	head -c 100001 /dev/urandom >file
	"$CAIRN" sign --pgp --key "$KEYS/slot.key" file
	"$CAIRN" sign --pgp-public --key "$KEYS/slot.key" pub
	certify file.sig
	export GNUPGHOME="$PWD/gnupg"
	mkdir -m 700 gnupg
	gpgv --keyring ./ring file.sig file >out 2>&1 || fail "gpgv: $(cat out)"
	flip_bit file 5000
	! gpgv --keyring ./ring file.sig file >/dev/null 2>&1 || fail "gpgv accepts a flipped bit"
}

t "Authenticode: sbverify, osslsigncode" authenticode
t "OpenPGP: its own check" pgp
t "OpenPGP: gpgv" gnupg
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An owner's keys, from `cairn keys init` to what the build signs with them: as files, and in a token
# (SoftHSM2). Referees: sbverify, openssl, gpg's form by `cairn sign --pgp-check`.
. "$(dirname "$0")/lib.sh"
need sbverify openssl python3

PE=$TOP/tests/data/pe/tiny.efi
NOW=1795500000

# refuses ERE COMMAND... - exit 1, 100 or 111 with a sentence that matches.
refuses() {
	ere=$1
	shift
	! "$@" >out 2>refused || fail "accepted: $*"
	grep -Eq "$ere" refused || fail "$* says: $(cat refused)"
}

# content AUTH, attributes and the rest as in UEFI 2.10, 8.2.2: what openssl is to check.
message() {
	python3 - "$1" "$2" "$3" <<'PY'
import struct, sys, uuid
name, path, attributes = sys.argv[1], sys.argv[2], int(sys.argv[3], 0)
guid = "d719b2cb-3d3a-4596-a3bc-dad00e67656f" if name.startswith("db") else "8be4df61-93ca-11d2-aa0d-00e098032b8c"
raw = open(path, "rb").read()
size, = struct.unpack_from("<I", raw, 16)
sig, content = raw[40:16 + size], raw[16 + size:]
# The firmware wants SignedData alone; openssl wants it in a ContentInfo.
inner = b"\xa0\x82" + struct.pack(">H", len(sig)) + sig
oid = bytes.fromhex("06092a864886f70d010702")
open("sig.p7", "wb").write(b"\x30\x82" + struct.pack(">H", len(oid + inner)) + oid + inner)
open("message", "wb").write(name.encode("utf-16-le") + uuid.UUID(guid).bytes_le +
    struct.pack("<I", attributes) + raw[:16] + content)
open("content", "wb").write(content)
PY
}

# auth_holds DIR FILE NAME ATTRIBUTES SIGNER - openssl finds the signature good, by that certificate.
auth_holds() {
	message "$3" "$1/$2.auth" "$4"
	openssl smime -verify -inform DER -in sig.p7 -content message -binary -noverify \
		-certfile "$1/$5.crt" -nointern >/dev/null 2>err || fail "$2.auth: $(cat err)"
}

# signs DIR - everything that the build signs, with the keys of DIR.
signs() {
	"$CAIRN" sign --authenticode "$PE" --key "$1/db.key" --cert "$1/db.crt" --out p7
	"$CAIRN" sign --attach "$PE" p7 signed.efi
	sbverify --cert "$1/db.crt" signed.efi >/dev/null 2>&1 || fail "sbverify refuses db's signature"
	echo content >f
	"$CAIRN" sign --pgp --key "$1/slot.key" f
	"$CAIRN" sign --pgp-check --key "$1/slot.key" f f.sig
	"$CAIRN" sign --pgp-public --key "$1/slot.key" slot.pub
	cp "$1/trust" trust
	"$CAIRN" trust rotate trust next --expires 2100-01-01 --key "$1/root.key"
	"$CAIRN" trust verify trust next >/dev/null
	boot_image slot.img f
	"$CAIRN" bundle create b --loader "$LOADER" --boot slot.img --root slot.img --salt c0de --compatible x --architecture x \
		--version 1 --release 1 --zstd zstd --key "$1/release.key"
	"$CAIRN" bundle verify b --trust trust --time $NOW >/dev/null
	"$CAIRN" channel publish www b --name stable --trust trust --key "$1/channel.key" --time $NOW >/dev/null
	"$CAIRN" channel verify www --time $NOW >/dev/null
	auth_holds "$1" db db 0x27 KEK
	auth_holds "$1" db-microsoft db 0x27 KEK
	auth_holds "$1" KEK KEK 0x27 PK
	auth_holds "$1" PK PK 0x27 PK
}

files() {
	"$CAIRN" keys init own --owner Example --time $NOW
	[ "$(stat -c %a own)" = 700 ] || fail "others may look into the folder"
	for key in own/*.key; do
		[ "$(stat -c %a "$key")" = 600 ] || fail "others may read $key"
	done
	"$CAIRN" keys show own >shown
	grep -qx insecure=no shown || fail "$(cat shown)"
	[ "$(grep -c '^key ' shown)" = 8 ] || fail "$(cat shown)"
	openssl x509 -in own/db.crt -noout -subject | grep -q 'Example db' || fail "another owner's name"
	signs own
	RELEASE=1 "$CAIRN" sign --pgp --key own/slot.key f
	# The keys for later may be elsewhere; the others may not.
	mkdir away
	mv own/PK.key own/KEK.key own/root.key own/recovery.key away
	"$CAIRN" keys show own >shown || fail "$(cat shown)"
	mv own/db.key away
	refuses 'not as they must be' "$CAIRN" keys show own
	cp away/KEK.key own/db.key
	refuses 'not as they must be' "$CAIRN" keys show own
	grep -q "problem db has another key's certificate" out || fail "$(cat out)"
	refuses 'holds something already' "$CAIRN" keys init own
	refuses 'PK.key' "$CAIRN" keys enrol own
}

revoked() {
	"$CAIRN" keys init own --time 2026-01-01 --revoke "$KEYS/db.crt" --revoke "$PE"
	auth_holds own dbx dbx 0x67 KEK
	hash=$("$CAIRN" sign --hash "$PE")
	od -An -v -tx1 content | tr -d ' \n' | grep -q "$hash" || fail "the image's hash is not in dbx"
	# The same again gives the same bytes: nothing of the moment is in them.
	cp own/db.auth before
	"$CAIRN" keys enrol own --time 2026-01-01
	cmp own/db.auth before || fail "another db.auth"
	[ ! -e own/dbx.auth ] || fail "dbx.auth stays though nothing is revoked"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout next.key -out next.crt -days 9 -subj /CN=next 2>/dev/null
	"$CAIRN" keys enrol own --time 2026-02-01 --also next.crt
	"$CAIRN" keys show own | grep -qx 'enrolment db entries=2 time=2026-02-01' || fail "$("$CAIRN" keys show own)"
}

# The whole with no key outside the token but the recovery key.
token() {
	module=/usr/lib/softhsm/libsofthsm2.so
	[ -f $module ] || skip "no $module (package softhsm2)"
	need pkcs11-tool softhsm2-util
	mkdir tokens
	SOFTHSM2_CONF=$PWD/softhsm2.conf CAIRN_PIN=5678
	export SOFTHSM2_CONF
	printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$PWD" >softhsm2.conf
	softhsm2-util --init-token --free --label owner --so-pin 1234 --pin $CAIRN_PIN >/dev/null
	refuses CAIRN_PIN "$CAIRN" keys init own --token owner --module $module
	export CAIRN_PIN
	refuses 'could not make a key' "$CAIRN" keys init own --token owner --module /nonexistent
	rm -rf own.new
	"$CAIRN" keys init own --token owner --module $module --time $NOW 2>err || fail "$(cat err)"
	! grep -l 'PRIVATE KEY' own/*.key | grep -v recovery.key || fail "a private key is in a file"
	"$CAIRN" keys show own >shown
	[ "$(grep -c '^key .* token - ' shown)" = 7 ] || fail "$(cat shown)"
	signs own
	refuses 'has a key' "$CAIRN" keys init more --token owner --module $module
	CAIRN_PIN=0000 refuses 'PIN' "$CAIRN" sign --pgp --key own/slot.key f
	# shellcheck disable=SC2030,SC2031
	SOFTHSM2_CONF=/dev/null refuses 'own/slot.key' "$CAIRN" sign --pgp --key own/slot.key f
}

# conf/keys/dev is known by its keys, under any name and in any wrapping; and says so.
insecure() {
	"$CAIRN" keys show "$KEYS" >shown || fail "$(cat shown)"
	grep -qx insecure=yes shown || fail "$(cat shown)"
	[ "$(grep -c '^key .* file INSECURE ' shown)" = 8 ] || fail "$(cat shown)"
	for name in PK KEK db slot release channel root recovery; do
		openssl pkey -in "$KEYS/$name.key" -out wrapped.key
		if [ "$(openssl pkey -in wrapped.key -noout -text | head -n 1 | grep -c 256)" = 1 ]; then
			refuses 'insecure development key' env RELEASE=1 "$CAIRN" trust create t --expires 2100-01-01 \
				--root 1:wrapped.key --release 1:wrapped.key --channel 1:wrapped.key
		else
			refuses 'insecure development key' env RELEASE=1 "$CAIRN" sign --pgp --key wrapped.key "$KEYS/trust" --out x
		fi
	done
	# Own keys but for one: the root says so, and RELEASE=1 does not build it.
	"$CAIRN" keys init mixed --time $NOW
	cp "$KEYS/db.key" "$KEYS/db.crt" mixed
	"$CAIRN" keys show mixed | grep -qx insecure=yes || fail "one key of many is not seen"
	refuses 'development key' env RELEASE=1 KEYS="$PWD/mixed" "$TOP/scripts/root.sh" "$PWD/root.squashfs"
	unsquashfs=$O/x86_64/pkg/squashfs-tools/bin/unsquashfs
	need "$unsquashfs"
	[ -f "$O/x86_64/root.squashfs" ] || skip "no root of production (make image)"
	"$unsquashfs" -cat "$O/x86_64/root.squashfs" etc/cairn/release | grep -qx keys=dev ||
		fail "the root does not say that its keys are insecure"
}

t "keys as files, and all that they sign" files
t "what is revoked, and what is to follow" revoked
t "keys in a token, and all that they sign" token
t "insecure development keys are known everywhere" insecure
finish

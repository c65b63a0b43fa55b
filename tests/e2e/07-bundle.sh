#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Bundles, trust and channels as the host makes them, against other programs (openssl, zstd) and
# against everything that somebody could do to them. No root, no QEMU; seconds.
. "$(dirname "$0")/lib.sh"

need "$CAIRN"
ZSTD=$O/x86_64/pkg/zstd/bin/zstd
need "$ZSTD"
SALT=c0de

# key NAME - a fresh key NAME.key and its public part NAME.pub.
key() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" 2>/dev/null
	openssl pkey -in "$1.key" -pubout -out "$1.pub"
}

# images - boot.img and root.img: some of it compresses, some not.
images() {
	{ seq 1 20000 && head -c 300000 /dev/urandom && seq 1 90000; } >fill
	boot_image boot.img fill
	{ seq 1 60000 && head -c 700000 /dev/urandom && seq 1 10000; } >root.img
	truncate -s %4096 root.img
}

# bundle OUT RELEASE [ARGUMENT...]
bundle() {
	out=$1 number=$2
	shift 2
	"$CAIRN" bundle create "$out" --loader "$LOADER" --boot boot.img --root root.img --salt "$SALT" \
		--compatible cairn-x86_64 --architecture x86_64 --version "0.$number.0" \
		--release "$number" --frame 256K --level 3 --zstd "$ZSTD" "$@"
}

# refuses COMMAND... - it must end with 1: refused, nothing else.
refuses() {
	status=0
	"$@" >refused 2>&1 || status=$?
	[ "$status" = 1 ] || fail "exit $status, not 1: $* ($(cat refused))"
}

same_bytes() {
	images
	bundle one 2 --key "$KEYS/release.key"
	bundle two 2
	"$CAIRN" bundle verify one --trust "$KEYS/trust" >said
	grep -qx 'ok version=0.2.0 release=2 kind=full' said || fail "$(cat said)"
	refuses "$CAIRN" bundle verify two --trust "$KEYS/trust"
	# Signed apart and attached, it is the same file.
	"$CAIRN" bundle sign two --key "$KEYS/release.key" --out two.sig
	refuses "$CAIRN" bundle verify two --trust "$KEYS/trust"
	"$CAIRN" bundle sign two --attach two.sig
	cmp one two || fail "the same arguments give other bytes"
	# One processor more or less has no part in it.
	taskset -c 0 "$CAIRN" bundle create three --loader "$LOADER" --boot boot.img --root root.img --salt "$SALT" \
		--compatible cairn-x86_64 --architecture x86_64 --version 0.2.0 --release 2 \
		--frame 256K --level 3 --zstd "$ZSTD" --key "$KEYS/release.key"
	cmp one three || fail "one processor gives other bytes"
	for image in boot root; do
		"$CAIRN" bundle extract one $image got
		cmp got $image.img || fail "$image comes out differently"
	done
}

# field KEY FILE - of the last image that has it, from `inspect`.
field() {
	"$CAIRN" bundle inspect "$2" | sed -n "s/^$1=//p" | tail -n 1
}

# Code in the root gets smaller, and comes out as it was.
code() {
	images
	cp "$CAIRN" root.img
	truncate -s %4096 root.img
	bundle plain 2 --encoding zstd --frame 16M
	bundle b 2 --frame 16M
	[ "$(field encoding b)" = x86-zstd ] || fail "x86-zstd is not what x86_64 gets"
	[ "$(field payload b)" -lt "$(field payload plain)" ] ||
		fail "$(field payload b) bytes, without the filter $(field payload plain)"
	"$CAIRN" bundle extract b root got
	cmp got root.img || fail "it comes out differently"
	bundle b 2 --encoding raw --key "$KEYS/release.key"
	"$CAIRN" bundle verify b --trust "$KEYS/trust" >/dev/null || fail "raw is refused"
}

# What others make of it: zstd of the payload, openssl of the signature.
others() {
	images
	bundle b 2 --key "$KEYS/release.key" --encoding zstd
	size=$(field payload b)
	tail -c "$size" b | zstd -dc >got || fail "zstd cannot read the payload"
	cmp got root.img || fail "zstd reads something else"
	"$CAIRN" bundle sign b --document doc
	[ "$("$CAIRN" bundle sign b --digest)" = "$(sha256sum doc | cut -d ' ' -f 1)" ] ||
		fail "--digest is not the document's"
	[ "$(field manifest b)" = "$("$CAIRN" bundle sign b --digest)" ] || fail "inspect: manifest"
	"$CAIRN" bundle sign b --key "$KEYS/release.key" --out line
	rs=$(cut -d ' ' -f 2 line)
	printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' \
		"$(echo "$rs" | cut -c 1-64)" "$(echo "$rs" | cut -c 65-128)" >asn1
	openssl asn1parse -genconf asn1 -out der -noout
	openssl pkey -in "$KEYS/release.key" -pubout -out pub
	openssl dgst -sha256 -verify pub -signature der doc >/dev/null ||
		fail "openssl refuses the signature"
	[ "$(cut -d ' ' -f 1 line)" = "$(openssl pkey -in pub -pubin -outform DER | tail -c 65 |
		sha256sum | cut -d ' ' -f 1)" ] || fail "the key's id"
}

# Any changed byte is found, wherever it is; so is one too many or too few.
changed() {
	images
	bundle b 2 --key "$KEYS/release.key"
	size=$(stat -c %s b)
	for at in 3 20 50 200 600 900 1000 1200 1500 2000 3000 $((size / 2)) $((size - 1)); do
		cp b bad
		flip_bit bad "$at"
		refuses "$CAIRN" bundle verify bad --trust "$KEYS/trust"
	done
	cp b bad && truncate -s -1 bad
	refuses "$CAIRN" bundle verify bad --trust "$KEYS/trust"
	cp b bad && echo >>bad
	refuses "$CAIRN" bundle verify bad --trust "$KEYS/trust"
	# Another manifest under the same signatures.
	"$CAIRN" bundle sign b --document doc
	for edit in s/release=2/release=3/ s/encryption=none/encryption=some/ 's/^floor=/flaw=/'; do
		sed "$edit" doc >doc.bad
		{ head -n 1 b && echo "document=$(stat -c %s doc.bad) signatures=0" && cat doc.bad; } >bad
		refuses "$CAIRN" bundle verify bad --trust "$KEYS/trust"
		# Even when the right key signs it: unknown is refused, and the tables must fit.
		[ "$edit" = s/release=2/release=3/ ] || {
			"$CAIRN" bundle sign bad --key "$KEYS/release.key"
			refuses "$CAIRN" bundle verify bad --trust "$KEYS/trust"
			refuses "$CAIRN" bundle inspect bad
		}
	done
	refuses bundle bad 2 --roothash "$(printf '%064d' 7)"
	refuses "$CAIRN" trust sign b --key "$KEYS/release.key" # another kind of document
}

# Signatures made elsewhere; two of three keys; keys that do not count.
elsewhere() {
	images
	for k in r1 r2 r3 stranger; do key $k; done
	"$CAIRN" trust create trust --expires 2100-01-01 --root 1:r1.pub --release 2:r1.pub,r2.pub,r3.pub \
		--channel 1:r3.pub --key r1.key
	bundle b 2 --key r1.key
	refuses "$CAIRN" bundle verify b --trust trust
	"$CAIRN" bundle sign b --key stranger.key
	refuses "$CAIRN" bundle verify b --trust trust
	"$CAIRN" bundle sign b --key r1.key # again: still one signature
	refuses "$CAIRN" bundle verify b --trust trust
	"$CAIRN" bundle sign b --document doc
	openssl dgst -sha256 -sign r2.key -out der doc
	refuses "$CAIRN" bundle sign b --attach der --public r3.pub
	"$CAIRN" bundle sign b --attach der --public r2.pub
	"$CAIRN" bundle verify b --trust trust >/dev/null || fail "two of three are not enough"
	# 64 bytes, as PKCS #11 gives them: what the file has of r2.
	openssl pkeyutl -sign -rawin -digest sha256 -inkey r3.key -in doc -out der3
	bundle c 2 --key r1.key
	"$CAIRN" bundle sign c --attach der3 --public r3.pub
	id=$(openssl pkey -in r3.key -pubout -outform DER | tail -c 65 | sha256sum | cut -d ' ' -f 1)
	head -c 5000 c | grep -a "^$id " | cut -d ' ' -f 2 | perl -ne 'chomp; print pack "H*", $_' >raw
	[ "$(stat -c %s raw)" = 64 ] || fail "the signature in the file is not 64 bytes"
	bundle d 2 --key r1.key
	"$CAIRN" bundle sign d --attach raw --public r3.pub
	"$CAIRN" bundle verify d --trust trust >/dev/null || fail "a raw signature is refused"
	cmp c d || fail "raw and DER give different files"
}

rotation() {
	for k in a b c new; do key $k; done
	"$CAIRN" trust create t1 --expires 2030-01-01 --root 2:a.pub,b.pub,c.pub --release 1:a.pub \
		--channel 1:b.pub --key a.key --key c.key
	"$CAIRN" trust verify t1 >/dev/null
	"$CAIRN" trust rotate t1 t2 --root 2:b.pub,c.pub,new.pub --expires 2032-01-01
	refuses "$CAIRN" trust verify t1 t2
	"$CAIRN" trust sign t2 --key new.key
	"$CAIRN" trust sign t2 --key b.key
	refuses "$CAIRN" trust verify t1 t2 # the new one's threshold is met, the old one's is not
	"$CAIRN" trust sign t2 --key a.key
	"$CAIRN" trust verify t1 t2 | grep -qx number=2 || fail "t2 does not follow t1"
	[ "$("$CAIRN" trust inspect t2 | grep -c '^signature=.* holds$')" = 3 ] || fail "inspect"
	"$CAIRN" trust rotate t2 t3 --release 1:new.pub --key b.key --key new.key
	"$CAIRN" trust verify t1 t2 t3 | grep -qx number=3 || fail "t3 does not follow"
	refuses "$CAIRN" trust verify t1 t3 # skipped
	refuses "$CAIRN" trust verify t1 t2 t2
	refuses "$CAIRN" trust verify t2 t1
}

# number KEY - of the published channel.
published() {
	"$CAIRN" channel inspect www/channel | sed -n "s/^$1=//p"
}

channel() {
	images
	now=1800000000
	bundle one 1 --key "$KEYS/release.key"
	seq 1 70000 >more.txt && truncate -s %4096 more.txt && cat more.txt >>root.img
	bundle two 2 --key "$KEYS/release.key"
	bundle three 3 --key "$KEYS/release.key"
	"$CAIRN" channel publish www one --name stable --trust "$KEYS/trust" \
		--key "$KEYS/channel.key" --time $now >/dev/null
	[ "$(published sequence):$(published release):$(published expires)" = "1:1:$((now + 14 * 86400))" ] ||
		fail "$("$CAIRN" channel inspect www/channel)"
	"$CAIRN" delta one two delta --key "$KEYS/release.key" 2>err || fail "delta: $(cat err)"
	cp www/channel channel.1
	"$CAIRN" channel publish www two delta --key "$KEYS/channel.key" --time $now >/dev/null
	"$CAIRN" channel verify www --trust "$KEYS/trust" --time $((now + 86400)) >said
	grep -qx 'ok name=stable sequence=2 version=0.2.0 release=2 deltas=1 days_left=13' said ||
		fail "$(cat said)"
	for f in two delta; do
		cmp $f "www/bundles/$(field manifest $f).cairn" || fail "$f is not what is served"
	done
	[ -f "www/bundles/$(field manifest one).cairn" ] || fail "the old bundle is gone too early"
	cmp www/trust/1 "$KEYS/trust" || fail "the trust is another"
	# The same again, for longer; it stays what it was where something is refused.
	"$CAIRN" channel publish www --key "$KEYS/channel.key" --time $((now + 5)) --days 3 >/dev/null
	[ "$(published sequence):$(published expires)" = "3:$((now + 5 + 3 * 86400))" ] || fail "signed anew"
	cp www/channel before
	cp two bad && flip_bit bad $(($(stat -c %s two) - 9))
	refuses "$CAIRN" channel publish www bad --key "$KEYS/channel.key" --time $now
	refuses "$CAIRN" channel publish www one --key "$KEYS/channel.key" --time $now # downgrade
	refuses "$CAIRN" channel publish www two three --key "$KEYS/channel.key" --time $now
	refuses "$CAIRN" channel publish www delta --key "$KEYS/channel.key" --time $now # no full one
	refuses "$CAIRN" channel publish www three delta --key "$KEYS/channel.key" --time $now
	refuses "$CAIRN" channel publish www three --key "$KEYS/release.key" --time $now
	refuses "$CAIRN" channel publish www three --key "$KEYS/channel.key" --name beta --time $now
	cmp before www/channel || fail "a refused publication changed the channel"
	[ -z "$(find www -name '*.tmp')" ] || fail "left: $(find www -name '*.tmp')"
	# What a machine would refuse.
	refuses "$CAIRN" channel verify www --time $((now + 5 + 3 * 86400)) # freeze
	cp channel.1 www/channel && flip_bit www/channel 200
	refuses "$CAIRN" channel verify www --time $now
	cp before www/channel
	f=www/bundles/$(field manifest two).cairn
	flip_bit "$f" $(($(stat -c %s "$f") / 2))
	refuses "$CAIRN" channel verify www --time $now
	cp one "$f" # mix and match
	refuses "$CAIRN" channel verify www --time $now
}

# The channel's key is exchanged: the sequence goes on, machines of the first trust follow.
channel_rotation() {
	images
	now=1800000000
	key new
	bundle one 1 --key "$KEYS/release.key"
	"$CAIRN" channel publish www one --name stable --trust "$KEYS/trust" \
		--key "$KEYS/channel.key" --time $now >/dev/null
	"$CAIRN" trust rotate "$KEYS/trust" t2 --channel 1:new.pub --key "$KEYS/root.key"
	refuses "$CAIRN" channel publish www --trust t2 --key "$KEYS/channel.key" --time $now
	"$CAIRN" channel publish www --trust t2 --key new.key --time $now >/dev/null
	"$CAIRN" channel verify www --trust "$KEYS/trust" --time $now >said
	grep -q ' sequence=2 ' said || fail "$(cat said)"
	[ "$(published trust)" = 2 ] || fail "the channel does not tell of the new trust"
	# Signed elsewhere: it waits, then takes the channel's place.
	"$CAIRN" channel publish www --time $now >/dev/null
	"$CAIRN" channel sign www/channel.unsigned --document doc
	openssl dgst -sha256 -sign new.key -out der doc
	"$CAIRN" channel sign www/channel.unsigned --attach der --public new.pub
	mv www/channel.unsigned www/channel
	"$CAIRN" channel verify www --trust "$KEYS/trust" --time $now >said
	grep -q ' sequence=3 ' said || fail "$(cat said)"
}

# RELEASE=1 refuses the development keys wherever they are, under any name.
release_refuses() {
	images
	bundle b 2
	cp "$KEYS/release.key" mine.key
	refuses env RELEASE=1 "$CAIRN" bundle sign b --key mine.key
	refuses env RELEASE=1 "$CAIRN" trust sign "$KEYS/trust" --key "$KEYS/root.key"
	refuses env RELEASE=1 "$CAIRN" channel publish www b --name stable --trust "$KEYS/trust" \
		--key "$KEYS/channel.key"
	cp -R "$KEYS" keys
	refuses env RELEASE=1 KEYS="$PWD/keys" "$TOP/scripts/root.sh" "$PWD/root.squashfs"
	grep -q 'development key' refused || fail "$(cat refused)"
	refuses env RELEASE=1 KEYS="$KEYS" "$TOP/scripts/image.sh" bundle "$PWD"
	key own
	"$CAIRN" trust create own --expires 2100-01-01 --root 1:own.key --release 1:own.key \
		--channel 1:own.key --key own.key
	RELEASE=1 "$CAIRN" bundle sign b --key own.key
	RELEASE=1 "$CAIRN" bundle verify b --trust own >/dev/null || fail "own keys are refused"
}

# What `make bundle` made, if it did.
made() {
	b=$O/x86_64/cairn.bundle
	[ -f "$b" ] || skip "no $b; make bundle"
	"$CAIRN" bundle verify "$b" --trust "$KEYS/trust" >said || fail "$(cat said)"
	# shellcheck disable=SC2154
	grep -qx "ok version=$version release=$release kind=full" said || fail "$(cat said)"
	"$CAIRN" bundle extract "$b" boot got
	cmp got "$O/x86_64/boot.img" || fail "boot.img is another"
	"$CAIRN" bundle extract "$b" root got
	cmp -n "$(stat -c %s got)" got "$O/x86_64/root.img" || fail "root.img is another"
}

crypto() {
	probe=$O/x86_64/bin/e2e-crypto
	[ -x "$probe" ] || skip "no $probe; make e2e builds it"
	"$probe" | tee said
	grep -qx 'crypto: ok' said || fail "the device's cryptography"
}

t "same arguments, same bytes" same_bytes
t "code gets smaller" code
t "zstd and openssl agree" others
t "any changed byte is found" changed
t "signatures made elsewhere, thresholds" elsewhere
t "keys are exchanged" rotation
t "a channel is published" channel
t "the channel's key is exchanged" channel_rotation
t "RELEASE=1 refuses development keys" release_refuses
t "what make bundle made" made
t "the device's cryptography" crypto
finish

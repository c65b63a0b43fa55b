#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a hostile server or network may offer, to one running machine: each is refused, said on the
# console, and the real release is taken afterwards. The parsers' own tests have many more.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/update-lib.sh"

# channel_of DIR RELEASE ARGUMENT... - a channel's folder that is signed as told.
channel_of() {
	dir=$1 release=$2
	shift 2
	"$CAIRN" channel publish "$dir" "$(image "$release" cairn.bundle)" --name e2e \
		--trust "$KEYS/trust" "$@" >/dev/null
}

# channel_by KEY DIR - signed by a key that may not: publish itself would refuse that.
channel_by() {
	channel_of "$2" next
	"$CAIRN" channel sign "$2/channel.unsigned" --key "$1" >/dev/null
	mv "$2/channel.unsigned" "$2/channel"
}

# steps NAME ERE - for the machine: the server has the folder NAME now; what is said then.
steps() {
	set -- "$1" "$2"
	cat <<-END
		--run
		rm -rf served/* && cp -R $1/. served/
		--send
		until cairn-update check 2>/dev/null; do usleep 100000; done\\n
		--wait
		$2
	END
}

prepare() {
	fresh
	openssl ecparam -name prime256v1 -genkey -noout -out foreign.key
	key=$KEYS/channel.key
	# Before the running release was built: no clock is needed to know that it is over.
	channel_of expired next --key "$key" --time 2026-09-01 --days 3
	channel_by foreign.key foreign
	channel_by "$KEYS/release.key" role
	channel_of replayed next --key "$key"
	cp -R replayed real
	channel_of real next --key "$key"
	cp -R real bit
	# The right name, with a bit changed, and with another bundle in it.
	for f in bit/bundles/*; do flip_bit "$f" $(($(stat -c %s "$f") / 2)); done
	cp -R real mixed
	for f in mixed/bundles/*; do cp "$(image bad cairn.bundle)" "$f"; done
	mkdir served
}

attacks() {
	prepare
	serve served
	failed='cairn: update failed what='
	{
		# No two alike in a row: the console does not repeat itself.
		steps foreign "$failed.*0 signatures by keys of the role channel"
		steps expired "$failed.*expired"
		steps role "$failed.*0 signatures by keys of the role channel"
		steps bit "$failed"
		steps mixed "$failed.*another bundle"
		steps replayed "$failed.*was seen already"
		steps real "$WRITTEN"2
	} >arguments
	set --
	while read -r argument; do
		set -- "$@" "$argument"
	done <arguments
	machine --timeout 60 --wait "$READY.* version=0.1.0" --wait "$GOOD"1 --send "$SHELL_ASK" --wait "$SHELL_UP" "$@" --kill
}

t "expired, foreign, another role, changed, mixed, replayed: refused; then the real one" attacks
finish

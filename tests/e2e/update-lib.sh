# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# update-lib.sh - what the update tests share; sourced after lib.sh. The releases are those of
# tests/e2e/releases: base (0.1.0, 1), next (0.2.0, 2), bad (0.3.0, 3), trouble (0.4.0, 4). The
# channel is a folder, served on this host's loopback, which the machine sees as 10.0.2.100.

# image RELEASE NAME - a file of a release: cairn.bundle, boot.img, root.img, cairn.img.
image() {
	echo "$O/x86_64-dev-$1/$2"
}

# offer DIR BUNDLE [DELTA...] - the bundle is what the channel offers from now on.
offer() {
	dir=$1
	shift
	[ -d "$dir" ] || set -- "$@" --name e2e --trust "$KEYS/trust"
	"$CAIRN" channel publish "$dir" "$@" --key "$KEYS/channel.key" >publish.out
}

# publish DIR RELEASE [DELTA...] - likewise, that of a release.
publish() {
	dir=$1 bundle=$(image "$2" cairn.bundle)
	shift 2
	offer "$dir" "$bundle" "$@"
}

# serve DIR [OPTION...] - start the server; PORT is where it listens, requests go to http.log.
serve() {
	dir=$1
	shift
	unserve
	: >http.log
	rm -f port
	mkfifo port
	"$O/bin/httpd" --log http.log "$@" "$dir" >port 2>http.err </dev/null &
	HTTPD=$!
	echo "$HTTPD" >"$T/httpd.pid"
	read -r word PORT <port || fail "the server did not start: $(cat http.err)"
	[ "$word" = port ] || fail "the server says $word"
}

unserve() {
	if [ -s "$T/httpd.pid" ]; then
		kill "$(cat "$T/httpd.pid")" 2>/dev/null || :
		rm -f "$T/httpd.pid"
	fi
}
trap 'unserve; rm -rf "$T"' EXIT

# machine ARGUMENT... - boot disk.img with the channel in reach.
machine() {
	vm --disk "disk.img,rw${RECORD:+,record=$RECORD}" --net "host=$PORT" --watchdog --timeout 120 "$@"
}

# a machine that never saw an update
fresh() {
	copy_image "$(image base cairn.img)" disk.img 1G
}

# What the machine says. STARTED: GRUB has noted this boot, the kernel runs.
STARTED='cairn: INSECURE DEVELOPMENT VARIANT'
INSTALLING='cairn: update installing release='
WRITTEN='cairn: update written release='
RESTARTING='cairn: update restarts into release='
GOOD='cairn: update good release='
LEFT='cairn: update left release='

# state_is KEY=VALUE... - the boot state on disk.img says so.
state_is() {
	"$CAIRN" state --show disk.img "$(part_offset 2)" >state.txt
	for line; do
		grep -qx "$line" state.txt || fail "no $line in: $(tr '\n' ' ' <state.txt)"
	done
}

# fetched_once BUNDLE - no more than the bundle was sent, but for what its head takes.
fetched_once() {
	sent=$(sed -n 's/.* \/bundles\/.* sent=\([0-9]*\).*/\1/p' http.log | awk '{ n += $1 } END { print n + 0 }')
	if [ "$sent" = 0 ] || [ "$sent" -gt $(($(stat -c %s "$1") * 102 / 100 + 16384)) ]; then
		fail "$sent bytes were sent of a bundle of $(stat -c %s "$1")"
	fi
}

# cut_check LOG BASE ARGUMENT... - does every state start the old or the new release? Says N of N.
# NEXT_ESP: the loader that the release next brought along.
cut_check() {
	log=$1 base=$2 esp=$(image base esp.img)
	shift 2
	"$O/bin/cut-check" --log "$log" --base "$base" --conf "$TOP/conf/disk.conf" \
		--release "base:$(image base boot.img):$(image base root.img):$esp" \
		--release "next:$(image next boot.img):$(image next root.img):${NEXT_ESP:-$esp}" "$@"
}

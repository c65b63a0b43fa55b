#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The fetch part of service update against a server that misbehaves (tests/e2e/host/httpd.c), in a
# network namespace with nothing but loopback: the device's own code, static and in its sandbox,
# runs in a small root of its own. No QEMU.
if [ -z "${IN_NETNS:-}" ]; then
	if [ "$(id -u)" != 0 ] || ! unshare -n true 2>/dev/null; then
		echo "network namespaces want root"
		exit 77
	fi
	IN_NETNS=1 exec unshare -n sh "$0"
fi
. "$(dirname "$0")/lib.sh"
HTTPD=$O/bin/httpd DRIVE=$O/x86_64/bin/fetch-drive
for file in "$HTTPD" "$DRIVE" "$O/x86_64/pkg/ca-certificates/roots.pem"; do
	[ -e "$file" ] || skip "$file is not built"
done
ip link set lo up

# The device's root, as far as this part sees it.
R=$T/root
mkdir -p "$R/etc/cairn" "$R/run/cairn/media" "$R/run/cairn/netd" "$R/data/config" "$R/dev" "$R/out"
chmod 755 "$T" "$R"
cp "$TOP/rootfs/skeleton/etc/passwd" "$TOP/rootfs/skeleton/etc/group" "$R/etc"
cp "$O/x86_64/pkg/ca-certificates/roots.pem" "$R/etc/cairn"
cp "$DRIVE" "$R/fetch-drive"
mknod -m 666 "$R/dev/random" c 1 8
ln -s /run/resolv.conf "$R/etc/resolv.conf"
ln -s /run/cairn/netd/resolv.conf "$R/run/resolv.conf"
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >"$R/run/cairn/netd/resolv.conf"
printf '127.0.0.1 good.test other.test\n127.0.0.77 dual.test\n::1 dual.test six.test\n' \
	>"$R/etc/hosts"

# What is served.
W=$T/www
HEX=$(printf 'ab%.0s' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 \
	30 31 32)
BUNDLE=bundles/$HEX
SIZE=3000000
mkdir -p "$W/bundles" "$W/trust"
head -c $SIZE /dev/urandom >"$W/$BUNDLE.cairn"
echo 'a channel' >"$W/channel"
echo 'trust three' >"$W/trust/3"
head -c 1048577 /dev/zero >"$W/trust/9"

# server NAME OPTION... - a server, its port in $port (or in NAME_port), its log in NAME.log.
servers=''
server() {
	name=$1
	shift
	rm -f "$name.log"
	: >"$name.port"
	"$HTTPD" --log "$PWD/$name.log" "$@" "$W" >"$name.port" &
	servers="$servers $!"
	until grep -q port "$name.port"; do
		kill -0 $! || fail "httpd $*"
	done
	port=$(cut -d ' ' -f 2 "$name.port")
	eval "${name}_port=$port"
}
stop() {
	for pid in $servers; do
		kill "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	servers=''
}
run_case() {
	(
		trap stop EXIT
		"$@"
	)
}

# ask KEY=VALUE... OBJECT OUT... - ask for objects; what is said goes to `said.txt`. Bounds are
# short, so that a case takes little time.
ask() {
	status=0
	timeout 30 chroot "$R" /fetch-drive backoff_ms=20 backoff_max_ms=200 stall_s=1 \
		connect_ms=3000 "$@" >said.txt 2>&1 || status=$?
	[ "$status" -le 1 ] || fail "fetch-drive: status $status: $(cat said.txt)"
}
# answer KEY - of the first object.
answer() {
	sed -n "1s/.*\<$1=\([^ ]*\).*/\1/p" said.txt
}
# got RC - this rc; refused RC TEXT - this rc, and its sentence has the text.
got() {
	[ "$(answer rc)" = "$1" ] || fail "not rc=$1: $(cat said.txt)"
}
refused() {
	got "$1"
	grep -q -e "$2" said.txt || fail "not said: $2: $(cat said.txt)"
}
# whole [FILE] - the bundle came as it is.
whole() {
	got 0
	cmp "$W/$BUNDLE.cairn" "$R/out/${1:-b}" || fail "other bytes"
}
# sent LOG - bytes that a server sent in all.
sent() {
	sed -n 's/.* sent=\([0-9]*\) .*/\1/p' "$1.log" | awk '{ n += $1 } END { print n + 0 }'
}
answers() {
	wc -l <"$1.log"
}

ALL="$BUNDLE@0+$SIZE out/b"

documents() {
	server a
	ask url="http://127.0.0.1:$port/" channel out/c trust/3 out/t "$BUNDLE@1000+77777" out/p \
		"$BUNDLE@$((SIZE - 10))+10" out/e
	[ "$(grep -c '^rc=0 ' said.txt)" = 4 ] || fail "$(cat said.txt)"
	cmp "$W/channel" "$R/out/c"
	cmp "$W/trust/3" "$R/out/t"
	tail -c +1001 "$W/$BUNDLE.cairn" | head -c 77777 | cmp - "$R/out/p" || fail "a range"
	tail -c 10 "$W/$BUNDLE.cairn" | cmp - "$R/out/e" || fail "the end"
	ask url="http://127.0.0.1:$port" trust/4 out/x
	refused -2 'not there (HTTP 404)'
	ask url="http://127.0.0.1:$port" "$BUNDLE@$SIZE+1" out/x
	refused -61 "ends before byte $SIZE"
	ask url="http://127.0.0.1:$port" "$BUNDLE@$((SIZE - 5))+10" out/x
	got 0
	[ "$(answer bytes)" = 5 ] || fail "the end is not the end"
	ask url="http://127.0.0.1:$port" trust/9 out/x
	refused -27 'it has 1048577 bytes'
}

# mended FAULT... - the object comes whole, and no lost link costs more than what was on its way.
mended() {
	for fault; do
		server a --fault "$fault"
		# shellcheck disable=SC2086
		ask url="http://127.0.0.1:$port" $ALL
		whole
		lost=$(grep -vc 'fault=- *$' a.log)
		[ "$lost" -gt 0 ] || fail "$fault: it was not hit"
		extra=$(($(sent a) - SIZE))
		[ "$extra" -le $((lost * 65536)) ] || fail "$fault: $extra bytes again"
		stop
	done
}

chunks() {
	server a --fault reset%262144x0
	# shellcheck disable=SC2086
	ask url="http://127.0.0.1:$port" $ALL
	whole
	chunks=$((SIZE / 262144))
	[ "$(answers a)" = $((chunks + 1)) ] || fail "$(answers a) answers"
	[ $(($(sent a) - SIZE)) -le $((chunks * 65536)) ] || fail "much was sent again"
}

restart() {
	server a --fault restart@1500000 --down 700
	# shellcheck disable=SC2086
	ask tries=20 url="http://127.0.0.1:$port" $ALL
	whole
	[ $(($(sent a) - SIZE)) -le 65536 ] || fail "much was sent again"
}

no_ranges() {
	server a --fault truncate@1000000 --fault ignore-rangex0
	# shellcheck disable=SC2086
	ask url="http://127.0.0.1:$port" $ALL
	whole
	[ "$(answer fetched)" -ge $((SIZE + 1000000)) ] || fail "$(cat said.txt)"
	ask url="http://127.0.0.1:$port" "$BUNDLE@2000000+1000" out/p
	got 0
	tail -c +2000001 "$W/$BUNDLE.cairn" | head -c 1000 | cmp - "$R/out/p" || fail "other bytes"
	ask skip_max=1999999 url="http://127.0.0.1:$port" "$BUNDLE@2000000+1000" out/p
	refused -27 'knows no ranges'
}

# A server that breaks rules is refused at once, and the words say how.
rules() {
	while read -r fault words; do
		server a --fault "${fault}x0"
		# shellcheck disable=SC2086
		ask url="http://127.0.0.1:$port" $ALL
		refused -71 "$words"
		[ "$(answer bytes)" = 0 ] || fail "$fault: bytes were taken"
		[ "$(answers a)" -le 6 ] || fail "$fault: asked $(answers a) times"
		stop
	done <<-END
		wrong-length Content-Length does not fit
		wrong-range sends bytes 1-
		bad-range does not say which
		gzip compresses unasked
		header-flood header lines without end
		redirect-loop more than 5 times
	END
}

changed() {
	server a --fault change@1000000
	# shellcheck disable=SC2086
	ask url="http://127.0.0.1:$port" $ALL
	refused -116 'changed on the server'
	head -c "$(answer bytes)" "$W/$BUNDLE.cairn" | cmp - "$R/out/b" || fail "a mixture"
	stop
	# Without an ETag the length tells.
	server a --no-etag --fault truncate@1000000 --fault wrong-total
	# shellcheck disable=SC2086
	ask url="http://127.0.0.1:$port" $ALL
	refused -116 'changed on the server'
}

# Gigabytes: no more than what was asked for is taken, whatever comes.
endless() {
	server a --fault endlessx0
	# shellcheck disable=SC2086
	ask url="http://127.0.0.1:$port" $ALL
	whole
	[ "$(answer fetched)" -le $((SIZE + 65536)) ] || fail "$(cat said.txt)"
	ask url="http://127.0.0.1:$port" channel out/c
	refused -27 'more than 1048576 bytes'
	[ "$(sed 's/.*peak_kib=//' said.txt | tail -n 1)" -le 8192 ] || fail "$(cat said.txt)"
}

gives_up() {
	server a --fault 500x0
	ask tries=3 url="http://127.0.0.1:$port" channel out/c
	refused -121 'HTTP 500.*given up after 3 attempts'
	[ "$(answers a)" = 3 ] || fail "asked $(answers a) times"
	stop
	ask tries=3 url="http://127.0.0.1:$port" channel out/c
	refused -111 'given up after 3 attempts'
	server a --fault stallx0
	ask tries=2 url="http://127.0.0.1:$port" channel out/c
	refused -110 'given up after 2 attempts'
	stop
	server a --fault slow@500x0
	ask tries=2 url="http://127.0.0.1:$port" "$BUNDLE@0+20000" out/b
	refused -110 'too slow'
	ask tries=2 url="http://nowhere.test:$port" channel out/c
	refused -113 'given up after 2 attempts'
}

redirects() {
	server a --redirect /channel=/trust/3 --redirect /trust/1=file:///etc/passwd \
		--redirect /trust/2=ftp://127.0.0.1/x
	ask url="http://127.0.0.1:$port" channel out/c
	got 0
	cmp "$W/trust/3" "$R/out/c"
	ask url="http://127.0.0.1:$port" trust/1 out/c
	refused -71 'redirects to file:///etc/passwd'
	ask url="http://127.0.0.1:$port" trust/2 out/c
	refused -71 'redirects to ftp:'
}

askers() {
	server a --fault reset%1000000x0
	# shellcheck disable=SC2086
	ask both=1 url="http://127.0.0.1:$port" $ALL
	[ "$(grep -c '^rc=0 ' said.txt)" = 2 ] || fail "$(cat said.txt)"
	whole b
	whole b.2
}

# An asker that is slow holds the network, not the memory.
slow_asker() {
	server a
	# shellcheck disable=SC2086
	ask slow_ms=5 url="http://127.0.0.1:$port" $ALL
	whole
	[ "$(answers a)" = 1 ] || fail "the link was lost"
	[ "$(sed -n 's/peak_kib=//p' said.txt)" -le 4096 ] || fail "$(cat said.txt)"
}

cancel() {
	server a --fault slow@400000x0
	# shellcheck disable=SC2086
	ask cancel_at=50000 url="http://127.0.0.1:$port" $ALL channel out/c
	refused -125 ''
	[ "$(answer bytes)" -lt 1000000 ] || fail "$(cat said.txt)"
	tail -n 2 said.txt | grep -q '^rc=0 ' || fail "and then: $(cat said.txt)"
	# Many that nobody waits for any more, before one that counts.
	server b
	# shellcheck disable=SC2086
	ask burst=40 both=1 url="http://127.0.0.1:$port" $ALL
	whole
	whole b.2
}

limit() {
	server a
	start=$(date +%s%N)
	# shellcheck disable=SC2086
	ask limit=1024 url="http://127.0.0.1:$port" $ALL
	took=$((($(date +%s%N) - start) / 1000000))
	whole
	# 2.9 s by the limit; what libcurl lets through at first is not counted.
	[ "$took" -ge 1500 ] || fail "3 MB at 1 MiB/s in $took ms"
}

ipv6() {
	server a --fault reset@1000000
	# shellcheck disable=SC2086
	ask url="http://[::1]:$port" $ALL
	whole
	# A name whose IPv4 address does not answer.
	ask url="http://dual.test:$port" channel out/c
	got 0
}

# The name servers may come later, or be others.
names() {
	need dnsmasq
	server a
	cp "$R/run/cairn/netd/resolv.conf" before
	printf 'nameserver 127.0.0.99\noptions timeout:1 attempts:1\n' >"$R/run/cairn/netd/resolv.conf"
	dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --user=root \
		--pid-file= --bind-interfaces --listen-address=127.0.0.53 \
		--local=/test/ --host-record=late.test,127.0.0.1,::1 &
	servers="$servers $!"
	# The first is asked of the old one, in vain; then the file changes under the running part.
	ask tries=1 then=/out/changed url="http://late.test:$port" channel out/c channel out/c &
	asking=$!
	until grep -q '^rc=-113 ' said.txt 2>/dev/null; do
		kill -0 $asking || fail "it ended: $(cat said.txt)"
	done
	printf 'nameserver 127.0.0.53\noptions timeout:1 attempts:1\n' >new
	mv new "$R/run/cairn/netd/resolv.conf"
	: >"$R/out/changed"
	wait $asking || fail "asking"
	mv before "$R/run/cairn/netd/resolv.conf"
	[ "$(grep -c '^rc=0 ' said.txt)" = 1 ] || fail "$(cat said.txt)"
}

# certificate NAME CA FROM TO SUBJECT-ALT-NAME - one that is valid between these dates.
certificate() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
		-subj "/CN=$1" -out "$1.csr" 2>/dev/null
	: >index.txt
	echo "subjectAltName=$5" >ext
	printf '[ca]\ndefault_ca=c\n[c]\ndatabase=index.txt\nrand_serial=yes\nnew_certs_dir=.\n' >ca.conf
	printf 'policy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\n' >>ca.conf
	openssl ca -batch -config ca.conf -cert "$2.pem" -keyfile "$2.key" -in "$1.csr" \
		-out "$1.pem" -startdate "$3" -enddate "$4" -extfile ext -notext 2>openssl.txt ||
		fail "openssl: $(cat openssl.txt)"
}
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
		-subj "/CN=test $1" -days 3650 -out "$1.pem" 2>/dev/null
}
tls_server() {
	server "$1" --tls "$1.pem" "$1.key"
}

tls() {
	mkdir -p "$T/tls"
	authority ca
	authority other
	now=$(date +%Y)
	certificate good ca "$((now - 1))0101000000Z" "$((now + 2))0101000000Z" \
		DNS:good.test,IP:127.0.0.1,IP:::1
	certificate old ca 20010101000000Z 20030101000000Z DNS:good.test
	certificate future ca "$((now + 5))0101000000Z" "$((now + 8))0101000000Z" DNS:good.test
	certificate wrong ca "$((now - 1))0101000000Z" "$((now + 2))0101000000Z" DNS:wrong.test
	certificate alien other "$((now - 1))0101000000Z" "$((now + 2))0101000000Z" DNS:good.test
	cp ca.pem "$R/etc/cairn/ca.pem"
	for s in good old future wrong alien; do
		tls_server $s
	done
	for host in good.test 127.0.0.1 '[::1]'; do
		# shellcheck disable=SC2154,SC2086
		ask ca=operator url="https://$host:$good_port" $ALL
		whole
	done
	# A clock that is years ahead sees old certificates, one that is behind sees future ones.
	# shellcheck disable=SC2154
	ask ca=operator url="https://good.test:$old_port" channel out/c
	refused -129 'expired: is the clock right'
	# shellcheck disable=SC2154
	ask ca=operator url="https://good.test:$future_port" channel out/c
	refused -129 'not valid yet: is the clock right'
	# shellcheck disable=SC2154
	ask ca=operator url="https://good.test:$wrong_port" channel out/c
	refused -129 'another host name'
	ask ca=operator url="https://other.test:$good_port" channel out/c
	refused -129 'another host name'
	# shellcheck disable=SC2154
	ask ca=operator url="https://good.test:$alien_port" channel out/c
	refused -129 'root that counts'
	ask ca=public url="https://good.test:$good_port" channel out/c
	refused -129 'root that counts'
	[ "$(sed -n 's/peak_kib=//p' said.txt)" -le 8192 ] || fail "$(cat said.txt)"
	ask ca=none url="https://good.test:$good_port" channel out/c
	grep -q 'no CA is set' said.txt || fail "$(cat said.txt)"
	for s in old future wrong alien; do
		! grep -q 'GET /channel' $s.log || fail "$s: something was asked of it"
	done
	# The operator's roots may stand on DATA, in addition.
	cp other.pem "$R/data/config/ca.pem"
	ask ca=operator url="https://good.test:$alien_port" channel out/c
	got 0
	rm "$R/data/config/ca.pem"
	# From http to https, never back; and the proxy's CONNECT.
	server up --redirect "/channel=https://good.test:$good_port/trust/3"
	ask ca=operator url="http://good.test:$port" channel out/c
	got 0
	cmp "$W/trust/3" "$R/out/c"
	server down --tls good.pem good.key --redirect "/channel=http://good.test:$port/trust/3"
	ask ca=operator url="https://good.test:$port" channel out/c
	refused -71 'from https to http'
	server proxy --proxy --auth user:secret
	# shellcheck disable=SC2086
	ask ca=operator proxy="http://user:secret@127.0.0.1:$port" url="https://127.0.0.1:$good_port" $ALL
	whole
	grep -q '^CONNECT 127.0.0.1:.* status=200' proxy.log || fail "$(cat proxy.log)"
	ask ca=operator proxy="http://user:wrong@127.0.0.1:$port" url="https://127.0.0.1:$good_port" \
		channel out/c
	refused -13 'the proxy'
}

tls_faults() {
	authority ca
	now=$(date +%Y)
	certificate good ca "$((now - 1))0101000000Z" "$((now + 2))0101000000Z" DNS:good.test
	cp ca.pem "$R/etc/cairn/ca.pem"
	for fault in truncate@1000000 reset@1000000 stall@0 drop 'reset%700000x0'; do
		server a --tls good.pem good.key --fault "$fault"
		# shellcheck disable=SC2086
		ask ca=operator url="https://good.test:$port" $ALL
		whole
		stop
	done
}

proxy() {
	server a --fault reset@1000000
	server proxy --proxy
	# shellcheck disable=SC2154,SC2086
	ask proxy="http://127.0.0.1:$port" url="http://127.0.0.1:$a_port" $ALL
	whole
	[ "$(grep -c '^GET http://' proxy.log)" = 2 ] || fail "$(cat proxy.log)"
	stop
	server auth --proxy --auth user:secret
	ask proxy="http://127.0.0.1:$port" url=http://127.0.0.1:9 channel out/c
	refused -13 'the proxy'
	stop
	ask tries=2 proxy="http://127.0.0.1:$port" url="http://127.0.0.1:$a_port" channel out/c
	refused -111 'given up'
}

# A stick: a folder like a server's, one bundle, a descriptor; nothing leads out of it.
stick() {
	M=$R/run/cairn/media/stick
	mkdir -p "$M/trust"
	cp -R "$W/." "$M/"
	ask url=file:///run/cairn/media/stick channel out/c trust/3 out/t "$BUNDLE@0+$SIZE" out/b
	[ "$(grep -c '^rc=0 ' said.txt)" = 3 ] || fail "$(cat said.txt)"
	cmp "$W/channel" "$R/out/c"
	whole
	ask kind=file url="file:///run/cairn/media/stick/$BUNDLE.cairn" "$BUNDLE@0+$SIZE" out/b
	whole
	cp "$W/$BUNDLE.cairn" "$R/file"
	ask kind=fd url=/file "$BUNDLE@0+$SIZE" out/b
	whole
	ask kind=fd url=/file channel out/c
	refused -2 'one bundle'
	ask url=file:///run/cairn/media/stick trust/9 out/t
	refused -27 bytes
	ask url=file:///run/cairn/media/stick trust/7 out/t
	refused -2 ''
	ask url=file:///run/cairn/media/stick "$BUNDLE@$SIZE+1" out/b
	refused -61 'ends before'
	ln -s /etc/passwd "$M/trust/1"
	mkfifo "$M/trust/2"
	ln -s ../../../../etc "$M/up"
	ask url=file:///run/cairn/media/stick trust/1 out/t
	refused -40 ''
	ask url=file:///run/cairn/media/stick trust/2 out/t
	refused -22 ''
	for url in file:///run/cairn/media/stick/up file:///run/cairn/media/../../etc file:///etc \
		file://host/run/cairn/media/stick file:///run/cairn/media/none; do
		ask url="$url" channel out/c
		grep -q '^config rc=-' said.txt || fail "$url: $(cat said.txt)"
	done
}

addresses() {
	for url in ftp://127.0.0.1/x http://user@127.0.0.1/ http://user:x@127.0.0.1/ 'http://' \
		'http://127.0.0.1/#x' 'http://127.0.0.1/?x' gopher://127.0.0.1 '' /etc 'http://[::1'; do
		ask url="$url" channel out/c
		grep -q '^config rc=-' said.txt || fail "\`$url': $(cat said.txt)"
	done
	ask url=http://127.0.0.1 proxy=socks5://127.0.0.1 channel out/c
	grep -q '^config rc=-22 why=the proxy' said.txt || fail "$(cat said.txt)"
}

# What it may still do, seen from outside while it waits.
rights() {
	server a --fault stall@100000
	timeout 30 chroot "$R" /fetch-drive url="http://127.0.0.1:$port" "$BUNDLE@0+400000" out/b \
		>said.txt 2>&1 </dev/null &
	asking=$!
	until parent=$(pgrep -f "^/fetch-drive url.http://127.0.0.1:$port") &&
		part=$(pgrep -P "$(echo "$parent" | head -n 1)") &&
		grep -q '^Seccomp:[[:space:]]*2' "/proc/$part/status"; do
		kill -0 $asking || fail "it ended: $(cat said.txt)"
	done
	cp "/proc/$part/status" status
	uid=$(sed -n 's/^cairn-fetch:x:\([0-9]*\):.*/\1/p' "$R/etc/passwd")
	tr '\t' ' ' <status | grep -q "^Uid: $uid $uid $uid $uid$" || fail "$(grep Uid status)"
	grep -q '^Groups:[[:space:]]*$' status || fail "$(grep Groups status)"
	for set in Inh Prm Eff Bnd Amb; do
		grep -Eq "^Cap$set:[[:space:]]*0000000000000000$" status || fail "$(grep Cap status)"
	done
	grep -Eq '^NoNewPrivs:[[:space:]]*1$' status || fail "no_new_privs"
	# Sockets and pipes, its media folder's place, and nothing else is open.
	for fd in "/proc/$part/fd"/*; do
		case $(readlink "$fd") in
		*socket:* | *pipe:* | */said.txt | /dev/null | */run/cairn/media) ;;
		*) fail "open: $(readlink "$fd")" ;;
		esac
	done
	# When main is gone, so is it.
	kill $asking
	wait $asking || :
	until ! kill -0 "$part" 2>/dev/null; do sleep 0.05; done
}

t "documents, ranges, what is not there" run_case documents
t "lost links: truncated, reset, stalled, dropped, HTTP 500 and 503" run_case mended \
	truncate@1000000 reset@1500000 stall@2000000 drop 500 503 'truncate@0' reset@2999999
t "reset at each chunk: nothing is downloaded again" run_case chunks
t "the server restarts" run_case restart
t "a server that ignores ranges is read past, within a bound" run_case no_ranges
t "wrong lengths and ranges, compression, header floods, redirects for ever" run_case rules
t "what changes under way is an error and no mixture" run_case changed
t "gigabytes: only what was asked for" run_case endless
t "it gives up: failing, refusing, silent, slow, unknown servers" run_case gives_up
t "redirects: to http, never to files or others" run_case redirects
t "two askers at once" run_case askers
t "a slow asker" run_case slow_asker
t "cancelled, and then the next" run_case cancel
t "the bandwidth limit" run_case limit
t "IPv6, alone and as the second address" run_case ipv6
t "name servers that come later" run_case names
t "TLS: good, expired, future, wrong host, wrong CA, redirects, CONNECT" run_case tls
t "TLS: lost links" run_case tls_faults
t "a proxy, with a password and without" run_case proxy
t "a stick: folder, file, descriptor; nothing leads out" run_case stick
t "addresses that are refused" run_case addresses
t "what rights it keeps" run_case rights
finish

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# repro.sh - build the image twice, with everything different that may differ, and
# compare every output: path, wall clock, umask, locale, time zone, host name, user,
# order of files, parallelism, each with an empty package cache of its own.
# REPRO=quick shares the kernel's package (its own build takes minutes).
# KEEP=1 leaves both trees in out/repro. Exit 1 at a difference, shown by diffoscope.
set -eu
. "$(dirname "$0")/common.sh"

base=$O/repro
rm -rf "$base"
mkdir -p "$base"
for path in "$TOP"/pkg/*/sources; do
	"$TOP/scripts/fetch.sh" "$(basename "$(dirname "$path")")"
done
cleanup() {
	for m in "$base"/*/order "$base"/*/*/order; do
		[ ! -d "$m" ] || fusermount -u "$m" 2>/dev/null || umount "$m" 2>/dev/null || true
	done
	[ -n "${KEEP:-}" ] || rm -rf "$base"
}
trap cleanup EXIT
differs=''

# tree DIR ORDER - what git tracks or would, as it is in the checkout, below DIR.
tree() {
	mkdir -p "$1/cache/pkg"
	(cd "$TOP" && git ls-files -co --exclude-standard | if [ "$2" = back ]; then sort -r; else sort; fi |
		tar -cf - --no-recursion -T - 2>/dev/null) | tar -xf - -C "$1"
	mkdir -p "$1/cache/src"
	cp -al "$CAIRN_CACHE/src/." "$1/cache/src/" 2>/dev/null || cp -a "$CAIRN_CACHE/src/." "$1/cache/src/"
	if [ "${REPRO:-}" = quick ]; then
		for p in "$CAIRN_CACHE"/pkg/linux-*; do cp -a "$p" "$1/cache/pkg/"; done
	fi
}
one=$base/one
two=$base/a-much-longer/path.with+signs/two
mkdir -p "$one" "$two"
tree "$one" forth
tree "$two" back

echo "repro: first build, in $one"
(cd "$one" && umask 022 && env -i PATH="$PATH" HOME="$one/cache" LC_ALL=C TZ=UTC CAIRN_CACHE="$one/cache" \
	sh -c 'make -j1 image && make -j1 bundle' > "$base/one.log" 2>&1) || { tail -n 30 "$base/one.log"; die "the first build failed"; }

# The second: other user, host name, clock, order of files where the host can do it.
run=''
if unshare -u true 2>/dev/null; then
	run="unshare -u sh -c 'hostname other-host.example; exec \"\$@\"' -"
	differs="$differs host-name"
fi
user=''
if [ "$(id -u)" = 0 ]; then
	chown -R 65534:65534 "$base/a-much-longer" && chmod 755 "$base" "$O"
	user='setpriv --reuid 65534 --regid 65534 --clear-groups'
	differs="$differs user"
fi
work=$two
if command -v disorderfs > /dev/null && [ -c /dev/fuse ] && [ "$(id -u)" = 0 ]; then
	mkdir "$base/a-much-longer/order"
	if disorderfs --multi-user=yes --shuffle-dirents=yes "$two" "$base/a-much-longer/order" > /dev/null 2>&1; then
		work=$base/a-much-longer/order
		differs="$differs file-order"
	fi
fi
locale=$(locale -a 2>/dev/null | grep -iv -e '^C' -e '^POSIX' | head -n 1)
sleep 2
echo "repro: second build, in $work; differs in path, time, umask, locale, TZ, parallelism$differs"
(cd "$work" && umask 077 && eval "$run $user env -i PATH=\"\$PATH\" HOME=\"\$two/cache\" LANG=${locale:-C.UTF-8} \
	LC_ALL=${locale:-C.UTF-8} TZ=Pacific/Kiritimati CAIRN_CACHE=\"\$two/cache\" \
	sh -c 'make -j3 image && make -j3 bundle'" > "$base/two.log" 2>&1) || { tail -n 30 "$base/two.log"; die "the second build failed"; }

bad=0 n=0
for path in "$one/out/$ARCH"/*.img "$one/out/$ARCH"/*.zst "$one/out/$ARCH"/*.bundle "$one/out/$ARCH"/*.json "$one/out/$ARCH/vmlinuz" \
	"$one/out/$ARCH/grub.efi" "$one/out/$ARCH/slot.cfg" "$one/out/$ARCH"/sig/* "$one/out/$ARCH"/bin/* \
	"$one/out/$ARCH/root.squashfs"; do
	rel=${path#"$one/"}
	n=$((n + 1))
	if cmp -s "$path" "$two/$rel"; then
		echo "same      $rel"
		continue
	fi
	echo "DIFFERENT $rel"
	bad=$((bad + 1))
	case $rel in
	*cairn.img* | *.zst) ;;
	*) diffoscope --text - --max-report-size 20000 "$path" "$two/$rel" 2>/dev/null | head -n 60 || true ;;
	esac
done
for path in "$one"/cache/pkg/*/; do
	name=$(basename "$path")
	n=$((n + 1))
	diff -r --no-dereference "$path" "$two/cache/pkg/$name" > "$base/diff" 2>&1 && continue
	echo "DIFFERENT package $name"
	bad=$((bad + 1))
	head -n 5 "$base/diff"
	diffoscope --text - --max-report-size 20000 "$path" "$two/cache/pkg/$name" 2>/dev/null | head -n 60 || true
done
echo "repro: $n outputs and packages compared, $bad different"
if [ "$bad" = 0 ]; then echo "$n passed, 0 failed"; else echo "$((n - bad)) passed, $bad failed"; exit 1; fi

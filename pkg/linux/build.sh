# SPDX-License-Identifier: Apache-2.0
# Compiles the kernel with an initramfs that is only a place kept open (256 KiB
# with a mark), then stages what is needed to link it again with a real one:
#   obj/ include/ arch/  a part of the build tree, same paths
#   relink.sh            kbuild's own last commands, from vmlinux.bin to bzImage
#   initramfs.place      the place: offset, size, the file it is in, the file that relink.sh makes
#   tree.sha256          one hash over all of this
#   System.map config    for people
unset CC CFLAGS LDFLAGS MAKEFLAGS
MARK=cairn-initramfs-goes-here
PLACE=262144
KBUILD_BUILD_TIMESTAMP=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %e %H:%M:%S UTC %Y')
export KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER=cairn KBUILD_BUILD_HOST=cairn KBUILD_BUILD_VERSION=1

mkdir linux
tar -xJf "$SRC"/usr/src/linux-source-*.tar.xz -C linux --strip-components=1 --no-same-owner
cd linux

# The build folder lies inside the source: then kbuild names every file by a
# relative path, and the same bytes come out wherever this runs.
mkdir obj
printf '%s' "$MARK" > obj/cairn-initramfs.cpio
truncate -s "$PLACE" obj/cairn-initramfs.cpio

microcode=''
. "$TOP/conf/board.conf"
cp -R "$TOP/conf/microcode" firmware
: > board.config
if [ -n "$microcode" ]; then
	printf 'CONFIG_EXTRA_FIRMWARE="%s"\nCONFIG_EXTRA_FIRMWARE_DIR="firmware"\n' "$microcode" > board.config
fi
fragments=''
for purpose in base "$ARCH" storage network tpm verity-crypt containers kvm hardening console; do
	fragments="$fragments $TOP/kernel/config/$purpose.config"
done
# shellcheck disable=SC2086
ARCH=$ARCH "$TOP/scripts/kernel-config.sh" . obj $fragments "$PWD/board.config"

# -Os makes gcc inline memset and memcpy as `rep stosb` and `rep movsb`, the slowest
# form on processors before 2020 and under emulation (0.3 s of the start): call them.
FLAGS=-mstringop-strategy=libcall

# Every line goes on (to the log), and a count with it now and then.
{ make ARCH="$ARCH" O=obj -j"$JOBS" KCFLAGS="$FLAGS" bzImage 2>&1 || echo "make failed"; } | awk -v about=2450 '
	{ print; last = $0 }
	/^  (CC|AS|AR|LD|HOSTCC) / && ++n % 100 == 0 {
		printf "linux: %d of about %d objects\n", n, about > about ? n : about
		fflush()
	}
	END { exit last == "make failed" }'

boot=arch/x86/boot
zboot=$boot/compressed

# The last commands, as kbuild recorded them (its escapes undone), in their order.
recorded() {
	sed -n '1s/^savedcmd_[^ ]* := //p' "obj/$1" | sed 's/\$(pound)/#/g; s/\$\$/$/g' | grep .
}
{
	echo "# kbuild's way from obj/$zboot/vmlinux.bin to obj/$boot/bzImage; run in obj/ with ZSTD set."
	echo 'set -eu'
	recorded $zboot/.vmlinux.bin.zst.cmd | sed 's/| zstd /| "$ZSTD" /'
	for cmd in $zboot/.piggy.S.cmd $zboot/.piggy.o.cmd $zboot/.vmlinux.cmd $boot/.vmlinux.bin.cmd \
		$boot/.zoffset.h.cmd $boot/.header.o.cmd $boot/.setup.elf.cmd $boot/.setup.bin.cmd \
		$boot/.bzImage.cmd; do
		recorded $cmd
	done
} > "$DEST/relink.sh"

# What those commands read: objects and tools, and the headers their .cmd files name.
keep() {
	for f; do
		case $f in ../*) to=${f#../} ;; *) to=obj/$f ;; esac
		mkdir -p "$DEST/$(dirname "$to")"
		cp "$f" "$DEST/$to"
	done
}
cd obj
headers=$(sed -n 's/^ *\([^$ /][^ ]*\.[hS]\) *\\*$/\1/p; s/^source_[^ ]* := //p' $boot/.header.o.cmd $zboot/.piggy.o.cmd |
	grep -v 'zoffset.h$\|piggy.S$' | sort -u)
# shellcheck disable=SC2046,SC2086
keep $headers include/generated/autoconf.h $(find $zboot $boot -maxdepth 1 -name '*.o' ! -name piggy.o ! -name header.o) \
	$zboot/vmlinux.bin $zboot/vmlinux.relocs $zboot/vmlinux.lds $zboot/mkpiggy $boot/tools/build \
	drivers/firmware/efi/libstub/lib.a $(ar t drivers/firmware/efi/libstub/lib.a) ../$boot/setup.ld
# The real-mode objects carry debug lines, with the build's path; no output has them.
find "$DEST" -name '*.o' -exec strip -g {} +
cd ..

place=$(grep -abo "$MARK" obj/$zboot/vmlinux.bin)
[ "$(printf '%s\n' "$place" | wc -l)" = 1 ] || { echo "the place of the initramfs is not found once"; exit 1; }
echo "${place%%:*} $PLACE obj/$zboot/vmlinux.bin obj/$boot/bzImage" > "$DEST/initramfs.place"

# Proof, at each build: the replayed commands make the very bzImage that kbuild made.
cp -R "$DEST" ../check
(cd ../check/obj && ZSTD=zstd sh ../relink.sh) > /dev/null
cmp ../check/obj/$boot/bzImage obj/$boot/bzImage

gcc -O2 -o "$DEST/gen_init_cpio" usr/gen_init_cpio.c
cp obj/.config "$DEST/config"
cp obj/System.map "$DEST/System.map"
(cd "$DEST" && find . -type f | sort | xargs sha256sum) | sha256sum | cut -c1-64 > "$DEST/tree.sha256"

# SPDX-License-Identifier: Apache-2.0
# Only the compressor that an image may use; no xattrs, which a root has none of.
make -C "$SRC/squashfs-tools" CC="$CC" EXTRA_CFLAGS="$CFLAGS" EXTRA_LDFLAGS="$LDFLAGS" \
	GZIP_SUPPORT=0 ZSTD_SUPPORT=1 XATTR_SUPPORT=0 COMP_DEFAULT=zstd \
	mksquashfs unsquashfs
mkdir "$DEST/bin"
install -s -m 755 "$SRC/squashfs-tools/mksquashfs" "$SRC/squashfs-tools/unsquashfs" "$DEST/bin/"

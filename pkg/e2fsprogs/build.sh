# SPDX-License-Identifier: Apache-2.0
# The three programs DATA needs, static, each with only the libraries beside it.
CFLAGS="$CFLAGS -Os" "$SRC/configure" --host="$ARCH-linux-musl" --build="$(uname -m)-linux-gnu" \
	--prefix=/usr --sysconfdir=/etc --disable-nls --disable-elf-shlibs --disable-rpath \
	--disable-debugfs --disable-imager --disable-defrag --disable-uuidd --disable-fuse2fs \
	--disable-tdb --disable-bmap-stats --disable-fsck --disable-e2initrd-helper \
	--enable-libuuid --enable-libblkid --without-libarchive --with-crond-dir=no \
	--with-systemd-unit-dir=no --with-udev-rules-dir=no
make libs
make -C misc mke2fs
make -C e2fsck e2fsck
make -C resize resize2fs
mkdir "$DEST/bin"
install -s -m 755 misc/mke2fs e2fsck/e2fsck resize/resize2fs "$DEST/bin/"

# SPDX-License-Identifier: Apache-2.0
# Static libraries in upstream's default configuration; its tarball carries the
# generated files, so no Python is needed.
make -C "$SRC/library" CC="$CC" ARFLAGS=rcD CFLAGS="$CFLAGS" WARNING_CFLAGS= static
mkdir -p "$DEST/lib" "$DEST/include"
for lib in crypto x509 tls; do
	cp "$SRC/library/libmbed$lib.a" "$DEST/lib/"
done
cp -r "$SRC/include/mbedtls" "$SRC/include/psa" "$DEST/include/"

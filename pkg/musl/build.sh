# SPDX-License-Identifier: Apache-2.0
# Static only: nothing on the device is linked at run time. The compiler wrapper
# is ours (musl-gcc, musl-gcc.specs here), because musl's own holds its path.
CC=gcc LDFLAGS='' "$SRC/configure" --prefix=/ --disable-shared --disable-wrapper
make
make DESTDIR="$DEST" install
rm -rf "$DEST/bin"
mkdir "$DEST/bin"
install -m 755 "$TOP/pkg/musl/musl-gcc" "$DEST/bin/musl-gcc"
install -m 644 "$TOP/pkg/musl/musl-gcc.specs" "$DEST/lib/musl-gcc.specs"

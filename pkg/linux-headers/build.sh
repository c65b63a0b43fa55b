# SPDX-License-Identifier: Apache-2.0
# Only the folders that headers_install reads are unpacked.
unset CC CFLAGS LDFLAGS
tar -xJf "$SRC"/usr/src/linux-source-*.tar.xz --strip-components=1 --no-same-owner --wildcards \
	'*/Makefile' '*/Kbuild' '*/Kbuild.*' '*/Makefile.*' '*/include/uapi/*' '*/include/asm-generic/*' \
	'*/scripts/*' '*/arch/*/entry/syscalls/*' '*/arch/*/tools/*' '*/tools/include/*' '*/include/linux/compiler*'
make ARCH="$ARCH" HOSTCC=gcc INSTALL_HDR_PATH="$DEST" headers_install
find "$DEST/include" -name '.*' -type f -delete

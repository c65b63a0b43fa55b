# SPDX-License-Identifier: Apache-2.0
# The library, and the command that makes .img.zst (static: it runs anywhere).
# Compiled directly, once: upstream's makefiles build the library twice for it.
cat > Makefile <<'EOF'
lib := $(sort $(foreach d,common compress decompress dictBuilder,$(wildcard $(SRC)/lib/$(d)/*.c)))
cli := $(addprefix $(SRC)/programs/, zstdcli.c util.c timefn.c fileio.c fileio_asyncio.c)
flags := -DZSTD_MULTITHREAD -DZSTD_DISABLE_ASM -DXXH_NAMESPACE=ZSTD_ -DDEBUGLEVEL=0
objects = $(patsubst $(SRC)/%.c,obj/%.o,$(1))
all: libzstd.a zstd
libzstd.a: $(call objects,$(lib)) ; ar rcD $@ $^
zstd: $(call objects,$(cli)) libzstd.a ; $(CC) $(CFLAGS) $(LDFLAGS) -s -o $@ $^
obj/%.o: $(SRC)/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) $(flags) -DZSTD_NOBENCH -DZSTD_NODICT -DZSTD_NOTRACE -I$(SRC)/lib -I$(SRC)/lib/common -c -o $@ $<
EOF
make SRC="$SRC" CC="$CC" CFLAGS="$CFLAGS" LDFLAGS="$LDFLAGS"
mkdir -p "$DEST/lib" "$DEST/include" "$DEST/bin"
cp libzstd.a "$DEST/lib/"
cp "$SRC/lib/zstd.h" "$SRC/lib/zstd_errors.h" "$SRC/lib/zdict.h" "$DEST/include/"
cp zstd "$DEST/bin/"

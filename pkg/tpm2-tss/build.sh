# SPDX-License-Identifier: Apache-2.0
# The release tarball has no configure, and its bootstrap wants git: the C files
# of mu, sys, esys (mbedTLS backend), rc and the device TCTI are compiled
# directly into one library.
cat > Makefile <<'EOF'
src := $(wildcard $(addprefix $(SRC)/src/, tss2-mu/*.c tss2-sys/*.c tss2-sys/api/*.c \
	tss2-esys/*.c tss2-esys/api/*.c tss2-rc/*.c)) \
	$(addprefix $(SRC)/src/, tss2-tcti/tcti-common.c tss2-tcti/tcti-device.c \
	tss2-tcti/tctildr.c tss2-tcti/tctildr-nodl.c util/key-value-parse.c util/log.c \
	util-io/io.c)
src := $(filter-out %/esys_crypto_ossl.c, $(wildcard $(src)))
objs := $(sort $(src:$(SRC)/src/%.c=obj/%.o))
libtss2.a: $(objs) ; ar rcD $@ $(objs)
obj/%.o: $(SRC)/src/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -std=gnu99 -DMBED -DNO_DL -DTCTI_DEVICE -DMAXLOGLEVEL=3 \
		-DESYS_TCTI_DEFAULT_MODULE='"libtss2-tcti-device.so"' \
		-DSYSCONFDIR='"/etc"' \
		$(addprefix -I$(SRC)/, src include include/tss2 src/tss2-mu src/tss2-sys src/tss2-esys src/util) \
		-c -o $@ $<
EOF
make SRC="$SRC" CC="$CC" CFLAGS="$CFLAGS"
mkdir -p "$DEST/lib" "$DEST/include"
cp libtss2.a "$DEST/lib/"
cp -r "$SRC/include/tss2" "$DEST/include/"

# SPDX-License-Identifier: Apache-2.0
# The library alone, compiled directly with a configuration of our own
# (curl_config.h): upstream's configure takes longer than this and builds it twice.
cat > Makefile <<'END'
dirs := . curlx vauth vtls vquic vssh
objs := $(sort $(foreach d,$(dirs),$(patsubst $(SRC)/lib/%.c,obj/%.o,$(wildcard $(SRC)/lib/$(d)/*.c))))
libcurl.a: $(objs) ; ar rcD $@ $(objs)
obj/%.o: $(SRC)/lib/%.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -DHAVE_CONFIG_H -DBUILDING_LIBCURL -DCURL_STATICLIB -DCURL_HIDDEN_SYMBOLS \
		-fvisibility=hidden -Os -I$(CONFIG) -I$(SRC)/include -I$(SRC)/lib -c -o $@ $<
END
make SRC="$SRC" CONFIG="$TOP/pkg/curl" CC="$CC" CFLAGS="$CFLAGS"
mkdir -p "$DEST/lib" "$DEST/include/curl"
cp libcurl.a "$DEST/lib/"
cp "$SRC"/include/curl/*.h "$DEST/include/curl/"

# SPDX-License-Identifier: Apache-2.0
# lib/ twice: for hosts with OpenSSL's libcrypto, for the device with mbedTLS.
LIB_SRC := $(filter-out %_openssl.c %_mbedtls.c,$(wildcard lib/*.c))
LIB_HOST := $(LIB_SRC) $(wildcard lib/*_openssl.c)
LIB_TARGET := $(LIB_SRC) $(wildcard lib/*_mbedtls.c)

# lib/ converts integers on purpose or not at all.
$(call objs,$(HO),$(LIB_HOST)): HOST_CFLAGS += -Wconversion
# musl's ioctl() takes its request as an int, glibc's as an unsigned long.
$(call objs,$(TO),$(LIB_TARGET)): TARGET_CFLAGS += -Wconversion -Wno-sign-conversion

# What hashes or decodes every byte of an update is compiled for speed.
$(call objs,$(TO),lib/sha256core.c lib/x86branch.c): TARGET_CFLAGS += -O2

$(HO)/libcairn.a: $(call objs,$(HO),$(LIB_HOST))
	$(call say,AR,$@)rm -f $@ && ar rcD $@ $^
$(TO)/libcairn.a: $(call objs,$(TO),$(LIB_TARGET))
	$(call say,AR,$@)rm -f $@ && ar rcD $@ $^

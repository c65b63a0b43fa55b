# SPDX-License-Identifier: Apache-2.0
# Cairn: one entry point, one rules.mk a folder. `make help` lists the targets.
MAKEFLAGS += --no-builtin-rules --no-builtin-variables --no-print-directory
.DELETE_ON_ERROR:
.SUFFIXES:
.DEFAULT_GOAL := help
SHELL := /bin/sh

O       := out
ARCH    ?= x86_64
VARIANT ?=
# Another release beside the first: make image BUILD=next VERSION=0.2.0 NUMBER=2 builds into
# out/ARCH-next. From the command line only; what stands in the environment has no part in it.
CAIRN_BUILD   := $(if $(filter command,$(firstword $(origin BUILD))),$(BUILD))
CAIRN_VERSION := $(if $(filter command,$(firstword $(origin VERSION))),$(VERSION))
CAIRN_NUMBER  := $(if $(filter command,$(firstword $(origin NUMBER))),$(NUMBER))
CAIRN_FLOOR   := $(if $(filter command,$(firstword $(origin FLOOR))),$(FLOOR))
CAIRN_ENROL   := $(if $(filter command,$(firstword $(origin ENROL))),$(ENROL))
unexport BUILD VERSION NUMBER FLOOR ENROL
TO      := $(O)/$(ARCH)
IMG     := $(O)/$(ARCH)$(if $(VARIANT),-$(VARIANT))$(if $(CAIRN_BUILD),-$(CAIRN_BUILD))
export ADDON ?=
export CAIRN_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cairn
export O ARCH VARIANT CAIRN_BUILD CAIRN_VERSION CAIRN_NUMBER CAIRN_FLOOR CAIRN_ENROL

ifneq ($(filter-out dev,$(VARIANT)),)
$(error VARIANT=$(VARIANT): only `dev` or nothing (production) is known)
endif
ifneq ($(filter dev,$(CAIRN_BUILD))$(word 2,$(CAIRN_BUILD))$(findstring /,$(CAIRN_BUILD)),)
$(error BUILD=$(CAIRN_BUILD): one word, without `/`, not `dev`)
endif

ifneq ($(and $(ADDON),$(if $(VARIANT),,production)),)
$(error ADDON=$(ADDON): only VARIANT=dev takes add-ons)
endif

# Short lines by default, whole commands with V=1.
Q    := $(if $(V),,@)
say   = $(if $(V),,@printf '  %-8s%s\n' '$(1)' '$(2)';)

HOST_CC   ?= cc
TARGET_CC  = $(TO)/sysroot/bin/musl-gcc
WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wformat=2 \
	-Wundef -Wvla -Wpointer-arith $(if $(CI),-Werror)
CPPFLAGS := -D_GNU_SOURCE -Ilib -I.
CSTD := -std=c11
HOST_CFLAGS := $(CSTD) -O2 -g $(WARN) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
TARGET_CFLAGS := $(CSTD) -Os -g0 $(WARN) -fstack-protector-strong -fstack-clash-protection \
	-D_FORTIFY_SOURCE=2 -ffunction-sections -fdata-sections -ffile-prefix-map=$(CURDIR)=.
TARGET_LDFLAGS := -static -Wl,--gc-sections -Wl,--build-id=none -Wl,-z,relro,-z,now -s
# One tree of objects for each way of building, so that SAN= never meets others' objects.
HO := $(O)/host$(if $(SAN),-san)
empty :=
ifneq ($(SAN),)
BIN := $(HO)/bin
else
BIN := $(O)/bin
endif

objs = $(patsubst %.c,$(1)/obj/%.o,$(2))
PROGRAMS :=
HOST_PROGRAMS :=

# $(call host_program,NAME,SRCS,LDLIBS): a program for the machine that builds.
define host_program
HOST_PROGRAMS += $(BIN)/$(1)
$(BIN)/$(1): $(call objs,$(HO),$(2)) $(HO)/libcairn.a
	@mkdir -p $$(@D)
	$$(call say,LINK,$(1))$$(HOST_CC) $$(HOST_CFLAGS) -o $$@ $(call objs,$(HO),$(2)) $(HO)/libcairn.a $(3) -lcrypto -lzstd
endef

# $(call target_program,NAME,SRCS,LDLIBS): a static program for the device.
define target_program
PROGRAMS += $(TO)/bin/$(1)
$(TO)/bin/$(1): $(call objs,$(TO),$(2)) $(TO)/libcairn.a
	@mkdir -p $$(@D)
	$$(call say,LINK,$(1) ($(ARCH)))$$(TARGET_CC) $$(TARGET_CFLAGS) $$(TARGET_LDFLAGS) -o $$@ $(call objs,$(TO),$(2)) $(TO)/libcairn.a $(3) -lmbedcrypto -lzstd
endef

# $(call unit_test,NAME,SRCS,LDLIBS): a cmocka program that `make check` runs.
define unit_test
UNIT_TESTS += $(HO)/unit/$(1)
$(HO)/unit/$(1): $(call objs,$(HO),$(2)) $(HO)/libcairn.a
	@mkdir -p $$(@D)
	$$(call say,LINK,$(1))$$(HOST_CC) $$(HOST_CFLAGS) -o $$@ $(call objs,$(HO),$(2)) $(HO)/libcairn.a $(3) -lcmocka -lcrypto -lzstd
endef

$(HO)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)$(HOST_CC) $(CPPFLAGS) $(HOST_CFLAGS) -MMD -MP -c -o $@ $<

$(TO)/obj/%.o: %.c $(TO)/sysroot/.stamp
	@mkdir -p $(@D)
	$(call say,CC,$< ($(ARCH)))$(TARGET_CC) $(CPPFLAGS) $(TARGET_CFLAGS) -MMD -MP -c -o $@ $<

include $(wildcard */rules.mk)

.PHONY: help fmt lint clean
help: ## list the targets (the default)
	@printf 'Cairn: a minimal immutable OS for edge machines. Start with `make run`.\n\n'
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | sort | \
		awk -F '\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'
	@printf '\nVariables and more: README.md\n'

fmt: ## format the C code
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r clang-format -i

lint: ## clang-format, cppcheck, clang-tidy, shellcheck over what git tracks
	@scripts/lint.sh

clean: ## remove out/ (the cache outside the checkout stays)
	rm -rf $(O)

-include $(shell find $(O)/host $(O)/host-san $(O)/*/obj -name '*.d' -type f 2>/dev/null)

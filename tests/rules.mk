# SPDX-License-Identifier: Apache-2.0
# Unit tests and fuzz targets are found by their names: test_*.c and fuzz_*.c.
UNIT_TESTS :=
$(foreach t,$(wildcard tests/unit/test_*.c),$(eval $(call unit_test,$(basename $(notdir $(t))),$(t),)))

# A fuzz target is one LLVMFuzzerTestOneInput. `make check` replays the kept inputs through
# it with the ordinary compiler; `make fuzz` runs it under libFuzzer.
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_NAMES := $(basename $(notdir $(FUZZ_SRC)))
FUZZ_SECONDS ?= 10
FUZZ_CC ?= clang
FUZZ_CFLAGS := $(CSTD) -O1 -g $(WARN) -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all
FO := $(O)/fuzz

define fuzz_replay
FUZZ_REPLAYS += $(HO)/unit/$(1)
$(HO)/unit/$(1): $(call objs,$(HO),tests/fuzz/$(1).c tests/fuzz/replay.c) $(HO)/libcairn.a
	@mkdir -p $$(@D)
	$$(call say,LINK,$(1))$$(HOST_CC) $$(HOST_CFLAGS) -o $$@ $(call objs,$(HO),tests/fuzz/$(1).c tests/fuzz/replay.c) $(HO)/libcairn.a -lcrypto -lzstd
endef
FUZZ_REPLAYS :=
$(foreach t,$(FUZZ_NAMES),$(eval $(call fuzz_replay,$(t))))

$(FO)/fuzz_%: tests/fuzz/fuzz_%.c $(LIB_HOST) $(wildcard lib/*.h)
	@mkdir -p $(@D)
	$(call say,FUZZCC,$@)$(FUZZ_CC) $(CPPFLAGS) $(FUZZ_CFLAGS) -o $@ $< $(LIB_HOST) -lcrypto -lzstd

.PHONY: fuzz
fuzz: $(addprefix $(FO)/,$(FUZZ_NAMES)) ## every fuzz target for FUZZ_SECONDS each (default 10)
	@scripts/fuzz.sh $(FO) tests/data/fuzz $(FUZZ_SECONDS)

# What the e2e tests bring along: a scan of ports, and a program for inside a machine.
$(eval $(call host_program,portscan,tests/e2e/host/portscan.c,))
# What a machine would make of a disk that somebody changed.
REWRITE_SRC := tests/e2e/host/rewrite.c $(addprefix scripts/cairn/,sign_pgp.c sign_keys.c pkcs11.c devkeys.c cmd.c)
$(eval $(call host_program,rewrite,$(REWRITE_SRC),))
$(eval $(call host_program,httpd,$(wildcard tests/e2e/host/httpd*.c),-lssl))
$(eval $(call host_program,trust-double,tests/e2e/host/trust-double.c,))
$(eval $(call target_program,e2e-probe,tests/e2e/guest/probe.c,))
$(eval $(call target_program,e2e-privileges,$(addprefix tests/e2e/guest/privileges,.c _places.c _try.c) $(SANDBOX_SRC),))
$(eval $(call target_program,e2e-crypto,tests/e2e/guest/crypto.c,))
# The fetch part of service update, asked from the command line.
FETCH_DRIVE_SRC := tests/e2e/guest/fetch-drive.c $(SANDBOX_SRC) $(FETCH_SRC)
$(eval $(call target_program,fetch-drive,$(FETCH_DRIVE_SRC),$(FETCH_LIBS)))

# Evidence from keys in a file: the verifier's test, the referees' vectors, the bench.
$(eval $(call unit_test,test_attest,tests/attest/test_attest.c tests/attest/kit.c,))
$(eval $(call unit_test,test_credential,tests/attest/test_credential.c tests/attest/kit.c,))
$(eval $(call unit_test,test_settings,tests/attest/test_settings.c \
	agent/trust/settings.c agent/trust/client.c,))
$(eval $(call unit_test,test_real,tests/attest/test_real.c,))
$(eval $(call host_program,attest-kit,tests/attest/main.c tests/attest/kit.c,))
# The device's side of attestation, asked from the command line: with a swtpm it needs no machine.
$(eval $(call target_program,quote-drive,tests/e2e/guest/quote-drive.c $(QUOTE_SRC) agent/trust/tpm.c,-ltss2))

# The checker of power cuts, and the test that it finds what it is there for.
CUT_SRC := $(addprefix tests/cut/,walk.c judge.c model.c dmlog.c)
$(eval $(call host_program,cut-check,tests/cut/main.c $(CUT_SRC),))
$(eval $(call host_program,cut-record,tests/cut/record.c tests/cut/logio.c,))
$(eval $(call unit_test,test_cut,tests/cut/test_cut.c tests/cut/logio.c $(CUT_SRC),))

# The slot writer on a disk that fails: quick tests of what it writes, and every fault.
FAULT_KIT := $(addprefix tests/fault/,memdisk.c bundlekit.c) $(addprefix scripts/cairn/delta_,make.c match.c)
$(eval $(call unit_test,test_slotwrite,tests/fault/test_slotwrite.c $(FAULT_KIT),))
# The writer part as a process; stage 1 and the sandbox come along unused.
WRITER_TEST_SRC := tests/fault/writer_rig.c $(FAULT_KIT) $(WRITER_SRC) \
	$(addprefix agent/update/,stage1.c efivars.c) agent/core/parts.c $(SANDBOX_SRC)
$(foreach t,test_writer test_writer_refused,\
	$(eval $(call unit_test,$(t),tests/fault/$(t).c $(WRITER_TEST_SRC),)))
$(eval $(call host_program,fault-update,tests/fault/fault.c tests/fault/world.c $(FAULT_KIT),))
# The main part of service update, between parts and a clock of the test's own.
POLICY_TEST_SRC := tests/update/rig.c $(POLICY_SRC) \
	$(addprefix agent/update/,source.c records.c health.c say.c) \
	$(addprefix agent/core/,notify.c parts.c initclient.c)
$(foreach t,test_policy test_policy_channel test_policy_orders,\
	$(eval $(call unit_test,$(t),tests/update/$(t).c $(POLICY_TEST_SRC),)))
$(eval $(call unit_test,test_health,tests/update/test_health.c agent/update/health.c \
	$(addprefix agent/core/,parts.c initclient.c) $(SANDBOX_SRC),))
# The sandbox on this machine's kernel, and docs/privileges.md against the table.
$(eval $(call unit_test,test_sandbox,tests/sandbox/test_sandbox.c $(SANDBOX_SRC),))
.PHONY: fault
fault: $(BIN)/fault-update ## an update with one fault at every write, read, flush and pull
	@$(BIN)/fault-update

# Service trust with swtpm for a TPM and a file for DATA.
TRUST_RIG := $(addprefix tests/trust/,swtpm.c machine.c) $(TRUST_SRC)
TRUST_LIBS := -ltss2-esys -ltss2-mu -ltss2-sys
$(eval $(call unit_test,test_volume,tests/trust/test_volume.c $(TRUST_RIG),$(TRUST_LIBS)))
$(eval $(call unit_test,test_trust_orders,tests/trust/test_orders.c agent/trust/client.c $(TRUST_RIG),$(TRUST_LIBS)))
$(eval $(call unit_test,test_trust_update,tests/trust/test_trust_update.c $(TRUST_RIG),$(TRUST_LIBS)))

# The bench's floor: the kernel alone, with an /init that switches off.
$(eval $(call target_program,bench-floor,tests/bench/guest/floor.c,))
$(TO)/bench-floor.img: $(TO)/bin/bench-floor $(TO)/pkg/linux.ok $(BIN)/cairn tests/bench/floor-image.sh
	$(call say,IMAGE,$@)tests/bench/floor-image.sh $< $@

# `cairn install` with the device's libraries, for the bench of updates.
$(eval $(call target_program,bench-install,tests/bench/guest/install.c scripts/cairn/cmd_install.c scripts/cairn/cmd.c,))

# Releases that the update tests and `make demo-update` install (tests/e2e/releases): their images
# and bundles. Same programs, same kernel: each costs seconds.
.PHONY: e2e-releases
e2e_release = scripts/steps.sh VARIANT=dev BUILD=$(1) VERSION=$(2) NUMBER=$(3) \
	ROOT_EXTRA=tests/e2e/releases/$(4) $(O)/$(ARCH)-dev-$(1)/cairn.bundle
e2e-releases:
	+@$(call e2e_release,base,0.1.0,1,base) $(O)/$(ARCH)-dev-base/cairn.img
	+@$(call e2e_release,next,0.2.0,2,base)
	+@$(call e2e_release,bad,0.3.0,3,bad)
	+@$(call e2e_release,trouble,0.4.0,4,trouble)
	+@$(call e2e_release,rekeyed,0.5.0,5,base)
	+@$(if $(LONG),$(call e2e_release,floor,0.6.0,6,base) FLOOR=6)

.PHONY: demo-update
demo-update: ## an update and a fallback in QEMU, told as they happen
	@scripts/host-setup.sh build run test
	+@$(MAKE) -s e2e-releases
	+@$(MAKE) -s $(BIN)/cairn-vm $(BIN)/httpd
	@tests/demo/update.sh

.PHONY: demo-trust
demo-trust: ## a healthy and an evil machine, attested; sealed data that stay open over an update
	@scripts/host-setup.sh build run test
	+@$(MAKE) -s e2e-releases
	+@$(MAKE) -s $(BIN)/cairn-vm $(BIN)/httpd $(TO)/bin/quote-drive
	@tests/demo/trust.sh

# What the tests in QEMU need: both variants, the installer, the runner and its helpers.
.PHONY: e2e e2e-setup test test-long bench
e2e-setup:
	@scripts/host-setup.sh build run test
	+@$(MAKE) -s image
	+@$(MAKE) -s image VARIANT=dev
	+@scripts/steps.sh VARIANT=dev BUILD=tools ADDON=tpm2-tools $(O)/$(ARCH)-dev-tools/cairn.img $(O)/$(ARCH)-dev-tools/sbom.spdx.json
	+@$(MAKE) -s installer
	+@$(MAKE) -s e2e-releases
	+@scripts/steps.sh BUILD=enrol ENROL=yes $(O)/$(ARCH)-enrol/cairn.img
	+@$(MAKE) -s $(BIN)/cut-record $(BIN)/cut-check
	+@$(MAKE) -s $(BIN)/cairn-vm $(BIN)/portscan $(BIN)/httpd $(BIN)/trust-double $(BIN)/rewrite $(BIN)/grub-emu-table $(TO)/bin/e2e-probe $(TO)/bin/e2e-privileges $(TO)/bin/e2e-crypto $(TO)/bin/fetch-drive $(TO)/bin/cairn-ctl $(TO)/bin/quote-drive $(BIN)/attest-kit
e2e: e2e-setup ## the end-to-end tests: the shipped images in QEMU (LONG=1: the long matrices too)
	@scripts/e2e.sh $(ONLY)
test: ## everything a change must pass: sets up by itself, unit and end-to-end tests
	@scripts/host-setup.sh build run test
	+@scripts/test.sh check fault e2e
test-long: ## test, and what takes long: the long matrices and `make repro` of everything
	@scripts/host-setup.sh build run test repro
	+@LONG=1 scripts/test.sh check fault e2e repro
.PHONY: bench-update
bench-update: ## what an update costs, beside others on the same work; root (RUNS=5, DOWNTIME=no)
	@scripts/host-setup.sh build run test bench
	+@$(MAKE) -s $(TO)/pkg/zstd.ok $(CAIRN) $(TO)/bin/bench-install
	+@$(if $(filter no,$(DOWNTIME)),,$(MAKE) -s e2e-releases $(BIN)/cairn-vm $(BIN)/httpd)
	@tests/bench/updates.sh
.PHONY: bench-trust
bench-trust: $(BIN)/attest-kit $(CAIRN) ## how many machines' evidence is verified in a second, beside openssl and tpm2-tools
	@tests/bench/trust.sh
bench: e2e-setup ## times and sizes, as a table with the machine named
	+@$(MAKE) -s $(TO)/bench-floor.img
	@tests/bench/bench.sh
# At the end: prerequisites are read where they stand, and every unit test is to be among them.
.PHONY: check
check: $(UNIT_TESTS) $(FUZZ_REPLAYS) ## unit tests and kept fuzz inputs: no root, no network, no QEMU
	@scripts/check.sh $(HO)/unit tests/data/fuzz

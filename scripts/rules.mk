# SPDX-License-Identifier: Apache-2.0
$(eval $(call host_program,cairn,$(wildcard scripts/cairn/*.c),))
$(eval $(call host_program,cairn-vm,$(wildcard scripts/vm/*.c),))

# The image: one rule an arrow, each doing what scripts/image.sh says of it. The
# root is built anew when a program or package that its lists name has changed.
STEP = +@scripts/step.sh
TAG := $(VARIANT)$(CAIRN_BUILD)
CAIRN := $(BIN)/cairn
IMAGE_CONF := conf/cairn.conf conf/disk.conf scripts/image.sh scripts/common.sh
KEYS ?= conf/keys/dev
export KEYS ESP
TLS_ROOTS := $(shell sed -n 's/^tls_roots=//p' conf/cairn.conf)
ENROLS := $(or $(CAIRN_ENROL),$(shell sed -n 's/^secureboot_enrol=//p' conf/cairn.conf))
ROOT_LISTS := $(wildcard rootfs/manifest.list \
	$(if $(filter public,$(TLS_ROOTS)),rootfs/manifest-roots.list) \
	$(if $(filter yes,$(ENROLS)),rootfs/manifest-enrol.list) $(if $(VARIANT),rootfs/manifest-$(VARIANT).list) \
	$(ADDON:%=rootfs/addon-%.list) $(addsuffix /manifest.list,$(ROOT_EXTRA)))
ROOT_PARTS := $(shell cat $(ROOT_LISTS) /dev/null | sed -n \
	's|^f .* bin:\([^ ]*\) .*|$(TO)/bin/\1|p; s|^f .* pkg:\([^ /]*\)/.*|$(TO)/pkg/\1.ok|p' | sort -u)
ROOT_FILES := $(shell find rootfs $(ROOT_EXTRA) 2>/dev/null) $(filter-out none public,$(TLS_ROOTS))

$(IMG)/root.squashfs: $(ROOT_PARTS) $(ROOT_FILES) $(TO)/pkg/squashfs-tools.ok $(IMG)/release $(KEYS)/trust \
		$(if $(filter yes,$(ENROLS)),$(wildcard $(KEYS)/*.auth)) scripts/root.sh $(IMAGE_CONF) | $(CAIRN)
	$(STEP) "root file system" root$(TAG) scripts/root.sh $(IMG)/root.squashfs
$(IMG)/root.verity: $(IMG)/root.squashfs $(CAIRN) $(IMAGE_CONF)
	$(STEP) "hash tree" verity$(TAG) scripts/image.sh rootimg $(IMG)
$(IMG)/root.img: $(IMG)/root.verity ;
$(IMG)/slot.cfg: $(IMG)/root.verity $(IMG)/initramfs.cpio bootloader/slot.cfg.in
	$(STEP) "slot.cfg" slotcfg$(TAG) scripts/image.sh slotcfg $(IMG)
$(IMG)/grub.efi: $(TO)/pkg/grub.ok $(wildcard bootloader/*) $(KEYS)/slot.key $(wildcard $(KEYS)/slot-also.pem) scripts/grub-image.sh $(CAIRN) $(IMAGE_CONF)
	$(STEP) "bootloader" grub$(TAG) scripts/image.sh grub $(IMG)
$(IMG)/signed/vmlinuz: $(IMG)/grub.efi $(IMG)/vmlinuz $(wildcard $(KEYS)/db.*) $(O)/signing
	$(STEP) "signatures for firmware" signpe$(TAG) scripts/image.sh signpe $(IMG)
$(IMG)/sig/slot.cfg.sig: $(IMG)/slot.cfg $(IMG)/signed/vmlinuz $(KEYS)/slot.key $(O)/signing
	$(STEP) "signatures for GRUB" signslot$(TAG) scripts/image.sh signslot $(IMG)
$(IMG)/esp.img: $(IMG)/signed/vmlinuz
	$(STEP) "ESP" esp$(TAG) scripts/image.sh esp $(IMG)
$(IMG)/boot.img: $(IMG)/sig/slot.cfg.sig
	$(STEP) "BOOT" boot$(TAG) scripts/image.sh boot $(IMG)
$(IMG)/state.img: $(CAIRN) $(IMAGE_CONF)
	$(STEP) "STATE" state$(TAG) scripts/image.sh state $(IMG)
$(IMG)/cairn.img: $(IMG)/esp.img $(IMG)/boot.img $(IMG)/state.img $(IMG)/root.verity
	$(STEP) "disk image" disk$(TAG) scripts/image.sh disk $(IMG) $(IMG)/cairn.img
$(IMG)/cairn.img.zst: $(IMG)/cairn.img $(TO)/pkg/zstd.ok
	$(STEP) "compressed disk image" zst$(TAG) $(TO)/pkg/zstd/bin/zstd -T2 -12 -q -f --no-progress -o $@ $<
$(IMG)/cairn.bundle: $(IMG)/boot.img $(IMG)/root.verity $(IMG)/esp.img $(TO)/pkg/zstd.ok \
		$(CAIRN) $(IMG)/bundled $(wildcard $(KEYS)/release.key) $(KEYS)/trust
	$(STEP) "bundle" bundle$(TAG) scripts/image.sh bundle $(IMG)
$(IMG)/sbom.spdx.json: $(IMG)/root.verity $(IMG)/vmlinuz $(IMG)/grub.efi scripts/sbom.sh $(wildcard pkg/*/recipe pkg/*/sources) $(O)/toolchain
	$(STEP) "SBOM" sbom$(TAG) scripts/sbom.sh $(IMG)
$(IMG)/manifest.json: $(IMG)/cairn.img.zst $(IMG)/sbom.spdx.json scripts/manifest.sh
	$(STEP) "manifest" manifest$(TAG) scripts/manifest.sh $(IMG)

.PHONY: bundle bundle-all
bundle: setup ## cairn.bundle: the release as one signed file for updates (ESP=1: with the stage-1 loader)
	+@scripts/steps.sh bundle-all
bundle-all: $(IMG)/cairn.bundle ; @:

# What the command line says of the root and of signing: files that change with it.
.PHONY: run image image-all installer installer-all sources pin expected repro setup
keep_word = $(shell mkdir -p $(dir $(1)); echo '$(2)' | cmp -s - $(1) || echo '$(2)' > $(1))
$(call keep_word,$(IMG)/release,$(CAIRN_VERSION) $(CAIRN_NUMBER) $(CAIRN_FLOOR) $(KEYS) $(RELEASE) $(ROOT_EXTRA) $(CAIRN_ENROL) $(ADDON))
$(call keep_word,$(IMG)/bundled,$(ESP) $(RELEASE) $(SIGNATURES))
$(call keep_word,$(O)/signing,$(KEYS) $(RELEASE) $(SIGNATURES))

setup:
	@scripts/host-setup.sh build
image: setup ## the disk image and all that is released with it, in out/ARCH (VARIANT=dev: out/ARCH-dev; BUILD= VERSION= NUMBER=)
	@$(if $(SOURCES),scripts/sources.sh unpack '$(SOURCES)')
	+@scripts/steps.sh image-all
	@scripts/expected.sh check $(IMG)
image-all: $(IMG)/manifest.json ; @:

# The installer's stick: the same release with another, signed, slot.cfg.
INST := $(IMG)/installer
INSTALL ?= $(shell sed -n 's/^target=//p' conf/install.conf)
$(INST)/slot.cfg: $(IMG)/root.verity $(IMG)/signed/vmlinuz bootloader/slot.cfg.in conf/install.conf
	@mkdir -p $(INST)/sig
	@for f in root.verity initramfs.cpio.id signed; do ln -sfn ../$$f $(INST)/$$f; done
	$(STEP) "slot.cfg of the installer" slotcfg-installer env INSTALL=$(INSTALL) scripts/image.sh slotcfg $(INST)
$(INST)/boot.img: $(INST)/slot.cfg
	$(STEP) "BOOT of the installer" boot-installer sh -c 'scripts/image.sh signslot $(INST) && scripts/image.sh boot $(INST)'
# BOOT-A starts the installer, BOOT-B is what it installs.
$(IMG)/cairn-installer.img: $(INST)/boot.img $(IMG)/boot.img $(IMG)/esp.img $(IMG)/state.img $(IMG)/root.verity
	@for f in esp state root; do ln -sfn ../$$f.img $(INST)/$$f.img; done
	$(STEP) "installer image" disk-installer env BOOT_B=$(IMG)/boot.img scripts/image.sh disk $(INST) $@
run: image ## boot the image in QEMU with UEFI and a TPM (README.md: MEM CPUS BUS NET ACCEL HEADLESS)
	@scripts/host-setup.sh run
	+@$(MAKE) -s $(O)/bin/cairn-vm
	@scripts/run.sh
installer: setup ## cairn-installer.img: a stick that installs to the disk of conf/install.conf
	+@scripts/steps.sh installer-all
installer-all: $(IMG)/cairn-installer.img ; @:

sources: setup ## out/sources.tar: every pinned input, for offline rebuilds (make image SOURCES=FILE)
	@scripts/sources.sh pack
pin: setup ## move the pins of pkg/ and conf/toolchain to what the archive and this host have now
	@scripts/pin.sh
expected: ## write conf/expected-hashes from the outputs that are there
	@scripts/expected.sh update
repro: ## build twice with everything different, compare every output (REPRO=quick shares the kernel)
	@scripts/host-setup.sh build repro
	@scripts/repro.sh

.PHONY: flash
flash: image $(BIN)/cairn ## write the image to DEV=/dev/sdX: asks, reads back (CONFIRM=, ALLOW_FIXED=sda)
	@[ -n "$(DEV)" ] || { echo 'make flash DEV=/dev/sdX: which disk?' >&2; exit 100; }
	@$(BIN)/cairn flash $(IMG)/cairn.img $(DEV) $(if $(CONFIRM),--yes $(CONFIRM)) \
		$(if $(ALLOW_FIXED),--allow-fixed $(ALLOW_FIXED))

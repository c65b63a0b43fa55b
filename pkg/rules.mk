# SPDX-License-Identifier: Apache-2.0
# Packages: out/pkg.mk has a rule for each, made from the recipes.
# $(TO)/pkg/NAME/ is the staged package; $(TO)/sysroot is what device programs
# are compiled against.

PKG_TOOLS := scripts/pkg-build.sh scripts/pkg-env.sh scripts/pkg-hash.sh conf/cairn.conf $(O)/toolchain
PACKAGES :=
SYSROOT_PACKAGES :=

include $(O)/pkg.mk

$(O)/pkg.mk: $(wildcard pkg/*/recipe) scripts/pkg-mk.sh pkg
	@mkdir -p $(@D)
	@scripts/pkg-mk.sh > $@.new && mv $@.new $@

# The versions of the compiler and its tools; written only when they change, while
# make reads this, so that `make -n` knows what is to be done.
$(shell mkdir -p $(O); scripts/toolchain.sh list > $(O)/toolchain.new; \
	cmp -s $(O)/toolchain.new $(O)/toolchain && rm $(O)/toolchain.new || mv $(O)/toolchain.new $(O)/toolchain)

# .ok is when the sysroot was last looked at; .stamp, its contents' names, is older
# when nothing had changed, so that only a new sysroot compiles programs again.
$(TO)/sysroot.ok: $(SYSROOT_PACKAGES:%=$(TO)/pkg/%.ok) scripts/sysroot.sh
	+@scripts/step.sh "sysroot" sysroot scripts/sysroot.sh $(CURDIR)/$(TO)/sysroot $(SYSROOT_PACKAGES)
	@touch $@

$(TO)/sysroot/.stamp: $(TO)/sysroot.ok ;

.PHONY: packages packages-all
packages: ## build every package and the sysroot (out/ARCH/pkg, out/ARCH/sysroot)
	+@scripts/steps.sh packages-all
packages-all: $(PACKAGES:%=$(TO)/pkg/%.ok) $(TO)/sysroot.ok ; @:

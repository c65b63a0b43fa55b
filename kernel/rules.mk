# SPDX-License-Identifier: Apache-2.0
# The kernel image of a variant: the compiled kernel (pkg/linux) with the root finder inside. Compiling is pkg/linux's;
# here only the initramfs is packed and linked in, so a changed root finder costs seconds.
$(IMG)/initramfs.cpio: $(TO)/bin/initrd $(TO)/pkg/linux.ok conf/cairn.conf scripts/kernel-initramfs.sh
	$(call say,CPIO,$@)scripts/kernel-initramfs.sh $(TO)/pkg/linux $< $@

$(IMG)/vmlinuz: $(IMG)/initramfs.cpio $(TO)/pkg/linux.ok $(TO)/pkg/zstd.ok scripts/kernel-link.sh
	$(call say,LINK,$@)scripts/kernel-link.sh $(TO)/pkg/linux $< $@

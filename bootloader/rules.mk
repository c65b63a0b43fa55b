# SPDX-License-Identifier: Apache-2.0
# The GRUB image (unsigned) and the program that compares grub.cfg with lib/bootstate.c.
$(eval $(call host_program,grub-emu-table,tests/e2e/grub_emu.c,-lutil))

# SPDX-License-Identifier: Apache-2.0
# The GRUB image (unsigned) and the program that compares grub.cfg with lib/bootstate.c.
$(eval $(call host_program,grub-emu-table,$(addprefix tests/e2e/,grub_emu.c grub_emu_cases.c grub_emu_stories.c),-lutil))

# SPDX-License-Identifier: Apache-2.0
$(eval $(call host_program,cairn,$(wildcard scripts/cairn/*.c),))
$(eval $(call host_program,cairn-vm,$(wildcard scripts/vm/*.c),))

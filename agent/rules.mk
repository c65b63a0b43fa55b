# SPDX-License-Identifier: Apache-2.0
# Programs on the device: target_program NAME, sources, libraries. One line each, by folder.
INIT_SRC := $(addprefix agent/init/,main.c setup.c account.c console.c clock.c cgroup.c \
	log.c watchdog.c spawn.c loader.c supervisor.c control.c shutdown.c)
$(eval $(call target_program,init,$(INIT_SRC),))

# SPDX-License-Identifier: Apache-2.0
# Programs on the device: target_program NAME, sources, libraries. One line each, by folder.
# What each process may do: docs/privileges.md.
SANDBOX_SRC := $(addprefix agent/core/,sandbox.c sandbox_paths.c sandbox_calls.c privileges.c)
INIT_SRC := $(addprefix agent/init/,main.c setup.c account.c console.c clock.c cgroup.c \
	log.c watchdog.c spawn.c loader.c supervisor.c control.c shutdown.c) agent/core/sandbox_calls.c
$(eval $(call target_program,init,$(INIT_SRC),))
INITRD_SRC := $(addprefix agent/initrd/,main.c disks.c dmverity.c uevent.c) agent/init/console.c
$(eval $(call target_program,initrd,$(INITRD_SRC),))

NET_SRC := $(SANDBOX_SRC) agent/core/notify.c agent/net/child.c agent/net/place.c
$(eval $(call target_program,netd,$(NET_SRC) $(addprefix agent/net/,netd.c iface.c publish.c rtnl.c),))
$(eval $(call target_program,timed,$(NET_SRC) agent/net/timed.c,))
$(eval $(call target_program,net-event,agent/net/event.c,))

DATA_SRC := $(addprefix agent/init/,data_main.c data_disk.c data_open.c data_crypt.c data_fs.c \
	data_keep.c data_reset.c account.c clock.c) \
	agent/trust/settings.c agent/trust/client.c $(SANDBOX_SRC)
$(eval $(call target_program,data,$(DATA_SRC),))
$(eval $(call target_program,cairn-ctl,agent/init/ctl.c agent/init/client.c,))
INSTALL_SRC := $(addprefix agent/install/,main.c targets.c) \
	$(addprefix agent/initrd/,disks.c uevent.c) $(addprefix agent/init/,console.c client.c) $(SANDBOX_SRC)
$(eval $(call target_program,install,$(INSTALL_SRC),))

ENROL_SRC := $(addprefix agent/enrol/,main.c installed.c vars.c) \
	$(addprefix agent/initrd/,disks.c) agent/init/client.c $(SANDBOX_SRC)
$(eval $(call target_program,enrol,$(ENROL_SRC),))

CORE_SRC := $(addprefix agent/core/,agent.c facts.c initclient.c notify.c parts.c front.c) \
	agent/trust/client.c $(SANDBOX_SRC)
$(eval $(call target_program,agent,$(CORE_SRC),))
$(eval $(call target_program,cairn-status,agent/core/cairn_status.c,))

# Attestation and identity, for the one process that holds the TPM.
QUOTE_SRC := $(addprefix agent/trust/,quote.c quote_keys.c)
# What tests/trust drives too, with a TPM of their own.
TRUST_SRC := $(addprefix agent/trust/,access.c orders.c measured.c tpm.c tpm_counter.c tpm_seal.c \
	volume.c volume_open.c volume_pairs.c volume_text.c) $(QUOTE_SRC)
$(eval $(call target_program,trust,$(addprefix agent/trust/,main.c tcti_device.c) $(TRUST_SRC) \
	agent/core/notify.c agent/init/data_disk.c $(SANDBOX_SRC),-ltss2))

$(eval $(call target_program,cairn-attest,$(addprefix agent/trust/,cairn_attest.c client.c) agent/core/facts.c,))

FETCH_SRC := $(addprefix agent/update/fetch,.c _http.c _conf.c _file.c)
FETCH_LIBS := -lcurl -lmbedtls -lmbedx509
WRITER_SRC := $(addprefix agent/update/writer,.c _open.c _source.c _install.c)
POLICY_SRC := $(addprefix agent/update/policy,.c _acts.c _writer.c _offer.c _orders.c)
UPDATE_SRC := $(addprefix agent/update/,main.c say.c source.c records.c health.c runner.c \
	stick.c control.c publish.c orders.c fault.c) $(POLICY_SRC) $(WRITER_SRC) $(FETCH_SRC) \
	$(addprefix agent/update/,stage1.c efivars.c) \
	$(addprefix agent/core/,notify.c parts.c initclient.c) $(SANDBOX_SRC) agent/init/client.c \
	agent/trust/client.c
$(eval $(call target_program,update,$(UPDATE_SRC),$(FETCH_LIBS)))
$(eval $(call target_program,cairn-update,agent/update/cairn_update.c agent/core/parts.c,))

# The same with named steps at which a test may kill it (agent/update/fault.h): the development root.
$(TO)/faults/%.o: %.c $(TO)/sysroot/.stamp
	@mkdir -p $(@D)
	$(call say,CC,$< ($(ARCH), faults))$(TARGET_CC) $(CPPFLAGS) -DCAIRN_FAULTS $(TARGET_CFLAGS) -MMD -MP -c -o $@ $<
UPDATE_FAULT_OBJ := $(patsubst %.c,$(TO)/faults/%.o,$(UPDATE_SRC))
PROGRAMS += $(TO)/bin/update-faults
$(TO)/bin/update-faults: $(UPDATE_FAULT_OBJ) $(TO)/libcairn.a
	@mkdir -p $(@D)
	$(call say,LINK,update-faults ($(ARCH)))$(TARGET_CC) $(TARGET_CFLAGS) $(TARGET_LDFLAGS) -o $@ $(UPDATE_FAULT_OBJ) $(TO)/libcairn.a $(FETCH_LIBS) -lmbedcrypto -lzstd
-include $(UPDATE_FAULT_OBJ:.o=.d)

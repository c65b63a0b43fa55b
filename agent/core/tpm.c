// SPDX-License-Identifier: Apache-2.0
/*
 * The part that holds the TPM: reads the PCRs and compares them with the replayed event log.
 * Its memory is bounded: the log is read once, into a mapping that is given back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <tss2/tss2_esys.h>
#include <tss2/tss2_tcti_device.h>

#include "agent/core/parts.h"
#include "agent/core/privileges.h"
#include "bytes.h"
#include "eventlog.h"
#include "io.h"

#define TPM_DEVICE "/dev/tpmrm0"
#define EVENTLOG_PATH "/sys/kernel/security/tpm0/binary_bios_measurements"
/* The PCRs that firmware, GRUB and kernel extend, and 14 of boot loaders with their own keys. */
#define PCRS_READ 0x43ffu

struct tpm {
	ESYS_CONTEXT *esys;
	TSS2_TCTI_CONTEXT *tcti;
	struct eventlog_pcrs log;
	struct status_measured found;
};

static void say_why(struct tpm *t, const char *what, TSS2_RC rc)
{
	(void)snprintf(t->found.why, sizeof(t->found.why), "%s: TPM error 0x%08x", what, rc);
	(void)dprintf(2, "tpm: %s\n", t->found.why);
}

/* open_tpm - where there is one. The device is opened here, as root, and never again. */
static void open_tpm(struct tpm *t)
{
	size_t size = 0;
	TSS2_RC rc;

	t->found.tpm = STATUS_TPM_NONE;
	if (access(TPM_DEVICE, F_OK))
		return;
	t->found.tpm = STATUS_TPM_FAILED;
	rc = Tss2_Tcti_Device_Init(NULL, &size, NULL);
	t->tcti = rc ? NULL : calloc(1, size);
	if (!t->tcti) {
		say_why(t, "cannot prepare the TPM's driver", rc);
		return;
	}
	rc = Tss2_Tcti_Device_Init(t->tcti, &size, TPM_DEVICE);
	if (rc) {
		say_why(t, "cannot open " TPM_DEVICE, rc);
		return;
	}
	rc = Esys_Initialize(&t->esys, t->tcti, NULL);
	if (rc)
		say_why(t, "cannot begin to talk to the TPM", rc);
}

/* read_log - replay the event log; without one, say why. */
static void read_log(struct tpm *t)
{
	struct err err = { "" };
	uint8_t *buf;
	size_t len = 0;
	int rc;

	buf = mmap(NULL, EVENTLOG_SIZE_MAX + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	if (buf == MAP_FAILED)
		return;
	rc = io_read_file(EVENTLOG_PATH, buf, EVENTLOG_SIZE_MAX + 1, &len);
	if (rc)
		(void)err_sys(&err, rc, "no event log");
	else
		rc = eventlog_replay(buf, len, &t->log, &err);
	(void)munmap(buf, EVENTLOG_SIZE_MAX + 1);
	if (rc) {
		(void)dprintf(2, "tpm: %s\n", err.msg);
		(void)snprintf(t->found.why, sizeof(t->found.why), "%.*s",
			       (int)sizeof(t->found.why) - 1, err.msg);
		/* A log that is there and cannot be read is not one that fits. */
		t->found.eventlog = len ? STATUS_EVENTLOG_MISMATCH : STATUS_EVENTLOG_NONE;
		return;
	}
	t->found.events = t->log.events;
	t->found.eventlog = STATUS_EVENTLOG_MATCH;
}

static int read_vendor(struct tpm *t)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc;

	rc = Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				TPM2_CAP_TPM_PROPERTIES, TPM2_PT_MANUFACTURER, 1, &more, &data);
	if (rc) {
		say_why(t, "the TPM does not answer", rc);
		return -EIO;
	}
	if (data->data.tpmProperties.count == 1) {
		uint8_t name[4];
		size_t i;

		be32_store(name, data->data.tpmProperties.tpmProperty[0].value);
		for (i = 0; i < 4; i++)
			t->found.vendor[i] = name[i] > ' ' && name[i] < 0x7f ? (char)name[i] : '\0';
	}
	Esys_Free(data);
	return 0;
}

/* take - the digests of one answer, in the order of the PCRs that it says it holds. */
static uint32_t take(struct tpm *t, const TPML_PCR_SELECTION *got, const TPML_DIGEST *digests)
{
	uint32_t taken = 0, n = 0;
	unsigned int nr;

	if (got->count != 1 || got->pcrSelections[0].hash != TPM2_ALG_SHA256)
		return 0;
	for (nr = 0; nr < STATUS_PCRS && nr / 8 < got->pcrSelections[0].sizeofSelect; nr++) {
		if (!(got->pcrSelections[0].pcrSelect[nr / 8] & 1u << nr % 8))
			continue;
		if (n == digests->count || digests->digests[n].size != SHA256_SIZE)
			break;
		memcpy(t->found.pcr[nr], digests->digests[n++].buffer, SHA256_SIZE);
		taken |= 1u << nr;
	}
	return taken;
}

/* read_pcrs - a TPM answers for at most eight at a time (TPM 2.0 Part 3 r1.59, TPM2_PCR_Read). */
static int read_pcrs(struct tpm *t)
{
	uint32_t want = PCRS_READ;

	t->found.pcr_mask = 0;
	while (want) {
		TPML_PCR_SELECTION ask = {
			.count = 1,
			.pcrSelections = { { .hash = TPM2_ALG_SHA256, .sizeofSelect = 3 } },
		};
		TPML_PCR_SELECTION *got = NULL;
		TPML_DIGEST *digests = NULL;
		uint32_t taken;
		UINT32 counter;
		TSS2_RC rc;
		size_t i;

		for (i = 0; i < 3; i++)
			ask.pcrSelections[0].pcrSelect[i] = (uint8_t)(want >> 8 * i);
		rc = Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &ask,
				   &counter, &got, &digests);
		if (rc) {
			say_why(t, "cannot read the PCRs", rc);
			return -EIO;
		}
		taken = take(t, got, digests) & want;
		Esys_Free(got);
		Esys_Free(digests);
		if (taken == 0) {
			(void)snprintf(t->found.why, sizeof(t->found.why),
				       "the TPM has no SHA-256 bank");
			return -EIO;
		}
		t->found.pcr_mask |= taken;
		want &= ~taken;
	}
	return 0;
}

static void compare(struct tpm *t)
{
	unsigned int nr;

	t->found.mismatch_mask = 0;
	if (t->found.events == 0)
		return;
	for (nr = 0; nr < STATUS_PCRS; nr++)
		if (t->found.pcr_mask & 1u << nr &&
		    memcmp(t->found.pcr[nr], t->log.pcr[nr], SHA256_SIZE) != 0)
			t->found.mismatch_mask |= 1u << nr;
	t->found.eventlog =
		t->found.mismatch_mask ? STATUS_EVENTLOG_MISMATCH : STATUS_EVENTLOG_MATCH;
}

static void answer(struct tpm *t)
{
	if (!t->esys)
		return;
	t->found.tpm = STATUS_TPM_FAILED;
	if (read_vendor(t) || read_pcrs(t))
		return;
	t->found.tpm = STATUS_TPM_OK;
	compare(t);
}

int part_tpm(int fd)
{
	static struct tpm t;
	struct part_ask ask;
	struct err err = { "" };
	int rc;

	open_tpm(&t);
	if (t.found.tpm != STATUS_TPM_NONE)
		read_log(&t);
	if (sandbox_enter(privileges_of("agent-tpm"), &err)) {
		(void)dprintf(2, "tpm: %s\n", err.msg);
		return 111;
	}
	while ((rc = part_receive(fd, &ask, sizeof(ask))) > 0) {
		if (ask.version != PART_VERSION)
			return 111;
		answer(&t);
		if (part_send(fd, &t.found, sizeof(t.found)))
			return 111;
	}
	/* The main part is gone, or talks nonsense. */
	return rc == -EPIPE ? 0 : 111;
}

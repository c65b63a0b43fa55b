// SPDX-License-Identifier: Apache-2.0
#include "measured.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bytes.h"
#include "io.h"

/* The PCRs that firmware, GRUB and kernel extend, and 14 of what this system measures itself. */
#define PCRS_READ 0x43ffu

static void say_why(struct measured *m, const struct err *why)
{
	(void)snprintf(m->found.why, sizeof(m->found.why), "%.*s", (int)sizeof(m->found.why) - 1,
		       why->msg);
}

void measured_log(struct measured *m, const char *path)
{
	struct err err = { "" };
	uint8_t *buf;
	size_t len = 0;
	int rc;

	/* Room for the largest one only while it is read. */
	buf = mmap(NULL, EVENTLOG_SIZE_MAX + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		   -1, 0);
	if (buf == MAP_FAILED)
		return;
	rc = io_read_file(path, buf, EVENTLOG_SIZE_MAX + 1, &len);
	if (rc)
		(void)err_sys(&err, rc, "no event log");
	else
		rc = eventlog_replay(buf, len, &m->replayed, &err);
	m->log = rc ? NULL : malloc(len);
	if (m->log) {
		memcpy(m->log, buf, len);
		m->log_len = len;
	}
	(void)munmap(buf, EVENTLOG_SIZE_MAX + 1);
	if (rc) {
		(void)dprintf(2, "%s\n", err.msg);
		say_why(m, &err);
		/* A log that is there and cannot be read is not one that fits. */
		m->found.eventlog = len ? STATUS_EVENTLOG_MISMATCH : STATUS_EVENTLOG_NONE;
		return;
	}
	m->found.events = m->replayed.events;
	m->found.eventlog = STATUS_EVENTLOG_MATCH;
}

static int read_vendor(struct measured *m, struct tpm *t, struct err *err)
{
	TPMS_CAPABILITY_DATA *data = NULL;
	TPMI_YES_NO more;
	TSS2_RC rc;

	rc = Esys_GetCapability(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
				TPM2_CAP_TPM_PROPERTIES, TPM2_PT_MANUFACTURER, 1, &more, &data);
	if (rc)
		return tpm_fail(err, "the TPM does not say who made it", rc);
	if (data->data.tpmProperties.count == 1) {
		uint8_t name[4];
		size_t i;

		be32_store(name, data->data.tpmProperties.tpmProperty[0].value);
		for (i = 0; i < 4; i++)
			m->found.vendor[i] = name[i] > ' ' && name[i] < 0x7f ? (char)name[i] : '\0';
	}
	Esys_Free(data);
	return 0;
}

/* take - the digests of one answer, in the order of the PCRs that it says it holds. */
static uint32_t take(struct measured *m, const TPML_PCR_SELECTION *got, const TPML_DIGEST *digests)
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
		memcpy(m->found.pcr[nr], digests->digests[n++].buffer, SHA256_SIZE);
		taken |= 1u << nr;
	}
	return taken;
}

/* read_pcrs - a TPM answers for at most eight at a time (TPM 2.0 Part 3 r1.59, TPM2_PCR_Read). */
static int read_pcrs(struct measured *m, struct tpm *t, struct err *err)
{
	uint32_t want = PCRS_READ;

	m->found.pcr_mask = 0;
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
		if (rc)
			return tpm_fail(err, "cannot read the PCRs", rc);
		taken = take(m, got, digests) & want;
		Esys_Free(got);
		Esys_Free(digests);
		if (taken == 0)
			return err_set(err, -EIO, "the TPM has no SHA-256 bank");
		m->found.pcr_mask |= taken;
		want &= ~taken;
	}
	return 0;
}

static void compare(struct measured *m)
{
	unsigned int nr;

	m->found.mismatch_mask = 0;
	if (m->found.events == 0)
		return;
	for (nr = 0; nr < STATUS_PCRS; nr++)
		/* What was measured in this boot by us is not in the firmware's log. */
		if (m->found.pcr_mask & 1u << nr && !(nr == 14 && m->events_len) &&
		    memcmp(m->found.pcr[nr], m->replayed.pcr[nr], SHA256_SIZE) != 0)
			m->found.mismatch_mask |= 1u << nr;
	m->found.eventlog =
		m->found.mismatch_mask ? STATUS_EVENTLOG_MISMATCH : STATUS_EVENTLOG_MATCH;
}

int measured_read(struct measured *m, struct tpm *t, struct err *err)
{
	int rc = tpm_ready(t, err);

	m->found.tpm = t->there ? STATUS_TPM_FAILED : STATUS_TPM_NONE;
	rc = rc ? rc : read_vendor(m, t, err);
	rc = rc ? rc : read_pcrs(m, t, err);
	if (rc) {
		m->found.pcr_mask = 0;
		if (t->there)
			say_why(m, err);
		return rc;
	}
	m->found.tpm = STATUS_TPM_OK;
	compare(m);
	return 0;
}

int measured_pair(const struct measured *m, struct sealset_pair *ret, struct err *err)
{
	unsigned int nr, n = 0;

	if (m->found.tpm != STATUS_TPM_OK ||
	    (m->found.pcr_mask & MEASURED_SEAL_PCRS) != MEASURED_SEAL_PCRS)
		return err_set(err, -EIO, "the PCRs were not read");
	memset(ret, 0, sizeof(*ret));
	ret->pcr_mask = MEASURED_SEAL_PCRS;
	for (nr = 0; nr < STATUS_PCRS && n < KEYHEAD_PCRS; nr++)
		if (MEASURED_SEAL_PCRS & 1u << nr)
			memcpy(ret->pcr[n++], m->found.pcr[nr], SHA256_SIZE);
	return 0;
}

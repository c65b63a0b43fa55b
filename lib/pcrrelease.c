// SPDX-License-Identifier: Apache-2.0
#include "pcrrelease.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "pcr4.h"

static void find_pcr9(const struct pcrrelease *r, uint8_t ret[static SHA256_SIZE])
{
	uint32_t i;

	memset(ret, 0, SHA256_SIZE);
	for (i = 0; i < r->events; i++)
		eventlog_extend(ret, r->event[i].digest);
}

void pcrrelease_finish(struct pcrrelease *r)
{
	uint32_t i;

	find_pcr9(r, r->pcr9);
	for (i = 0; i < r->loaders; i++)
		pcr4_plain(r->loader[i].hash, r->kernel, r->loader[i].pcr4);
}

int pcrrelease_check(const struct pcrrelease *r, struct err *err)
{
	uint8_t pcr[SHA256_SIZE];
	uint32_t i, before = 0;

	if (!r->events || r->events > PCRRELEASE_EVENTS_MAX || !r->loaders ||
	    r->loaders > PCRRELEASE_LOADERS_MAX)
		return err_set(err, -EBADMSG, "events of PCR 9 or loaders are missing");
	find_pcr9(r, pcr);
	if (memcmp(pcr, r->pcr9, SHA256_SIZE) != 0)
		return err_set(err, -EBADMSG, "pcr9 does not follow from its events");
	for (i = 0; i < r->loaders; i++) {
		if (r->loader[i].generation <= before)
			return err_set(err, -EBADMSG, "loaders are not in order");
		before = r->loader[i].generation;
		pcr4_plain(r->loader[i].hash, r->kernel, pcr);
		if (memcmp(pcr, r->loader[i].pcr4, SHA256_SIZE) != 0)
			return err_set(err, -EBADMSG,
				       "pcr4 does not follow from the loader and the kernel");
	}
	return 0;
}

static int add(struct pcrlist *list, uint32_t pcr, const uint8_t *digest, const char *what)
{
	uint8_t d[1][SHA256_SIZE];

	memcpy(d[0], digest, SHA256_SIZE);
	return pcrlist_add(list, pcr, (const uint8_t(*)[SHA256_SIZE])d, 1, what);
}

int pcrrelease_list(const struct pcrrelease *r, struct pcrlist *list)
{
	uint8_t loaders[PCRRELEASE_LOADERS_MAX][SHA256_SIZE];
	uint32_t i;
	int rc = 0;

	for (i = 0; i < r->loaders; i++)
		memcpy(loaders[i], r->loader[i].hash, SHA256_SIZE);
	if (list->pcrs & 1u << 4) {
		rc = pcrlist_add(list, 4, (const uint8_t(*)[SHA256_SIZE])loaders, r->loaders,
				 "stage-1 GRUB");
		if (!rc)
			rc = add(list, 4, r->kernel, "kernel");
	}
	for (i = 0; !rc && i < r->events && list->pcrs & 1u << 9; i++)
		rc = add(list, 9, r->event[i].digest, r->event[i].what);
	return rc;
}

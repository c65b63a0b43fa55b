// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <string.h>

#include "agent/trust/volume.h"
#include "pcr4.h"

/* Where the values stand in a pair: MEASURED_SEAL_PCRS, ascending. */
enum { PCR_4, PCR_7, PCR_9 };

struct loader {
	uint32_t generation; /* 0 not known */
	const uint8_t *hash; /* Authenticode; NULL: the one that started this machine */
};

/* running_loader - what the release to come says of the loader that started this machine. */
static struct loader running_loader(const struct pcr4_split *split, const struct pcrrelease *pcrs)
{
	struct loader ret = { 0 };
	uint32_t i;

	for (i = 0; i < pcrs->loaders; i++)
		if (memcmp(pcrs->loader[i].hash, split->loader, SHA256_SIZE) == 0)
			ret.generation = pcrs->loader[i].generation;
	return ret;
}

/* other_loader - the one that the bundle brings, or the newest that may start it. */
static bool other_loader(const struct bundle *b, struct loader running, struct loader *ret)
{
	const struct pcrrelease *pcrs = &b->pcrs;
	const struct bundle_image *esp = &b->image[BUNDLE_ESP];
	uint32_t i, at = pcrs->loaders - 1;

	for (i = 0; i < pcrs->loaders; i++)
		if (esp->present && pcrs->loader[i].generation == esp->generation)
			at = i;
	ret->generation = pcrs->loader[at].generation;
	ret->hash = pcrs->loader[at].hash;
	return ret->generation != running.generation;
}

int volume_pairs(const struct volume *v, const struct sealset_pair *running, const struct bundle *b,
		 struct sealset *ret, struct err *err)
{
	const struct measured *m = v->measured;
	struct pcr4_split split;
	struct loader loader[2];
	unsigned int loaders = 1, i;
	int rc;

	if (!m->log || m->found.mismatch_mask & 1u << 4)
		return err_set(err, -ENODATA, "the event log does not say what PCR 4 is made of");
	rc = pcr4_split(m->log, m->log_len, &split, err);
	if (rc)
		return rc;
	loader[0] = running_loader(&split, &b->pcrs);
	if (other_loader(b, loader[0], &loader[1]))
		loaders = 2;
	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < loaders; i++) {
		struct sealset_pair p = *running;

		p.release = b->release;
		memcpy(p.roothash, b->image[BUNDLE_ROOT].roothash, SHA256_SIZE);
		p.generation = loader[i].generation;
		memcpy(p.pcr[PCR_9], b->pcrs.pcr9, SHA256_SIZE);
		rc = pcr4_on_machine(m->log, m->log_len, loader[i].hash, b->pcrs.kernel,
				     p.pcr[PCR_4], err);
		if (rc)
			return rc;
		(void)sealset_add(ret, &p);
	}
	/* And what runs now, for when it is started by the other loader. */
	if (loaders == 2) {
		struct sealset_pair p = *running;

		p.generation = loader[1].generation;
		rc = pcr4_on_machine(m->log, m->log_len, loader[1].hash, NULL, p.pcr[PCR_4], err);
		if (rc)
			return rc;
		(void)sealset_add(ret, &p);
	}
	return 0;
}

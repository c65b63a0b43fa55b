// SPDX-License-Identifier: Apache-2.0
#include "sealset.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static unsigned int bits(uint32_t mask)
{
	unsigned int n = 0;

	for (; mask; mask &= mask - 1)
		n++;
	return n;
}

static bool same_pcrs(uint32_t mask_a, const uint8_t a[][SHA256_SIZE], uint32_t mask_b,
		      const uint8_t b[][SHA256_SIZE])
{
	return mask_a == mask_b && memcmp(a, b, (size_t)bits(mask_a) * SHA256_SIZE) == 0;
}

bool sealset_add(struct sealset *set, const struct sealset_pair *pair)
{
	uint32_t i;

	for (i = 0; i < set->n; i++)
		if (same_pcrs(set->pair[i].pcr_mask, set->pair[i].pcr, pair->pcr_mask, pair->pcr))
			return true;
	if (set->n == SEALSET_PAIRS_MAX)
		return false;
	set->pair[set->n++] = *pair;
	return true;
}

void sealset_pair_of(const struct keyhead_blob *blob, struct sealset_pair *ret)
{
	ret->release = blob->release;
	memcpy(ret->roothash, blob->roothash, SHA256_SIZE);
	ret->generation = blob->generation;
	ret->pcr_mask = blob->pcr_mask;
	memcpy(ret->pcr, blob->pcr, sizeof(ret->pcr));
}

int sealset_find(const struct keyhead *h, uint64_t counter, const struct sealset_pair *pair)
{
	uint32_t i;

	for (i = 0; i < h->blobs; i++)
		if (h->blob[i].counter == counter &&
		    same_pcrs(h->blob[i].pcr_mask, h->blob[i].pcr, pair->pcr_mask, pair->pcr))
			return (int)i;
	return -1;
}

/* differing - how many PCRs of a blob differ; their numbers in words. */
static unsigned int differing(const struct keyhead_blob *b, const struct sealset_pair *now,
			      char *ret_words, size_t size)
{
	static const char *const why[] = {
		[4] = " (stage-1 loader, kernel, or what the firmware ran)",
		[7] = " (Secure Boot settings and keys)",
		[9] = " (command line, root hash, or files of the slot)"
	};
	unsigned int n = 0, i = 0, nr;
	size_t used = 0;

	ret_words[0] = '\0';
	for (nr = 0; nr < 24; nr++) {
		int len;

		if (!(b->pcr_mask & 1u << nr))
			continue;
		i++;
		if (memcmp(b->pcr[i - 1], now->pcr[i - 1], SHA256_SIZE) == 0)
			continue;
		len = snprintf(ret_words + used, size - used, "%s%u%s", n ? ", " : "", nr,
			       nr < sizeof(why) / sizeof(why[0]) && why[nr] ? why[nr] : "");
		if (len > 0 && (size_t)len < size - used)
			used += (size_t)len;
		n++;
	}
	return n;
}

int sealset_explain(const struct keyhead *h, uint64_t counter, const struct sealset_pair *now,
		    struct err *err)
{
	char words[256], best[256] = "";
	unsigned int fewest = KEYHEAD_PCRS + 1;
	bool at_counter = false;
	uint64_t withdrawn = 0;
	uint32_t i;

	for (i = 0; i < h->blobs; i++) {
		const struct keyhead_blob *b = &h->blob[i];
		unsigned int n;

		if (b->pcr_mask != now->pcr_mask)
			continue;
		n = differing(b, now, words, sizeof(words));
		if (b->counter != counter) {
			if (n == 0)
				withdrawn = b->counter;
			continue;
		}
		at_counter = true;
		if (n < fewest) {
			fewest = n;
			memcpy(best, words, sizeof(best));
		}
	}
	if (withdrawn)
		return err_set(
			err, -EPERM,
			"what is sealed for this system is withdrawn: the TPM's counter is at "
			"%llu, not at %llu",
			(unsigned long long)counter, (unsigned long long)withdrawn);
	if (!at_counter)
		return err_set(err, -EPERM,
			       "nothing is sealed for the TPM's counter, which is at %llu",
			       (unsigned long long)counter);
	return err_set(err, -EPERM, "nothing is sealed for this system: PCR %s", best);
}

void sealset_trial(const struct keyhead *h, uint64_t counter, const struct sealset_pair *running,
		   const struct sealset *added, struct sealset_want *ret)
{
	uint32_t i;

	memset(ret, 0, sizeof(*ret));
	ret->goal = SEALSET_TRIAL;
	ret->floor = h->floor;
	/* This system and this loader, then the new ones, then this release by other loaders. */
	(void)sealset_add(&ret->set, running);
	for (i = 0; i < added->n; i++)
		(void)sealset_add(&ret->set, &added->pair[i]);
	for (i = 0; i < h->blobs; i++) {
		struct sealset_pair p;

		sealset_pair_of(&h->blob[i], &p);
		if (h->blob[i].counter == counter && p.release == running->release &&
		    memcmp(p.roothash, running->roothash, SHA256_SIZE) == 0)
			(void)sealset_add(&ret->set, &p);
	}
}

void sealset_good(const struct keyhead *h, uint64_t counter, const struct sealset_pair *running,
		  uint64_t floor, struct sealset_want *ret)
{
	uint32_t i;

	memset(ret, 0, sizeof(*ret));
	ret->goal = SEALSET_GOOD;
	ret->good_release = running->release;
	memcpy(ret->good_roothash, running->roothash, SHA256_SIZE);
	ret->floor = floor > h->floor ? floor : h->floor;
	(void)sealset_add(&ret->set, running);
	for (i = 0; i < h->blobs; i++) {
		struct sealset_pair p;

		sealset_pair_of(&h->blob[i], &p);
		if (h->blob[i].counter == counter && p.release >= ret->floor)
			(void)sealset_add(&ret->set, &p);
	}
}

static void put(struct keyhead *h, const struct keyhead_blob *b)
{
	if (h->blobs < KEYHEAD_BLOBS_MAX)
		h->blob[h->blobs++] = *b;
}

/* put_wanted - each wanted pair at this counter; one that is sealed already as it is. */
static void put_wanted(struct keyhead *to, const struct keyhead *from, uint64_t counter,
		       const struct sealset *set)
{
	uint32_t i;

	for (i = 0; i < set->n; i++) {
		const struct sealset_pair *p = &set->pair[i];
		int have = sealset_find(from, counter, p);
		struct keyhead_blob b;

		if (have >= 0) {
			put(to, &from->blob[have]);
			continue;
		}
		memset(&b, 0, sizeof(b));
		b.counter = counter;
		b.release = p->release;
		memcpy(b.roothash, p->roothash, SHA256_SIZE);
		b.generation = p->generation;
		b.pcr_mask = p->pcr_mask;
		memcpy(b.pcr, p->pcr, sizeof(b.pcr));
		put(to, &b);
	}
}

static bool has_all(const struct keyhead *h, uint64_t counter, const struct sealset *set)
{
	uint32_t i;

	for (i = 0; i < set->n; i++)
		if (sealset_find(h, counter, &set->pair[i]) < 0)
			return false;
	return true;
}

static bool is_good(const struct keyhead *h, const struct sealset_want *want)
{
	return h->good_release == want->good_release && h->floor == want->floor &&
	       memcmp(h->good_roothash, want->good_roothash, SHA256_SIZE) == 0;
}

static void begin(const struct keyhead *h, const struct sealset_want *want, struct keyhead *ret)
{
	*ret = *h;
	ret->floor = want->floor;
	ret->good_release = want->good_release;
	memcpy(ret->good_roothash, want->good_roothash, SHA256_SIZE);
	memset(ret->blob, 0, sizeof(ret->blob));
	ret->blobs = 0;
}

/* put_present - what opens now, as it is. */
static void put_present(struct keyhead *to, const struct keyhead *from, uint64_t counter)
{
	uint32_t i;

	for (i = 0; i < from->blobs && to->blobs < KEYHEAD_BLOBS_MAX - SEALSET_PAIRS_MAX; i++)
		if (from->blob[i].counter == counter)
			put(to, &from->blob[i]);
}

/* waiting - blobs that wait for the counter; *ret_foreign: of those, some are not wanted. */
static bool waiting(const struct keyhead *h, uint64_t counter, const struct sealset *set,
		    bool *ret_foreign)
{
	bool any = false;
	uint32_t i;

	*ret_foreign = false;
	for (i = 0; i < h->blobs; i++) {
		struct sealset have = *set;
		struct sealset_pair p;

		if (h->blob[i].counter <= counter)
			continue;
		any = true;
		sealset_pair_of(&h->blob[i], &p);
		if (!sealset_add(&have, &p) || have.n != set->n)
			*ret_foreign = true;
	}
	return any;
}

/*
 * What was once written for c+1 opens there for ever, from a copy of that header. So where it is
 * given up, the counter goes to c+1 all the same, with what is wanted, and the next mark-good goes
 * on from there: a header that waits for the counter is never forgotten.
 */
static enum sealset_step next_trial(const struct keyhead *h, uint64_t counter,
				    const struct sealset_want *want, struct keyhead *ret)
{
	bool foreign, waits = waiting(h, counter, &want->set, &foreign);

	if (waits && has_all(h, counter + 1, &want->set))
		return SEALSET_RAISE;
	if (!waits && h->blobs == want->set.n && has_all(h, counter, &want->set))
		return SEALSET_DONE;
	begin(h, want, ret);
	if (waits) {
		put_present(ret, h, counter);
		put_wanted(ret, h, counter + 1, &want->set);
		return SEALSET_WRITE;
	}
	ret->good_release = h->good_release;
	memcpy(ret->good_roothash, h->good_roothash, SHA256_SIZE);
	put_wanted(ret, h, counter, &want->set);
	return SEALSET_WRITE;
}

static void nothing_is_good(struct keyhead *h)
{
	h->good_release = 0;
	memset(h->good_roothash, 0, SHA256_SIZE);
}

static bool says_nothing_is_good(const struct keyhead *h)
{
	static const uint8_t zero[SHA256_SIZE];

	return h->good_release == 0 && memcmp(h->good_roothash, zero, SHA256_SIZE) == 0;
}

static enum sealset_step next_good(const struct keyhead *h, uint64_t counter,
				   const struct sealset_want *want, struct keyhead *ret)
{
	bool foreign, waits = waiting(h, counter, &want->set, &foreign);

	if (waits && !foreign && has_all(h, counter + 1, &want->set) &&
	    (is_good(h, want) || says_nothing_is_good(h)))
		return SEALSET_RAISE;
	if (!waits && is_good(h, want) && has_all(h, counter, &want->set)) {
		if (h->blobs == want->set.n)
			return SEALSET_DONE;
		begin(h, want, ret);
		put_wanted(ret, h, counter, &want->set);
		return SEALSET_WRITE;
	}
	begin(h, want, ret);
	/* Over what is given up at c+1, and then once more. */
	if (foreign)
		nothing_is_good(ret);
	put_present(ret, h, counter);
	put_wanted(ret, h, counter + 1, &want->set);
	return SEALSET_WRITE;
}

enum sealset_step sealset_next(const struct keyhead *h, uint64_t counter,
			       const struct sealset_want *want, struct keyhead *ret)
{
	switch (want->goal) {
	case SEALSET_TRIAL:
		return next_trial(h, counter, want, ret);
	case SEALSET_GOOD:
		return next_good(h, counter, want, ret);
	default:
		if (h->blobs == want->set.n && has_all(h, counter, &want->set))
			return SEALSET_DONE;
		begin(h, want, ret);
		put_wanted(ret, h, counter, &want->set);
		return SEALSET_WRITE;
	}
}

// SPDX-License-Identifier: Apache-2.0
/*
 * fault: a whole update, full and delta, with one fault at every place where there can be
 * one. Each time the machine must start the old or the new release, whole, and then finish the
 * update. Prints a line for each kind of fault and `N of N`.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static const struct fault_kind {
	const char *name;
	enum memdisk_fault fault;
	enum { BY_WRITE, BY_READ, BY_FLUSH } by;
	/* Ways to go on: power off with this loss, or just try again. */
	enum { CUTS, AGAIN_OR_CUT, LIE } after;
} kinds[] = {
	{ "power cut at write", MEMDISK_CUT, BY_WRITE, CUTS },
	{ "failing write", MEMDISK_WRITE_FAILS, BY_WRITE, AGAIN_OR_CUT },
	{ "short write", MEMDISK_WRITE_SHORT, BY_WRITE, AGAIN_OR_CUT },
	{ "full from write", MEMDISK_FULL, BY_WRITE, AGAIN_OR_CUT },
	{ "failing read", MEMDISK_READ_FAILS, BY_READ, AGAIN_OR_CUT },
	{ "rotten read", MEMDISK_READ_ROTS, BY_READ, AGAIN_OR_CUT },
	{ "failing flush", MEMDISK_FLUSH_FAILS, BY_FLUSH, AGAIN_OR_CUT },
	{ "lying flush, then a cut", MEMDISK_FLUSH_LIES, BY_FLUSH, LIE },
};

/* An update under test. */
struct subject {
	const char *name;
	struct kit_bundle bundle;
	struct world *w;
	const struct memdisk *pristine;
	unsigned int passed, cases;
};

#define LIE_CUTS 4

static struct kit_release releases[3];

static void judge(struct subject *s, const char *rule, const char *kind, unsigned int at, int way,
		  const struct err *err)
{
	s->cases++;
	if (!rule)
		rule = s->w->wrong;
	if (!rule) {
		s->passed++;
		return;
	}
	(void)printf("FAILED: %s, %s %u, way %d: %s%s%s\n", s->name, kind, at, way, rule,
		     err->msg[0] ? ": " : "", err->msg);
}

/* From what is on the medium on to the new release, marked good. NULL, or the rule broken. */
static const char *finish(struct subject *s, bool booted, bool patient, struct err *err)
{
	struct world *w = s->w;
	struct piecefeed_source source;
	struct slotwrite_result result;
	struct kit_source kit;
	bool activated;

	if (booted && world_boot_patiently(w, patient ? 8 : 1) == BOOTSTATE_NONE)
		return "the machine starts neither";
	if (w->running == BOOTSTATE_A) {
		memdisk_arm(&w->disk, MEMDISK_NONE, 0);
		kit_source(&kit, &s->bundle, &source);
		if (world_update(w, &s->bundle, &source, &result, &activated, err))
			return "the update does not finish afterwards";
		memdisk_power_on(&w->disk, MEMDISK_LOSE_ALL, 0);
		if (world_boot(w) != BOOTSTATE_B)
			return "the new release is not started";
	}
	if (world_mark_good(w, err))
		return "it cannot be marked good";
	memdisk_power_on(&w->disk, MEMDISK_LOSE_ALL, 0);
	if (world_boot(w) != BOOTSTATE_B || !world_holds(w, BOOTSTATE_B, w->new))
		return "it is not started again after it was marked good";
	return NULL;
}

/* One fault at the at-th place, and one way to go on. */
static void one(struct subject *s, const struct fault_kind *k, unsigned int at, int way)
{
	struct world *w = s->w;
	struct err err = { "" };
	struct piecefeed_source source;
	struct slotwrite_result result;
	struct kit_source kit;
	const char *rule = NULL;
	bool activated, booted = true;
	int rc;

	world_reset(w, s->pristine);
	kit_source(&kit, &s->bundle, &source);
	memdisk_arm(&w->disk, k->fault, at);
	rc = world_update(w, &s->bundle, &source, &result, &activated, &err);
	if (rc && !err.msg[0])
		rule = "a failure without a sentence";
	if (k->fault == MEMDISK_CUT && !rc)
		rule = "the cut was not noticed";
	if (k->after == AGAIN_OR_CUT && way == 0 && rc) {
		booted = false;
		w->disk.fault = MEMDISK_NONE;
	} else {
		memdisk_power_on(&w->disk, (enum memdisk_loss)(way % 3),
				 at * 977 + (unsigned int)way);
	}
	if (!rule)
		rule = finish(s, booted, k->after == LIE, &err);
	judge(s, rule, k->name, at, way, &err);
}

static unsigned int places(const struct memdisk *d, const struct fault_kind *k)
{
	return k->by == BY_WRITE ? d->writes : k->by == BY_READ ? d->reads : d->flushes;
}

/*
 * A lie does harm only where power goes before the next true flush, so each is tried with a cut
 * at each of the next few writes. The one place where the wrong system is started then is after
 * the last flush of the slot: the trial fails, and the tries run out.
 */
static void lies(struct subject *s, const struct fault_kind *k, unsigned int flushes)
{
	struct world *w = s->w;
	unsigned int lie, cut;
	int way;

	for (lie = 1; lie <= flushes; lie++)
		for (cut = 1; cut <= LIE_CUTS; cut++)
			for (way = 0; way < 3; way++) {
				struct err err = { "" };
				struct piecefeed_source source;
				struct slotwrite_result result;
				struct kit_source kit;
				bool activated;

				world_reset(w, s->pristine);
				kit_source(&kit, &s->bundle, &source);
				memdisk_arm(&w->disk, k->fault, lie);
				w->disk.cut_after_lie = cut;
				(void)world_update(w, &s->bundle, &source, &result, &activated,
						   &err);
				/* Rules about what is durable cannot hold for it. */
				w->wrong = NULL;
				memdisk_power_on(&w->disk, (enum memdisk_loss)way, lie * 31 + cut);
				judge(s, finish(s, true, true, &err), k->name, lie, way, &err);
			}
}

static void disk_faults(struct subject *s)
{
	struct world *w = s->w;
	struct piecefeed_source source;
	struct slotwrite_result result;
	struct kit_source kit;
	struct err err = { "" };
	struct memdisk counts;
	bool activated;
	size_t i;

	world_reset(w, s->pristine);
	kit_source(&kit, &s->bundle, &source);
	if (world_update(w, &s->bundle, &source, &result, &activated, &err) || w->wrong) {
		judge(s, "the update fails without a fault", "none", 0, 0, &err);
		return;
	}
	counts = w->disk;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct fault_kind *k = &kinds[i];
		unsigned int before = s->passed, cases = s->cases, n = places(&counts, k), at;
		int way;

		if (k->after == LIE)
			lies(s, k, counts.flushes);
		else
			for (at = 1; at <= n; at++)
				for (way = 0; way < (k->after == CUTS ? 6 : 3); way++)
					one(s, k, at, way);
		(void)printf("  %-6s %-24s %4u places %6u of %u\n", s->name, k->name, n,
			     s->passed - before, s->cases - cases);
	}
}

/* A link that is lost, and pieces that come damaged once, or for good, at each pull. */
static void source_faults(struct subject *s)
{
	static const char *const names[] = { "lost link", "damaged piece", "server that lies" };
	struct world *w = s->w;
	struct piecefeed_source source;
	struct slotwrite_result result;
	struct kit_source kit;
	unsigned int pulls, at;
	bool activated;
	int kind;

	world_reset(w, s->pristine);
	kit_source(&kit, &s->bundle, &source);
	(void)world_update(w, &s->bundle, &source, &result, &activated, NULL);
	pulls = kit.pulls;
	for (kind = 0; kind < 3; kind++) {
		unsigned int before = s->passed, cases = s->cases;

		for (at = 1; at <= pulls; at++) {
			struct err err = { "" };
			const char *rule = NULL;
			int rc;

			world_reset(w, s->pristine);
			kit_source(&kit, &s->bundle, &source);
			kit.fail_at = kind == 0 ? at : 0;
			kit.damage_at = kind ? at : 0;
			kit.damages = kind == 2 ? 1000 : 0;
			rc = world_update(w, &s->bundle, &source, &result, &activated, &err);
			if (kind == 1 ? rc != 0 : !rc)
				rule = kind == 1 ? "one damaged piece ends it" : "nothing noticed";
			if (rc && activated)
				rule = "activated all the same";
			judge(s, rule ? rule : finish(s, !rc, false, &err), names[kind], at, 0,
			      &err);
		}
		(void)printf("  %-6s %-24s %4u places %6u of %u\n", s->name, names[kind], pulls,
			     s->passed - before, s->cases - cases);
	}
}

int main(void)
{
	static const struct {
		const char *name;
		enum bundle_encoding encoding;
	} subjects[] = { { "raw", BUNDLE_RAW },
			 { "zstd", BUNDLE_ZSTD },
			 { "delta", BUNDLE_DELTA } };
	unsigned int passed = 0, cases = 0, i;
	struct memdisk pristine;
	struct world w;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (i = 0; i < 3; i++)
		kit_release_make(&releases[i], i + 1);
	world_init(&w, &releases[0], &releases[1], &releases[2]);
	memdisk_init(&pristine, w.disk.size);
	memdisk_copy(&pristine, &w.disk);
	for (i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		struct subject s = { .name = subjects[i].name, .w = &w, .pristine = &pristine };

		kit_bundle_make(&s.bundle, &releases[2], subjects[i].encoding,
				subjects[i].encoding == BUNDLE_DELTA ? &releases[1] : NULL);
		disk_faults(&s);
		source_faults(&s);
		kit_bundle_free(&s.bundle);
		passed += s.passed;
		cases += s.cases;
	}
	memdisk_release(&pristine);
	world_release(&w);
	for (i = 0; i < 3; i++)
		kit_release_free(&releases[i]);
	(void)printf("%u of %u\n%u passed, %u failed\n", passed, cases, passed, cases - passed);
	return passed != cases;
}

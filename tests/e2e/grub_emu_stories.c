// SPDX-License-Identifier: Apache-2.0
/*
 * Lives of a machine, boot by boot: the shipped grub.cfg and the device's own code (lib/bootstate,
 * lib/bootstateio) take turns on one disk. Among them are bugs that other projects had.
 */
#include "tests/e2e/grub_emu.h"

#include <stdio.h>
#include <string.h>

#include "lib/blockrange.h"
#include "lib/bootstateio.h"
#include "lib/io.h"

/*
 * Words: a, b: the next boot starts this slot; good, begin, activate, rollback, bad: the event,
 * for the booted slot or the other one as it must be; zero0, zero1, torn0, torn1: a copy is
 * damaged; nofs: the file system is; repair: what the device does at its start.
 */
static const struct {
	const char *name, *words;
} stories[] = {
	{ "an update, then life goes on",
	  "a good begin a good activate b good b good b good begin activate a good a good" },
	{ "a lost power during the trial uses up one try, not the update",
	  "a good begin activate b b b good b good" },
	/* WendyOS 41: the slot that failed was offered again. */
	{ "a failed slot is not offered again",
	  "a good begin activate b b b a good a good a a good a a a a a a a a a" },
	/* rauc PR 1702: slot 0 was taken for `nothing chosen`. */
	{ "slot a is a choice like any other",
	  "a good begin activate b good begin b good activate a a a b good b good" },
	{ "slot a is a choice in a rollback too",
	  "a good begin activate b good rollback a good a" },
	/* Home Assistant OS 3435: a missing state file marked A bad. */
	{ "a missing state marks nothing bad", "a good zero0 zero1 a repair a good a good nofs a a "
					       "a a a repair a good begin activate b" },
	{ "one missing copy changes nothing",
	  "a good begin activate b good zero0 b repair good b good "
	  "zero1 b repair good b good torn0 b repair good b good torn1 b repair good b" },
	/* talos 10364: an upgrade that never got installed led to the version two back. */
	{ "an update that is cut while it is written leaves the running slot alone",
	  "a good begin activate b good b begin b b b b b b b" },
	{ "nor does one that follows a fallback",
	  "a good begin activate b good b b b a good begin a a a a good activate b" },
	{ "a committed slot that fails falls back to one that was good",
	  "a good begin activate b good b b b a a good a" },
	{ "a rollback from a trial", "a good begin activate b rollback a a good a a a a a a" },
	{ "a slot that an operator calls bad", "a good begin activate b good bad a good a" },
};

struct story {
	const struct grub_emu *g;
	struct blockio disk;
	struct blockrange part;
	enum bootstate_slot running;
};

static int damage(struct story *s, const char *word)
{
	uint64_t offset = strchr(word, '1') ? BOOTSTATE_S1_OFFSET : BOOTSTATE_S0_OFFSET;
	uint8_t buf[BOOTSTATE_SIZE] = { 0 };

	if (strcmp(word, "nofs") == 0)
		offset = 0;
	if (strncmp(word, "torn", 4) == 0) {
		if (io_pread(s->g->fd, buf, sizeof(buf), s->g->state_offset + offset))
			return -1;
		/* The value of `open`. */
		buf[30] = buf[30] == '0' ? '1' : '0';
	}
	return io_pwrite(s->g->fd, buf, sizeof(buf), s->g->state_offset + offset);
}

static int event(struct story *s, const char *word)
{
	enum bootstate_slot other = bootstate_other(s->running);
	struct bootstateio io;
	int rc = bootstateio_load(&s->part.io, s->running, &io, NULL);

	if (rc)
		return rc;
	if (strcmp(word, "repair") == 0)
		return bootstateio_repair(&s->part.io, &io, NULL);
	if (strcmp(word, "good") == 0)
		rc = bootstate_mark_good(&io.state, s->running);
	else if (strcmp(word, "begin") == 0)
		rc = bootstate_begin(&io.state, other);
	else if (strcmp(word, "activate") == 0)
		rc = bootstate_activate(&io.state, other);
	else if (strcmp(word, "rollback") == 0)
		rc = bootstate_rollback(&io.state);
	else if (strcmp(word, "bad") == 0)
		rc = bootstate_mark_bad(&io.state, s->running);
	else
		return -1;
	return rc ? rc : bootstateio_store(&s->part.io, &io, NULL);
}

/* 0, 1 another slot was started, or -errno. */
static int boot(struct story *s, const char *word)
{
	uint8_t head[BOOTSTATE_HEAD_BYTES];
	struct bootstate_boot boot;
	const char *text;
	int rc = grub_emu_boot(s->g, 1, &boot, head, &text);

	if (rc)
		return rc;
	s->running = boot.started;
	return strcmp(bootstate_name(boot.started), word) != 0;
}

static int tell(struct story *s, const char *words)
{
	struct bootstate fresh = bootstate_factory(BOOTSTATE_A);
	uint8_t head[BOOTSTATE_HEAD_BYTES];
	char word[16];
	int n, rc;

	bootstate_mkfs(&fresh, head);
	rc = io_pwrite(s->g->fd, head, sizeof(head), s->g->state_offset);
	for (; !rc && sscanf(words, "%15s%n", word, &n) == 1; words += n) {
		if (!word[1])
			rc = boot(s, word);
		else if (strncmp(word, "zero", 4) == 0 || strncmp(word, "torn", 4) == 0 ||
			 strcmp(word, "nofs") == 0)
			rc = damage(s, word);
		else
			rc = event(s, word);
		if (rc)
			(void)fprintf(stderr, "it ends (%d) at the last word of: ... %s%s\n", rc,
				      word, words + n);
	}
	return rc;
}

int grub_emu_stories(const struct grub_emu *g)
{
	struct story s = { .g = g };
	size_t i;
	int failed = 0;

	if (blockio_open_fd(&g->fd, &s.disk, NULL))
		return 111;
	blockrange_init(&s.part, &s.disk, g->state_offset, BOOTSTATE_PART_BYTES);
	for (i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		if (tell(&s, stories[i].words)) {
			(void)fprintf(stderr, "differs: %s\n", stories[i].name);
			failed = 1;
		}
	(void)printf("%zu stories told\n", sizeof(stories) / sizeof(stories[0]));
	return failed;
}

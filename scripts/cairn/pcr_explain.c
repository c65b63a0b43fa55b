// SPDX-License-Identifier: Apache-2.0
/*
 * A real event log beside the prediction. What a prediction cannot know (the boot state, the disk's
 * number, which ESP, a slot that could not be loaded) is read out of the log's own words and then
 * held against its digests: words that lie lead to another list, and that one does not match.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "grubenv.h"
#include "hex.h"
#include "io.h"
#include "pcr4.h"
#include "pcr_events.h"

enum { WORDS_MAX = 2048, VALUES = 9, PATH_BYTES = 64, TRIALS = 64 };

struct job {
	struct pcr_options common;
	const char *file;
	uint8_t *log;
	size_t len;
	struct pcr_target target;
	struct pcrmodel_start start;
	char path[PATH_BYTES];
	struct pcr_events *events, *trial;
	struct pcrmodel_end end;
	struct pcrlist_result result;
	bool compared;	  /* result is there */
	uint32_t entries; /* boot entries that came to nothing before ours */
};

/* --- what the log says of the start --- */

/* The text of a command that GRUB says it ran; NULL: no such event, or one that is too long. */
static const char *command(const struct eventlog_event *e, char *buf)
{
	static const char prefix[] = "grub_cmd: ";
	size_t n = sizeof(prefix) - 1, len = e->data_len;

	if (e->pcr != 8 || len <= n || len - n >= WORDS_MAX || memcmp(e->data, prefix, n) != 0)
		return NULL;
	memcpy(buf, e->data + n, len - n);
	buf[len - n] = '\0';
	return buf;
}

/* `... (hdN,gptM)/PATH`: disk, ESP and path of stage 1. */
static void take_place(struct job *job, const char *text)
{
	const char *last = strrchr(text, ' ');
	unsigned int disk, part;
	int used = 0;

	if (!last || sscanf(last, " (hd%u,gpt%u)%n", &disk, &part, &used) != 2 || !used ||
	    strlen(last + used) >= sizeof(job->path))
		return;
	job->start.disk = disk;
	job->start.esp_part = part;
	memcpy(job->path, last + used, strlen(last + used) + 1);
	job->start.path = job->path;
}

/* `set copy=V:V:...`: a block with these values, as GRUB read them. */
static void take_copy(struct job *job, int n, const char *text)
{
	static const char *const names[VALUES] = { "open",    "primary", "a_good",
						   "a_tries", "b_good",	 "b_tries",
						   "booted",  "esp",	 "close" };
	uint8_t *block = job->start.state[n];
	char copy[WORDS_MAX], *rest = copy, *word;
	size_t i;

	memcpy(copy, text, strlen(text) + 1);
	memset(block, '#', BOOTSTATE_SIZE);
	memcpy(block, "# GRUB Environment Block\n", 25);
	for (i = 0; i < VALUES && (word = strsep(&rest, ":")); i++)
		(void)grubenv_set(block, BOOTSTATE_SIZE, names[i], word);
}

static int read_place(struct job *job, struct err *err)
{
	static const char copy[] = "set copy=", place[] = "regexp --set=1:disk ";
	struct eventlog_event e = { 0 };
	struct eventlog walk;
	char buf[WORDS_MAX];
	int copies = 0, rc = eventlog_init(&walk, job->log, job->len, err);

	while (!rc && (rc = eventlog_next(&walk, &e, err)) > 0) {
		const char *text = command(&e, buf);

		rc = 0;
		if (text && strncmp(text, place, sizeof(place) - 1) == 0)
			take_place(job, text);
		/* An empty one is what GRUB makes of a copy that is not valid. */
		if (text && copies < 2 && strncmp(text, copy, sizeof(copy) - 1) == 0 &&
		    text[sizeof(copy) - 1])
			take_copy(job, copies++, text + sizeof(copy) - 1);
	}
	return rc < 0 ? CMD_REFUSED : 0;
}

/* --- the comparison --- */

/* A slot that is whole, or not: 0 to 3. */
static void set_fault(struct pcrmodel_slot *slot, int fault)
{
	slot->config_signed = fault != 1;
	slot->kernel_signed = fault != 2;
	slot->kernel_taken = fault != 3;
}

/* How far a log goes with a list; UINT32_MAX: to the end. */
static uint32_t reach(const struct pcrlist_result *r)
{
	return r->verdict == PCRLIST_MATCH     ? UINT32_MAX
	       : r->verdict == PCRLIST_MISSING ? UINT32_MAX - 1
					       : r->got.index;
}

/*
 * PCR 4's firmware part: the plain one, or the plain one with entries that did not start. Those are
 * put into the list; any other firmware part stays a difference.
 */
static void take_entries(struct job *job)
{
	uint8_t calling[SHA256_SIZE], returning[SHA256_SIZE];
	struct pcr4_split split;
	struct eventlog_event e = { 0 };
	struct eventlog walk;
	uint32_t n = 0;
	bool known = true;

	sha256(PCR4_CALLING, sizeof(PCR4_CALLING) - 1, calling);
	sha256(PCR4_RETURNING, sizeof(PCR4_RETURNING) - 1, returning);
	if (pcr4_split(job->log, job->len, &split, NULL) ||
	    eventlog_init(&walk, job->log, job->len, NULL))
		return;
	while (eventlog_next(&walk, &e, NULL) > 0 && n < split.firmware_events) {
		if (e.pcr != 4 || e.type == EVENTLOG_EV_NO_ACTION)
			continue;
		/* Behind the first two: pairs of Returning and Calling. */
		if (n >= 2 && memcmp(e.digest, n % 2 ? calling : returning, SHA256_SIZE) != 0)
			known = false;
		n++;
	}
	job->entries = known && n >= 2 && n % 2 == 0 ? (n - 2) / 2 : 0;
}

/* Puts the entries behind Calling and the separator, which the model says first of PCR 4. */
struct filter {
	struct pcr_events *to;
	uint32_t entries, in_pcr4;
};

static int filter(void *ctx, uint32_t pcr, const uint8_t digest[static SHA256_SIZE],
		  const char *what)
{
	struct filter *f = ctx;
	uint8_t action[SHA256_SIZE];
	uint32_t i;
	int rc = 0;

	if (pcr == 4 && f->in_pcr4++ == 2) {
		for (i = 0; !rc && i < f->entries; i++) {
			sha256(PCR4_RETURNING, sizeof(PCR4_RETURNING) - 1, action);
			rc = pcr_events_add(f->to, 4, action,
					    "firmware action \"" PCR4_RETURNING "\"");
			sha256(PCR4_CALLING, sizeof(PCR4_CALLING) - 1, action);
			if (!rc)
				rc = pcr_events_add(f->to, 4, action,
						    "firmware action \"" PCR4_CALLING "\"");
		}
	}
	return rc ? rc : pcr_events_add(f->to, pcr, digest, what);
}

static int add_firmware(struct job *job, struct pcr_events *to, int slot, struct err *err)
{
	struct filter f = { .to = to };

	return job->common.keys.given
		       ? pcr_target_keys(&job->target, &job->common.keys, slot, filter, &f, err)
		       : 0;
}

/* One set of things that the log cannot say; keeps the list that goes furthest. */
static int try_start(struct job *job, unsigned int n, struct err *err)
{
	struct filter f = { .to = job->trial, .entries = job->entries };
	struct pcrlist_result result;
	struct pcrmodel_end end;
	struct pcr_events *swap;
	int rc;

	set_fault(&job->start.slot[0], n & 3);
	set_fault(&job->start.slot[1], n >> 2 & 3);
	job->start.takes[0] = !(n >> 4 & 1);
	job->start.takes[1] = !(n >> 5 & 1);
	pcr_events_clear(job->trial);
	rc = pcrmodel_run(&job->start, filter, &f, &end, err);
	if (!rc) {
		/* A kernel that these keys do not let through was not started by them. */
		rc = add_firmware(job, job->trial, end.started == BOOTSTATE_B, err);
		if (rc == CMD_REFUSED)
			return 0;
	}
	if (!rc)
		rc = pcrlist_check(&job->trial->list, job->log, job->len, &result, err);
	if (rc)
		return rc == -ENOMEM ? rc : CMD_REFUSED;
	if (job->compared && reach(&result) <= reach(&job->result))
		return 0;
	job->compared = true;
	swap = job->events;
	job->events = job->trial;
	job->trial = swap;
	job->result = result;
	job->end = end;
	return 0;
}

/* A bundle without its loader: PCR 4 and 9 of its manifest. */
static int check_release(struct job *job, struct err *err)
{
	struct pcrlist *list = &job->events->list;

	pcrlist_init(list, 1u << 4);
	if (pcrlist_add_firmware(list, job->log, job->len, err))
		return CMD_REFUSED;
	list->pcrs |= 1u << 9;
	if (pcrrelease_list(&job->target.release, list))
		return err_set(err, -ENOSPC, "too many events");
	return pcrlist_check(list, job->log, job->len, &job->result, err) ? CMD_REFUSED : 0;
}

static int check(struct job *job, struct err *err)
{
	unsigned int n;
	int rc;

	if (!job->target.has_loader || !job->target.has_boot)
		return check_release(job, err);
	pcr_target_start(&job->target, &job->start);
	rc = read_place(job, err);
	take_entries(job);
	for (n = 0; !rc && n < TRIALS && !(job->compared && job->result.verdict == PCRLIST_MATCH);
	     n++)
		rc = try_start(job, n, err);
	/* err says what is wrong with the images and the keys. */
	return !rc && !job->compared ? CMD_REFUSED : rc;
}

/* --- the report --- */

static void print_start(const struct job *job)
{
	static const char *const faults[] = { "", ": slot.cfg is not signed",
					      ": vmlinuz is not signed",
					      ": the firmware does not take vmlinuz" };
	struct bootstate_copy copy;
	int i;

	(void)printf(
		"start: hd%u, ESP %d, slot %s\n", job->start.disk, job->start.esp_part == 8 ? 2 : 1,
		job->end.started == BOOTSTATE_NONE ? "none" : bootstate_name(job->end.started));
	for (i = 0; i < 2; i++) {
		const struct pcrmodel_slot *s = &job->start.slot[i];
		int fault = !s->config_signed	? 1
			    : !s->kernel_signed ? 2
			    : !s->kernel_taken	? 3
						: 0;

		if (bootstate_parse(job->start.state[i], BOOTSTATE_SIZE, &copy))
			(void)printf("  state %d: not valid\n", i);
		else
			(void)printf(
				"  state %d: sequence %u, primary %s, a %s %u, b %s %u, booted "
				"%s\n",
				i, copy.sequence, bootstate_name(copy.state.primary),
				copy.state.a.good ? "good" : "not good", copy.state.a.tries,
				copy.state.b.good ? "good" : "not good", copy.state.b.tries,
				bootstate_name(copy.state.booted));
		/* Of a log that fits no start, the last trial says nothing. */
		if (fault && job->result.verdict == PCRLIST_MATCH)
			(void)printf("  slot %c cannot be loaded%s\n", 'a' + i, faults[fault]);
	}
	if (job->entries)
		(void)printf("  %" PRIu32 " boot entries came to nothing before\n", job->entries);
}

static void print_pcrs(const struct job *job)
{
	struct pcrlist *list = &job->events->list;
	uint32_t pcr, i, n;

	for (pcr = 0; pcr < EVENTLOG_PCRS; pcr++) {
		if (!(list->pcrs & 1u << pcr))
			continue;
		for (i = n = 0; i < list->n; i++)
			n += list->event[i].pcr == pcr;
		(void)printf("PCR %" PRIu32 ": %" PRIu32 " events, as predicted\n", pcr, n);
	}
}

/* The sentence, with the whole words of what was expected. */
static int refuse(const struct job *job, struct err *err)
{
	const struct pcrlist_result *r = &job->result;
	char want[2 * SHA256_SIZE + 1] = "", got[2 * SHA256_SIZE + 1] = "", text[WORDS_MAX] = "";
	const char *what = "nothing more";

	if (r->expected) {
		uint32_t i = (uint32_t)(r->expected - job->events->list.event);

		what = job->events->what[i] ? job->events->what[i] : r->expected->what;
		hex_encode(r->expected->digest[0], SHA256_SIZE, want);
	}
	if (r->got.digest) {
		hex_encode(r->got.digest, SHA256_SIZE, got);
		pcrlist_describe(&r->got, text, sizeof(text));
	}
	(void)printf("PCR %" PRIu32 ", event %" PRIu32, r->pcr, r->position);
	if (r->got.digest)
		(void)printf(", event %" PRIu32 " of the log", r->got.index);
	(void)printf(":\n  expected: %s%s%s\n  got:      %s%s%s\n", what,
		     *want ? "\n            " : "", want, *text ? text : "the end of the log",
		     *got ? "\n            " : "", got);
	return err_set(err, CMD_REFUSED, "%s is not a log of %s", job->file, job->target.path);
}

static int parse_options(struct job *job, int argc, char **argv, const char **ret_target,
			 struct err *err)
{
	enum { IMAGE = 1 };
	static const struct option options[] = {
		PCR_OPTIONS,
		{ "image", required_argument, NULL, IMAGE },
		{ "bundle", required_argument, NULL, IMAGE },
		{ NULL, 0, NULL, 0 },
	};
	int c, rc;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == IMAGE) {
			*ret_target = optarg;
			continue;
		}
		rc = pcr_option(&job->common, c, optarg, err);
		if (rc)
			return rc == -ENOENT ? CMD_USAGE : rc;
	}
	if (argc - optind != 1 || !*ret_target)
		return cmd_usage(err, "explain LOG --image FILE or --bundle FILE");
	job->file = argv[optind];
	return 0;
}

static int run(struct job *job, const char *target, struct err *err)
{
	struct eventlog_pcrs pcrs;
	int rc = cmd_load(job->file, EVENTLOG_SIZE_MAX, 0, &job->log, &job->len, err);

	if (!rc)
		rc = pcr_target_open(target, job->common.loader, &job->target, err);
	if (!rc && eventlog_replay(job->log, job->len, &pcrs, err)) {
		err_prefix(err, "%s", job->file);
		rc = CMD_REFUSED;
	}
	if (!rc)
		rc = check(job, err);
	if (rc)
		return rc;
	(void)printf("log: %" PRIu32 " events\n", pcrs.events);
	if (job->target.has_loader && job->target.has_boot)
		print_start(job);
	if (job->result.verdict != PCRLIST_MATCH)
		return refuse(job, err);
	print_pcrs(job);
	return 0;
}

int pcr_explain(int argc, char **argv, struct err *err)
{
	struct job *job _cleanup_free_ = calloc(1, sizeof(*job));
	const char *target = NULL;
	uint32_t pcrs = 1u << 4 | 1u << 8 | 1u << 9;
	int rc;

	if (!job)
		return err_set(err, -ENOMEM, "no memory");
	rc = parse_options(job, argc, argv, &target, err);
	if (rc)
		return rc;
	if (job->common.keys.given)
		pcrs |= 1u << 7;
	job->events = pcr_events_new(pcrs);
	job->trial = pcr_events_new(pcrs);
	rc = job->events && job->trial ? run(job, target, err) : err_set(err, -ENOMEM, "no memory");
	pcr_target_close(&job->target);
	pcr_events_free(job->events);
	pcr_events_free(job->trial);
	free(job->log);
	return rc;
}

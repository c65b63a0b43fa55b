// SPDX-License-Identifier: Apache-2.0
/* What the PCRs will be, from what was built alone; and how a real event log differs from it. */
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "io.h"
#include "pcr_events.h"

enum {
	JSON_MAX = 16 << 20,
	STATES = 256, /* of the newest copy, but its sequence and ESP */
};

struct job {
	struct pcr_options common;
	struct pcr_target target;
	struct pcr_events *events, *keys;
	struct pcrmodel_start start;
	const char *state; /* KEY=VALUE,... or NULL */
	unsigned int disk, esp_part;
	bool json, all, with_events;
	struct json j;
};

static const char *slot_name(enum bootstate_slot slot)
{
	return slot == BOOTSTATE_NONE ? "none" : bootstate_name(slot);
}

/* One KEY=VALUE of --state. */
static int set_key(struct bootstate *s, const char *word, struct err *err)
{
	static const char *const keys[] = { "primary=", "booted=", "a_good=",
					    "a_tries=", "b_good=", "b_tries=" };
	size_t i;
	char v;

	for (i = 0; i < 6 && strncmp(word, keys[i], strlen(keys[i])) != 0; i++)
		;
	v = i < 6 && strlen(word) == strlen(keys[i]) + 1 ? word[strlen(keys[i])] : 0;
	if (i < 2 && (v == 'a' || v == 'b')) {
		*(i ? &s->booted : &s->primary) = v == 'a' ? BOOTSTATE_A : BOOTSTATE_B;
		return 0;
	}
	if (i >= 2 && v >= '0' && v <= (i % 2 ? '3' : '1')) {
		struct bootstate_mark *m = i < 4 ? &s->a : &s->b;

		if (i % 2)
			m->tries = (uint8_t)(v - '0');
		else
			m->good = v == '1';
		return 0;
	}
	return cmd_usage(err,
			 "--state %s: primary, booted (a, b), a_good, b_good (0, 1), a_tries, "
			 "b_tries (0 to 3)",
			 word);
}

static int parse_state(const char *text, struct bootstate *ret, struct err *err)
{
	char *copy _cleanup_free_ = strdup(text), *rest = copy, *word;
	int rc = 0;

	*ret = bootstate_factory(BOOTSTATE_A);
	while (!rc && copy && (word = strsep(&rest, ",")))
		rc = set_key(ret, word, err);
	return rc;
}

/* The older copy is as the newest one: what GRUB then measures of it differs by its sequence. */
static void put_state(struct job *job, const struct bootstate *s)
{
	bootstate_format(s, 0, job->start.state[0]);
	bootstate_format(s, 1, job->start.state[1]);
}

static void print_start(const struct job *job, const struct bootstate *s,
			const struct pcrmodel_end *end)
{
	(void)printf(
		"start primary=%s booted=%s a_good=%d a_tries=%u b_good=%d b_tries=%u disk=hd%u "
		"esp=%u: slot %s\n",
		bootstate_name(s->primary), bootstate_name(s->booted), s->a.good, s->a.tries,
		s->b.good, s->b.tries, job->disk, job->esp_part == 1 ? 1u : 2u,
		slot_name(end->started));
	pcr_events_print(job->events, 4, "", job->with_events);
	pcr_events_print(job->events, 8, "", job->with_events);
	pcr_events_print(job->events, 9, "", job->with_events);
}

static void json_start(struct job *job, const struct bootstate *s, const struct pcrmodel_end *end)
{
	struct json *j = &job->j;
	char disk[16];

	(void)snprintf(disk, sizeof(disk), "hd%u", job->disk);
	json_open_object(j);
	json_member_string(j, "primary", bootstate_name(s->primary));
	json_member_string(j, "booted", bootstate_name(s->booted));
	json_member_bool(j, "a_good", s->a.good);
	json_member_uint(j, "a_tries", s->a.tries);
	json_member_bool(j, "b_good", s->b.good);
	json_member_uint(j, "b_tries", s->b.tries);
	json_member_string(j, "disk", disk);
	json_member_uint(j, "esp", job->esp_part == 1 ? 1u : 2u);
	json_member_string(j, "slot", slot_name(end->started));
	pcr_events_json(job->events, j, job->with_events);
	json_close_object(j);
}

static int one_start(struct job *job, const struct bootstate *s, struct err *err)
{
	struct pcrmodel_end end;
	int rc;

	put_state(job, s);
	pcr_events_clear(job->events);
	rc = pcrmodel_run(&job->start, pcr_events_add, job->events, &end, err);
	if (rc)
		return rc == -ENOMEM ? rc : CMD_REFUSED;
	if (job->json)
		json_start(job, s, &end);
	else
		print_start(job, s, &end);
	return 0;
}

/* The states that were asked for: one, all of them, or that of a new disk for each slot. */
static int all_starts(struct job *job, struct err *err)
{
	struct bootstate s;
	unsigned int n;
	int rc = 0;

	if (job->state) {
		rc = parse_state(job->state, &s, err);
		return rc ? rc : one_start(job, &s, err);
	}
	for (n = 0; !rc && job->all && n < STATES; n++) {
		s = (struct bootstate){ n & 1 ? BOOTSTATE_B : BOOTSTATE_A,
					{ n >> 1 & 1, (uint8_t)(n >> 2 & 3) },
					{ n >> 4 & 1, (uint8_t)(n >> 5 & 3) },
					n >> 7 & 1 ? BOOTSTATE_B : BOOTSTATE_A,
					job->esp_part == 1 ? 1u : 2u };
		rc = one_start(job, &s, err);
	}
	for (n = 0; !rc && !job->all && n < 2; n++) {
		s = bootstate_factory(n ? BOOTSTATE_B : BOOTSTATE_A);
		rc = one_start(job, &s, err);
	}
	return rc;
}

/* What a bundle's manifest says, which is all that there is without a loader. */
static void print_release(const struct pcrrelease *r)
{
	char text[2 * SHA256_SIZE + 1], pcr[2 * SHA256_SIZE + 1];
	uint32_t i;

	for (i = 0; i < r->loaders; i++) {
		hex_encode(r->loader[i].pcr4, SHA256_SIZE, pcr);
		hex_encode(r->loader[i].hash, SHA256_SIZE, text);
		(void)printf("loader generation=%" PRIu32 " hash=%s\npcr4=%s\n",
			     r->loader[i].generation, text, pcr);
	}
	hex_encode(r->pcr9, SHA256_SIZE, pcr);
	(void)printf("pcr9=%s\n", pcr);
	for (i = 0; i < r->events; i++) {
		hex_encode(r->event[i].digest, SHA256_SIZE, text);
		(void)printf("  9.%" PRIu32 " %s %s\n", i + 1, text, r->event[i].what);
	}
}

static void json_release(struct json *j, const struct pcrrelease *r)
{
	char text[2 * SHA256_SIZE + 1];
	uint32_t i;

	json_key(j, "loaders");
	json_open_array(j);
	for (i = 0; i < r->loaders; i++) {
		json_open_object(j);
		json_member_uint(j, "generation", r->loader[i].generation);
		hex_encode(r->loader[i].hash, SHA256_SIZE, text);
		json_member_string(j, "hash", text);
		hex_encode(r->loader[i].pcr4, SHA256_SIZE, text);
		json_member_string(j, "pcr4", text);
		json_close_object(j);
	}
	json_close_array(j);
	hex_encode(r->pcr9, SHA256_SIZE, text);
	json_member_string(j, "pcr9", text);
	json_key(j, "measured");
	json_open_array(j);
	for (i = 0; i < r->events; i++) {
		json_open_object(j);
		hex_encode(r->event[i].digest, SHA256_SIZE, text);
		json_member_string(j, "digest", text);
		json_member_string(j, "what", r->event[i].what);
		json_close_object(j);
	}
	json_close_array(j);
}

/* PCR 5 of a disk image, PCR 7 of a key set: they do not depend on the boot state. */
static int firmware(struct job *job, struct err *err)
{
	const struct pcr_target *t = &job->target;
	uint32_t pcr;
	int rc = 0;

	if (!t->bundle && pcrmodel_gpt(t->gpt_header, sizeof(t->gpt_header), t->gpt_entries,
				       sizeof(t->gpt_entries), pcr_events_add, job->keys, err))
		return CMD_REFUSED;
	if (job->common.keys.given && t->has_loader && t->has_boot)
		rc = pcr_target_keys(t, &job->common.keys, 0, pcr_events_add, job->keys, err);
	if (rc || !job->keys->list.n)
		return rc;
	if (job->json) {
		json_key(&job->j, "firmware");
		json_open_object(&job->j);
		pcr_events_json(job->keys, &job->j, true);
		json_close_object(&job->j);
	}
	for (pcr = 0; !job->json && pcr < EVENTLOG_PCRS; pcr++)
		if (job->keys->list.pcrs & 1u << pcr)
			pcr_events_print(job->keys, pcr, "", true);
	return 0;
}

static int report(struct job *job, struct err *err)
{
	struct pcr_target *t = &job->target;
	int rc;

	if (job->json)
		json_open_object(&job->j);
	if (t->bundle && job->json)
		json_release(&job->j, &t->release);
	else if (t->bundle)
		print_release(&t->release);
	rc = firmware(job, err);
	if (rc || !t->has_loader || !t->has_boot) {
		if (!rc && !job->json)
			(void)printf("PCR 8 needs %s\n",
				     t->has_boot ? "--loader: stage-1 GRUB"
						 : "the whole boot image, this is a delta");
	} else {
		pcr_target_start(t, &job->start);
		job->start.disk = job->disk;
		job->start.esp_part = job->esp_part;
		if (job->json) {
			json_key(&job->j, "starts");
			json_open_array(&job->j);
		}
		rc = all_starts(job, err);
		if (job->json)
			json_close_array(&job->j);
	}
	if (job->json)
		json_close_object(&job->j);
	return rc;
}

static int write_report(struct job *job, struct err *err)
{
	char *buf _cleanup_free_ = job->json ? malloc(JSON_MAX) : NULL;
	int rc;

	if (job->json && !buf)
		return err_set(err, -ENOMEM, "no memory");
	if (job->json) {
		json_init(&job->j, buf, JSON_MAX);
		json_lines(&job->j);
	}
	rc = report(job, err);
	if (rc || !job->json)
		return rc;
	rc = json_end(&job->j, NULL);
	if (rc)
		return err_sys(err, rc, "JSON");
	(void)puts(buf);
	return 0;
}

static int parse_options(struct job *job, int argc, char **argv, struct err *err)
{
	enum { JSON = 1, ALL, STATE, DISK, ESP };
	static const struct option options[] = {
		PCR_OPTIONS,
		{ "json", no_argument, NULL, JSON },
		{ "all", no_argument, NULL, ALL },
		{ "state", required_argument, NULL, STATE },
		{ "disk", required_argument, NULL, DISK },
		{ "esp", required_argument, NULL, ESP },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t v;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case JSON:
			job->json = true;
			break;
		case ALL:
			job->all = true;
			job->with_events = false;
			break;
		case STATE:
			job->state = optarg;
			break;
		case DISK:
			if (cmd_number(optarg, 99, &v))
				return cmd_usage(err, "--disk %s: N of GRUB's hdN", optarg);
			job->disk = (unsigned int)v;
			break;
		case ESP:
			if (cmd_number(optarg, 2, &v) || !v)
				return cmd_usage(err, "--esp 1 or 2");
			job->esp_part = v == 1 ? 1 : 8;
			break;
		default:
			rc = pcr_option(&job->common, c, optarg, err);
			if (rc)
				return rc == -ENOENT ? CMD_USAGE : rc;
		}
	}
	return argc - optind == 1 ? 0 : cmd_usage(err, "predict IMAGE|BUNDLE");
}

int pcr_predict(int argc, char **argv, struct err *err)
{
	struct job job = { .esp_part = 1, .with_events = true };
	int rc = parse_options(&job, argc, argv, err);

	if (rc)
		return rc;
	job.events = pcr_events_new(1u << 4 | 1u << 8 | 1u << 9);
	job.keys = pcr_events_new(1u << 5 | 1u << 7);
	rc = job.events && job.keys ? 0 : err_set(err, -ENOMEM, "no memory");
	if (!rc)
		rc = pcr_target_open(argv[optind], job.common.loader, &job.target, err);
	if (!rc && job.target.bundle)
		job.keys->list.pcrs &= ~(1u << 5);
	if (!rc && !job.common.keys.given)
		job.keys->list.pcrs &= ~(1u << 7);
	if (!rc)
		rc = write_report(&job, err);
	pcr_target_close(&job.target);
	pcr_events_free(job.events);
	pcr_events_free(job.keys);
	return rc;
}

int cmd_pcr(int argc, char **argv, struct err *err)
{
	if (argc > 1 && strcmp(argv[1], "predict") == 0)
		return pcr_predict(argc - 1, argv + 1, err);
	if (argc > 1 && strcmp(argv[1], "explain") == 0)
		return pcr_explain(argc - 1, argv + 1, err);
	return cmd_usage(err, "predict or explain");
}

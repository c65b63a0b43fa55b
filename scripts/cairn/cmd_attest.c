// SPDX-License-Identifier: Apache-2.0
/* cairn attest: a machine's evidence, checked without a TPM (docs/attestation.md). */
#include "cmd_attest.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attestlist.h"
#include "attestrecord.h"
#include "hex.h"
#include "io.h"
#include "object.h"

#define LISTS_MAX 16

int cmd_attest_hex32(const char *option, const char *text, uint8_t ret[static 32], struct err *err)
{
	if (!text || hex_decode(text, ret, 32))
		return cmd_usage(err, "%s: 64 hex digits", option);
	return 0;
}

int cmd_attest_refused(const struct attest_result *r, struct err *err)
{
	(void)err_set(err, 0, "%s: %s", attest_check_name(r->failed), r->why.msg);
	return CMD_REFUSED;
}

int cmd_attest_print(struct json *j, struct err *err)
{
	int rc = json_end(j, NULL);

	if (rc)
		return err_sys(err, rc, "JSON");
	(void)puts(j->buf);
	return 0;
}

struct job {
	const char *machine_path, *nonce, *channel, *root;
	const char *list_path[LISTS_MAX];
	uint64_t release;
	bool object, remember, json;
	/* what becomes of it */
	struct attest_machine machine;
	struct pcrlist *list[LISTS_MAX];
	struct attest_policy policy;
	struct p256_key *ak, *identity;
	uint8_t want_root[SHA256_SIZE];
};

static void release(struct job *job)
{
	size_t i;

	for (i = 0; i < LISTS_MAX; i++)
		free(job->list[i]);
	crypto_p256_key_free(job->ak);
	crypto_p256_key_free(job->identity);
}

static int load_machine(struct job *job, struct err *err)
{
	uint8_t *buf _cleanup_free_ = NULL;
	size_t len;
	int rc = cmd_load(job->machine_path, ATTESTRECORD_MAX, 0, &buf, &len, err);

	if (rc)
		return rc;
	if (attestrecord_parse(buf, len, &job->machine, err) ||
	    crypto_p256_key_new(job->machine.ak_public.point, &job->ak) ||
	    crypto_p256_key_new(job->machine.identity_public.point, &job->identity)) {
		if (!err->msg[0])
			(void)err_set(err, 0, "no keys on the curve");
		err_prefix(err, "%s", job->machine_path);
		return CMD_REFUSED;
	}
	job->policy.machine = &job->machine;
	job->policy.ak = job->ak;
	return 0;
}

static int load_lists(struct job *job, struct err *err)
{
	size_t i;

	for (i = 0; i < job->policy.lists; i++) {
		uint8_t *buf _cleanup_free_ = NULL;
		size_t len;
		int rc = cmd_load(job->list_path[i], ATTESTLIST_MAX, 0, &buf, &len, err);

		if (rc)
			return rc;
		job->list[i] = calloc(1, sizeof(*job->list[i]));
		if (!job->list[i])
			return err_set(err, -ENOMEM, "no memory");
		if (attestlist_parse(buf, len, job->list[i], err)) {
			err_prefix(err, "%s", job->list_path[i]);
			return CMD_REFUSED;
		}
	}
	job->policy.list = (const struct pcrlist *const *)job->list;
	return 0;
}

static int remember(struct job *job, const struct attest_clock *now, struct err *err)
{
	char text[ATTESTRECORD_MAX];
	size_t len;

	job->machine.last = *now;
	if (attestrecord_format(&job->machine, text, &len))
		return err_set(err, -EINVAL, "%s: cannot be written", job->machine_path);
	return cmd_save(job->machine_path, text, len, err);
}

static void report_json(struct json *j, const struct report *r)
{
	char root[2 * SHA256_SIZE + 1];
	int slot;

	hex_encode(r->root, sizeof(r->root), root);
	json_key(j, "report");
	json_open_object(j);
	json_member_string(j, "version", r->version);
	json_member_uint(j, "release", r->release);
	json_member_string(j, "root_hash", root);
	json_member_string(j, "slot", r->slot);
	json_member_string(j, "primary", r->primary);
	for (slot = 0; slot < 2; slot++) {
		json_key(j, slot ? "b" : "a");
		json_open_object(j);
		json_member_bool(j, "good", r->good[slot]);
		json_member_uint(j, "tries", r->tries[slot]);
		json_close_object(j);
	}
	json_member_string(j, "secureboot", r->secureboot);
	json_member_string(j, "verity", r->verity);
	json_member_string(j, "verdict", r->verdict);
	json_member_string(j, "what", r->what[0] ? r->what : NULL);
	json_member_string(j, "why", r->why[0] ? r->why : NULL);
	json_member_bool(j, "marked_good", r->marked);
	json_member_uint(j, "uptime_ms", r->uptime_ms);
	json_close_object(j);
}

/* failed NULL: accepted. */
static int print_json(const struct job *job, const char *failed, const struct attest_result *r,
		      struct err *err)
{
	static char text[ATTEST_JSON_SIZE];
	struct json j;

	json_init(&j, text, sizeof(text));
	json_open_object(&j);
	json_member_uint(&j, "format", 1);
	json_member_string(&j, "verdict", failed ? "refused" : "accepted");
	json_member_string(&j, "failed", failed);
	json_member_string(&j, "why", failed ? r->why.msg : NULL);
	if (!failed) {
		json_member_string(&j, "list", job->list_path[r->list]);
		json_member_uint(&j, "events", r->events);
		json_member_uint(&j, "clock_ms", r->clock.clock_ms);
		json_member_uint(&j, "resets", r->clock.resets);
		json_member_uint(&j, "restarts", r->clock.restarts);
		json_member_bool(&j, "safe", r->attest.safe);
		report_json(&j, &r->report);
	}
	json_close_object(&j);
	return cmd_attest_print(&j, err);
}

static int judge(struct job *job, const uint8_t *buf, size_t len, struct err *err)
{
	static struct attest_result r;
	const char *failed = NULL;
	struct object object;
	int rc = 0;

	if (job->object || (len >= 8 && memcmp(buf, "CAIRN-OB", 8) == 0)) {
		rc = object_open(buf, len, job->identity, &object, &r.why);
		if (!rc && object.kind != OBJECT_EVIDENCE)
			rc = err_set(&r.why, -EBADMSG, "object: holds no evidence");
		if (rc)
			failed = "object";
		buf = rc ? buf : object.content;
		len = rc ? len : object.len;
	}
	if (!rc && attest_verify(&job->policy, buf, len, &r))
		failed = attest_check_name(r.failed);
	if (!failed && job->remember) {
		rc = remember(job, &r.clock, err);
		if (rc)
			return rc;
	}
	if (job->json) {
		rc = print_json(job, failed, &r, err);
		return rc ? rc : failed ? CMD_REFUSED : 0;
	}
	if (failed) {
		(void)err_set(err, 0, "%s: %s", failed, r.why.msg);
		return CMD_REFUSED;
	}
	(void)printf("accepted\nlist=%s\nevents=%u\nclock=%" PRIu64 " %" PRIu32 " %" PRIu32 "\n",
		     job->list_path[r.list], r.events, r.clock.clock_ms, r.clock.resets,
		     r.clock.restarts);
	(void)printf("%.*s", (int)r.evidence.part[EVIDENCE_REPORT].len,
		     (const char *)r.evidence.part[EVIDENCE_REPORT].buf);
	return 0;
}

static int parse_verify(struct job *job, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "machine", required_argument, NULL, 'm' },
		{ "nonce", required_argument, NULL, 'n' },
		{ "channel", required_argument, NULL, 'c' },
		{ "events", required_argument, NULL, 'e' },
		{ "root", required_argument, NULL, 'r' },
		{ "release", required_argument, NULL, 'R' },
		{ "object", no_argument, NULL, 1 },
		{ "remember", no_argument, NULL, 2 },
		{ "json", no_argument, NULL, 3 },
		{ NULL, 0, NULL, 0 },
	};
	int c, rc = 0;

	while (!rc && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			return CMD_USAGE;
		job->object |= c == 1;
		job->remember |= c == 2;
		job->json |= c == 3;
		if (c == 'm')
			job->machine_path = optarg;
		else if (c == 'n')
			rc = cmd_attest_hex32("--nonce", job->nonce = optarg, job->policy.ask.nonce,
					      err);
		else if (c == 'c')
			rc = cmd_attest_hex32("--channel", optarg, job->policy.ask.channel, err);
		else if (c == 'r')
			rc = cmd_attest_hex32("--root", job->root = optarg, job->want_root, err);
		else if (c == 'R' && (cmd_number(optarg, UINT64_MAX, &job->policy.release) ||
				      !job->policy.release))
			rc = cmd_usage(err, "--release %s: no number", optarg);
		else if (c == 'e' && job->policy.lists == LISTS_MAX)
			rc = cmd_usage(err, "more than %d lists", LISTS_MAX);
		else if (c == 'e')
			job->list_path[job->policy.lists++] = optarg;
	}
	if (rc)
		return rc;
	if (argc - optind != 1 || !job->machine_path || !job->nonce || !job->policy.lists)
		return cmd_usage(err, "verify EVIDENCE --machine FILE --nonce HEX --events FILE");
	if (job->root)
		job->policy.root = job->want_root;
	return 0;
}

static int verify(int argc, char **argv, struct err *err)
{
	static struct job job;
	uint8_t *buf _cleanup_free_ = NULL;
	size_t len = 0;
	int rc = parse_verify(&job, argc, argv, err);

	rc = rc ? rc : cmd_load(argv[optind], OBJECT_MAX, 0, &buf, &len, err);
	rc = rc ? rc : load_machine(&job, err);
	rc = rc ? rc : load_lists(&job, err);
	rc = rc ? rc : judge(&job, buf, len, err);
	release(&job);
	return rc;
}

/* open_object - cairn attest open OBJECT --machine FILE [--out FILE] */
static int open_object(int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "machine", required_argument, NULL, 'm' },
		{ "out", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	static struct job job;
	uint8_t *buf _cleanup_free_ = NULL;
	const char *out = NULL;
	struct object object;
	size_t len = 0;
	int c, rc;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			return CMD_USAGE;
		if (c == 'm')
			job.machine_path = optarg;
		else
			out = optarg;
	}
	if (argc - optind != 1 || !job.machine_path)
		return cmd_usage(err, "open OBJECT --machine FILE [--out FILE]");
	rc = cmd_load(argv[optind], OBJECT_MAX, 0, &buf, &len, err);
	rc = rc ? rc : load_machine(&job, err);
	if (!rc && object_open(buf, len, job.identity, &object, err))
		rc = CMD_REFUSED;
	if (!rc && out)
		rc = cmd_save(out, object.content, object.len, err);
	else if (!rc && fwrite(object.content, 1, object.len, stdout) != object.len)
		rc = -EIO;
	release(&job);
	return rc;
}

static int nonce(int argc, char **argv, struct err *err)
{
	char text[2 * EVIDENCE_NONCE_SIZE + 1];
	uint8_t bytes[EVIDENCE_NONCE_SIZE];
	int rc;

	(void)argv;
	if (argc != 1)
		return cmd_usage(err, "nonce, without more");
	rc = crypto_random(bytes, sizeof(bytes));
	if (rc)
		return err_sys(err, rc, "random numbers");
	hex_encode(bytes, sizeof(bytes), text);
	(void)puts(text);
	return 0;
}

int cmd_attest(int argc, char **argv, struct err *err)
{
	static const struct {
		const char *name;
		cmd_fn *run;
	} actions[] = {
		{ "nonce", nonce },
		{ "challenge", cmd_attest_challenge },
		{ "enrol", cmd_attest_enrol_machine },
		{ "verify", verify },
		{ "open", open_object },
		{ "show", cmd_attest_show },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(argv[1], actions[i].name) == 0)
			return actions[i].run(argc - 1, argv + 1, err);
	return cmd_usage(err, "nonce, challenge, enrol, verify, open or show");
}

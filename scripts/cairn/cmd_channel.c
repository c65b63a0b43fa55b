// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "bundle_read.h"
#include "channel.h"
#include "channel_folder.h"
#include "hex.h"
#include "signedfile.h"

#define KIND "cairn-channel 1\n"

enum { BUNDLES_MAX = 1 + CHANNEL_DELTAS_MAX, DAYS = 14, TRUSTS_MAX = 64 };

struct job {
	const char *dir;
	const char *name;
	const char *bundle[BUNDLES_MAX];
	size_t bundles;
	const char *trust[TRUSTS_MAX];
	size_t trusts;
	const char *key[SIGNEDFILE_KEYS_MAX];
	size_t keys;
	uint64_t now, days;
};

/* A bundle goes to bundles/<digest>.cairn; c learns of it. */
static int put_bundle(const struct job *job, const char *from, const struct trust *trust,
		      struct channel *c, struct err *err)
{
	char to[PATH_MAX];
	struct channel_bundle entry = { .size_bytes = 0 };
	struct bundle_file f;
	size_t i;
	int rc = bundle_file_open(from, trust, job->now, &f, err);

	if (!rc && c->release && c->release != f.b.release)
		rc = err_set(err, CMD_REFUSED, "%s: release %" PRIu64 " beside %" PRIu64, from,
			     f.b.release, c->release);
	if (!rc && c->compatible[0] && strcmp(c->compatible, f.b.compatible) != 0)
		rc = err_set(err, CMD_REFUSED, "%s is for %s, not %s", from, f.b.compatible,
			     c->compatible);
	for (i = 0; !rc && i < BUNDLE_IMAGES; i++)
		rc = bundle_file_pieces(&f, (enum bundle_image_id)i, err);
	if (rc)
		goto out;
	rc = channel_folder_bundle(job->dir, f.doc.digest, to, err);
	if (!rc)
		rc = channel_folder_put(from, to, f.size_bytes, err);
	memcpy(entry.manifest, f.doc.digest, SHA256_SIZE);
	entry.size_bytes = f.size_bytes;
	c->release = f.b.release;
	memcpy(c->compatible, f.b.compatible, sizeof(c->compatible));
	memcpy(c->version, f.b.version, sizeof(c->version));
	if (!f.b.delta) {
		if (!rc && c->full.size_bytes)
			rc = err_set(err, CMD_REFUSED, "%s: a second full bundle", from);
		c->full = entry;
		goto out;
	}
	memcpy(entry.base, f.b.base, SHA256_SIZE);
	if (!rc && c->deltas == CHANNEL_DELTAS_MAX)
		rc = err_set(err, CMD_REFUSED, "more than %d deltas", CHANNEL_DELTAS_MAX);
	if (rc)
		goto out;
	for (i = c->deltas++; i && memcmp(c->delta[i - 1].base, entry.base, SHA256_SIZE) > 0; i--)
		c->delta[i] = c->delta[i - 1];
	c->delta[i] = entry;
out:
	bundle_file_close(&f);
	return rc;
}

static int put_channel(const struct job *job, const struct channel *c, const struct trust *trust,
		       struct err *err)
{
	struct signature sig[SIGNEDFILE_KEYS_MAX];
	uint8_t doc[CHANNEL_DOCUMENT_MAX], whole[SIGNED_MAX];
	char path[PATH_MAX];
	size_t len, whole_len, i;
	struct channel again;
	int rc = 0;

	if (channel_format(c, doc, &len))
		return err_set(err, CMD_REFUSED, "this makes no channel: a base twice?");
	for (i = 0; !rc && i < job->keys; i++) {
		struct sign_key key;

		rc = sign_key_load(job->key[i], 1, &key, err);
		if (!rc)
			rc = signedfile_sign_with(doc, len, &key, 1, &sig[i], err);
		OPENSSL_cleanse(&key, sizeof(key));
	}
	if (!rc && signed_write(doc, len, sig, job->keys, whole, &whole_len))
		rc = err_set(err, CMD_REFUSED, "a key that signs twice");
	if (!rc && job->keys)
		rc = channel_open(whole, whole_len, trust, job->now, &again, NULL, err)
			     ? CMD_REFUSED
			     : 0;
	if (rc)
		return rc;
	/* Unsigned, it waits beside the published one for those who sign. */
	rc = channel_folder_path(job->dir, job->keys ? "channel" : "channel.unsigned", path, err);
	if (!rc)
		rc = channel_folder_sync(job->dir, err);
	if (!rc)
		rc = cmd_save(path, whole, whole_len, err);
	if (!rc)
		(void)printf("%s sequence=%" PRIu64 " release=%" PRIu64 " deltas=%zu\n", path,
			     c->sequence, c->release, c->deltas);
	return rc;
}

/*
 * The channel to go on from. Its signatures must hold, or its sequence says nothing: under the
 * newest trust, or where its keys were exchanged since, under an older one.
 */
static int load_old(const struct job *job, const struct trust *newest, struct channel *ret,
		    bool *ret_there, struct err *err)
{
	uint64_t n;
	int rc = CMD_REFUSED;

	for (n = newest->number; rc == CMD_REFUSED && n; n--) {
		struct trust t;

		rc = channel_folder_trust(job->dir, n, &t, err);
		if (!rc)
			rc = channel_folder_load(job->dir, &t, ret, ret_there, err);
	}
	return rc;
}

/* Objects first, the channel last: who reads meanwhile sees the old one or the new one whole. */
static int publish(const struct job *job, struct err *err)
{
	struct channel old = { .sequence = 0 }, c = { .sequence = 0 };
	struct trust trust;
	bool there;
	size_t i;
	int rc = channel_folder_make(job->dir, err);

	for (i = 0; !rc && i < job->trusts; i++)
		rc = channel_folder_put_trust(job->dir, job->trust[i], err);
	if (!rc)
		rc = channel_folder_trust(job->dir, CHANNEL_FOLDER_NEWEST, &trust, err);
	if (!rc)
		rc = load_old(job, &trust, &old, &there, err);
	if (rc)
		return rc;
	if (!job->bundles) {
		/* The same content for longer. */
		if (!there)
			return cmd_usage(err, "there is no channel yet: which BUNDLE?");
		c = old;
	}
	for (i = 0; !rc && i < job->bundles; i++)
		rc = put_bundle(job, job->bundle[i], &trust, &c, err);
	if (rc)
		return rc;
	if (!c.full.size_bytes)
		return err_set(err, CMD_REFUSED, "no full bundle is among them");
	if (there && (strcmp(c.compatible, old.compatible) != 0 || c.release < old.release))
		return err_set(err, CMD_REFUSED,
			       "the channel is for %s and has release %" PRIu64
			       " already: machines would refuse this",
			       old.compatible, old.release);
	if (!job->name && !there)
		return cmd_usage(err, "--name is missing");
	if (strlen(job->name ? job->name : old.name) >= sizeof(c.name))
		return cmd_usage(err, "--name is too long");
	(void)snprintf(c.name, sizeof(c.name), "%s", job->name ? job->name : old.name);
	if (there && strcmp(c.name, old.name) != 0)
		return err_set(err, CMD_REFUSED, "this is the channel %s", old.name);
	c.sequence = old.sequence + 1;
	c.created = job->now;
	c.expires = job->now + job->days * 86400;
	c.trust = trust.number;
	return put_channel(job, &c, &trust, err);
}

static int parse(struct job *job, int argc, char **argv, struct err *err)
{
	enum { NAME = 1, TRUST, KEY, TIME, EXPIRES };
	static const struct option options[] = {
		{ "name", required_argument, NULL, NAME },
		{ "trust", required_argument, NULL, TRUST },
		{ "key", required_argument, NULL, KEY },
		{ "time", required_argument, NULL, TIME },
		{ "days", required_argument, NULL, EXPIRES },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	job->now = (uint64_t)time(NULL);
	job->days = DAYS;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case NAME:
			job->name = optarg;
			break;
		case TRUST:
			if (job->trusts == TRUSTS_MAX)
				return cmd_usage(err, "too many trusts");
			job->trust[job->trusts++] = optarg;
			break;
		case KEY:
			if (job->keys == SIGNEDFILE_KEYS_MAX)
				return cmd_usage(err, "too many keys");
			job->key[job->keys++] = optarg;
			break;
		case TIME:
			if (cmd_time(optarg, &job->now) || !job->now)
				return cmd_usage(err, "--time %s", optarg);
			break;
		case EXPIRES:
			if (cmd_number(optarg, 36500, &job->days) || !job->days)
				return cmd_usage(err, "--days %s: 1 to 36500", optarg);
			break;
		default:
			return CMD_USAGE;
		}
	}
	if (optind == argc)
		return cmd_usage(err, "which DIR?");
	job->dir = argv[optind++];
	for (; optind < argc; optind++) {
		if (job->bundles == BUNDLES_MAX)
			return cmd_usage(err, "more than %d bundles", BUNDLES_MAX);
		job->bundle[job->bundles++] = argv[optind];
	}
	return 0;
}

static int run_publish(int argc, char **argv, struct err *err)
{
	struct job job = { 0 };
	int rc = parse(&job, argc, argv, err);

	return rc ? rc : publish(&job, err);
}

static void print_entry(const char *what, const struct channel_bundle *b, bool base)
{
	char text[2 * SHA256_SIZE + 1];

	(void)printf("%s=", what);
	if (base) {
		hex_encode(b->base, SHA256_SIZE, text);
		(void)printf("%s ", text);
	}
	hex_encode(b->manifest, SHA256_SIZE, text);
	(void)printf("%s %" PRIu64 "\n", text, b->size_bytes);
}

static int run_inspect(int argc, char **argv, struct err *err)
{
	uint8_t buf[SIGNED_MAX];
	struct signed_doc doc;
	struct channel c;
	size_t i;
	int rc;

	if (argc != 2)
		return cmd_usage(err, "inspect FILE");
	rc = signedfile_head(argv[1], buf, &doc, NULL, err);
	if (rc)
		return rc;
	if (channel_parse(doc.document, doc.document_len, &c, err)) {
		err_prefix(err, "%s", argv[1]);
		return CMD_REFUSED;
	}
	(void)printf("name=%s\ncompatible=%s\nsequence=%" PRIu64 "\ncreated=%" PRIu64
		     "\nexpires=%" PRIu64 "\ntrust=%" PRIu64 "\nrelease=%" PRIu64 "\nversion=%s\n",
		     c.name, c.compatible, c.sequence, c.created, c.expires, c.trust, c.release,
		     c.version);
	print_entry("full", &c.full, false);
	for (i = 0; i < c.deltas; i++)
		print_entry("delta", &c.delta[i], true);
	return 0;
}

/* Is the entry's bundle there, is it whole, and the one that the entry says? */
static int verify_entry(const struct job *job, const struct channel *c,
			const struct channel_bundle *entry, const struct trust *trust,
			struct err *err)
{
	char path[PATH_MAX];
	bool delta = entry != &c->full;
	struct bundle_file f;
	int rc, i;

	rc = channel_folder_bundle(job->dir, entry->manifest, path, err);
	if (rc)
		return rc;
	rc = bundle_file_open(path, trust, job->now, &f, err);
	if (!rc &&
	    (memcmp(f.doc.digest, entry->manifest, SHA256_SIZE) != 0 ||
	     f.size_bytes != entry->size_bytes || f.b.delta != delta || f.b.release != c->release ||
	     strcmp(f.b.version, c->version) != 0 || strcmp(f.b.compatible, c->compatible) != 0 ||
	     (delta && memcmp(f.b.base, entry->base, SHA256_SIZE) != 0)))
		rc = err_set(err, CMD_REFUSED, "%s is not what the channel says of it", path);
	for (i = 0; !rc && i < BUNDLE_IMAGES; i++)
		rc = f.b.image[i].present && !delta
			     ? bundle_file_image(&f, (enum bundle_image_id)i, -1, err)
			     : bundle_file_pieces(&f, (enum bundle_image_id)i, err);
	bundle_file_close(&f);
	return rc;
}

static int run_verify(int argc, char **argv, struct err *err)
{
	struct job job = { 0 };
	struct trust trust;
	struct channel c = { .sequence = 0 };
	bool there = false;
	size_t i;
	int rc = parse(&job, argc, argv, err);

	if (rc)
		return rc;
	if (job.bundles || job.keys)
		return cmd_usage(err, "verify DIR [--trust TRUST...] [--time TIME]");
	/* Like a machine that ships the given trust; without one, the folder's own first. */
	if (job.trusts) {
		rc = signedfile_trust(job.trust, job.trusts, &trust, err);
		if (!rc)
			rc = channel_folder_follow(job.dir, CHANNEL_FOLDER_NEWEST, &trust, err);
	} else {
		rc = channel_folder_trust(job.dir, CHANNEL_FOLDER_NEWEST, &trust, err);
	}
	if (!rc)
		rc = channel_folder_load(job.dir, &trust, &c, &there, err);
	if (!rc && !there)
		rc = err_set(err, CMD_REFUSED, "%s: no channel in it", job.dir);
	if (!rc && job.now >= trust.expires)
		rc = err_set(err, CMD_REFUSED, "trust %" PRIu64 " has expired", trust.number);
	if (!rc && job.now >= c.expires)
		rc = err_set(err, CMD_REFUSED, "the channel has expired");
	if (!rc && c.trust != trust.number)
		rc = err_set(err, CMD_REFUSED,
			     "the channel tells of trust %" PRIu64 ", the newest is %" PRIu64,
			     c.trust, trust.number);
	if (!rc)
		rc = verify_entry(&job, &c, &c.full, &trust, err);
	for (i = 0; !rc && i < c.deltas; i++)
		rc = verify_entry(&job, &c, &c.delta[i], &trust, err);
	if (!rc)
		(void)printf("ok name=%s sequence=%" PRIu64 " version=%s release=%" PRIu64
			     " deltas=%zu days_left=%" PRIu64 "\n",
			     c.name, c.sequence, c.version, c.release, c.deltas,
			     (c.expires - job.now) / 86400);
	return rc;
}

static int run_sign(int argc, char **argv, struct err *err)
{
	return signedfile_command(argc, argv, KIND, err);
}

int cmd_channel(int argc, char **argv, struct err *err)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv, struct err *err);
	} actions[] = {
		{ "publish", run_publish },
		{ "inspect", run_inspect },
		{ "verify", run_verify },
		{ "sign", run_sign },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(argv[1], actions[i].name) == 0)
			return actions[i].run(argc - 1, argv + 1, err);
	return cmd_usage(err, "publish, inspect, verify or sign");
}

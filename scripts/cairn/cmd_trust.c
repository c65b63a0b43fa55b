// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>

#include "hex.h"
#include "sign.h"
#include "signedfile.h"
#include "trust.h"

#define KIND "cairn-trust 1\n"

/* One role as it is wanted, before the trust's keys are put in order. */
struct wanted {
	bool given;
	unsigned int threshold;
	size_t keys;
	struct trust_key key[TRUST_KEYS_MAX];
};

struct job {
	const char *text[TRUST_ROLES]; /* --root, --release, --channel */
	const char *expires, *number;
	const char *sign[SIGNEDFILE_KEYS_MAX];
	size_t signs;
};

/* T:KEY,KEY,... */
static int read_role(const char *text, enum trust_role role, struct wanted *w, struct err *err)
{
	const char *colon = strchr(text, ':');
	char *copy, *at, *next;
	char *end;
	int rc = 0;

	w->given = true;
	w->threshold = (unsigned int)strtoul(text, &end, 10);
	if (!colon || end != colon || w->threshold < 1)
		return cmd_usage(err, "--%s %s: THRESHOLD:KEY,KEY...", trust_role_name(role), text);
	copy = strdup(colon + 1);
	if (!copy)
		return err_set(err, -ENOMEM, "no memory");
	for (at = copy; !rc && at; at = next) {
		struct sign_key key;

		next = strchr(at, ',');
		if (next)
			*next++ = '\0';
		if (w->keys == TRUST_KEYS_MAX)
			rc = cmd_usage(err, "--%s: more than %d keys", trust_role_name(role),
				       TRUST_KEYS_MAX);
		else
			rc = sign_key_load(at, 0, &key, err);
		if (rc)
			break;
		memcpy(w->key[w->keys].point, key.point, sizeof(key.point));
		memcpy(w->key[w->keys].id, key.id, sizeof(key.id));
		w->keys++;
	}
	free(copy);
	return rc;
}

/* The trust's keys: each once, ascending by id. */
static int add_key(struct trust *t, const struct trust_key *key, struct err *err)
{
	size_t i;

	for (i = 0; i < t->keys; i++)
		if (memcmp(t->key[i].id, key->id, sizeof(key->id)) == 0)
			return 0;
	if (t->keys == TRUST_KEYS_MAX)
		return err_set(err, CMD_REFUSED, "more than %d keys", TRUST_KEYS_MAX);
	for (i = t->keys++; i && memcmp(t->key[i - 1].id, key->id, sizeof(key->id)) > 0; i--)
		t->key[i] = t->key[i - 1];
	t->key[i] = *key;
	return 0;
}

/* The role's indices, ascending as the keys are; a key named twice counts once. */
static void fill_role(struct trust *t, enum trust_role role, const struct wanted *w)
{
	size_t k, i;

	t->role[role].threshold = w->threshold;
	t->role[role].keys = 0;
	for (k = 0; k < t->keys; k++) {
		for (i = 0; i < w->keys; i++)
			if (memcmp(t->key[k].id, w->key[i].id, sizeof(w->key[i].id)) == 0)
				break;
		if (i < w->keys)
			t->role[role].key[t->role[role].keys++] = (uint8_t)k;
	}
}

static void from_old(const struct trust *old, enum trust_role role, struct wanted *w)
{
	size_t i;

	w->threshold = old->role[role].threshold;
	w->keys = old->role[role].keys;
	for (i = 0; i < w->keys; i++)
		w->key[i] = old->key[old->role[role].key[i]];
}

static int save(const struct job *job, const char *path, const struct trust *t, struct err *err)
{
	struct signature sig[SIGNEDFILE_KEYS_MAX];
	uint8_t doc[TRUST_DOCUMENT_MAX];
	size_t len, i;
	int rc = 0;

	if (trust_format(t, doc, &len))
		return err_set(err, CMD_REFUSED,
			       "this makes no trust: a threshold above its number of keys?");
	for (i = 0; !rc && i < job->signs; i++) {
		struct sign_key key;

		rc = sign_key_load(job->sign[i], 1, &key, err);
		if (!rc)
			rc = signedfile_sign_with(doc, len, &key, 1, &sig[i], err);
		OPENSSL_cleanse(&key, sizeof(key));
	}
	return rc ? rc : signedfile_save(path, doc, len, sig, job->signs, err);
}

/* old is NULL where it is the first. */
static int make(const struct job *job, const char *path, const struct trust *old, struct err *err)
{
	static struct wanted w[TRUST_ROLES];
	struct trust t;
	int role, rc = 0;
	size_t i;

	memset(&t, 0, sizeof(t));
	memset(w, 0, sizeof(w));
	t.number = old ? old->number + 1 : 1;
	t.expires = old ? old->expires : 0;
	if (job->number && cmd_number(job->number, UINT64_MAX, &t.number))
		return cmd_usage(err, "--number %s: no number", job->number);
	if (job->expires && cmd_time(job->expires, &t.expires))
		return cmd_usage(err, "--expires %s: YYYY-MM-DD or seconds", job->expires);
	if (!t.expires)
		return cmd_usage(err, "--expires is missing");
	for (role = 0; role < TRUST_ROLES; role++) {
		if (job->text[role])
			rc = read_role(job->text[role], (enum trust_role)role, &w[role], err);
		else if (!old)
			rc = cmd_usage(err, "--%s is missing",
				       trust_role_name((enum trust_role)role));
		else
			from_old(old, (enum trust_role)role, &w[role]);
		for (i = 0; !rc && i < w[role].keys; i++)
			rc = add_key(&t, &w[role].key[i], err);
		if (rc)
			return rc;
	}
	for (role = 0; role < TRUST_ROLES; role++)
		fill_role(&t, (enum trust_role)role, &w[role]);
	return save(job, path, &t, err);
}

static int load(const char *path, uint8_t buf[static SIGNED_MAX], struct signed_doc *doc,
		struct trust *ret, struct err *err)
{
	int rc = signedfile_head(path, buf, doc, NULL, err);

	if (rc)
		return rc;
	if (trust_parse(doc->document, doc->document_len, ret, err)) {
		err_prefix(err, "%s", path);
		return CMD_REFUSED;
	}
	return 0;
}

static int parse(struct job *job, int argc, char **argv, struct err *err)
{
	enum { EXPIRES = TRUST_ROLES, NUMBER, KEY };
	static const struct option options[] = {
		{ "root", required_argument, NULL, TRUST_ROOT },
		{ "release", required_argument, NULL, TRUST_RELEASE },
		{ "channel", required_argument, NULL, TRUST_CHANNEL },
		{ "expires", required_argument, NULL, EXPIRES },
		{ "number", required_argument, NULL, NUMBER },
		{ "key", required_argument, NULL, KEY },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case EXPIRES:
			job->expires = optarg;
			break;
		case NUMBER:
			job->number = optarg;
			break;
		case KEY:
			if (job->signs == SIGNEDFILE_KEYS_MAX)
				return cmd_usage(err, "too many keys");
			job->sign[job->signs++] = optarg;
			break;
		case '?':
			return CMD_USAGE;
		default:
			job->text[c] = optarg;
		}
	}
	return 0;
}

static int run_create(int argc, char **argv, struct err *err)
{
	struct job job = { 0 };
	int rc = parse(&job, argc, argv, err);

	if (rc)
		return rc;
	if (argc - optind != 1)
		return cmd_usage(err, "create OUT --expires --root --release --channel");
	return make(&job, argv[optind], NULL, err);
}

static int run_rotate(int argc, char **argv, struct err *err)
{
	uint8_t buf[SIGNED_MAX];
	struct job job = { 0 };
	struct signed_doc doc;
	struct trust old;
	int rc = parse(&job, argc, argv, err);

	if (rc)
		return rc;
	if (argc - optind != 2 || job.number)
		return cmd_usage(err, "rotate OLD OUT, without --number");
	rc = load(argv[optind], buf, &doc, &old, err);
	return rc ? rc : make(&job, argv[optind + 1], &old, err);
}

static void print_time(const char *name, uint64_t seconds)
{
	time_t t = (time_t)seconds;
	char text[32] = "?";
	struct tm tm;

	if (gmtime_r(&t, &tm))
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	(void)printf("%s=%" PRIu64 " (%s)\n", name, seconds, text);
}

static int run_inspect(int argc, char **argv, struct err *err)
{
	char text[2 * SHA256_SIZE + 1];
	uint8_t buf[SIGNED_MAX];
	struct signed_doc doc;
	struct trust t;
	size_t i, k;
	int rc, role;

	if (argc != 2)
		return cmd_usage(err, "inspect FILE");
	rc = load(argv[1], buf, &doc, &t, err);
	if (rc)
		return rc;
	(void)printf("number=%" PRIu64 "\n", t.number);
	print_time("expires", t.expires);
	for (role = 0; role < TRUST_ROLES; role++) {
		(void)printf("%s=%u of", trust_role_name((enum trust_role)role),
			     t.role[role].threshold);
		for (i = 0; i < t.role[role].keys; i++) {
			hex_encode(t.key[t.role[role].key[i]].id, SHA256_SIZE, text);
			(void)printf(" %s", text);
		}
		(void)puts("");
	}
	for (i = 0; i < doc.signatures; i++) {
		const char *what = "unknown key";

		for (k = 0; k < t.keys; k++)
			if (memcmp(t.key[k].id, doc.signature[i].key_id, SHA256_SIZE) == 0)
				what = crypto_p256_verify(t.key[k].point, doc.digest,
							  doc.signature[i].rs)
					       ? "does not hold"
					       : "holds";
		hex_encode(doc.signature[i].key_id, SHA256_SIZE, text);
		(void)printf("signature=%s %s\n", text, what);
	}
	return 0;
}

static int run_verify(int argc, char **argv, struct err *err)
{
	struct trust t;
	int rc;

	if (argc < 2)
		return cmd_usage(err, "verify FILE...");
	rc = signedfile_trust((const char *const *)argv + 1, (size_t)argc - 1, &t, err);
	if (rc)
		return rc;
	(void)printf("number=%" PRIu64 "\n", t.number);
	print_time("expires", t.expires);
	return 0;
}

static int run_sign(int argc, char **argv, struct err *err)
{
	return signedfile_command(argc, argv, KIND, err);
}

int cmd_trust(int argc, char **argv, struct err *err)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv, struct err *err);
	} actions[] = {
		{ "create", run_create }, { "rotate", run_rotate }, { "inspect", run_inspect },
		{ "verify", run_verify }, { "sign", run_sign },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(argv[1], actions[i].name) == 0)
			return actions[i].run(argc - 1, argv + 1, err);
	return cmd_usage(err, "create, rotate, sign, inspect or verify");
}

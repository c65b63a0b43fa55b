// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "efiauth.h"
#include "hex.h"
#include "keys.h"
#include "sign.h"
#include "signedfile.h"

static const struct keys_entry entries[] = {
	{ "PK", KEYS_RSA, 1, 1, "owns the machine: signs KEK" },
	{ "KEK", KEYS_RSA, 1, 1, "signs db and dbx" },
	{ "db", KEYS_RSA, 1, 0, "signs GRUB and the kernel, for firmware" },
	{ "slot", KEYS_RSA, 0, 0, "signs slot.cfg and the kernel, for GRUB" },
	{ "release", KEYS_P256, 0, 0, "signs bundles" },
	{ "channel", KEYS_P256, 0, 0, "signs channels" },
	{ "root", KEYS_P256, 0, 1, "signs the next trust" },
	{ "recovery", KEYS_P256, 0, 1, "opens DATA when its TPM does not" },
};

enum { N_ENTRIES = sizeof(entries) / sizeof(entries[0]) };

const struct keys_entry *keys_entry(size_t n)
{
	return n < N_ENTRIES ? &entries[n] : NULL;
}

int keys_path(char ret[static KEYS_PATH_MAX], const char *dir, const char *name, const char *suffix,
	      struct err *err)
{
	if (snprintf(ret, KEYS_PATH_MAX, "%s/%s%s%s", dir, name, *suffix ? "." : "", suffix) >=
	    KEYS_PATH_MAX)
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long", dir);
	return 0;
}

/* --- show --- */

struct shown {
	int insecure, problems;
	struct trust trust;
};

static void problem(struct shown *s, const char *name, const char *why)
{
	(void)printf("problem %s %s\n", name, why);
	s->problems++;
}

/* Does another file of the folder name this key? */
static void check_fits(const char *dir, const struct keys_entry *entry, EVP_PKEY *key,
		       struct shown *s)
{
	char path[KEYS_PATH_MAX], text[2 * P256_POINT_SIZE + 2];
	struct sign_key p256;
	uint8_t *got = NULL;
	X509 *cert = NULL;
	int role;
	size_t len, i;

	if (entry->has_cert) {
		if (keys_path(path, dir, entry->name, "crt", NULL) ||
		    sign_load_cert(path, &cert, NULL))
			problem(s, entry->name, "has no certificate");
		else if (X509_check_private_key(cert, key) != 1)
			problem(s, entry->name, "has another key's certificate");
		X509_free(cert);
	}
	if (entry->kind != KEYS_P256)
		return;
	if (keys_path(path, dir, entry->name, "key", NULL) || sign_key_load(path, 0, &p256, NULL)) {
		problem(s, entry->name, "is no key of P-256");
		return;
	}
	if (strcmp(entry->name, "recovery") == 0) {
		hex_encode(p256.point, sizeof(p256.point), text);
		if (keys_path(path, dir, "recovery", "", NULL) ||
		    cmd_load(path, 256, 1, &got, &len, NULL) ||
		    strncmp((char *)got, text, strlen(text)) != 0)
			problem(s, entry->name, "is not the one that machines are given");
		free(got);
		return;
	}
	for (role = 0; role < TRUST_ROLES; role++) {
		if (strcmp(trust_role_name((enum trust_role)role), entry->name) != 0)
			continue;
		for (i = 0; i < s->trust.role[role].keys; i++)
			if (memcmp(s->trust.key[s->trust.role[role].key[i]].id, p256.id,
				   SHA256_SIZE) == 0)
				return;
		problem(s, entry->name, "is not in trust");
	}
}

static void show_key(const char *dir, const struct keys_entry *entry, struct shown *s)
{
	char path[KEYS_PATH_MAX], text[2 * SHA256_SIZE + 1];
	uint8_t id[SHA256_SIZE];
	EVP_PKEY *key = NULL;
	struct err err;
	int token, insecure, rc = keys_path(path, dir, entry->name, "key", &err);

	if (!rc && access(path, F_OK)) {
		/* It belongs elsewhere; what it signed is here. */
		if (entry->offline)
			(void)printf("key %-8s elsewhere  -  %s\n", entry->name, entry->what);
		else
			problem(s, entry->name, "is missing");
		return;
	}
	if (!rc)
		rc = sign_key_open(path, 0, &key, &token, &err);
	if (rc || sign_key_id(key, id)) {
		problem(s, entry->name, rc ? err.msg : "cannot be read");
		EVP_PKEY_free(key);
		return;
	}
	insecure = sign_key_insecure(key);
	s->insecure |= insecure;
	hex_encode(id, sizeof(id), text);
	(void)printf("key %-8s %s %s %.16s  %s\n", entry->name, token ? "token" : "file",
		     insecure ? "INSECURE" : "-", text, entry->what);
	check_fits(dir, entry, key, s);
	EVP_PKEY_free(key);
}

static void show_auth(const char *dir, const char *name, struct shown *s)
{
	uint8_t *buf = NULL;
	char path[KEYS_PATH_MAX];
	struct efiauth a;
	struct err err;
	size_t len, n;

	if (keys_path(path, dir, name, "auth", NULL) || access(path, F_OK))
		return;
	if (cmd_load(path, EFIAUTH_MAX, 0, &buf, &len, &err) || efiauth_parse(buf, len, &a, &err) ||
	    efiauth_check(a.content, a.content_len, &n))
		problem(s, name, "has a file that is no authenticated variable");
	else
		(void)printf("enrolment %s entries=%zu time=%04d-%02d-%02d\n", name, n,
			     a.time[0] | a.time[1] << 8, a.time[2], a.time[3]);
	free(buf);
}

int keys_show(const char *dir, struct err *err)
{
	static const char *const variables[] = { "dbx", "db", "db-microsoft", "KEK", "PK" };
	struct shown s = { 0 };
	char path[KEYS_PATH_MAX];
	const char *paths[1] = { path };
	size_t i;
	int rc = keys_path(path, dir, "trust", "", err);

	if (rc)
		return rc;
	/* To look is allowed: it is how RELEASE=1 finds out. */
	(void)unsetenv("RELEASE");
	if (signedfile_trust(paths, 1, &s.trust, err))
		problem(&s, "trust", err->msg);
	for (i = 0; i < N_ENTRIES; i++)
		show_key(dir, &entries[i], &s);
	for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		show_auth(dir, variables[i], &s);
	(void)printf("insecure=%s\n", s.insecure ? "yes" : "no");
	if (s.problems)
		return err_set(err, CMD_REFUSED, "%s: %d things are not as they must be", dir,
			       s.problems);
	return 0;
}

/* --- the command --- */

enum { OWNER = 1, EXPIRES, TOKEN, MODULE, ALSO, REVOKE, TIME, KEY, OUT };

struct request {
	struct keys_job job;
	const char *key, *out;
	unsigned int given;
};

static int parse(struct request *r, int argc, char **argv, struct err *err)
{
	static const struct option options[] = {
		{ "owner", required_argument, NULL, OWNER },
		{ "expires", required_argument, NULL, EXPIRES },
		{ "token", required_argument, NULL, TOKEN },
		{ "module", required_argument, NULL, MODULE },
		{ "also", required_argument, NULL, ALSO },
		{ "revoke", required_argument, NULL, REVOKE },
		{ "time", required_argument, NULL, TIME },
		{ "key", required_argument, NULL, KEY },
		{ "out", required_argument, NULL, OUT },
		{ NULL, 0, NULL, 0 },
	};
	struct keys_enrolment *e = &r->job.enrolment;
	int c;

	r->job.owner = "Cairn owner";
	e->time = (uint64_t)time(NULL);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			return CMD_USAGE;
		r->given |= 1u << c;
		if (c == OWNER)
			r->job.owner = optarg;
		else if (c == EXPIRES)
			r->job.expires = optarg;
		else if (c == TOKEN)
			r->job.token = optarg;
		else if (c == MODULE)
			r->job.module = optarg;
		else if (c == KEY)
			r->key = optarg;
		else if (c == OUT)
			r->out = optarg;
		else if (c == TIME && cmd_time(optarg, &e->time))
			return cmd_usage(err, "--time %s: YYYY-MM-DD or seconds", optarg);
		else if (c == ALSO && e->n_also < KEYS_ALSO_MAX)
			e->also[e->n_also++] = optarg;
		else if (c == REVOKE && e->n_revoke < KEYS_ALSO_MAX)
			e->revoke[e->n_revoke++] = optarg;
		else if (c == ALSO || c == REVOKE)
			return cmd_usage(err, "more than %d of --also or --revoke", KEYS_ALSO_MAX);
	}
	return 0;
}

static int run_init(struct request *r, int n, char **args, struct err *err)
{
	if (n != 1)
		return cmd_usage(err, "init DIR");
	if (!r->job.token != !r->job.module)
		return cmd_usage(err, "--token and --module go together");
	if (r->job.token && !getenv("CAIRN_PIN"))
		return cmd_usage(err, "the token's PIN must be in the environment's CAIRN_PIN");
	r->job.dir = args[0];
	return keys_init(&r->job, err);
}

static int run_show(struct request *r, int n, char **args, struct err *err)
{
	(void)r;
	return n == 1 ? keys_show(args[0], err) : cmd_usage(err, "show DIR");
}

static int run_enrol(struct request *r, int n, char **args, struct err *err)
{
	return n == 1 ? keys_enrol(args[0], &r->job.enrolment, err) : cmd_usage(err, "enrol DIR");
}

static int run_recovery(struct request *r, int n, char **args, struct err *err)
{
	if (n != 2 || strcmp(args[0], "open") != 0 || !r->key || !r->out)
		return cmd_usage(err, "recovery open DISK --key KEY --out FILE");
	return keys_recovery(args[1], r->key, r->out, err);
}

int cmd_keys(int argc, char **argv, struct err *err)
{
	static const struct {
		const char *name;
		int (*run)(struct request *r, int n, char **args, struct err *err);
		unsigned int takes;
	} actions[] = {
		{ "init", run_init,
		  1u << OWNER | 1u << EXPIRES | 1u << TOKEN | 1u << MODULE | 1u << ALSO |
			  1u << REVOKE | 1u << TIME },
		{ "show", run_show, 0 },
		{ "enrol", run_enrol, 1u << ALSO | 1u << REVOKE | 1u << TIME },
		{ "recovery", run_recovery, 1u << KEY | 1u << OUT },
	};
	struct request r = { 0 };
	size_t i;
	int rc;

	for (i = 0; argc > 1 && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(argv[1], actions[i].name) != 0)
			continue;
		rc = parse(&r, argc - 1, argv + 1, err);
		if (rc)
			return rc;
		if (r.given & ~actions[i].takes)
			return cmd_usage(err, "%s: an option that it does not take", argv[1]);
		/* getopt has put the options first; argv[1] is its name. */
		return actions[i].run(&r, argc - 1 - optind, argv + 1 + optind, err);
	}
	return cmd_usage(err, "init, show, enrol or recovery");
}

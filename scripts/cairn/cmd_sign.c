// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "hex.h"
#include "io.h"
#include "pe.h"
#include "sign.h"

enum { CONTENT_MAX = 256 << 20, SIGNATURE_FILE_MAX = 65536 };

/* A signing time tells nothing that is checked, so it is fixed: 2024-01-01T00:00:00Z. */
#define SIGN_TIME UINT64_C(1704067200)
#define TIME_MAX UINT64_C(253402300799) /* the end of the year 9999 */

struct job {
	const char *key, *cert, *out;
	uint64_t time; /* seconds since 1970 */
	char **files;
	int n_files;
};

/* What a check found is a refusal, what kept it from checking is not. */
static int verdict(int rc)
{
	return rc == -EBADMSG || rc == -EKEYREJECTED || rc == -EINVAL || rc == -EEXIST ||
			       rc == -EFBIG
		       ? CMD_REFUSED
		       : rc;
}

static int load_pe(const char *path, size_t room, uint8_t **ret_buf, size_t *ret_len,
		   struct pe *ret, struct err *err)
{
	int rc = cmd_load(path, PE_MAX, room, ret_buf, ret_len, err);

	if (rc)
		return verdict(rc);
	rc = pe_parse(*ret_buf, *ret_len, ret, err);
	if (rc)
		err_prefix(err, "%s", path);
	return verdict(rc);
}

static int content_hash(const char *path, struct sha256 *ret, struct err *err)
{
	uint8_t *buf = NULL;
	size_t len;
	int rc = cmd_load(path, CONTENT_MAX, 0, &buf, &len, err);

	if (rc)
		return rc;
	sha256_init(ret);
	sha256_update(ret, buf, len);
	free(buf);
	return 0;
}

static int run_hash(const struct job *job, struct err *err)
{
	uint8_t *buf _cleanup_free_ = NULL, digest[SHA256_SIZE];
	char text[2 * SHA256_SIZE + 1];
	struct pe pe;
	size_t len;
	int rc = load_pe(job->files[0], 0, &buf, &len, &pe, err);

	if (rc)
		return rc;
	pe_hash(buf, len, &pe, 0, digest);
	hex_encode(digest, sizeof(digest), text);
	(void)puts(text);
	return 0;
}

static int run_authenticode(const struct job *job, struct err *err)
{
	uint8_t *buf _cleanup_free_ = NULL, *pkcs7 = NULL, digest[SHA256_SIZE];
	size_t len, pkcs7_len;
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	struct pe pe;
	int rc;

	rc = load_pe(job->files[0], 0, &buf, &len, &pe, err);
	if (rc)
		return rc;
	if (pe.cert_bytes)
		return err_set(err, CMD_REFUSED, "%s is signed already", job->files[0]);
	pe_hash(buf, len, &pe, pe_pad(len), digest);
	rc = sign_load_key(job->key, 1, &key, err);
	if (!rc)
		rc = sign_load_cert(job->cert, &cert, err);
	if (!rc)
		rc = sign_authenticode(digest, key, cert, job->time, &pkcs7, &pkcs7_len, err);
	if (!rc)
		rc = cmd_save(job->out, pkcs7, pkcs7_len, err);
	OPENSSL_free(pkcs7);
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

static int run_attach(const struct job *job, struct err *err)
{
	const char *file = job->files[0], *sig_path = job->files[1];
	uint8_t *buf _cleanup_free_ = NULL, *sig _cleanup_free_ = NULL, digest[SHA256_SIZE];
	size_t len, sig_len;
	struct pe pe;
	int rc;

	rc = cmd_load(sig_path, SIGNATURE_FILE_MAX, 0, &sig, &sig_len, err);
	if (rc)
		return verdict(rc);
	rc = load_pe(file, pe_signed_bytes(0, sig_len) + PE_CERT_ALIGN, &buf, &len, &pe, err);
	if (rc)
		return rc;
	if (pe.cert_bytes)
		return err_set(err, CMD_REFUSED, "%s is signed already", file);
	pe_hash(buf, len, &pe, pe_pad(len), digest);
	rc = sign_authenticode_check(sig, sig_len, digest, err);
	if (rc) {
		err_prefix(err, "%s for %s", sig_path, file);
		return verdict(rc);
	}
	rc = pe_attach(buf, len, &pe, sig, sig_len);
	if (rc)
		return err_sys(err, rc, "attach %s", sig_path);
	return cmd_save(job->files[2], buf, pe_signed_bytes(len, sig_len), err);
}

static int pgp_one(const struct job *job, const char *path, EVP_PKEY *key, struct err *err)
{
	char beside[PATH_MAX];
	uint8_t sig[PGP_SIG_MAX];
	struct sha256 content;
	size_t len;
	int rc;

	if (snprintf(beside, sizeof(beside), "%s.sig", path) >= (int)sizeof(beside))
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long", path);
	rc = content_hash(path, &content, err);
	if (!rc)
		rc = sign_pgp(&content, key, (uint32_t)job->time, sig, &len, err);
	if (!rc)
		rc = cmd_save(job->out ? job->out : beside, sig, len, err);
	return rc;
}

static int run_pgp(const struct job *job, struct err *err)
{
	EVP_PKEY *key = NULL;
	int i, rc;

	if (job->time > UINT32_MAX)
		return cmd_usage(err, "--time: OpenPGP ends in 2106");
	if (job->out && job->n_files > 1)
		return cmd_usage(err, "--out goes with one FILE");
	rc = sign_load_key(job->key, 1, &key, err);
	for (i = 0; !rc && i < job->n_files; i++)
		rc = pgp_one(job, job->files[i], key, err);
	EVP_PKEY_free(key);
	return rc;
}

static int run_pgp_public(const struct job *job, struct err *err)
{
	uint8_t packet[PGP_KEY_MAX];
	EVP_PKEY *key = NULL;
	size_t len;
	int rc = sign_load_key(job->key, 0, &key, err);

	if (!rc)
		rc = sign_pgp_key(key, packet, &len, NULL, err);
	if (!rc)
		rc = cmd_save(job->files[0], packet, len, err);
	EVP_PKEY_free(key);
	return rc;
}

static int run_pgp_check(const struct job *job, struct err *err)
{
	uint8_t *sig _cleanup_free_ = NULL;
	EVP_PKEY *key = NULL;
	struct sha256 content;
	size_t sig_len;
	int rc = content_hash(job->files[0], &content, err);

	if (!rc)
		rc = cmd_load(job->files[1], SIGNATURE_FILE_MAX, 0, &sig, &sig_len, err);
	if (!rc)
		rc = sign_load_key(job->key, 0, &key, err);
	if (rc)
		return rc;
	rc = sign_pgp_check(&content, sig, sig_len, key, err);
	EVP_PKEY_free(key);
	if (rc)
		err_prefix(err, "%s for %s", job->files[1], job->files[0]);
	return verdict(rc);
}

enum { KEY = 1, CERT = 2, TIME = 4, OUT = 8 };

static const struct {
	const char *name;
	int (*run)(const struct job *job, struct err *err);
	int files_min, files_max;
	int needs, takes; /* options */
} actions[] = {
	{ "authenticode", run_authenticode, 1, 1, KEY | CERT | OUT, TIME },
	{ "attach", run_attach, 3, 3, 0, 0 },
	{ "hash", run_hash, 1, 1, 0, 0 },
	{ "pgp", run_pgp, 1, INT_MAX, KEY, TIME | OUT },
	{ "pgp-check", run_pgp_check, 2, 2, KEY, 0 },
	{ "pgp-public", run_pgp_public, 1, 1, KEY, 0 },
};

/* Options in any place after the action; ret_got is the set of them. */
static int parse_options(struct job *job, int argc, char **argv, int *ret_got, struct err *err)
{
	static const struct option options[] = {
		{ "key", required_argument, NULL, KEY },
		{ "cert", required_argument, NULL, CERT },
		{ "time", required_argument, NULL, TIME },
		{ "out", required_argument, NULL, OUT },
		{ NULL, 0, NULL, 0 },
	};
	int c, got = 0;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case KEY:
			job->key = optarg;
			break;
		case CERT:
			job->cert = optarg;
			break;
		case TIME:
			if (cmd_number(optarg, TIME_MAX, &job->time))
				return cmd_usage(err, "--time %s: seconds since 1970", optarg);
			break;
		case OUT:
			job->out = optarg;
			break;
		default:
			return CMD_USAGE;
		}
		got |= c;
	}
	job->files = argv + optind;
	job->n_files = argc - optind;
	*ret_got = got;
	return 0;
}

int cmd_sign(int argc, char **argv, struct err *err)
{
	struct job job = { .time = SIGN_TIME };
	const char *name = argc > 1 ? argv[1] : "";
	int got = 0, rc;
	size_t i;

	if (strncmp(name, "--", 2) == 0)
		name += 2;
	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		rc = parse_options(&job, argc - 1, argv + 1, &got, err);
		if (rc)
			return rc;
		if (job.n_files < actions[i].files_min || job.n_files > actions[i].files_max ||
		    (got & actions[i].needs) != actions[i].needs ||
		    (got & ~(actions[i].needs | actions[i].takes)))
			return cmd_usage(err, "--%s: an argument is missing or too many", name);
		return actions[i].run(&job, err);
	}
	return cmd_usage(err, "`%s` is nothing that it does", name);
}

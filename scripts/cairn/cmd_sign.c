// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "hex.h"
#include "io.h"
#include "pe.h"
#include "sign.h"

enum { CONTENT_MAX = 256 << 20, SIGNATURE_FILE_MAX = 65536 };

struct job {
	const char *key, *cert, *out;
	uint64_t time;
	int has_time;
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

static int run_pgp(const struct job *job, struct err *err)
{
	uint8_t sig[PGP_SIG_MAX];
	EVP_PKEY *key = NULL;
	struct sha256 content;
	size_t len;
	int rc;

	if (job->time > UINT32_MAX)
		return cmd_usage(err, "--time: OpenPGP ends in 2106");
	rc = content_hash(job->files[0], &content, err);
	if (!rc)
		rc = sign_load_key(job->key, 1, &key, err);
	if (!rc)
		rc = sign_pgp(&content, key, (uint32_t)job->time, sig, &len, err);
	if (!rc)
		rc = cmd_save(job->out, sig, len, err);
	EVP_PKEY_free(key);
	return rc;
}

static int run_pgp_pubkey(const struct job *job, struct err *err)
{
	uint8_t packet[PGP_KEY_MAX];
	EVP_PKEY *key = NULL;
	size_t len;
	int rc = sign_load_key(job->key, 0, &key, err);

	if (!rc)
		rc = sign_pgp_key(key, packet, &len, NULL, err);
	if (!rc)
		rc = cmd_save(job->out, packet, len, err);
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

enum { NEED_KEY = 1, NEED_CERT = 2, NEED_TIME = 4, NEED_OUT = 8 };

static const struct {
	const char *name;
	int (*run)(const struct job *job, struct err *err);
	int n_files, needs;
} actions[] = {
	{ "authenticode", run_authenticode, 1, NEED_KEY | NEED_CERT | NEED_TIME | NEED_OUT },
	{ "attach", run_attach, 3, 0 },
	{ "pgp", run_pgp, 1, NEED_KEY | NEED_TIME | NEED_OUT },
	{ "pgp-pubkey", run_pgp_pubkey, 0, NEED_KEY | NEED_OUT },
	{ "pgp-check", run_pgp_check, 2, NEED_KEY },
	{ "hash", run_hash, 1, 0 },
};

int cmd_sign(int argc, char **argv, struct err *err)
{
	enum { KEY = 1, CERT, TIME, OUT, ATTACH };
	static const struct option options[] = {
		{ "key", required_argument, NULL, KEY },
		{ "cert", required_argument, NULL, CERT },
		{ "time", required_argument, NULL, TIME },
		{ "out", required_argument, NULL, OUT },
		{ "attach", no_argument, NULL, ATTACH },
		{ NULL, 0, NULL, 0 },
	};
	const char *name = NULL;
	struct job job = { 0 };
	int c, got;
	size_t i;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case KEY:
			job.key = optarg;
			break;
		case CERT:
			job.cert = optarg;
			break;
		case TIME:
			if (cmd_number(optarg, UINT64_C(253402300799), &job.time))
				return cmd_usage(err, "--time %s: seconds since 1970", optarg);
			job.has_time = 1;
			break;
		case OUT:
			job.out = optarg;
			break;
		case ATTACH:
			name = "attach";
			break;
		default:
			return CMD_USAGE;
		}
	}
	if (!name && optind < argc)
		name = argv[optind++];
	job.files = argv + optind;
	job.n_files = argc - optind;
	for (i = 0; name && i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		got = (job.key ? NEED_KEY : 0) | (job.cert ? NEED_CERT : 0) |
		      (job.has_time ? NEED_TIME : 0) | (job.out ? NEED_OUT : 0);
		if (job.n_files != actions[i].n_files || got != actions[i].needs)
			return cmd_usage(err, "%s: an argument is missing or too many", name);
		return actions[i].run(&job, err);
	}
	return cmd_usage(err, "what to do?");
}

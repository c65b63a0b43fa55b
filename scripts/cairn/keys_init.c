// SPDX-License-Identifier: Apache-2.0
#include "keys.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "cmd.h"
#include "hex.h"
#include "io.h"
#include "pkcs11.h"
#include "sign.h"

extern char **environ;

enum { RSA_BITS = 2048, SERIAL_BYTES = 16, TRUST_DAYS = 3653 };

/* No end that a machine could meet: firmware does not look at it anyway. */
#define CERT_END "20491231235959Z"

/* --- a key in a file --- */

/* Only its owner may read it, from the first byte on. */
static FILE *create(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f) {
		(void)err_sys(err, -errno, "make %s", path);
		if (fd >= 0)
			(void)close(fd);
	}
	return f;
}

static int finish(FILE *f, const char *path, int ok, struct err *err)
{
	ok = ok && fflush(f) == 0 && fsync(fileno(f)) == 0;
	ok = fclose(f) == 0 && ok;
	return ok ? 0 : err_set(err, -EIO, "cannot write %s", path);
}

static int file_key(const char *path, enum keys_kind kind, EVP_PKEY **ret, struct err *err)
{
	EVP_PKEY *key = kind == KEYS_RSA ? EVP_RSA_gen(RSA_BITS) : EVP_EC_gen("P-256");
	FILE *f;
	int rc;

	if (!key)
		return err_set(err, -EIO, "libcrypto could not make a key");
	f = create(path, err);
	rc = f ? finish(f, path, PEM_write_PKCS8PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) == 1,
			err)
	       : -EIO;
	if (rc)
		EVP_PKEY_free(key);
	else
		*ret = key;
	return rc;
}

/* --- a key in a token: made by OpenSC's tool, used through its URI --- */

static int run(char *const argv[], struct err *err)
{
	pid_t pid;
	int status, rc;
	posix_spawn_file_actions_t quiet;

	(void)posix_spawn_file_actions_init(&quiet);
	(void)posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&quiet);
	if (rc)
		return err_sys(err, -rc, "start %s (Debian: opensc)", argv[0]);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(err, -errno, "wait for %s", argv[0]);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0
		       ? 0
		       : err_set(err, -EIO, "%s could not make a key in the token", argv[0]);
}

static int token_key(const struct keys_job *job, const struct keys_entry *entry, const char *path,
		     EVP_PKEY **ret, struct err *err)
{
	char label[32], id[2 * SERIAL_BYTES + 1], uri[1024];
	uint8_t raw[SERIAL_BYTES];
	EVP_PKEY *there;
	const char *type = entry->kind == KEYS_RSA ? "rsa:2048" : "EC:prime256v1";
	char *argv[] = { "pkcs11-tool",
			 "--module",
			 (char *)job->module,
			 "--token-label",
			 (char *)job->token,
			 "--login",
			 "--pin",
			 "env:CAIRN_PIN",
			 "--keypairgen",
			 "--key-type",
			 (char *)type,
			 "--usage-sign",
			 "--label",
			 label,
			 "--id",
			 id,
			 (char *)NULL };
	FILE *f;
	int rc;

	(void)snprintf(label, sizeof(label), "cairn-%s", entry->name);
	/* What binds the halves: the private one of a curve has no point of its own. */
	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return err_set(err, -EIO, "no random numbers");
	hex_encode(raw, sizeof(raw), id);
	if (snprintf(uri, sizeof(uri), "pkcs11:token=%s;object=%s?module-path=%s\n", job->token,
		     label, job->module) >= 500)
		return err_set(err, -ENAMETOOLONG, "the token's label or module is too long");
	/* Two keys of one name could not be told apart. */
	if (pkcs11_open(uri, 1, &there, NULL) == 0) {
		EVP_PKEY_free(there);
		return err_set(err, CMD_REFUSED, "the token %s has a key %s already", job->token,
			       label);
	}
	rc = run(argv, err);
	if (rc)
		return rc;
	f = create(path, err);
	if (!f)
		return -EIO;
	rc = finish(f, path, fprintf(f, "# In a token; the PIN is CAIRN_PIN.\n%s", uri) > 0, err);
	return rc ? rc : pkcs11_open(uri, 1, ret, err);
}

/* --- what goes with a key --- */

static int add_extension(X509 *cert, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *x;
	int ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
	x = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = x && X509_add_ext(cert, x, -1);
	X509_EXTENSION_free(x);
	return ok;
}

static X509 *self_signed(EVP_PKEY *key, const char *name, uint64_t time)
{
	X509 *cert = X509_new();
	uint8_t serial[SERIAL_BYTES];
	EVP_PKEY *public = sign_public(key);
	BIGNUM *n = NULL;
	X509_NAME *subject;
	int ok;

	ok = cert && public && RAND_bytes(serial, sizeof(serial)) == 1;
	if (ok)
		serial[0] &= 0x7f;
	n = ok ? BN_bin2bn(serial, sizeof(serial), NULL) : NULL;
	subject = ok ? X509_get_subject_name(cert) : NULL;
	ok = ok && n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) &&
	     X509_set_version(cert, X509_VERSION_3) &&
	     X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1,
					0) &&
	     X509_set_issuer_name(cert, subject) &&
	     ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)time) &&
	     ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), CERT_END) &&
	     X509_set_pubkey(cert, public) &&
	     add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") &&
	     add_extension(cert, NID_subject_key_identifier, "hash") &&
	     X509_sign(cert, key, EVP_sha256());
	BN_free(n);
	EVP_PKEY_free(public);
	if (!ok) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static int write_cert(const char *dir, const struct keys_entry *entry, const char *owner,
		      EVP_PKEY *key, uint64_t time, struct err *err)
{
	char path[KEYS_PATH_MAX], name[64];
	X509 *cert;
	FILE *f;
	int rc = keys_path(path, dir, entry->name, "crt", err);

	if (rc)
		return rc;
	if (snprintf(name, sizeof(name), "%s %s", owner, entry->name) >= (int)sizeof(name))
		return cmd_usage(err, "--owner: at most %zu characters", sizeof(name) - 8);
	cert = self_signed(key, name, time);
	if (!cert)
		return err_set(err, -EIO, "libcrypto could not make %s", path);
	f = create(path, err);
	rc = f ? finish(f, path, PEM_write_X509(f, cert) == 1, err) : -EIO;
	X509_free(cert);
	return rc;
}

/* The point that machines encrypt their recovery slot to: lib/recovery.h. */
static int write_recovery(const char *dir, struct err *err)
{
	char path[KEYS_PATH_MAX], text[2 * P256_POINT_SIZE + 2];
	struct sign_key key;
	int rc = keys_path(path, dir, "recovery", "key", err);

	if (!rc)
		rc = sign_key_load(path, 0, &key, err);
	if (rc)
		return rc;
	hex_encode(key.point, sizeof(key.point), text);
	(void)strcat(text, "\n");
	rc = keys_path(path, dir, "recovery", "", err);
	return rc ? rc : cmd_save(path, text, strlen(text), err);
}

static int write_trust(const char *dir, const struct keys_job *job, struct err *err)
{
	char out[KEYS_PATH_MAX], role[3][KEYS_PATH_MAX + 2], until[24];
	static const char *const names[3] = { "root", "release", "channel" };
	int i, rc = keys_path(out, dir, "trust", "", err);

	for (i = 0; !rc && i < 3; i++) {
		(void)strcpy(role[i], "1:");
		rc = keys_path(role[i] + 2, dir, names[i], "key", err);
		if (!rc && strchr(role[i], ','))
			rc = cmd_usage(err, "%s: the name must have no comma", dir);
	}
	if (rc)
		return rc;
	(void)snprintf(until, sizeof(until), "%" PRIu64,
		       job->enrolment.time + TRUST_DAYS * UINT64_C(86400));
	{
		char *argv[] = { "trust",
				 "create",
				 out,
				 "--expires",
				 job->expires ? (char *)job->expires : until,
				 "--root",
				 role[0],
				 "--release",
				 role[1],
				 "--channel",
				 role[2],
				 "--key",
				 role[0] + 2,
				 (char *)NULL };

		optind = 0;
		return cmd_trust(sizeof(argv) / sizeof(argv[0]) - 1, argv, err);
	}
}

static int make_one(const struct keys_job *job, const char *dir, const struct keys_entry *entry,
		    struct err *err)
{
	char path[KEYS_PATH_MAX];
	EVP_PKEY *key = NULL;
	int rc = keys_path(path, dir, entry->name, "key", err);

	if (rc)
		return rc;
	/* Its use is to be read out on the worst day, from paper if need be. */
	if (job->token && strcmp(entry->name, "recovery") != 0)
		rc = token_key(job, entry, path, &key, err);
	else
		rc = file_key(path, entry->kind, &key, err);
	if (!rc && entry->has_cert)
		rc = write_cert(dir, entry, job->owner, key, job->enrolment.time, err);
	EVP_PKEY_free(key);
	return rc;
}

int keys_init(const struct keys_job *job, struct err *err)
{
	char dir[KEYS_PATH_MAX];
	const struct keys_entry *entry;
	size_t i;
	int rc;

	if (snprintf(dir, sizeof(dir), "%s.new", job->dir) >= (int)sizeof(dir))
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long", job->dir);
	/* An empty folder is in nobody's way. */
	if (rmdir(job->dir) && errno != ENOENT)
		return err_set(err, CMD_REFUSED,
			       "%s holds something already: keys are never replaced", job->dir);
	if (mkdir(dir, 0700))
		return err_sys(err, errno == EEXIST ? CMD_REFUSED : -errno,
			       "make %s (left from a run that failed? remove it)", dir);
	rc = 0;
	for (i = 0; !rc && (entry = keys_entry(i)) != NULL; i++)
		rc = make_one(job, dir, entry, err);
	if (!rc)
		rc = write_recovery(dir, err);
	if (!rc)
		rc = write_trust(dir, job, err);
	if (!rc)
		rc = keys_enrol(dir, &job->enrolment, err);
	if (!rc && rename(dir, job->dir))
		rc = err_sys(err, -errno, "rename %s", dir);
	return rc;
}

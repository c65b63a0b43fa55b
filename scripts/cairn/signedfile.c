// SPDX-License-Identifier: Apache-2.0
#include "signedfile.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/ecdsa.h>

#include "cmd.h"
#include "doctext.h"
#include "hex.h"
#include "io.h"

enum { SIGNATURES_FILE_MAX = SIGNED_SIGNATURES_MAX * SIGNED_LINE_BYTES };

int signedfile_head(const char *path, uint8_t buf[static SIGNED_MAX], struct signed_doc *doc,
		    uint64_t *ret_size, struct err *err)
{
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t size;
	size_t len;
	int rc;

	if (fd < 0) {
		(void)err_sys(err, -errno, "open %s", path);
		return CMD_SYSTEM;
	}
	rc = cmd_file_size(path, &size, err);
	if (rc)
		return rc;
	len = size < SIGNED_MAX ? (size_t)size : SIGNED_MAX;
	rc = io_pread(fd, buf, len, 0);
	if (rc) {
		(void)err_sys(err, rc, "read %s", path);
		return rc;
	}
	if (signed_split(buf, len, doc, err)) {
		err_prefix(err, "%s", path);
		return CMD_REFUSED;
	}
	if (ret_size)
		*ret_size = size;
	return 0;
}

int signedfile_sign_with(const void *document, size_t len, const struct sign_key *keys,
			 size_t count, struct signature *ret, struct err *err)
{
	uint8_t digest[SHA256_SIZE];
	size_t i;

	sha256(document, len, digest);
	for (i = 0; i < count; i++) {
		memcpy(ret[i].key_id, keys[i].id, sizeof(ret[i].key_id));
		if (sign_p256(&keys[i], digest, ret[i].rs) ||
		    crypto_p256_verify(keys[i].point, digest, ret[i].rs))
			return err_set(err, -EIO, "sign: libcrypto refuses");
	}
	return 0;
}

int signedfile_save(const char *path, const void *document, size_t len,
		    const struct signature *signatures, size_t count, struct err *err)
{
	uint8_t buf[SIGNED_MAX];
	size_t n;

	if (signed_write(document, len, signatures, count, buf, &n))
		return err_set(err, -EINVAL, "%s: a key that signs twice, or too large", path);
	return cmd_save(path, buf, n, err);
}

int signedfile_trust(const char *const *paths, size_t count, struct trust *ret, struct err *err)
{
	size_t i, len;

	for (i = 0; i < count; i++) {
		uint8_t buf[SIGNED_MAX + 1];
		int rc = io_read_file(paths[i], buf, sizeof(buf), &len);

		if (rc)
			return err_sys(err, rc, "read %s", paths[i]);
		rc = i ? trust_next(ret, buf, len, ret, err) : trust_open(buf, len, ret, err);
		if (rc) {
			err_prefix(err, "%s", paths[i]);
			return CMD_REFUSED;
		}
	}
	return 0;
}

/* Add a signature, or replace the one that this key has there. */
static int add(struct signature *all, size_t *count, const struct signature *s, struct err *err)
{
	size_t i;

	for (i = 0; i < *count && memcmp(all[i].key_id, s->key_id, SHA256_SIZE) != 0; i++)
		;
	if (i == SIGNED_SIGNATURES_MAX)
		return err_set(err, CMD_REFUSED, "more than %d signatures", SIGNED_SIGNATURES_MAX);
	all[i] = *s;
	if (i == *count)
		(*count)++;
	return 0;
}

/* Lines as `--out` writes them. */
static int add_lines(struct signature *all, size_t *count, const char *path, struct err *err)
{
	uint8_t *buf _cleanup_free_ = NULL;
	struct doctext_in in;
	size_t len;
	int rc = cmd_load(path, SIGNATURES_FILE_MAX, 1, &buf, &len, err);

	if (rc)
		return rc;
	doctext_in(&in, buf, len);
	do {
		struct signature s;

		doctext_hex(&in, s.key_id, sizeof(s.key_id));
		doctext_lit(&in, " ");
		doctext_hex(&in, s.rs, sizeof(s.rs));
		doctext_lit(&in, "\n");
		if (in.failed)
			return err_set(err, CMD_REFUSED, "%s: not lines of signatures", path);
		rc = add(all, count, &s, err);
	} while (!rc && !doctext_done(&in));
	return rc;
}

/* DER, as most tools write it: the two numbers. */
static int from_der(const uint8_t *buf, size_t len, uint8_t ret[static P256_SIGNATURE_SIZE])
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &buf, (long)len);
	int good;

	if (!sig)
		return -EINVAL;
	good = BN_bn2binpad(ECDSA_SIG_get0_r(sig), ret, 32) == 32 &&
	       BN_bn2binpad(ECDSA_SIG_get0_s(sig), ret + 32, 32) == 32;
	ECDSA_SIG_free(sig);
	return good ? 0 : -EINVAL;
}

/* One signature that something else made, raw or in DER, by a key whose public part is there. */
static int add_foreign(struct signature *all, size_t *count, const char *path, const char *public,
		       const uint8_t *digest, struct err *err)
{
	uint8_t *buf _cleanup_free_ = NULL;
	struct sign_key key;
	struct signature s;
	size_t len;
	int rc = sign_key_load(public, 0, &key, err);

	if (!rc)
		rc = cmd_load(path, SIGNATURES_FILE_MAX, 1, &buf, &len, err);
	if (rc)
		return rc;
	memcpy(s.key_id, key.id, sizeof(s.key_id));
	if (len == sizeof(s.rs))
		memcpy(s.rs, buf, sizeof(s.rs));
	else
		rc = from_der(buf, len, s.rs);
	if (rc || crypto_p256_verify(key.point, digest, s.rs))
		return err_set(err, CMD_REFUSED, "%s: not a signature of this by %s", path, public);
	return add(all, count, &s, err);
}

/* The file with a new head; what follows the head stays. */
static int replace_head(const char *path, const uint8_t *head, size_t head_len, uint64_t old_head,
			uint64_t size, struct err *err)
{
	char tmp[PATH_MAX];
	struct stat st;
	int in _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC), out _cleanup_close_ = -1;
	uint8_t *buf _cleanup_free_ = malloc(1 << 20);
	uint64_t at;
	int rc;

	if (in < 0 || fstat(in, &st))
		return err_sys(err, -errno, "open %s", path);
	if (!buf)
		return err_set(err, -ENOMEM, "no memory");
	if (snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= (int)sizeof(tmp))
		return err_set(err, -ENAMETOOLONG, "%s: the name is too long", path);
	out = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 0777);
	if (out < 0)
		return err_sys(err, -errno, "create %s", tmp);
	rc = io_write(out, head, head_len);
	for (at = old_head; !rc && at < size;) {
		size_t n = size - at < 1 << 20 ? (size_t)(size - at) : 1 << 20;

		rc = io_pread(in, buf, n, at);
		if (!rc)
			rc = io_write(out, buf, n);
		at += n;
	}
	if (!rc && (fsync(out) || rename(tmp, path)))
		rc = -errno;
	if (rc) {
		(void)unlink(tmp);
		return err_sys(err, rc, "write %s", path);
	}
	return 0;
}

struct job {
	const char *kind, *file, *out, *document;
	const char *key[SIGNEDFILE_KEYS_MAX], *attach[SIGNEDFILE_KEYS_MAX];
	const char *public;
	size_t keys, attaches;
	bool digest;
};

static int gather(const struct job *job, const struct signed_doc *doc, struct signature *all,
		  size_t *count, struct err *err)
{
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < job->keys; i++) {
		struct sign_key key;
		struct signature s;

		rc = sign_key_load(job->key[i], 1, &key, err);
		if (!rc)
			rc = signedfile_sign_with(doc->document, doc->document_len, &key, 1, &s,
						  err);
		if (!rc)
			rc = add(all, count, &s, err);
		OPENSSL_cleanse(&key, sizeof(key));
	}
	for (i = 0; !rc && i < job->attaches; i++)
		rc = job->public ? add_foreign(all, count, job->attach[i], job->public, doc->digest,
					       err)
				 : add_lines(all, count, job->attach[i], err);
	return rc;
}

/* The signatures alone: signed_write puts them in order, so they are taken from its result. */
static int save_lines(const char *path, const uint8_t *whole, size_t len, size_t count,
		      struct err *err)
{
	return cmd_save(path, whole + len - count * SIGNED_LINE_BYTES, count * SIGNED_LINE_BYTES,
			err);
}

static int run(const struct job *job, struct err *err)
{
	struct signature all[SIGNED_SIGNATURES_MAX];
	uint8_t buf[SIGNED_MAX], again[SIGNED_MAX];
	struct signed_doc doc = { .total = 0 };
	size_t count = 0, len;
	uint64_t size;
	int rc = signedfile_head(job->file, buf, &doc, &size, err);

	if (rc)
		return rc;
	if (doc.document_len < strlen(job->kind) ||
	    memcmp(doc.document, job->kind, strlen(job->kind)) != 0)
		return err_set(err, CMD_REFUSED, "%s is not of the kind %.*s", job->file,
			       (int)strlen(job->kind) - 1, job->kind);
	if (job->digest) {
		char text[2 * SHA256_SIZE + 1];

		hex_encode(doc.digest, sizeof(doc.digest), text);
		(void)puts(text);
		return 0;
	}
	if (job->document)
		return cmd_save(job->document, doc.document, doc.document_len, err);
	if (!job->out) {
		memcpy(all, doc.signature, doc.signatures * sizeof(all[0]));
		count = doc.signatures;
	}
	rc = gather(job, &doc, all, &count, err);
	if (rc)
		return rc;
	if (signed_write(doc.document, doc.document_len, all, count, again, &len))
		return err_set(err, -EINVAL, "%s: cannot be written", job->file);
	return job->out ? save_lines(job->out, again, len, count, err)
			: replace_head(job->file, again, len, doc.total, size, err);
}

int signedfile_command(int argc, char **argv, const char *kind, struct err *err)
{
	enum { KEY = 1, OUT, ATTACH, PUBLIC, DIGEST, DOCUMENT };
	static const struct option options[] = {
		{ "key", required_argument, NULL, KEY },
		{ "out", required_argument, NULL, OUT },
		{ "attach", required_argument, NULL, ATTACH },
		{ "public", required_argument, NULL, PUBLIC },
		{ "digest", no_argument, NULL, DIGEST },
		{ "document", required_argument, NULL, DOCUMENT },
		{ NULL, 0, NULL, 0 },
	};
	struct job job = { .kind = kind };
	int c, ways;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case KEY:
			if (job.keys == SIGNEDFILE_KEYS_MAX)
				return cmd_usage(err, "too many keys");
			job.key[job.keys++] = optarg;
			break;
		case ATTACH:
			if (job.attaches == SIGNEDFILE_KEYS_MAX)
				return cmd_usage(err, "too many signatures");
			job.attach[job.attaches++] = optarg;
			break;
		case OUT:
			job.out = optarg;
			break;
		case PUBLIC:
			job.public = optarg;
			break;
		case DIGEST:
			job.digest = true;
			break;
		case DOCUMENT:
			job.document = optarg;
			break;
		default:
			return CMD_USAGE;
		}
	}
	ways = (job.keys != 0) + (job.attaches != 0) + job.digest + (job.document != NULL);
	if (argc - optind != 1 || ways != 1 || (job.out && !job.keys) ||
	    (job.public && job.attaches != 1))
		return cmd_usage(err, "one FILE, and one of --key, --attach, --digest, --document");
	job.file = argv[optind];
	return run(&job, err);
}

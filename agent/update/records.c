// SPDX-License-Identifier: Apache-2.0
#include "records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "cmdline.h"
#include "fault.h"
#include "hex.h"
#include "io.h"

#define KEEP_FORMAT 1

/* Touched only while something is read or written. */
static struct datafile_work work;

static int path_of(const struct records *r, const char *name, unsigned int format,
		   char ret[static 128])
{
	int n = format ? snprintf(ret, 128, "%s/%s.%u", r->dir, name, format)
		       : snprintf(ret, 128, "%s/%s", r->dir, name);

	return n < 0 || n >= 128 ? -ENAMETOOLONG : 0;
}

static int store_read(void *ctx, const char *name, unsigned int format, uint8_t *buf, size_t size,
		      size_t *ret_len)
{
	char path[128];
	int rc = path_of(ctx, name, format, path);

	return rc ? rc : io_read_file(path, buf, size, ret_len);
}

static int store_write(void *ctx, const char *name, unsigned int format, const uint8_t *buf,
		       size_t len)
{
	char path[128];
	int rc = path_of(ctx, name, format, path);

	return rc ? rc : io_replace_file(path, buf, len, 0600);
}

static struct datafile_store store_of(struct records *r)
{
	return (struct datafile_store){ r, store_read, store_write };
}

/* The pages of `work` are wanted a few times a day: given back. */
static void release_work(void)
{
	uintptr_t from = ((uintptr_t)&work + 4095) & ~(uintptr_t)4095;
	uintptr_t to = ((uintptr_t)&work + sizeof(work)) & ~(uintptr_t)4095;

	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED);
}

static void load_log(struct records *r)
{
	struct datafile_store store = store_of(r);
	struct err err = { "" };
	const uint8_t *body;
	unsigned int format;
	size_t len;
	int rc = datafile_load(&store, "log", UPDATELOG_FORMAT, &work, &body, &len, &format, &err);

	rc = rc ? rc : updatelog_parse(body, len, &r->log, &err);
	if (err.msg[0])
		(void)dprintf(2, "history: %s\n", err.msg);
	if (rc)
		memset(&r->log, 0, sizeof(r->log));
}

static uint64_t number(const char *text, const char *key)
{
	char value[32];

	return cmdline_get(text, key, value, sizeof(value)) ? 0 : strtoull(value, NULL, 10);
}

static bool digest(const char *text, const char *key, uint8_t ret[static SHA256_SIZE])
{
	char value[2 * SHA256_SIZE + 1];

	return !cmdline_get(text, key, value, sizeof(value)) &&
	       !hex_decode(value, ret, SHA256_SIZE);
}

static void load_keep(struct records *r)
{
	struct datafile_store store = store_of(r);
	struct err err = { "" };
	const uint8_t *body;
	unsigned int format;
	char text[1024];
	size_t len = 0;
	int rc = datafile_load(&store, "keep", KEEP_FORMAT, &work, &body, &len, &format, &err);

	if (err.msg[0])
		(void)dprintf(2, "state: %s\n", err.msg);
	text[0] = '\0';
	if (!rc && len < sizeof(text)) {
		memcpy(text, body, len);
		text[len] = '\0';
	}
	r->polls = number(text, "polls");
	r->sequence = number(text, "sequence");
	r->has_digest = digest(text, "digest", r->digest);
	r->floor_s = (int64_t)number(text, "floor_s");
	r->version_floor = number(text, "version_floor");
	r->paused = number(text, "paused") == 1;
	if (!digest(text, "seed", r->seed) &&
	    getrandom(r->seed, sizeof(r->seed), GRND_NONBLOCK) != sizeof(r->seed))
		memset(r->seed, 0, sizeof(r->seed));
}

void records_load(struct records *r, const char *dir)
{
	(void)snprintf(r->dir, sizeof(r->dir), "%s", dir);
	load_log(r);
	load_keep(r);
	release_work();
}

static int save(struct records *r, const char *name, unsigned int format, const char *body,
		size_t len)
{
	struct datafile_store store = store_of(r);
	struct err err = { "" };
	int rc = datafile_save(&store, name, format, body, len, &work, &err);

	if (rc)
		(void)dprintf(2, "%s\n", err.msg);
	release_work();
	return rc;
}

int records_save_log(struct records *r)
{
	char *text = malloc(UPDATELOG_SIZE_MAX);
	int rc = -ENOMEM;

	fault_point("log-save");
	if (text)
		rc = save(r, "log", UPDATELOG_FORMAT, text, updatelog_format(&r->log, text));
	free(text);
	fault_point("log-saved");
	return rc;
}

int records_save_keep(struct records *r)
{
	char seed[2 * SHA256_SIZE + 1], last[2 * SHA256_SIZE + 1] = "-", text[1024];
	int n;

	hex_encode(r->seed, SHA256_SIZE, seed);
	if (r->has_digest)
		hex_encode(r->digest, SHA256_SIZE, last);
	n = snprintf(text, sizeof(text),
		     "seed=%s\npolls=%llu\nsequence=%llu\ndigest=%s\nfloor_s=%lld\n"
		     "version_floor=%llu\npaused=%d\n",
		     seed, (unsigned long long)r->polls, (unsigned long long)r->sequence, last,
		     (long long)r->floor_s, (unsigned long long)r->version_floor, r->paused);
	return save(r, "keep", KEEP_FORMAT, text, (size_t)n);
}

/* Trust. */

int records_trust(const struct records *r, const char *shipped, struct trust *ret, struct err *err)
{
	struct err said = { "" };
	char path[128];
	size_t len = 0;
	uint8_t *buf _cleanup_free_ = malloc(TRUST_CHAIN_MAX + 1);
	int rc;

	if (!buf)
		return err_sys(err, -ENOMEM, "cannot read the trust");
	rc = io_read_file(shipped, buf, TRUST_CHAIN_MAX + 1, &len);
	if (rc)
		return err_sys(err, rc, "cannot read %s", shipped);
	rc = trust_open(buf, len, ret, err);
	if (rc) {
		err_prefix(err, "%s", shipped);
		return rc;
	}
	if (path_of(r, RECORDS_TRUST_FILE, 0, path) ||
	    io_read_file(path, buf, TRUST_CHAIN_MAX + 1, &len))
		return 0;
	if (trust_chain(ret, buf, len, &said))
		(void)dprintf(2, "trust on DATA: %s\n", said.msg);
	return 0;
}

int records_add_trust(const struct records *r, const uint8_t *doc, size_t doc_len, struct err *err)
{
	char path[128];
	size_t len = 0;
	uint8_t *buf _cleanup_free_ = malloc(TRUST_CHAIN_MAX + 1);
	int rc = path_of(r, RECORDS_TRUST_FILE, 0, path);

	if (!buf || rc)
		return err_sys(err, buf ? rc : -ENOMEM, "cannot keep the trust");
	if (io_read_file(path, buf, TRUST_CHAIN_MAX + 1, &len))
		len = 0;
	if (doc_len > TRUST_CHAIN_MAX - len)
		return err_set(err, -EFBIG, "the file of trusts is full");
	memcpy(buf + len, doc, doc_len);
	fault_point("trust-save");
	rc = io_replace_file(path, buf, len + doc_len, 0600);
	fault_point("trust-saved");
	return rc ? err_sys(err, rc, "cannot write %s", path) : 0;
}

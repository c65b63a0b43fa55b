// SPDX-License-Identifier: Apache-2.0
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto.h"
#include "hex.h"
#include "io.h"
#include "json.h"

enum { ITEMS_MAX = 512, DOCUMENT_MAX = 1 << 20 };

/* One member, of the document itself (no group) or of an object in it. */
struct item {
	const char *group, *key, *value;
	bool raw;  /* value is a number, true or false */
	bool file; /* value is a path; its size and hash are told */
};

struct job {
	struct item items[ITEMS_MAX];
	size_t n;
};

static bool key_valid(const char *s)
{
	const char *p;

	for (p = s; *p; p++)
		if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		      (*p >= '0' && *p <= '9') || strchr("._+-", *p)))
			return false;
	return *s != '\0';
}

static bool raw_valid(const char *s)
{
	uint64_t v;

	return strcmp(s, "true") == 0 || strcmp(s, "false") == 0 ||
	       (cmd_number(s, INT64_MAX, &v) == 0 && (s[0] != '0' || !s[1]));
}

/* `key=value`, `key:=number`, `group.key=value`; after `--`: `name=FILE`. */
static int parse_item(char *arg, bool file, struct item *ret, struct err *err)
{
	char *equals = strchr(arg, '='), *dot;

	*ret = (struct item){ .file = file };
	if (!equals || equals == arg)
		return cmd_usage(err, "`%s`: %s", arg, file ? "NAME=FILE" : "KEY=VALUE");
	*equals = '\0';
	ret->value = equals + 1;
	if (!file && equals[-1] == ':') {
		equals[-1] = '\0';
		ret->raw = true;
		if (!raw_valid(ret->value))
			return cmd_usage(err, "%s:=%s: a whole number, true or false", arg,
					 ret->value);
	}
	ret->key = arg;
	dot = file ? NULL : strchr(arg, '.');
	if (file) {
		ret->group = "files";
	} else if (dot) {
		*dot = '\0';
		ret->group = arg;
		ret->key = dot + 1;
	}
	if (!key_valid(ret->key) || (ret->group && !key_valid(ret->group)))
		return cmd_usage(err, "`%s`: a name is letters, digits and . _ + -", ret->key);
	if (!file && ((ret->group && strcmp(ret->group, "files") == 0) ||
		      (!ret->group && strcmp(ret->key, "files") == 0)))
		return cmd_usage(err, "`files` is for what stands after --");
	return 0;
}

/* By group (or the key of an item without one), then by key. */
static int compare(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int c = strcmp(x->group ? x->group : x->key, y->group ? y->group : y->key);

	if (c)
		return c;
	if (!x->group || !y->group)
		return (x->group != NULL) - (y->group != NULL);
	return strcmp(x->key, y->key);
}

static int same_name(const struct item *a, const struct item *b)
{
	if (a->group && b->group)
		return strcmp(a->group, b->group) == 0 && strcmp(a->key, b->key) == 0;
	return strcmp(a->group ? a->group : a->key, b->group ? b->group : b->key) == 0;
}

static int hash_file(const char *path, char ret_text[static 2 * SHA256_SIZE + 1],
		     uint64_t *ret_size, struct err *err)
{
	enum { CHUNK = 1 << 20 };
	uint8_t *buf _cleanup_free_ = malloc(CHUNK), digest[SHA256_SIZE];
	int fd _cleanup_close_ = open(path, O_RDONLY | O_CLOEXEC);
	struct sha256 h;
	uint64_t at = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, -errno, "open %s", path);
	if (!buf)
		return err_set(err, -ENOMEM, "read %s: no memory", path);
	sha256_init(&h);
	while ((n = read(fd, buf, CHUNK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, -errno, "read %s", path);
		sha256_update(&h, buf, (size_t)n);
		at += (uint64_t)n;
	}
	sha256_final(&h, digest);
	hex_encode(digest, sizeof(digest), ret_text);
	*ret_size = at;
	return 0;
}

static int put_item(struct json *j, const struct item *item, struct err *err)
{
	char digest[2 * SHA256_SIZE + 1];
	uint64_t number = 0, size = 0;
	int rc;

	json_key(j, item->key);
	if (item->file) {
		rc = hash_file(item->value, digest, &size, err);
		if (rc)
			return rc;
		json_open_object(j);
		json_member_string(j, "sha256", digest);
		json_member_uint(j, "size", size);
		json_close_object(j);
	} else if (!item->raw) {
		json_string(j, item->value);
	} else if (cmd_number(item->value, UINT64_MAX, &number) == 0) {
		json_uint(j, number);
	} else {
		json_bool(j, strcmp(item->value, "true") == 0);
	}
	return 0;
}

static int write_document(const struct job *job, const char *out, struct err *err)
{
	char *buf _cleanup_free_ = malloc(DOCUMENT_MAX + 1);
	const char *open_group = NULL;
	struct json j;
	size_t len, i;
	int rc;

	if (!buf)
		return err_set(err, -ENOMEM, "no memory");
	json_init(&j, buf, DOCUMENT_MAX);
	json_lines(&j);
	json_open_object(&j);
	for (i = 0; i < job->n; i++) {
		const struct item *item = &job->items[i];

		if (open_group && (!item->group || strcmp(item->group, open_group) != 0)) {
			json_close_object(&j);
			open_group = NULL;
		}
		if (item->group && !open_group) {
			json_key(&j, item->group);
			json_open_object(&j);
			open_group = item->group;
		}
		rc = put_item(&j, item, err);
		if (rc)
			return rc;
	}
	if (open_group)
		json_close_object(&j);
	json_close_object(&j);
	rc = json_end(&j, &len);
	if (rc)
		return err_sys(err, rc, "manifest of %zu members", job->n);
	buf[len] = '\n';
	return cmd_save(out, buf, len + 1, err);
}

int cmd_manifest(int argc, char **argv, struct err *err)
{
	struct job *job _cleanup_free_ = calloc(1, sizeof(*job));
	bool files = false;
	size_t k;
	int i, rc;

	if (!job)
		return err_set(err, -ENOMEM, "no memory");
	if (argc < 3)
		return cmd_usage(err, "OUT and what to write");
	for (i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			files = true;
			continue;
		}
		if (job->n == ITEMS_MAX)
			return cmd_usage(err, "more than %d members", ITEMS_MAX);
		rc = parse_item(argv[i], files, &job->items[job->n], err);
		if (rc)
			return rc;
		job->n++;
	}
	qsort(job->items, job->n, sizeof(job->items[0]), compare);
	for (k = 1; k < job->n; k++)
		if (same_name(&job->items[k - 1], &job->items[k]))
			return cmd_usage(err, "`%s` is there twice", job->items[k].key);
	return write_document(job, argv[1], err);
}

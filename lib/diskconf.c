// SPDX-License-Identifier: Apache-2.0
#include "diskconf.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum key { KEY_NAME, KEY_TYPE, KEY_GUID, KEY_START, KEY_SIZE, N_PART_KEYS };

static const char *const part_keys[N_PART_KEYS] = { "name", "type", "guid", "start_mib",
						    "size_mib" };
enum {
	MIB_MAX = 1 << 24, /* 16 TiB */
	ALL_PART_KEYS = (1 << N_PART_KEYS) - 1,
	TOP_DISK_GUID = 1,
	TOP_IMAGE = 2,
};

struct parser {
	struct diskconf *conf;
	unsigned int seen_top;
	unsigned int seen[DISKCONF_PARTS_MAX]; /* one bit a key */
};

static int parse_mib(const char *text, uint32_t *ret)
{
	uint32_t v = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		v = v * 10 + (uint32_t)(*text - '0');
		if (v > MIB_MAX)
			return -EINVAL;
	}
	if (!v)
		return -EINVAL;
	*ret = v;
	return 0;
}

static int parse_name(const char *text, char ret[static GPT_NAME_MAX + 1])
{
	size_t len = strlen(text), i;

	if (!len || len > GPT_NAME_MAX)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (!((text[i] >= 'a' && text[i] <= 'z') || (text[i] >= '0' && text[i] <= '9') ||
		      text[i] == '-'))
			return -EINVAL;
	memcpy(ret, text, len + 1);
	return 0;
}

static int set_part(struct diskconf_part *part, enum key key, const char *value)
{
	switch (key) {
	case KEY_NAME:
		return parse_name(value, part->name);
	case KEY_TYPE:
		return gpt_guid_parse(value, part->type);
	case KEY_GUID:
		return gpt_guid_parse(value, part->guid);
	case KEY_START:
		return parse_mib(value, &part->start_mib);
	case KEY_SIZE:
		return parse_mib(value, &part->size_mib);
	default:
		return -EINVAL;
	}
}

/* -ENOENT no such key, -EEXIST seen before, -EINVAL value. */
static int set(struct parser *p, const char *key, const char *value)
{
	unsigned int number, bit = 0;
	enum key k;

	if (strcmp(key, "disk_guid") == 0)
		bit = TOP_DISK_GUID;
	else if (strcmp(key, "image_mib") == 0)
		bit = TOP_IMAGE;
	if (bit) {
		if (p->seen_top & bit)
			return -EEXIST;
		p->seen_top |= bit;
		return bit == TOP_IMAGE ? parse_mib(value, &p->conf->image_mib)
					: gpt_guid_parse(value, p->conf->disk_guid);
	}
	if (key[0] != 'p' || key[1] < '1' || key[1] > '0' + DISKCONF_PARTS_MAX || key[2] != '_')
		return -ENOENT;
	number = (unsigned int)(key[1] - '0');
	for (k = KEY_NAME; k < N_PART_KEYS && strcmp(key + 3, part_keys[k]) != 0; k++)
		;
	if (k == N_PART_KEYS)
		return -ENOENT;
	if (p->seen[number - 1] & 1u << k)
		return -EEXIST;
	p->seen[number - 1] |= 1u << k;
	return set_part(&p->conf->parts[number - 1], k, value);
}

static int parse_line(struct parser *p, const char *line, size_t len, unsigned int number,
		      struct err *err)
{
	char text[160], *equals;
	int rc;

	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		len--;
	if (!len || line[0] == '#')
		return 0;
	if (len >= sizeof(text) || memchr(line, '\0', len))
		return err_set(err, -EINVAL, "line %u: too long or not text", number);
	memcpy(text, line, len);
	text[len] = '\0';
	equals = strchr(text, '=');
	if (!equals)
		return err_set(err, -EINVAL, "line %u: no key=value", number);
	*equals = '\0';
	rc = set(p, text, equals + 1);
	if (rc == -ENOENT)
		return err_set(err, -EINVAL, "line %u: unknown key `%s`", number, text);
	if (rc == -EEXIST)
		return err_set(err, -EINVAL, "line %u: %s is there twice", number, text);
	if (rc)
		return err_set(err, -EINVAL, "line %u: %s cannot be `%s`", number, text,
			       equals + 1);
	return 0;
}

static int check(const struct parser *p, struct err *err)
{
	const struct diskconf *c = p->conf;
	unsigned int i, k;
	bool any = false;

	if (p->seen_top != (TOP_DISK_GUID | TOP_IMAGE))
		return err_set(err, -EINVAL, "disk_guid and image_mib are both needed");
	for (i = 0; i < DISKCONF_PARTS_MAX; i++) {
		const struct diskconf_part *a = &c->parts[i];

		if (!p->seen[i])
			continue;
		any = true;
		if (p->seen[i] != ALL_PART_KEYS)
			return err_set(err, -EINVAL,
				       "partition %u: name, type, guid, start_mib and size_mib go "
				       "together",
				       i + 1);
		/* The GPT's copies live in the first and in the last MiB. */
		if (a->start_mib + a->size_mib + 1 > c->image_mib)
			return err_set(err, -EINVAL, "partition %u ends after MiB %u of the image",
				       i + 1, c->image_mib - 1);
		for (k = 0; k < i; k++) {
			const struct diskconf_part *b = &c->parts[k];

			if (p->seen[k] && a->start_mib < b->start_mib + b->size_mib &&
			    b->start_mib < a->start_mib + a->size_mib)
				return err_set(err, -EINVAL, "partitions %u and %u overlap", k + 1,
					       i + 1);
			if (p->seen[k] && strcmp(a->name, b->name) == 0)
				return err_set(err, -EINVAL, "partitions %u and %u share a name",
					       k + 1, i + 1);
		}
	}
	return any ? 0 : err_set(err, -EINVAL, "no partitions");
}

int diskconf_parse(const uint8_t *buf, size_t len, struct diskconf *ret, struct err *err)
{
	struct diskconf conf;
	struct parser p = { .conf = &conf };
	size_t at = 0;
	unsigned int number = 0;
	int rc;

	if (len > DISKCONF_MAX)
		return err_set(err, -EFBIG, "longer than %d bytes", DISKCONF_MAX);
	memset(&conf, 0, sizeof(conf));
	while (at < len) {
		const uint8_t *end = memchr(buf + at, '\n', len - at);
		size_t n = end ? (size_t)(end - (buf + at)) : len - at;

		rc = parse_line(&p, (const char *)buf + at, n, ++number, err);
		if (rc)
			return rc;
		at += n + 1;
	}
	rc = check(&p, err);
	if (!rc)
		*ret = conf;
	return rc;
}

unsigned int diskconf_find(const struct diskconf *conf, const char *name)
{
	unsigned int i;

	for (i = 0; i < DISKCONF_PARTS_MAX; i++)
		if (conf->parts[i].name[0] && strcmp(conf->parts[i].name, name) == 0)
			return i + 1;
	return 0;
}

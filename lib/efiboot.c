// SPDX-License-Identifier: Apache-2.0
#include "efiboot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "devpath.h"

/* UEFI 2.10, 10.3: types and subtypes of nodes. */
enum { TYPE_MEDIA = 4, MEDIA_HD = 1, MEDIA_FILE = 4, TYPE_END = 0x7f, END_ENTIRE = 0xff };
enum { HD_BYTES = 42, HD_FORMAT_GPT = 2, HD_SIGNATURE_GUID = 2 };

#define LOAD_OPTION_ACTIVE 1u
#define HEAD_BYTES 6u

/* The path inside a load option. */
static int find_path(const uint8_t *buf, size_t len, const uint8_t **ret_path, size_t *ret_len)
{
	size_t path_len, at = HEAD_BYTES;

	if (len < HEAD_BYTES || len > DEVPATH_SIZE_MAX)
		return -EINVAL;
	path_len = le16_load(buf + 4);
	for (;; at += 2) {
		if (len - at < 2)
			return -EINVAL;
		if (!le16_load(buf + at))
			break;
	}
	at += 2;
	if (path_len > len - at)
		return -EINVAL;
	*ret_path = buf + at;
	*ret_len = path_len;
	return 0;
}

/* The length of the node at the path's start; 0 where it is malformed. */
static size_t node_length(const uint8_t *path, size_t len)
{
	size_t size;

	if (len < 4)
		return 0;
	size = le16_load(path + 2);
	return size < 4 || size > len ? 0 : size;
}

/* Bytes of the nodes that lead to a disk: all before a medium's, if the path begins at a root. */
static size_t disk_prefix(const uint8_t *option, size_t option_len, const uint8_t **ret)
{
	struct devpath where;
	size_t len, used = 0, size;

	if (!option || find_path(option, option_len, ret, &len) ||
	    devpath_parse(*ret, len, &where) || !where.n_pci)
		return 0;
	while ((size = node_length(*ret + used, len - used)) && (*ret)[used] != TYPE_MEDIA &&
	       (*ret)[used] != TYPE_END)
		used += size;
	return used;
}

struct out {
	uint8_t *buf;
	size_t used, max;
	bool full;
};

static uint8_t *room(struct out *o, size_t len)
{
	uint8_t *p = o->buf + o->used;

	if (len > o->max - o->used) {
		o->full = true;
		return NULL;
	}
	memset(p, 0, len);
	o->used += len;
	return p;
}

static void put_text(struct out *o, const char *text)
{
	size_t n = strlen(text) + 1, i;
	uint8_t *p = room(o, 2 * n);

	for (i = 0; p && i < n; i++)
		le16_store(p + 2 * i, (uint8_t)text[i]);
}

static void put_head(struct out *o, uint8_t type, uint8_t subtype, size_t len)
{
	uint8_t *p = room(o, 4);

	if (!p)
		return;
	p[0] = type;
	p[1] = subtype;
	le16_store(p + 2, (uint16_t)len);
}

static void put_hd(struct out *o, const struct efiboot_esp *esp)
{
	uint8_t *p;

	put_head(o, TYPE_MEDIA, MEDIA_HD, HD_BYTES);
	p = room(o, HD_BYTES - 4);
	if (!p)
		return;
	le32_store(p, esp->partition);
	le64_store(p + 4, esp->first_lba);
	le64_store(p + 12, esp->sectors);
	memcpy(p + 20, esp->guid, GPT_GUID_BYTES);
	p[36] = HD_FORMAT_GPT;
	p[37] = HD_SIGNATURE_GUID;
}

size_t efiboot_format(const char *description, const struct efiboot_esp *esp,
		      const uint8_t *current, size_t current_len,
		      uint8_t ret_buf[static EFIBOOT_OPTION_MAX])
{
	struct out o = { .buf = ret_buf, .max = EFIBOOT_OPTION_MAX };
	const uint8_t *prefix = NULL;
	size_t prefix_len = disk_prefix(current, current_len, &prefix), path_at;
	uint8_t *p = room(&o, HEAD_BYTES);

	le32_store(p, LOAD_OPTION_ACTIVE);
	put_text(&o, description);
	path_at = o.used;
	p = prefix_len ? room(&o, prefix_len) : NULL;
	if (p)
		memcpy(p, prefix, prefix_len);
	put_hd(&o, esp);
	put_head(&o, TYPE_MEDIA, MEDIA_FILE, 4 + 2 * (strlen(esp->file) + 1));
	put_text(&o, esp->file);
	put_head(&o, TYPE_END, END_ENTIRE, 4);
	if (o.full)
		return 0;
	le16_store(ret_buf + 4, (uint16_t)(o.used - path_at));
	return o.used;
}

static bool is_hd(const uint8_t *node, size_t size, const struct efiboot_esp *esp)
{
	return node[0] == TYPE_MEDIA && node[1] == MEDIA_HD && size == HD_BYTES &&
	       le32_load(node + 4) == esp->partition && le64_load(node + 8) == esp->first_lba &&
	       le64_load(node + 16) == esp->sectors && node[40] == HD_FORMAT_GPT &&
	       node[41] == HD_SIGNATURE_GUID && memcmp(node + 24, esp->guid, GPT_GUID_BYTES) == 0;
}

static bool is_file(const uint8_t *node, size_t size, const char *file)
{
	size_t n = strlen(file) + 1, i;

	if (node[0] != TYPE_MEDIA || node[1] != MEDIA_FILE || size != 4 + 2 * n)
		return false;
	for (i = 0; i < n; i++)
		if (le16_load(node + 4 + 2 * i) != (uint8_t)file[i])
			return false;
	return true;
}

bool efiboot_starts(const uint8_t *buf, size_t len, const struct efiboot_esp *esp)
{
	bool hd = false, file = false;
	const uint8_t *path;
	size_t size;

	if (find_path(buf, len, &path, &len))
		return false;
	for (; (size = node_length(path, len)); path += size, len -= size) {
		if (path[0] == TYPE_END)
			return hd && file;
		/* The last two nodes, in this order. */
		file = hd && is_file(path, size, esp->file);
		hd = is_hd(path, size, esp) || file;
	}
	return false;
}

int efiboot_order_parse(const uint8_t *buf, size_t len, struct efiboot_order *ret)
{
	size_t i;

	if (len % 2)
		return -EINVAL;
	if (len / 2 > EFIBOOT_ORDER_MAX)
		return -E2BIG;
	ret->count = len / 2;
	for (i = 0; i < ret->count; i++)
		ret->number[i] = le16_load(buf + 2 * i);
	return 0;
}

size_t efiboot_order_format(const struct efiboot_order *order,
			    uint8_t ret_buf[static 2 * EFIBOOT_ORDER_MAX])
{
	size_t i;

	for (i = 0; i < order->count; i++)
		le16_store(ret_buf + 2 * i, order->number[i]);
	return 2 * order->count;
}

int efiboot_order_lead(struct efiboot_order *order, uint16_t first, uint16_t second)
{
	struct efiboot_order out = { .count = 1, .number = { first } };
	size_t i;

	if (second != first)
		out.number[out.count++] = second;
	for (i = 0; i < order->count; i++) {
		if (order->number[i] == first || order->number[i] == second)
			continue;
		if (out.count == EFIBOOT_ORDER_MAX)
			return -E2BIG;
		out.number[out.count++] = order->number[i];
	}
	*order = out;
	return 0;
}

void efiboot_name(uint16_t number, char ret_name[static 9])
{
	(void)snprintf(ret_name, 9, "Boot%04X", number);
}

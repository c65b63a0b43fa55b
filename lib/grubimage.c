// SPDX-License-Identifier: Apache-2.0
#include "grubimage.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "pe.h"

enum {
	INFO_BYTES = 24,
	MODULE_HEAD_BYTES = 8,
	TYPE_MEMDISK = 1,
	TYPE_CONFIG = 2,
	TAR_BLOCK = 512,
};
#define INFO_MAGIC 0x676d696du

static int damaged(struct err *err, const char *why)
{
	return err_set(err, -EBADMSG, "GRUB image: %s", why);
}

/* octal - a number of a tar header; -1 where it is none. */
static int64_t octal(const uint8_t *p, size_t len)
{
	int64_t v = 0;
	size_t i;

	for (i = 0; i < len && p[i] >= '0' && p[i] <= '7'; i++)
		v = v * 8 + (p[i] - '0');
	return i && (i == len || !p[i] || p[i] == ' ') ? v : -1;
}

/* tar_find - a file of a ustar archive (POSIX.1-2017, pax, "ustar Interchange Format"). */
static int tar_find(const uint8_t *tar, size_t len, const char *name, const char **ret,
		    size_t *ret_len, struct err *err)
{
	size_t at = 0;

	while (len - at >= TAR_BLOCK && tar[at]) {
		const uint8_t *head = tar + at;
		int64_t size = octal(head + 124, 11);

		at += TAR_BLOCK;
		if (size < 0 || (uint64_t)size > len - at)
			return damaged(err, "its memory disk is damaged");
		if (strncmp((const char *)head, name, 100) == 0) {
			*ret = (const char *)tar + at;
			*ret_len = (size_t)size;
			return 0;
		}
		if (((size_t)size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK > len - at)
			break;
		at += ((size_t)size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	}
	return damaged(err, "no grub.cfg in its memory disk");
}

int grubimage_scripts(const uint8_t *buf, size_t len, struct grubimage *ret, struct err *err)
{
	struct grubimage image = { .early = NULL };
	uint32_t offset, bytes;
	const uint8_t *mods;
	uint64_t at, end;
	struct pe pe;
	int rc = pe_parse(buf, len, &pe, err);

	if (rc)
		return rc;
	if (pe_section(buf, &pe, "mods", &offset, &bytes))
		return damaged(err, "no section of modules");
	mods = buf + offset;
	if (bytes < INFO_BYTES || le32_load(mods) != INFO_MAGIC)
		return damaged(err, "no list of modules");
	at = le64_load(mods + 8);
	end = le64_load(mods + 16);
	if (end > bytes || at > end)
		return damaged(err, "its list of modules is damaged");
	while (end - at >= MODULE_HEAD_BYTES) {
		uint32_t type = le32_load(mods + at), size = le32_load(mods + at + 4);
		const uint8_t *content = mods + at + MODULE_HEAD_BYTES;

		if (size < MODULE_HEAD_BYTES || size > end - at)
			return damaged(err, "a module is damaged");
		if (type == TYPE_CONFIG) {
			image.early = (const char *)content;
			image.early_len = strnlen((const char *)content, size - MODULE_HEAD_BYTES);
		} else if (type == TYPE_MEMDISK) {
			rc = tar_find(content, size - MODULE_HEAD_BYTES, "grub.cfg", &image.config,
				      &image.config_len, err);
			if (rc)
				return rc;
		}
		at += size;
	}
	if (!image.early || !image.config)
		return damaged(err, "no early configuration or no memory disk");
	*ret = image;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "datahead.h"

#include <stdbool.h>
#include <string.h>

#include "bytes.h"

#define VERSION_PLAIN 1
#define VERSION_ENCRYPTED 2
#define STATE_MAKING 1
#define STATE_MADE 2
#define VERSION_AT 16
#define STATE_AT 20
#define LABEL_MAGIC_AT 64
#define LABEL_MAGIC 0x82564557u

/* ext4 superblock, Documentation/filesystems/ext4/super.rst of Linux 6.12. */
#define SUPER_AT 1024
#define SUPER_MTIME 0x2c
#define SUPER_MNT_COUNT 0x34
#define SUPER_MAGIC 0x38
#define SUPER_LABEL 0x78
#define SUPER_LABEL_BYTES 16
#define EXT4_MAGIC 0xef53

static const uint8_t magic[VERSION_AT] = "CAIRN-DATA";

static bool all_zero(const uint8_t *p, size_t len)
{
	return !len || (p[0] == 0 && !memcmp(p, p + 1, len - 1));
}

enum datahead datahead_judge(const uint8_t head[static DATAHEAD_BYTES])
{
	const uint8_t *super = head + SUPER_AT;
	char label[SUPER_LABEL_BYTES + 1] = { 0 };

	if (!memcmp(head, magic, sizeof(magic))) {
		uint32_t version = le32_load(head + VERSION_AT);
		uint32_t mark = le32_load(head + STATE_AT);

		if (version != VERSION_PLAIN && version != VERSION_ENCRYPTED)
			return DATAHEAD_UNKNOWN;
		if (mark == STATE_MAKING)
			return version == VERSION_PLAIN ? DATAHEAD_MAKING
							: DATAHEAD_MAKING_ENCRYPTED;
		if (mark == STATE_MADE)
			return version == VERSION_PLAIN ? DATAHEAD_MADE : DATAHEAD_ENCRYPTED;
		return DATAHEAD_UNKNOWN;
	}
	if (all_zero(head, DATAHEAD_BYTES))
		return DATAHEAD_EMPTY;
	memcpy(label, super + SUPER_LABEL, SUPER_LABEL_BYTES);
	if (le16_load(super + SUPER_MAGIC) != EXT4_MAGIC || strcmp(label, DATAHEAD_LABEL) != 0)
		return DATAHEAD_UNKNOWN;
	/* Ours by its label, and the mark is gone. Never mounted means never used. */
	if (all_zero(head, SUPER_AT) && !le32_load(super + SUPER_MTIME) &&
	    !le16_load(super + SUPER_MNT_COUNT))
		return DATAHEAD_MAKING;
	return DATAHEAD_MADE;
}

void datahead_mark(enum datahead what, uint8_t ret_sector[static DATAHEAD_MARK_BYTES])
{
	bool making = what == DATAHEAD_MAKING || what == DATAHEAD_MAKING_ENCRYPTED;
	bool encrypted = what == DATAHEAD_MAKING_ENCRYPTED || what == DATAHEAD_ENCRYPTED;

	memset(ret_sector, 0, DATAHEAD_MARK_BYTES);
	memcpy(ret_sector, magic, sizeof(magic));
	le32_store(ret_sector + VERSION_AT, encrypted ? VERSION_ENCRYPTED : VERSION_PLAIN);
	le32_store(ret_sector + STATE_AT, making ? STATE_MAKING : STATE_MADE);
	if (what == DATAHEAD_MAKING)
		le32_store(ret_sector + LABEL_MAGIC_AT, LABEL_MAGIC);
}

const char *datahead_name(enum datahead what)
{
	static const char *const names[] = {
		"empty", "being made", "made", "being made, encrypted", "made, encrypted", "unknown"
	};

	return what <= DATAHEAD_UNKNOWN ? names[what] : "?";
}

// SPDX-License-Identifier: Apache-2.0
/* Events of a log in words. All of it is what the log claims: nothing is decided by it. */
#include <stdio.h>
#include <string.h>

#include "bytes.h"
#include "pcrlist.h"

/* TCG PC Client Platform Firmware Profile 1.05 r23, section 10.4.1, table 27. */
static const struct {
	uint32_t type;
	const char *name;
} types[] = {
	{ 0x00000003, "no action" },
	{ 0x00000004, "separator" },
	{ 0x00000005, "action" },
	{ 0x00000006, "tagged event" },
	{ 0x00000007, "firmware contents" },
	{ 0x00000008, "firmware version" },
	{ 0x00000009, "CPU microcode" },
	{ 0x0000000a, "platform configuration" },
	{ 0x0000000b, "table of devices" },
	{ 0x0000000c, "compact hash" },
	{ 0x0000000d, "boot loader" },
	{ 0x0000000e, "boot loader partition data" },
	{ 0x0000000f, "nonhost code" },
	{ 0x00000010, "nonhost configuration" },
	{ 0x00000011, "nonhost information" },
	{ 0x00000012, "omitted boot device events" },
	{ 0x80000001, "variable" },
	{ 0x80000002, "boot variable" },
	{ 0x80000003, "boot application" },
	{ 0x80000004, "boot driver" },
	{ 0x80000005, "runtime driver" },
	{ 0x80000006, "partition table" },
	{ 0x80000007, "firmware action" },
	{ 0x80000008, "firmware volume" },
	{ 0x80000009, "handoff tables" },
	{ 0x8000000a, "firmware volume" },
	{ 0x8000000b, "handoff tables" },
	{ 0x8000000c, "boot variable" },
	{ 0x80000010, "HCRTM" },
	{ 0x800000e0, "authority" },
	{ 0x800000e1, "SPDM firmware" },
	{ 0x800000e2, "SPDM firmware configuration" },
};

/* Text being made: ASCII, cut at the end of the buffer. */
struct text {
	char *buf;
	size_t size, used;
};

static void put(struct text *t, uint32_t c)
{
	if (t->used + 1 >= t->size)
		return;
	t->buf[t->used++] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	t->buf[t->used] = '\0';
}

static void put_string(struct text *t, const char *s)
{
	while (*s)
		put(t, (uint8_t)*s++);
}

static void put_ucs2(struct text *t, const uint8_t *p, size_t bytes)
{
	for (; bytes >= 2 && le16_load(p); p += 2, bytes -= 2)
		put(t, le16_load(p));
}

/* UEFI_VARIABLE_DATA: guid[16] | u64 characters | u64 bytes | name | data. */
static void variable(struct text *t, const uint8_t *data, size_t len)
{
	if (len < 32 || le64_load(data + 16) > (len - 32) / 2)
		return;
	put(t, ' ');
	put_ucs2(t, data + 32, (size_t)le64_load(data + 16) * 2);
}

/* UEFI_IMAGE_LOAD_EVENT: u64 x 3 | u64 bytes | device path; its file, if it names one. */
static void image(struct text *t, const uint8_t *data, size_t len)
{
	size_t at = 32;

	while (len >= 36 && at <= len - 4) {
		size_t bytes = le16_load(data + at + 2);

		if (bytes < 4 || bytes > len - at || data[at] == 0x7f)
			return;
		if (data[at] == 4 && data[at + 1] == 4) { /* media device path, file path */
			put(t, ' ');
			put_ucs2(t, data + at + 4, bytes - 4);
		}
		at += bytes;
	}
}

/* string - data is text, perhaps with a NUL at its end. */
static void string(struct text *t, const uint8_t *data, size_t len)
{
	size_t i;

	while (len && !data[len - 1])
		len--;
	for (i = 0; i < len; i++)
		if (data[i] < 0x20 || data[i] >= 0x7f)
			return;
	if (len)
		put_string(t, " \"");
	for (i = 0; i < len; i++)
		put(t, data[i]);
	if (len)
		put(t, '"');
}

void pcrlist_describe(const struct eventlog_event *e, char *ret_text, size_t size)
{
	struct text t = { .buf = ret_text, .size = size };
	const char *name = NULL;
	char number[32];
	size_t i;

	if (size)
		ret_text[0] = '\0';
	for (i = 0; i < sizeof(types) / sizeof(types[0]) && !name; i++)
		if (types[i].type == e->type)
			name = types[i].name;
	if (!name) {
		(void)snprintf(number, sizeof(number), "event of type 0x%x", e->type);
		name = number;
	}
	put_string(&t, name);
	switch (e->type) {
	case 0x80000001:
	case 0x80000002:
	case 0x8000000c:
	case 0x800000e0:
		variable(&t, e->data, e->data_len);
		break;
	case 0x80000003:
	case 0x80000004:
	case 0x80000005:
		image(&t, e->data, e->data_len);
		break;
	case 0x00000006: /* u32 id | u32 bytes | text, as Linux's EFI stub has it */
		if (e->data_len > 8)
			string(&t, e->data + 8, e->data_len - 8);
		break;
	default:
		string(&t, e->data, e->data_len);
	}
}

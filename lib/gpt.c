// SPDX-License-Identifier: Apache-2.0
#include "gpt.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "bytes.h"
#include "hex.h"

enum {
	HEADER_BYTES = 92,
	ENTRIES_SECTORS = GPT_ENTRIES_BYTES / GPT_SECTOR_BYTES,
	PRIMARY_LBA = 1,
	LEAST_SECTORS = 100,
};

static const uint8_t signature[8] = { 'E', 'F', 'I', ' ', 'P', 'A', 'R', 'T' };
static const uint8_t zero_guid[GPT_GUID_BYTES];

/* What one header says, checked by itself. */
struct header {
	uint64_t alternate_lba, entries_lba, last_usable;
	uint32_t entries_crc;
	uint8_t disk_guid[GPT_GUID_BYTES];
};

/* CRC-32 of ISO 3309, as UEFI uses it. */
static uint32_t crc32(const uint8_t *p, size_t len)
{
	uint32_t c = ~0u;
	int bit;

	while (len--) {
		c ^= *p++;
		for (bit = 0; bit < 8; bit++)
			c = c >> 1 ^ (c & 1 ? 0xedb88320u : 0);
	}
	return ~c;
}

int gpt_guid_parse(const char *text, uint8_t ret[static GPT_GUID_BYTES])
{
	static const uint8_t order[GPT_GUID_BYTES] = { 3, 2, 1,	 0,  5,	 4,  7,	 6,
						       8, 9, 10, 11, 12, 13, 14, 15 };
	char digits[2 * GPT_GUID_BYTES + 1];
	uint8_t raw[GPT_GUID_BYTES];
	size_t i, n = 0;

	if (strnlen(text, GPT_GUID_TEXT + 1) != GPT_GUID_TEXT)
		return -EINVAL;
	for (i = 0; i < GPT_GUID_TEXT; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash != (text[i] == '-'))
			return -EINVAL;
		if (!dash)
			digits[n++] = text[i];
	}
	digits[n] = '\0';
	if (hex_decode(digits, raw, sizeof(raw)))
		return -EINVAL;
	for (i = 0; i < sizeof(raw); i++)
		ret[order[i]] = raw[i];
	return 0;
}

void gpt_guid_format(const uint8_t guid[static GPT_GUID_BYTES], char ret[static GPT_GUID_TEXT + 1])
{
	static const uint8_t order[GPT_GUID_BYTES] = { 3, 2, 1,	 0,  5,	 4,  7,	 6,
						       8, 9, 10, 11, 12, 13, 14, 15 };
	size_t i, at = 0;

	for (i = 0; i < GPT_GUID_BYTES; i++) {
		hex_encode(&guid[order[i]], 1, ret + at);
		at += 2;
		if (i == 3 || i == 5 || i == 7 || i == 9)
			ret[at++] = '-';
	}
	ret[at] = '\0';
}

int gpt_init(struct gpt *g, uint64_t disk_sectors, const uint8_t disk_guid[static GPT_GUID_BYTES])
{
	if (disk_sectors < LEAST_SECTORS)
		return -EINVAL;
	memset(g, 0, sizeof(*g));
	g->disk_sectors = disk_sectors;
	g->backup_lba = disk_sectors - 1;
	memcpy(g->disk_guid, disk_guid, GPT_GUID_BYTES);
	return 0;
}

static const uint8_t *entry(const struct gpt *g, unsigned int number)
{
	const uint8_t *e;

	if (number < 1 || number > GPT_ENTRIES)
		return NULL;
	e = g->entries + (size_t)(number - 1) * GPT_ENTRY_BYTES;
	return memcmp(e, zero_guid, sizeof(zero_guid)) == 0 ? NULL : e;
}

int gpt_get(const struct gpt *g, unsigned int number, struct gpt_part *ret)
{
	const uint8_t *e = entry(g, number);
	size_t i;

	if (!e)
		return -ENOENT;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->type, e, GPT_GUID_BYTES);
	memcpy(ret->guid, e + 16, GPT_GUID_BYTES);
	ret->first_lba = le64_load(e + 32);
	ret->last_lba = le64_load(e + 40);
	for (i = 0; i < GPT_NAME_MAX; i++) {
		uint16_t c = le16_load(e + 56 + 2 * i);

		if (!c)
			break;
		ret->name[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
	}
	return 0;
}

/* Every used entry lies inside the disk and over no other. */
static int check_entries(const struct gpt *g)
{
	unsigned int i, k;

	for (i = 1; i <= GPT_ENTRIES; i++) {
		const uint8_t *a = entry(g, i);
		uint64_t first, last;

		if (!a)
			continue;
		first = le64_load(a + 32);
		last = le64_load(a + 40);
		if (first < GPT_FIRST_LBA || last < first || last > g->disk_sectors - GPT_LAST_GAP)
			return -ERANGE;
		for (k = 1; k < i; k++) {
			const uint8_t *b = entry(g, k);

			if (b && first <= le64_load(b + 40) && last >= le64_load(b + 32))
				return -EEXIST;
		}
	}
	return 0;
}

int gpt_set(struct gpt *g, unsigned int number, const struct gpt_part *part)
{
	uint8_t old[GPT_ENTRY_BYTES], *e;
	size_t len = strnlen(part->name, sizeof(part->name)), i;
	int rc;

	if (number < 1 || number > GPT_ENTRIES || len > GPT_NAME_MAX ||
	    memcmp(part->type, zero_guid, sizeof(zero_guid)) == 0)
		return -EINVAL;
	for (i = 0; i < len; i++)
		if (part->name[i] < 0x20 || part->name[i] > 0x7e)
			return -EINVAL;
	e = g->entries + (size_t)(number - 1) * GPT_ENTRY_BYTES;
	memcpy(old, e, sizeof(old));
	memset(e, 0, GPT_ENTRY_BYTES);
	memcpy(e, part->type, GPT_GUID_BYTES);
	memcpy(e + 16, part->guid, GPT_GUID_BYTES);
	le64_store(e + 32, part->first_lba);
	le64_store(e + 40, part->last_lba);
	for (i = 0; i < len; i++)
		le16_store(e + 56 + 2 * i, (uint8_t)part->name[i]);
	rc = check_entries(g);
	if (rc)
		memcpy(e, old, sizeof(old));
	return rc;
}

/*
 * Checks the header in a sector that was read from my_lba. -ENODATA: there is none (no
 * signature); -EBADMSG: there is one, damaged or of a form we do not handle.
 */
static int header_parse(const uint8_t *s, uint64_t my_lba, uint64_t disk_sectors,
			struct header *ret)
{
	uint8_t copy[HEADER_BYTES];

	if (memcmp(s, signature, sizeof(signature)) != 0)
		return -ENODATA;
	memcpy(copy, s, sizeof(copy));
	memset(copy + 16, 0, 4);
	if (le32_load(s + 8) != 0x00010000 || le32_load(s + 12) != HEADER_BYTES ||
	    crc32(copy, sizeof(copy)) != le32_load(s + 16) || le64_load(s + 24) != my_lba)
		return -EBADMSG;
	ret->alternate_lba = le64_load(s + 32);
	ret->last_usable = le64_load(s + 48);
	ret->entries_lba = le64_load(s + 72);
	ret->entries_crc = le32_load(s + 88);
	memcpy(ret->disk_guid, s + 56, GPT_GUID_BYTES);
	if (le32_load(s + 80) != GPT_ENTRIES || le32_load(s + 84) != GPT_ENTRY_BYTES ||
	    le64_load(s + 40) != GPT_FIRST_LBA || ret->alternate_lba >= disk_sectors ||
	    ret->last_usable >= disk_sectors || ret->entries_lba >= disk_sectors ||
	    disk_sectors - ret->entries_lba < ENTRIES_SECTORS)
		return -EBADMSG;
	return 0;
}

static int read_copy(const struct blockio *io, uint64_t lba, struct gpt *ret)
{
	uint64_t disk_sectors = io->size_bytes / GPT_SECTOR_BYTES;
	uint8_t sector[GPT_SECTOR_BYTES];
	struct header h;
	int rc;

	rc = io->read(io->ctx, sector, sizeof(sector), lba * GPT_SECTOR_BYTES);
	if (!rc)
		rc = header_parse(sector, lba, disk_sectors, &h);
	if (rc)
		return rc;
	/* A primary header sits before its entries, a backup after; nothing else is ours. */
	if (h.entries_lba != (lba == PRIMARY_LBA ? 2 : lba - ENTRIES_SECTORS))
		return -EBADMSG;
	rc = io->read(io->ctx, ret->entries, sizeof(ret->entries),
		      h.entries_lba * GPT_SECTOR_BYTES);
	if (rc)
		return rc;
	if (crc32(ret->entries, sizeof(ret->entries)) != h.entries_crc)
		return -EBADMSG;
	memcpy(ret->disk_guid, h.disk_guid, GPT_GUID_BYTES);
	ret->backup_lba = lba == PRIMARY_LBA ? h.alternate_lba : lba;
	ret->disk_sectors = ret->backup_lba + 1;
	/* The size of the disk it was made for is told twice. */
	if (ret->backup_lba < LEAST_SECTORS - 1 ||
	    h.last_usable != ret->disk_sectors - GPT_LAST_GAP ||
	    (lba != PRIMARY_LBA && h.alternate_lba != PRIMARY_LBA) || check_entries(ret))
		return -EBADMSG;
	return 0;
}

static int check_sectors(const struct blockio *io, struct err *err)
{
	if (io->sector_bytes != GPT_SECTOR_BYTES)
		return err_set(err, -ENOTSUP,
			       "the disk has sectors of %u bytes; Cairn needs 512 (a 4Kn disk can "
			       "often be set to 512-byte sectors with its vendor's tool)",
			       io->sector_bytes);
	if (io->size_bytes / GPT_SECTOR_BYTES < LEAST_SECTORS)
		return err_set(err, -ENODATA, "the disk has only %" PRIu64 " bytes",
			       io->size_bytes);
	return 0;
}

int gpt_read(const struct blockio *io, struct gpt *ret, struct err *err)
{
	uint64_t last = io->size_bytes / GPT_SECTOR_BYTES - 1;
	struct gpt backup;
	int rc, rc_backup;

	rc = check_sectors(io, err);
	if (rc)
		return rc;
	memset(ret, 0, sizeof(*ret));
	memset(&backup, 0, sizeof(backup));
	rc = read_copy(io, PRIMARY_LBA, ret);
	if (!rc) {
		ret->primary_ok = true;
		ret->backup_ok = read_copy(io, ret->backup_lba, &backup) == 0 &&
				 memcmp(ret->entries, backup.entries, sizeof(ret->entries)) == 0 &&
				 memcmp(ret->disk_guid, backup.disk_guid, GPT_GUID_BYTES) == 0;
		return 0;
	}
	rc_backup = read_copy(io, last, &backup);
	if (!rc_backup) {
		*ret = backup;
		ret->backup_ok = true;
		return 0;
	}
	if (rc == -ENODATA && rc_backup == -ENODATA)
		return err_set(err, -ENODATA, "the disk has no GPT");
	if (rc != -ENODATA && rc != -EBADMSG)
		return err_sys(err, rc, "read the GPT");
	return err_set(err, -EBADMSG,
		       "both copies of the GPT are damaged or of a form Cairn does "
		       "not write");
}

int gpt_resize(struct gpt *g, uint64_t disk_sectors)
{
	uint64_t old = g->disk_sectors;

	if (disk_sectors < LEAST_SECTORS)
		return -ENOSPC;
	g->disk_sectors = disk_sectors;
	if (check_entries(g)) {
		g->disk_sectors = old;
		return -ENOSPC;
	}
	return 0;
}

int gpt_grow_last(struct gpt *g, unsigned int number)
{
	uint8_t *e = (uint8_t *)entry(g, number);
	uint64_t end = g->disk_sectors - GPT_LAST_GAP + 1;
	unsigned int i;

	if (!e)
		return -ENOENT;
	for (i = 1; i <= GPT_ENTRIES; i++) {
		const uint8_t *other = entry(g, i);

		if (other && le64_load(other + 32) > le64_load(e + 32))
			return -EBUSY;
	}
	end -= end % GPT_ALIGN_SECTORS;
	if (end > le64_load(e + 40) + 1)
		le64_store(e + 40, end - 1);
	return 0;
}

static void header_format(const struct gpt *g, bool primary, uint8_t *s)
{
	uint64_t backup_lba = g->disk_sectors - 1;

	memset(s, 0, GPT_SECTOR_BYTES);
	memcpy(s, signature, sizeof(signature));
	le32_store(s + 8, 0x00010000);
	le32_store(s + 12, HEADER_BYTES);
	le64_store(s + 24, primary ? PRIMARY_LBA : backup_lba);
	le64_store(s + 32, primary ? backup_lba : PRIMARY_LBA);
	le64_store(s + 40, GPT_FIRST_LBA);
	le64_store(s + 48, g->disk_sectors - GPT_LAST_GAP);
	memcpy(s + 56, g->disk_guid, GPT_GUID_BYTES);
	le64_store(s + 72, primary ? 2 : backup_lba - ENTRIES_SECTORS);
	le32_store(s + 80, GPT_ENTRIES);
	le32_store(s + 84, GPT_ENTRY_BYTES);
	le32_store(s + 88, crc32(g->entries, sizeof(g->entries)));
	le32_store(s + 16, crc32(s, HEADER_BYTES));
}

static int write_copy(const struct blockio *io, const struct gpt *g, bool primary, struct err *err)
{
	uint64_t header_lba = primary ? PRIMARY_LBA : g->disk_sectors - 1;
	uint64_t entries_lba = primary ? 2 : header_lba - ENTRIES_SECTORS;
	uint8_t sector[GPT_SECTOR_BYTES];
	int rc;

	header_format(g, primary, sector);
	rc = io->write(io->ctx, g->entries, sizeof(g->entries), entries_lba * GPT_SECTOR_BYTES);
	if (!rc)
		rc = io->write(io->ctx, sector, sizeof(sector), header_lba * GPT_SECTOR_BYTES);
	if (!rc)
		rc = io->flush(io->ctx);
	return rc ? err_sys(err, rc, "write the %s GPT", primary ? "primary" : "backup") : 0;
}

static int write_mbr(const struct blockio *io, struct err *err)
{
	uint8_t s[GPT_SECTOR_BYTES] = { 0 };
	uint8_t *e = s + 446;
	int rc;

	e[2] = 2; /* first sector in CHS: 0/0/2 */
	e[4] = 0xee;
	memset(e + 5, 0xff, 3);
	le32_store(e + 8, 1);
	le32_store(e + 12, 0xffffffff);
	le16_store(s + 510, 0xaa55);
	rc = io->write(io->ctx, s, sizeof(s), 0);
	return rc ? err_sys(err, rc, "write the protective MBR") : 0;
}

int gpt_write(const struct blockio *io, struct gpt *g, bool with_mbr, struct err *err)
{
	/* A damaged primary copy goes first: the backup is the only good one, and where the table
	 * stays in place it must not be touched before. */
	bool primary_first = !g->primary_ok && g->backup_ok;
	int rc = check_sectors(io, err);

	if (rc)
		return rc;
	if (g->disk_sectors != io->size_bytes / GPT_SECTOR_BYTES)
		return err_set(err, -EINVAL,
			       "the GPT is laid out for %" PRIu64 " sectors, the disk has %" PRIu64,
			       g->disk_sectors, io->size_bytes / GPT_SECTOR_BYTES);
	if (with_mbr)
		rc = write_mbr(io, err);
	if (!rc)
		rc = write_copy(io, g, primary_first, err);
	if (!rc)
		rc = write_copy(io, g, !primary_first, err);
	if (rc)
		return rc;
	g->primary_ok = g->backup_ok = true;
	g->backup_lba = g->disk_sectors - 1;
	return 0;
}

int gpt_fix_backup(const struct blockio *io, struct err *err)
{
	uint64_t disk_sectors = io->size_bytes / GPT_SECTOR_BYTES;
	struct gpt g;
	int rc = gpt_read(io, &g, err);

	if (rc)
		return rc;
	if (g.primary_ok && g.backup_ok && g.backup_lba == disk_sectors - 1)
		return 0;
	if (gpt_resize(&g, disk_sectors))
		return err_set(err, -ENOSPC, "the disk is too small for its partitions");
	return gpt_write(io, &g, false, err);
}

// SPDX-License-Identifier: Apache-2.0
#include "fatread.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

enum {
	SECTOR = FATREAD_SECTOR_BYTES,
	ENTRY_BYTES = 32,
	ATTR_FOLDER = 0x10,
	ATTR_VOLUME = 0x08,
	ATTR_LONG = 0x0f,
	LONG_LAST = 0x40,
	LONG_CHARS = 13,
	LONG_MAX = 260,
	CLUSTERS_MAX = 0x0ffffff5,
	NO_CLUSTER = 0, /* the fixed root folder of FAT12 and FAT16 */
};

struct volume {
	const struct blockio *io;
	unsigned int bits;
	uint64_t fat_at, root_at, data_at; /* bytes */
	uint32_t fat_bytes, root_bytes, cluster_bytes, clusters, root_cluster;
	uint64_t cached; /* offset of the FAT's sector that `sector` holds */
	uint8_t sector[SECTOR];
};

static int damaged(struct err *err, const char *why)
{
	return err_set(err, -EINVAL, "no FAT file system, or a damaged one: %s", why);
}

static int open_volume(struct volume *v, const struct blockio *io, struct err *err)
{
	uint8_t *b = v->sector;
	uint64_t sectors, fat_sectors, root_sectors, data;
	uint32_t reserved, fats, per_cluster;
	int rc = io->size_bytes < SECTOR ? -EINVAL : io->read(io->ctx, b, SECTOR, 0);

	if (rc == -EINVAL)
		return damaged(err, "no boot sector");
	if (rc)
		return err_sys(err, rc, "cannot read the boot sector");
	per_cluster = b[13];
	reserved = le16_load(b + 14);
	fats = b[16];
	root_sectors = (le16_load(b + 17) * 32u + SECTOR - 1) / SECTOR;
	sectors = le16_load(b + 19) ? le16_load(b + 19) : le32_load(b + 32);
	fat_sectors = le16_load(b + 22) ? le16_load(b + 22) : le32_load(b + 36);
	if (b[510] != 0x55 || b[511] != 0xaa || le16_load(b + 11) != SECTOR || !per_cluster ||
	    (per_cluster & (per_cluster - 1)) || !reserved || fats < 1 || fats > 2 || !fat_sectors)
		return damaged(err, "its boot sector makes no sense");
	data = reserved + fats * fat_sectors + root_sectors;
	if (sectors > io->size_bytes / SECTOR || data >= sectors)
		return damaged(err, "it is longer than its partition, or has no room");
	if (fat_sectors > UINT32_MAX / SECTOR || (sectors - data) / per_cluster > CLUSTERS_MAX)
		return damaged(err, "its boot sector makes no sense");
	v->clusters = (uint32_t)((sectors - data) / per_cluster);
	v->bits = v->clusters < 4085 ? 12 : v->clusters < 65525 ? 16 : 32;
	v->io = io;
	v->fat_at = (uint64_t)reserved * SECTOR;
	v->fat_bytes = (uint32_t)fat_sectors * SECTOR;
	v->root_at = (reserved + fats * fat_sectors) * SECTOR;
	v->root_bytes = (uint32_t)root_sectors * SECTOR;
	v->data_at = data * SECTOR;
	v->cluster_bytes = per_cluster * SECTOR;
	v->root_cluster = v->bits == 32 ? le32_load(b + 44) : NO_CLUSTER;
	v->cached = 0;
	if ((uint64_t)(v->clusters + 2) * v->bits / 8 > v->fat_bytes ||
	    (v->bits == 32) != !root_sectors)
		return damaged(err, "its table is too short");
	return 0;
}

static int fat_byte(struct volume *v, uint64_t at, uint8_t *ret, struct err *err)
{
	uint64_t sector = v->fat_at + at / SECTOR * SECTOR;
	int rc = 0;

	/* The boot sector lies at 0, never the table. */
	if (sector != v->cached) {
		rc = v->io->read(v->io->ctx, v->sector, SECTOR, sector);
		if (rc)
			return err_sys(err, rc, "cannot read the table");
		v->cached = sector;
	}
	*ret = v->sector[at % SECTOR];
	return 0;
}

/* The cluster after this one; 0 at the end. */
static int next_cluster(struct volume *v, uint32_t cluster, uint32_t *ret, struct err *err)
{
	uint64_t at = (uint64_t)cluster * v->bits / 8;
	uint32_t n = 0, end = v->bits == 12 ? 0xff8 : v->bits == 16 ? 0xfff8 : 0x0ffffff8;
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < (v->bits + 7) / 8; i++) {
		uint8_t byte = 0;

		rc = fat_byte(v, at + i, &byte, err);
		n |= (uint32_t)byte << 8 * i;
	}
	if (rc)
		return rc;
	if (v->bits == 12)
		n = cluster % 2 ? n >> 4 : n & 0xfff;
	n &= 0x0fffffff;
	if (n >= end)
		n = 0;
	else if (n < 2 || n - 2 >= v->clusters)
		return damaged(err, "a chain leaves the volume");
	*ret = n;
	return 0;
}

/* Part of a chain that lies in one piece. */
struct run {
	uint64_t at;
	uint64_t bytes;
	uint32_t next; /* cluster that begins the next run; 0: the end */
};

/* No run is longer than max bytes, rounded up to a cluster. */
static int find_run(struct volume *v, uint32_t first, uint64_t max, struct run *ret,
		    struct err *err)
{
	uint32_t last = first, next = 0;
	int rc;

	if (first < 2 || first - 2 >= v->clusters)
		return damaged(err, "a chain leaves the volume");
	ret->bytes = v->cluster_bytes;
	for (;;) {
		rc = next_cluster(v, last, &next, err);
		if (rc)
			return rc;
		if (next != last + 1 || ret->bytes >= max)
			break;
		last = next;
		ret->bytes += v->cluster_bytes;
	}
	ret->at = v->data_at + (uint64_t)(first - 2) * v->cluster_bytes;
	ret->next = next;
	return 0;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int same_name(const char *a, const char *b, size_t b_len)
{
	size_t i;

	for (i = 0; i < b_len; i++)
		if (lower(a[i]) != lower(b[i]) || !a[i])
			return 0;
	return !a[b_len];
}

/* "FOO     BAR" to "FOO.BAR". */
static void short_name(const uint8_t *e, char ret[static 13])
{
	size_t n = 0, i;

	for (i = 0; i < 8 && e[i] != ' '; i++)
		ret[n++] = (char)e[i];
	if (e[8] != ' ')
		ret[n++] = '.';
	for (i = 8; i < 11 && e[i] != ' '; i++)
		ret[n++] = (char)e[i];
	ret[n] = '\0';
}

/* A long name comes in pieces, the last one first; a piece out of order spoils it. */
struct long_name {
	char text[LONG_MAX + 1];
	unsigned int expect; /* number of the next piece; 0: the name is whole */
	uint8_t sum;
	int usable;
};

static void long_piece(struct long_name *l, const uint8_t *e)
{
	static const uint8_t places[LONG_CHARS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	unsigned int number = e[0] & 0x3f, i;

	if (e[0] & LONG_LAST) {
		memset(l, 0, sizeof(*l));
		l->usable = number >= 1 && number * LONG_CHARS <= LONG_MAX;
		l->expect = number;
		l->sum = e[13];
	}
	if (!l->usable || number != l->expect || l->sum != e[13] || !number) {
		l->usable = 0;
		return;
	}
	for (i = 0; i < LONG_CHARS; i++) {
		uint16_t c = le16_load(e + places[i]);

		/* After its NUL a name is padded with 0xffff. */
		l->text[(number - 1) * LONG_CHARS + i] = c < 0x80 ? (char)c : c == 0xffff ? 0 : '?';
	}
	l->expect--;
}

static uint8_t short_sum(const uint8_t *e)
{
	uint8_t sum = 0;
	size_t i;

	for (i = 0; i < 11; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + e[i]);
	return sum;
}

struct found {
	uint32_t cluster, bytes;
	int is_folder;
};

/* Looks through a sector of a folder. Returns 1 found, -ENOENT no further entries, 0 go on. */
static int look(const uint8_t *sector, const char *name, size_t name_len, struct long_name *l,
		unsigned int bits, struct found *ret)
{
	size_t at;

	for (at = 0; at < SECTOR; at += ENTRY_BYTES) {
		const uint8_t *e = sector + at;
		char text[13];
		int whole;

		if (!e[0])
			return -ENOENT;
		if (e[0] != 0xe5 && (e[11] & 0x3f) == ATTR_LONG) {
			long_piece(l, e);
			continue;
		}
		whole = l->usable && !l->expect && l->sum == short_sum(e);
		l->usable = 0;
		if (e[0] == 0xe5 || (e[11] & ATTR_VOLUME))
			continue;
		short_name(e, text);
		if (!same_name(text, name, name_len) &&
		    !(whole && same_name(l->text, name, name_len)))
			continue;
		ret->cluster = le16_load(e + 26);
		if (bits == 32)
			ret->cluster |= (uint32_t)le16_load(e + 20) << 16;
		ret->bytes = le32_load(e + 28);
		ret->is_folder = (e[11] & ATTR_FOLDER) != 0;
		return 1;
	}
	return 0;
}

/* One name in the folder that begins at this cluster. */
static int find(struct volume *v, uint32_t folder, const char *name, size_t name_len,
		struct found *ret, struct err *err)
{
	struct run run = { v->root_at, v->root_bytes, 0 };
	struct long_name l = { .usable = 0 };
	uint64_t seen = 0, at;
	uint8_t sector[SECTOR];
	int rc = 0;

	if (folder != NO_CLUSTER)
		rc = find_run(v, folder, v->cluster_bytes, &run, err);
	while (!rc) {
		for (at = 0; !rc && at < run.bytes; at += SECTOR) {
			rc = v->io->read(v->io->ctx, sector, SECTOR, run.at + at);
			if (rc)
				return err_sys(err, rc, "cannot read a folder");
			rc = look(sector, name, name_len, &l, v->bits, ret);
		}
		seen += run.bytes;
		if (!rc && !run.next)
			rc = -ENOENT;
		else if (!rc && seen >= FATREAD_FOLDER_MAX)
			return damaged(err, "a folder does not end");
		else if (!rc)
			rc = find_run(v, run.next, v->cluster_bytes, &run, err);
	}
	return rc > 0 ? 0 : rc;
}

static int read_chain(struct volume *v, const struct found *f, uint8_t *ret_buf, struct err *err)
{
	uint64_t done = 0, want = ((uint64_t)f->bytes + SECTOR - 1) / SECTOR * SECTOR;
	uint32_t next = f->cluster;
	struct run run;
	int rc;

	while (done < want) {
		if (!next)
			return damaged(err, "a file ends early");
		rc = find_run(v, next, want - done, &run, err);
		if (rc)
			return rc;
		if (run.bytes > want - done)
			run.bytes = want - done;
		rc = v->io->read(v->io->ctx, ret_buf + done, (size_t)run.bytes, run.at);
		if (rc)
			return err_sys(err, rc, "cannot read a file");
		done += run.bytes;
		next = run.next;
	}
	return 0;
}

int fatread_file(const struct blockio *io, const char *path, uint8_t *ret_buf, size_t max,
		 size_t *ret_len, struct err *err)
{
	struct found f = { .is_folder = 1 };
	const char *p = path;
	struct volume v;
	int rc = open_volume(&v, io, err);

	f.cluster = rc ? 0 : v.root_cluster;
	while (!rc) {
		size_t len = strcspn(p, "/");

		if (!f.is_folder)
			rc = -ENOENT;
		else
			rc = find(&v, f.cluster, p, len, &f, err);
		if (rc == -ENOENT)
			return err_set(err, rc, "there is no %s", path);
		p += len;
		if (!*p++)
			break;
	}
	if (rc)
		return rc;
	if (f.is_folder)
		return err_set(err, -ENOENT, "there is no file %s", path);
	if (f.bytes > max)
		return err_set(err, -EFBIG, "%s is longer than %zu bytes", path, max);
	rc = read_chain(&v, &f, ret_buf, err);
	if (!rc)
		*ret_len = f.bytes;
	return rc;
}

// SPDX-License-Identifier: Apache-2.0
#include "fat.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "fatname.h"

enum {
	ENTRY_BYTES = 32,
	ROOT_ENTRIES = 512,
	LONG_NAME_CHARS = 13,
	FATS = 2,
	MEDIA = 0xf8,
	ATTR_VOLUME = 0x08,
	ATTR_FOLDER = 0x10,
	ATTR_FILE = 0x20,
	ATTR_LONG_NAME = 0x0f,
	FIXED_DATE = 1 << 5 | 1, /* 1980-01-01 */
	ROOT = 0,
};

static bool short_name_taken(const struct fat_plan *plan, const struct fat_node *node)
{
	int i;

	for (i = 1; i < plan->n_nodes; i++) {
		const struct fat_node *other = &plan->nodes[i];

		if (other != node && other->parent == node->parent &&
		    memcmp(other->short_name, node->short_name, sizeof(node->short_name)) == 0)
			return true;
	}
	return false;
}

static int choose_short_name(const struct fat_plan *plan, struct fat_node *node, struct err *err)
{
	int tail = 0;

	if (fatname_short(node->name, node->name_len, 0, node->short_name) &&
	    !short_name_taken(plan, node)) {
		node->long_name = fatname_has_lower(node->name, node->name_len);
		return 0;
	}
	node->long_name = true;
	do {
		if (++tail > 9)
			return err_set(err, -EINVAL, "%.*s: no short name is left for it",
				       (int)node->name_len, node->name);
		(void)fatname_short(node->name, node->name_len, tail, node->short_name);
	} while (short_name_taken(plan, node));
	return 0;
}

static uint32_t slots(const struct fat_node *node)
{
	uint32_t name = (uint32_t)(node->name_len + LONG_NAME_CHARS - 1) / LONG_NAME_CHARS;

	return 1 + (node->long_name ? name : 0);
}

static int find(const struct fat_plan *plan, int parent, const char *name, size_t len)
{
	int i;

	for (i = 1; i < plan->n_nodes; i++) {
		const struct fat_node *node = &plan->nodes[i];

		if (node->parent == parent && fatname_same(node->name, node->name_len, name, len))
			return i;
	}
	return -1;
}

/* Adds a node; ret_index is its number. */
static int add(struct fat_plan *plan, int parent, const char *name, size_t len, bool is_folder,
	       int *ret_index, struct err *err)
{
	struct fat_node *node = &plan->nodes[plan->n_nodes];
	int rc;

	if (!fatname_valid(name, len))
		return err_set(err, -EINVAL, "`%.*s` is no name that FAT can hold", (int)len, name);
	if (plan->n_nodes == FAT_NODES_MAX)
		return err_set(err, -EINVAL, "more than %d files and folders", FAT_NODES_MAX - 1);
	*node = (struct fat_node){
		.name = name,
		.name_len = len,
		.parent = parent,
		.is_folder = is_folder,
		.entries = is_folder ? 2 : 0, /* . and .. */
	};
	plan->n_nodes++;
	rc = choose_short_name(plan, node, err);
	if (rc)
		return rc;
	plan->nodes[parent].entries += slots(node);
	*ret_index = plan->n_nodes - 1;
	return 0;
}

/* The folders of path and the file itself. */
static int add_path(struct fat_plan *plan, const struct fat_file *file, struct err *err)
{
	const char *p = file->path;
	int parent = ROOT, at, rc;

	for (;;) {
		const char *slash = strchr(p, '/');
		size_t len = slash ? (size_t)(slash - p) : strlen(p);

		at = find(plan, parent, p, len);
		if (at >= 0 && (!slash || !plan->nodes[at].is_folder))
			return err_set(err, -EINVAL, "%s: the name is there already", file->path);
		if (at < 0) {
			rc = add(plan, parent, p, len, slash != NULL, &at, err);
			if (rc)
				return rc;
		}
		if (!slash)
			break;
		parent = at;
		p = slash + 1;
	}
	if (file->size_bytes > UINT32_MAX)
		return err_set(err, -EINVAL, "%s: FAT files end at 4 GiB", file->path);
	plan->nodes[at].size_bytes = (uint32_t)file->size_bytes;
	return 0;
}

static bool power_of_two(uint32_t v)
{
	return v && (v & (v - 1)) == 0;
}

static int check_spec(const struct fat_spec *spec, size_t n_files, struct err *err)
{
	if (spec->bits != 12 && spec->bits != 16 && spec->bits != 32)
		return err_set(err, -EINVAL, "FAT%u: the types are 12, 16 and 32", spec->bits);
	if (!power_of_two(spec->cluster_bytes) || spec->cluster_bytes < FAT_SECTOR_BYTES ||
	    spec->cluster_bytes > 32768)
		return err_set(err, -EINVAL,
			       "clusters of %u bytes: a power of two from 512 to 32768",
			       spec->cluster_bytes);
	if (!power_of_two(spec->align_bytes) || spec->align_bytes < FAT_SECTOR_BYTES ||
	    spec->align_bytes > (1u << 20))
		return err_set(err, -EINVAL,
			       "alignment to %u bytes: a power of two from 512 to 1 MiB",
			       spec->align_bytes);
	if (spec->size_bytes % FAT_SECTOR_BYTES || spec->size_bytes / FAT_SECTOR_BYTES > UINT32_MAX)
		return err_set(err, -EINVAL, "size of %llu bytes: a multiple of 512 below 2 TiB",
			       (unsigned long long)spec->size_bytes);
	if (!fatname_label_valid(spec->label))
		return err_set(err, -EINVAL, "label `%s`: 1 to 11 of A-Z 0-9 - _", spec->label);
	if (n_files > FAT_FILES_MAX)
		return err_set(err, -EINVAL, "%zu files: at most %d", n_files, FAT_FILES_MAX);
	return 0;
}

/* Sectors before the data and the number of clusters, which depend on each other. */
static int plan_geometry(struct fat_plan *plan, struct err *err)
{
	const struct fat_spec *spec = &plan->spec;
	uint32_t per_cluster = spec->cluster_bytes / FAT_SECTOR_BYTES;
	uint32_t align = spec->align_bytes / FAT_SECTOR_BYTES;
	uint32_t least = spec->bits == 12 ? 1 : spec->bits == 16 ? 4085 : 65525;
	uint32_t most = spec->bits == 12 ? 4084 : spec->bits == 16 ? 65524 : 0x0ffffff4;
	uint64_t need;

	plan->total_sectors = (uint32_t)(spec->size_bytes / FAT_SECTOR_BYTES);
	plan->root_sectors = spec->bits == 32 ? 0 : ROOT_ENTRIES * ENTRY_BYTES / FAT_SECTOR_BYTES;
	for (plan->fat_sectors = 1;; plan->fat_sectors++) {
		uint64_t start = (spec->bits == 32 ? 32 : 1) + plan->root_sectors +
				 (uint64_t)FATS * plan->fat_sectors;
		uint64_t pad = (align - start % align) % align;

		if (start + pad + per_cluster > plan->total_sectors)
			return err_set(err, -EINVAL, "%llu bytes are too few for FAT%u",
				       (unsigned long long)spec->size_bytes, spec->bits);
		plan->reserved_sectors = (uint32_t)((spec->bits == 32 ? 32 : 1) + pad);
		plan->clusters = (uint32_t)((plan->total_sectors - start - pad) / per_cluster);
		plan->data_bytes = (start + pad) * FAT_SECTOR_BYTES;
		need = (((uint64_t)plan->clusters + 2) * spec->bits + 7) / 8;
		if (need <= (uint64_t)plan->fat_sectors * FAT_SECTOR_BYTES)
			break;
	}
	if (plan->clusters < least || plan->clusters > most)
		return err_set(err, -EINVAL,
			       "%u clusters of %u bytes: FAT%u has %u to %u; change the cluster",
			       plan->clusters, spec->cluster_bytes, spec->bits, least, most);
	return 0;
}

static uint64_t cluster_offset(const struct fat_plan *plan, uint32_t cluster)
{
	return plan->data_bytes + (uint64_t)(cluster - 2) * plan->spec.cluster_bytes;
}

/* Gives every folder, then every file its clusters. */
static int place(struct fat_plan *plan, struct err *err)
{
	uint32_t cluster_bytes = plan->spec.cluster_bytes, align = plan->spec.align_bytes;
	uint64_t next = 2, end = (uint64_t)plan->clusters + 2;
	int pass, i;

	plan->used_clusters = 0;
	for (pass = 0; pass < 2; pass++) {
		for (i = 0; i < plan->n_nodes; i++) {
			struct fat_node *node = &plan->nodes[i];
			uint64_t bytes = node->is_folder ? (uint64_t)node->entries * ENTRY_BYTES
							 : node->size_bytes;

			if (node->is_folder != (pass == 0) || !bytes ||
			    (i == ROOT && plan->spec.bits != 32))
				continue;
			while (!node->is_folder && align > cluster_bytes &&
			       (plan->data_bytes + (next - 2) * cluster_bytes) % align)
				next++;
			node->clusters = (uint32_t)((bytes + cluster_bytes - 1) / cluster_bytes);
			if (next + node->clusters > end)
				return err_set(err, -ENOSPC, "%.*s does not fit",
					       (int)node->name_len, node->name);
			node->first_cluster = (uint32_t)next;
			next += node->clusters;
			plan->used_clusters += node->clusters;
		}
		if (pass == 0)
			plan->metadata_bytes = cluster_offset(plan, (uint32_t)next);
	}
	return 0;
}

int fat_plan_make(const struct fat_spec *spec, struct fat_file *files, size_t n_files,
		  struct fat_plan *ret, struct err *err)
{
	int rc = check_spec(spec, n_files, err), i;
	size_t k;

	if (rc)
		return rc;
	memset(ret, 0, sizeof(*ret));
	ret->spec = *spec;
	ret->n_nodes = 1;
	ret->nodes[ROOT].is_folder = true;
	ret->nodes[ROOT].name = "the root folder";
	ret->nodes[ROOT].name_len = 15;
	ret->nodes[ROOT].entries = 1; /* the label */
	rc = plan_geometry(ret, err);
	for (k = 0; !rc && k < n_files; k++)
		rc = add_path(ret, &files[k], err);
	if (!rc && spec->bits != 32 && ret->nodes[ROOT].entries > ROOT_ENTRIES)
		rc = err_set(err, -ENOSPC, "the root folder has more than %d entries",
			     ROOT_ENTRIES);
	if (!rc)
		rc = place(ret, err);
	if (rc)
		return rc;
	for (i = 1, k = 0; i < ret->n_nodes; i++) {
		if (ret->nodes[i].is_folder)
			continue;
		/* Files became nodes in the callers' order. */
		files[k++].ret_offset_bytes =
			ret->nodes[i].clusters ? cluster_offset(ret, ret->nodes[i].first_cluster)
					       : 0;
	}
	return 0;
}

static void fat_set(const struct fat_plan *plan, uint8_t *fat, uint32_t n, uint32_t value)
{
	uint8_t *p;

	switch (plan->spec.bits) {
	case 12:
		p = fat + n + n / 2;
		if (n & 1)
			le16_store(p, (uint16_t)((le16_load(p) & 0x000f) | (value & 0xfff) << 4));
		else
			le16_store(p, (uint16_t)((le16_load(p) & 0xf000) | (value & 0xfff)));
		break;
	case 16:
		le16_store(fat + 2 * (size_t)n, (uint16_t)value);
		break;
	default:
		le32_store(fat + 4 * (size_t)n, value & 0x0fffffff);
	}
}

static void format_fats(const struct fat_plan *plan, uint8_t *buf)
{
	uint8_t *fat = buf + (size_t)plan->reserved_sectors * FAT_SECTOR_BYTES;
	size_t bytes = (size_t)plan->fat_sectors * FAT_SECTOR_BYTES;
	int i;

	fat_set(plan, fat, 0, 0x0fffff00 | MEDIA);
	fat_set(plan, fat, 1, 0x0fffffff);
	for (i = 0; i < plan->n_nodes; i++) {
		const struct fat_node *node = &plan->nodes[i];
		uint32_t k;

		for (k = 0; k < node->clusters; k++)
			fat_set(plan, fat, node->first_cluster + k,
				k + 1 < node->clusters ? node->first_cluster + k + 1 : 0x0fffffff);
	}
	memcpy(fat + bytes, fat, bytes);
}

/* Eleven characters, blanks at the end and no NUL. */
static void put_label(const struct fat_spec *spec, uint8_t ret[static 11])
{
	const char *p = spec->label;
	size_t i;

	for (i = 0; i < 11; i++)
		ret[i] = *p ? (uint8_t)*p++ : ' ';
}

static void format_boot(const struct fat_plan *plan, uint8_t *b)
{
	/* Without a NUL. */
	static const char oem[8] = "CAIRN   ", fat12[8] = "FAT12   ", fat16[8] = "FAT16   ",
			  fat32[8] = "FAT32   ";
	static const uint8_t jump[3] = { 0xeb, 0xfe, 0x90 }; /* no code: loops where it stands */
	const struct fat_spec *spec = &plan->spec;
	uint8_t *x = b + (spec->bits == 32 ? 64 : 36);

	memcpy(b, jump, sizeof(jump));
	memcpy(b + 3, oem, sizeof(oem));
	le16_store(b + 11, FAT_SECTOR_BYTES);
	b[13] = (uint8_t)(spec->cluster_bytes / FAT_SECTOR_BYTES);
	le16_store(b + 14, (uint16_t)plan->reserved_sectors);
	b[16] = FATS;
	le16_store(b + 17, spec->bits == 32 ? 0 : ROOT_ENTRIES);
	if (spec->bits != 32 && plan->total_sectors < 0x10000)
		le16_store(b + 19, (uint16_t)plan->total_sectors);
	else
		le32_store(b + 32, plan->total_sectors);
	b[21] = MEDIA;
	le16_store(b + 22, spec->bits == 32 ? 0 : (uint16_t)plan->fat_sectors);
	le16_store(b + 24, 63);
	le16_store(b + 26, 255);
	if (spec->bits == 32) {
		le32_store(b + 36, plan->fat_sectors);
		le32_store(b + 44, plan->nodes[ROOT].first_cluster);
		le16_store(b + 48, 1); /* FSInfo */
		le16_store(b + 50, 6); /* backup */
	}
	x[0] = 0x80;
	x[2] = 0x29;
	le32_store(x + 3, spec->volume_id);
	put_label(spec, x + 7);
	memcpy(x + 18, spec->bits == 12 ? fat12 : spec->bits == 16 ? fat16 : fat32, 8);
	le16_store(b + 510, 0xaa55);
}

static void format_fsinfo(const struct fat_plan *plan, uint8_t *b)
{
	uint32_t last = 1;
	int i;

	for (i = 0; i < plan->n_nodes; i++) {
		const struct fat_node *node = &plan->nodes[i];

		if (node->clusters && node->first_cluster + node->clusters - 1 > last)
			last = node->first_cluster + node->clusters - 1;
	}
	le32_store(b, 0x41615252);
	le32_store(b + 484, 0x61417272);
	le32_store(b + 488, plan->clusters - plan->used_clusters);
	le32_store(b + 492, last);
	le32_store(b + 508, 0xaa550000);
}

static uint8_t *put_entry(uint8_t *p, const uint8_t name[static 11], uint8_t attr, uint32_t cluster,
			  uint32_t size)
{
	memcpy(p, name, 11);
	p[11] = attr;
	le16_store(p + 16, FIXED_DATE); /* created */
	le16_store(p + 18, FIXED_DATE); /* read */
	le16_store(p + 20, (uint16_t)(cluster >> 16));
	le16_store(p + 24, FIXED_DATE); /* written */
	le16_store(p + 26, (uint16_t)cluster);
	le32_store(p + 28, size);
	return p + ENTRY_BYTES;
}

static uint8_t *put_long_name(uint8_t *p, const struct fat_node *node)
{
	static const uint8_t at[LONG_NAME_CHARS] = {
		1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30
	};
	uint32_t n = slots(node) - 1, k;
	uint8_t sum = 0;
	size_t i;

	for (i = 0; i < sizeof(node->short_name); i++)
		sum = (uint8_t)((uint8_t)(sum << 7 | sum >> 1) + node->short_name[i]);
	for (k = n; k-- > 0; p += ENTRY_BYTES) {
		p[0] = (uint8_t)((k + 1) | (k + 1 == n ? 0x40 : 0));
		p[11] = ATTR_LONG_NAME;
		p[13] = sum;
		for (i = 0; i < LONG_NAME_CHARS; i++) {
			size_t c = k * LONG_NAME_CHARS + i;
			uint16_t v = 0xffff;

			if (c < node->name_len)
				v = (uint8_t)node->name[c];
			else if (c == node->name_len)
				v = 0;
			le16_store(p + at[i], v);
		}
	}
	return p;
}

static void format_folder(const struct fat_plan *plan, int index, uint8_t *p)
{
	const struct fat_node *folder = &plan->nodes[index];
	int i;

	if (index == ROOT) {
		uint8_t label[11];

		put_label(&plan->spec, label);
		p = put_entry(p, label, ATTR_VOLUME, 0, 0);
	} else {
		uint32_t up =
			folder->parent == ROOT ? 0 : plan->nodes[folder->parent].first_cluster;

		p = put_entry(p, (const uint8_t *)".          ", ATTR_FOLDER, folder->first_cluster,
			      0);
		p = put_entry(p, (const uint8_t *)"..         ", ATTR_FOLDER, up, 0);
	}
	for (i = 1; i < plan->n_nodes; i++) {
		const struct fat_node *node = &plan->nodes[i];

		if (node->parent != index)
			continue;
		if (node->long_name)
			p = put_long_name(p, node);
		p = put_entry(p, node->short_name, node->is_folder ? ATTR_FOLDER : ATTR_FILE,
			      node->first_cluster, node->is_folder ? 0 : node->size_bytes);
	}
}

void fat_format(const struct fat_plan *plan, uint8_t *buf)
{
	int i;

	memset(buf, 0, (size_t)plan->metadata_bytes);
	format_boot(plan, buf);
	if (plan->spec.bits == 32) {
		format_fsinfo(plan, buf + FAT_SECTOR_BYTES);
		memcpy(buf + 6 * FAT_SECTOR_BYTES, buf, 2 * FAT_SECTOR_BYTES);
	}
	format_fats(plan, buf);
	for (i = 0; i < plan->n_nodes; i++) {
		const struct fat_node *node = &plan->nodes[i];

		if (node->is_folder && node->clusters)
			format_folder(plan, i, buf + cluster_offset(plan, node->first_cluster));
		else if (i == ROOT)
			format_folder(plan, i,
				      buf + plan->data_bytes -
					      (size_t)plan->root_sectors * FAT_SECTOR_BYTES);
	}
}

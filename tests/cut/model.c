// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gpt.h"

static const char *const region_names[] = {
	[CUT_BOOT_A] = "boot-a",  [CUT_ROOT_A] = "root-a", [CUT_BOOT_B] = "boot-b",
	[CUT_ROOT_B] = "root-b",  [CUT_ESP_1] = "esp",	   [CUT_ESP_2] = "esp-2",
	[CUT_STATE] = "state",	  [CUT_GPT] = "gpt",	   [CUT_DATA] = "data",
	[CUT_NOONE] = "nobody's",
};

const char *cut_region_name(enum cut_region region)
{
	return region_names[region];
}

static const struct cut_image *image_of(const struct cut_release *r, enum cut_region area)
{
	if (area == CUT_BOOT_A || area == CUT_BOOT_B)
		return &r->boot;
	if (area == CUT_ROOT_A || area == CUT_ROOT_B)
		return &r->root;
	return &r->esp;
}

enum cut_region cut_region_of(const struct cut_model *m, uint64_t sector)
{
	if (sector < GPT_FIRST_LBA || sector >= m->sectors - GPT_LAST_GAP + 1)
		return CUT_GPT;
	for (unsigned int a = 0; a < CUT_AREAS; a++)
		if (sector - m->areas[a].first < m->areas[a].sectors)
			return (enum cut_region)a;
	if (sector - m->state_first < m->state_sectors)
		return CUT_STATE;
	return sector >= m->data_first ? CUT_DATA : CUT_NOONE;
}

uint8_t cut_agrees(const struct cut_model *m, enum cut_region region, uint64_t sector,
		   const uint8_t *content)
{
	uint8_t bits = 0;

	if (region >= CUT_AREAS)
		return 0;
	for (unsigned int r = 0; r < m->n_releases; r++) {
		const struct cut_image *image = image_of(&m->releases[r], region);
		uint64_t at = (sector - m->areas[region].first) * CUT_SECTOR;
		size_t n = CUT_SECTOR;

		if (!image->bytes)
			continue;
		if (at + n > image->len)
			n = at < image->len ? (size_t)(image->len - at) : 0;
		if (memcmp(content, image->bytes + (n ? at : 0), n) == 0)
			bits |= (uint8_t)(1u << r);
	}
	return bits;
}

static int find_area(struct cut_model *m, const struct diskconf *conf, enum cut_region region,
		     const char *name, bool must, struct err *err)
{
	unsigned int number = diskconf_find(conf, name);

	if (!number)
		return must ? err_set(err, -EINVAL, "the layout has no partition %s", name) : 0;
	m->areas[region].first = (uint64_t)conf->parts[number - 1].start_mib * 2048;
	m->areas[region].sectors = (uint64_t)conf->parts[number - 1].size_mib * 2048;
	if (m->areas[region].first + m->areas[region].sectors > m->sectors)
		return err_set(err, -EINVAL, "the disk is too small for partition %s", name);
	return 0;
}

static int count_area(struct cut_model *m, enum cut_region region)
{
	struct cut_area *a = &m->areas[region];

	if (!a->sectors)
		return 0;
	a->agrees = malloc((size_t)a->sectors);
	if (!a->agrees)
		return -ENOMEM;
	for (uint64_t i = 0; i < a->sectors; i++) {
		a->agrees[i] =
			cut_agrees(m, region, a->first + i, m->disk + (a->first + i) * CUT_SECTOR);
		for (unsigned int r = 0; r < m->n_releases; r++)
			a->differ[r] += !(a->agrees[i] & 1u << r);
	}
	/* A release without such an image is never what an area holds. */
	for (unsigned int r = 0; r < m->n_releases; r++)
		if (!image_of(&m->releases[r], region)->bytes)
			a->differ[r] = (uint32_t)a->sectors;
	return 0;
}

int cut_model_init(struct cut_model *m, uint8_t *disk, uint64_t size_bytes,
		   const struct diskconf *conf, const struct cut_release *releases,
		   unsigned int n_releases, struct err *err)
{
	static const struct {
		const char *name;
		enum cut_region region;
		bool must;
	} wanted[] = {
		{ "cairn-boot-a", CUT_BOOT_A, true }, { "cairn-root-a", CUT_ROOT_A, true },
		{ "cairn-boot-b", CUT_BOOT_B, true }, { "cairn-root-b", CUT_ROOT_B, true },
		{ "cairn-esp", CUT_ESP_1, true },     { "cairn-esp-2", CUT_ESP_2, false },
	};
	unsigned int state = diskconf_find(conf, "cairn-state");
	unsigned int data = diskconf_find(conf, "cairn-data");
	int rc = 0;

	*m = (struct cut_model){ .disk = disk, .sectors = size_bytes / CUT_SECTOR };
	if (!n_releases || n_releases > CUT_RELEASES_MAX)
		return err_set(err, -EINVAL, "one to %d releases", CUT_RELEASES_MAX);
	memcpy(m->releases, releases, n_releases * sizeof(*releases));
	m->n_releases = n_releases;
	if (!state || !data)
		return err_set(err, -EINVAL, "the layout has no cairn-state or no cairn-data");
	m->state_first = (uint64_t)conf->parts[state - 1].start_mib * 2048;
	m->state_sectors = (uint64_t)conf->parts[state - 1].size_mib * 2048;
	m->data_first = (uint64_t)conf->parts[data - 1].start_mib * 2048;
	if (m->data_first + 2048 > m->sectors)
		return err_set(err, -EINVAL, "the disk is too small for its layout");
	for (size_t i = 0; !rc && i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		rc = find_area(m, conf, wanted[i].region, wanted[i].name, wanted[i].must, err);
		if (!rc && count_area(m, wanted[i].region))
			rc = err_sys(err, -ENOMEM, "model of the disk");
	}
	return rc;
}

void cut_model_release(struct cut_model *m)
{
	for (unsigned int a = 0; a < CUT_AREAS; a++)
		free(m->areas[a].agrees);
	free(m->pieces);
	free(m->spots);
	free(m->hash);
}

static size_t hash_of(uint64_t sector, size_t room)
{
	return (size_t)((sector * UINT64_C(0x9e3779b97f4a7c15)) >> 20) & (room - 1);
}

static int rehash(struct cut_model *m)
{
	size_t room = m->hash_room ? m->hash_room * 4 : 4096;
	uint32_t *hash = calloc(room, sizeof(*hash));

	if (!hash)
		return -ENOMEM;
	for (size_t i = 0; i < m->n_spots; i++) {
		size_t h = hash_of(m->spots[i].sector, room);

		while (hash[h])
			h = (h + 1) & (room - 1);
		hash[h] = (uint32_t)i + 1;
	}
	free(m->hash);
	m->hash = hash;
	m->hash_room = room;
	return 0;
}

/* The spot of a sector, or NULL. */
static const uint32_t *find_spot(const struct cut_model *m, uint64_t sector)
{
	size_t h;

	if (!m->n_spots)
		return NULL;
	for (h = hash_of(sector, m->hash_room); m->hash[h]; h = (h + 1) & (m->hash_room - 1))
		if (m->spots[m->hash[h] - 1].sector == sector)
			return &m->hash[h];
	return NULL;
}

int cut_touch(struct cut_model *m, uint64_t sector, uint32_t *ret_spot)
{
	const uint32_t *found = find_spot(m, sector);
	struct cut_spot *s;
	size_t h;

	if (found) {
		*ret_spot = *found - 1;
		return 0;
	}
	if (m->n_spots == m->room_spots) {
		size_t room = m->room_spots ? m->room_spots * 2 : 1024;

		s = realloc(m->spots, room * sizeof(*s));
		if (!s)
			return -ENOMEM;
		m->spots = s;
		m->room_spots = room;
	}
	if ((m->n_spots + 1) * 2 > m->hash_room && rehash(m))
		return -ENOMEM;
	s = &m->spots[m->n_spots];
	s->sector = sector;
	s->region = (uint8_t)cut_region_of(m, sector);
	s->agrees = s->region < CUT_AREAS
			    ? m->areas[s->region].agrees[sector - m->areas[s->region].first]
			    : 0;
	for (h = hash_of(sector, m->hash_room); m->hash[h]; h = (h + 1) & (m->hash_room - 1))
		;
	m->spots_in[s->region]++;
	*ret_spot = (uint32_t)m->n_spots++;
	m->hash[h] = *ret_spot + 1;
	return 0;
}

int cut_write(struct cut_model *m, uint64_t sector, uint64_t sectors, const uint8_t *data)
{
	for (uint64_t i = 0; i < sectors; i++) {
		struct cut_piece *p;

		if (m->n_pieces == m->room_pieces) {
			size_t room = m->room_pieces ? m->room_pieces * 2 : 1024;

			p = realloc(m->pieces, room * sizeof(*p));
			if (!p)
				return -ENOMEM;
			m->pieces = p;
			m->room_pieces = room;
		}
		p = &m->pieces[m->n_pieces];
		p->sector = sector + i;
		p->data = data + i * CUT_SECTOR;
		p->write = m->n_writes;
		if (cut_touch(m, p->sector, &p->spot))
			return -ENOMEM;
		p->region = m->spots[p->spot].region;
		p->agrees = cut_agrees(m, p->region, p->sector, p->data);
		m->n_pieces++;
	}
	m->n_writes++;
	return 0;
}

void cut_flush(struct cut_model *m)
{
	for (size_t i = 0; i < m->n_pieces; i++) {
		const struct cut_piece *p = &m->pieces[i];
		struct cut_area *a;
		uint8_t *agrees;

		memcpy(m->disk + p->sector * CUT_SECTOR, p->data, CUT_SECTOR);
		if (p->region >= CUT_AREAS)
			continue;
		a = &m->areas[p->region];
		agrees = &a->agrees[p->sector - a->first];
		for (unsigned int r = 0; r < m->n_releases; r++)
			a->differ[r] += (uint32_t)(*agrees >> r & 1) - (p->agrees >> r & 1);
		*agrees = p->agrees;
	}
	if (m->hash)
		memset(m->hash, 0, m->hash_room * sizeof(*m->hash));
	memset(m->spots_in, 0, sizeof(m->spots_in));
	m->n_pieces = m->n_spots = 0;
	m->n_writes = 0;
}

int cut_state_reset(struct cut_state *s, const struct cut_model *m)
{
	if (m->n_spots > s->room) {
		size_t room = m->n_spots * 2;
		const uint8_t **content = realloc(s->content, room * sizeof(*content));
		uint8_t *agrees;

		if (!content)
			return -ENOMEM;
		s->content = content;
		agrees = realloc(s->agrees, room);
		if (!agrees)
			return -ENOMEM;
		s->agrees = agrees;
		s->room = room;
	}
	for (size_t i = 0; i < m->n_spots; i++) {
		s->content[i] = NULL;
		s->agrees[i] = m->spots[i].agrees;
	}
	for (unsigned int a = 0; a < CUT_AREAS; a++)
		memcpy(s->differ[a], m->areas[a].differ, sizeof(s->differ[a]));
	return 0;
}

void cut_state_set(struct cut_state *s, const struct cut_model *m, uint32_t spot,
		   const uint8_t *content, uint8_t agrees)
{
	uint8_t region = m->spots[spot].region;

	s->content[spot] = content;
	if (region < CUT_AREAS)
		for (unsigned int r = 0; r < m->n_releases; r++)
			s->differ[region][r] +=
				(uint32_t)(s->agrees[spot] >> r & 1) - (agrees >> r & 1);
	s->agrees[spot] = agrees;
}

void cut_state_piece(struct cut_state *s, const struct cut_model *m, const struct cut_piece *p)
{
	cut_state_set(s, m, p->spot, p->data, p->agrees);
}

void cut_state_release(struct cut_state *s)
{
	free(s->content);
	free(s->agrees);
}

uint8_t cut_state_holds(const struct cut_state *s, const struct cut_model *m, enum cut_region area)
{
	uint8_t bits = 0;

	for (unsigned int r = 0; m->areas[area].sectors && r < m->n_releases; r++)
		if (!s->differ[area][r])
			bits |= (uint8_t)(1u << r);
	return bits;
}

void cut_state_read(const struct cut_state *s, const struct cut_model *m, uint64_t sector,
		    uint64_t sectors, uint8_t *ret)
{
	memcpy(ret, m->disk + sector * CUT_SECTOR, (size_t)sectors * CUT_SECTOR);
	for (uint64_t i = 0; i < sectors; i++) {
		const uint32_t *spot = find_spot(m, sector + i);

		if (spot && s->content[*spot - 1])
			memcpy(ret + i * CUT_SECTOR, s->content[*spot - 1], CUT_SECTOR);
	}
}

// SPDX-License-Identifier: Apache-2.0
#include "judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blockio.h"
#include "copy.h"
#include "stage1.h"

#define HEAD_SECTORS (BOOTSTATE_HEAD_BYTES / CUT_SECTOR)
/* Longer than any way through the tries: then it goes round. */
#define BOOTS_MAX 16

static const enum cut_region boot_of[] = { [BOOTSTATE_A] = CUT_BOOT_A, [BOOTSTATE_B] = CUT_BOOT_B };
static const enum cut_region root_of[] = { [BOOTSTATE_A] = CUT_ROOT_A, [BOOTSTATE_B] = CUT_ROOT_B };

/* The disk as a state has it, for the reader of partition tables. */
struct view {
	const struct cut_model *m;
	const struct cut_state *s;
};

static int view_read(void *ctx, void *ret_buf, size_t len, uint64_t offset_bytes)
{
	const struct view *v = ctx;

	if (offset_bytes % CUT_SECTOR || len % CUT_SECTOR ||
	    offset_bytes / CUT_SECTOR + len / CUT_SECTOR > v->m->sectors)
		return -EINVAL;
	cut_state_read(v->s, v->m, offset_bytes / CUT_SECTOR, len / CUT_SECTOR, ret_buf);
	return 0;
}

static int view_flush(void *ctx)
{
	(void)ctx;
	return 0;
}

static int read_table(const struct cut_model *m, const struct cut_state *s, struct gpt *ret,
		      struct err *err)
{
	struct view v = { m, s };
	struct blockio io = { .ctx = &v,
			      .size_bytes = m->sectors * CUT_SECTOR,
			      .sector_bytes = CUT_SECTOR,
			      .read = view_read,
			      .flush = view_flush };

	return gpt_read(&io, ret, err);
}

int cut_judge_init(struct cut_judge *j, const struct cut_model *m, struct err *err)
{
	struct cut_state s = { 0 };
	int rc;

	memset(j, 0, sizeof(*j));
	j->memo = calloc(CUT_MEMO, sizeof(*j->memo));
	if (!j->memo)
		return err_sys(err, -ENOMEM, "judge");
	for (unsigned int r = 0; r < m->n_releases; r++)
		j->esp_known |= m->releases[r].esp.bytes != NULL;
	rc = cut_state_reset(&s, m);
	if (!rc)
		rc = read_table(m, &s, &j->table, err);
	cut_state_release(&s);
	return rc;
}

void cut_judge_release(struct cut_judge *j)
{
	free(j->memo);
	j->memo = NULL;
}

void cut_judge_flushed(struct cut_judge *j)
{
	j->durable_key_valid = false;
}

static void read_copies(const uint8_t *head, struct bootstate_copy ret[static 2])
{
	if (bootstate_parse(head + BOOTSTATE_S0_OFFSET, BOOTSTATE_SIZE, &ret[0]))
		memset(&ret[0], 0, sizeof(ret[0]));
	if (bootstate_parse(head + BOOTSTATE_S1_OFFSET, BOOTSTATE_SIZE, &ret[1]))
		memset(&ret[1], 0, sizeof(ret[1]));
}

bool cut_boot_state(const struct cut_model *m, const struct cut_state *s, struct bootstate *ret)
{
	uint8_t head[BOOTSTATE_HEAD_BYTES];
	struct bootstate_copy copies[2];
	int newest;

	cut_state_read(s, m, m->state_first, HEAD_SECTORS, head);
	read_copies(head, copies);
	newest = bootstate_newest(copies);
	if (newest >= 0)
		*ret = copies[newest].state;
	return newest >= 0;
}

bool cut_table_settled(const struct cut_model *m, const struct cut_state *s)
{
	struct gpt g;

	return read_table(m, s, &g, NULL) == 0 && g.primary_ok && g.backup_ok &&
	       g.backup_lba == m->sectors - 1;
}

/* One start after the other, none of which becomes healthy. */
static void follow(const struct bootstate_copy copies[static 2], const uint8_t whole[static 3],
		   bool again, struct cut_verdict *ret)
{
	struct bootstate_machine machine = {
		.copy = { copies[0], copies[1] },
		.takes = { true, true },
		.loads_a = true,
		.loads_b = true,
	};

	for (unsigned int i = 0; i < BOOTS_MAX && !ret->why[0]; i++) {
		int newest = bootstate_newest(machine.copy);
		struct bootstate_boot boot;

		machine.esp = newest >= 0 ? machine.copy[newest].state.esp : 1;
		boot = bootstate_next(&machine);
		if (boot.started == BOOTSTATE_NONE || !whole[boot.started]) {
			(void)snprintf(ret->why, sizeof(ret->why),
				       "start %u%s is of slot %s, which holds no release whole",
				       i + 1, again ? " after a second cut" : "",
				       bootstate_name(boot.started));
			return;
		}
		if (i == 0 && !again)
			ret->slot = boot.started;
		/* The power goes again, in the middle of GRUB's own write. */
		for (unsigned int c = 0; c < 2 && !again; c++) {
			struct bootstate_copy torn[2] = { machine.copy[0], machine.copy[1] };

			if (copy_equal(&boot.copy[c], &machine.copy[c]))
				continue;
			memset(&torn[c], 0, sizeof(torn[c]));
			if (bootstate_newest(torn) < 0)
				(void)snprintf(ret->why, sizeof(ret->why),
					       "GRUB writes over the only valid state");
			else
				follow(torn, whole, true, ret);
		}
		machine.copy[0] = boot.copy[0];
		machine.copy[1] = boot.copy[1];
	}
}

static uint64_t mix(uint64_t h, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* What GRUB's choice hangs on, as a number. */
static uint64_t state_key(const uint8_t *head)
{
	uint64_t h = mix(UINT64_C(0xcbf29ce484222325), head + BOOTSTATE_S0_OFFSET, BOOTSTATE_SIZE);

	h = mix(h, head + BOOTSTATE_S1_OFFSET, BOOTSTATE_SIZE);
	return h * 2 + bootstate_check_fs(head, BOOTSTATE_HEAD_BYTES);
}

static void judge_boot(const uint8_t *head, const uint8_t whole[static 3], struct cut_verdict *ret)
{
	struct bootstate_copy copies[2];

	read_copies(head, copies);
	if (!bootstate_check_fs(head, BOOTSTATE_HEAD_BYTES))
		(void)snprintf(ret->why, sizeof(ret->why), "GRUB finds no file system on STATE");
	else if (bootstate_newest(copies) < 0)
		(void)snprintf(ret->why, sizeof(ret->why), "no copy of the boot state is valid");
	else
		follow(copies, whole, false, ret);
	if (ret->slot)
		ret->releases = whole[ret->slot];
}

static void judge_table(const struct cut_judge *j, const struct cut_model *m,
			const struct cut_state *s, struct cut_verdict *ret)
{
	struct err err = { "" };
	struct gpt g;

	if (read_table(m, s, &g, &err)) {
		(void)snprintf(ret->why, sizeof(ret->why), "no partition table: %.150s", err.msg);
		return;
	}
	for (unsigned int n = 1; n <= GPT_ENTRIES; n++) {
		struct gpt_part was, is;
		bool had = gpt_get(&j->table, n, &was) == 0, has = gpt_get(&g, n, &is) == 0;

		if (had != has ||
		    (had && (was.first_lba != is.first_lba ||
			     memcmp(was.type, is.type, sizeof(is.type)) != 0 ||
			     (was.last_lba != is.last_lba && was.first_lba != m->data_first)))) {
			(void)snprintf(ret->why, sizeof(ret->why), "partition %u has changed", n);
			return;
		}
	}
}

/* Firmware may go to either ESP, whatever became of its variables: what it finds there is whole. */
static void judge_loaders(const struct cut_model *m, const struct cut_state *s,
			  struct cut_verdict *ret)
{
	static const enum cut_region esp[] = { CUT_ESP_1, CUT_ESP_2 };
	uint8_t sector[CUT_SECTOR];
	unsigned int whole = 0;

	for (unsigned int i = 0; i < 2; i++) {
		if (!m->areas[esp[i]].sectors)
			continue;
		if (cut_state_holds(s, m, esp[i])) {
			whole++;
			continue;
		}
		cut_state_read(s, m, m->areas[esp[i]].first, 1, sector);
		if (stage1_generation(sector, sizeof(sector)))
			(void)snprintf(ret->why, sizeof(ret->why),
				       "ESP %u looks complete and is not", i + 1);
	}
	if (!whole)
		(void)snprintf(ret->why, sizeof(ret->why), "no ESP holds a whole loader");
}

struct cut_verdict cut_judge(struct cut_judge *j, const struct cut_model *m,
			     const struct cut_state *s)
{
	uint8_t head[BOOTSTATE_HEAD_BYTES], whole[3] = { 0 };
	struct cut_verdict v = { .slot = BOOTSTATE_NONE };
	struct cut_memo *memo;
	bool of_state = m->spots_in[CUT_STATE] > 0;
	uint64_t key;

	for (unsigned int slot = BOOTSTATE_A; slot <= BOOTSTATE_B; slot++)
		whole[slot] =
			cut_state_holds(s, m, boot_of[slot]) & cut_state_holds(s, m, root_of[slot]);
	if (of_state || !j->durable_key_valid) {
		cut_state_read(s, m, m->state_first, HEAD_SECTORS, head);
		key = state_key(head);
		if (!of_state) {
			j->durable_key = key;
			j->durable_key_valid = true;
		}
	} else {
		key = j->durable_key;
	}
	key = (key * 31 + whole[1]) * 31 + whole[2];
	key += !key;
	memo = &j->memo[(key >> 17) % CUT_MEMO];
	if (memo->key != key) {
		cut_state_read(s, m, m->state_first, HEAD_SECTORS, head);
		judge_boot(head, whole, &v);
		*memo = (struct cut_memo){ key, v };
	}
	v = memo->verdict;
	if (!v.why[0] && m->spots_in[CUT_GPT])
		judge_table(j, m, s, &v);
	if (!v.why[0] && j->esp_known)
		judge_loaders(m, s, &v);
	return v;
}

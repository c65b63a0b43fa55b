// SPDX-License-Identifier: Apache-2.0
#include "bootstate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fat.h"

#define SIGNATURE "# GRUB Environment Block\n"
#define SIGNATURE_SIZE (sizeof(SIGNATURE) - 1)

const char *bootstate_name(enum bootstate_slot slot)
{
	return slot == BOOTSTATE_A ? "a" : slot == BOOTSTATE_B ? "b" : "";
}

/* The end of the line that p is in: its newline or the block's end. A backslash hides one byte. */
static size_t line_end(const uint8_t *buf, size_t len, size_t p)
{
	while (p < len && buf[p] != '\n')
		p += buf[p] == '\\' ? 2 : 1;
	return p;
}

static enum bootstate_slot value_of(const uint8_t *value, size_t len)
{
	/* "\a" is a, as for GRUB. */
	if (len == 2 && value[0] == '\\')
		value++, len--;
	if (len == 1 && value[0] == 'a')
		return BOOTSTATE_A;
	if (len == 1 && value[0] == 'b')
		return BOOTSTATE_B;
	return BOOTSTATE_NONE;
}

/* grub_envblk_iterate: a name runs to the first '=', over newlines too. */
int bootstate_parse(const uint8_t *buf, size_t len, struct bootstate *ret_state)
{
	static const struct {
		const char *name;
		size_t offset;
	} vars[] = {
		{ "slot", offsetof(struct bootstate, slot) },
		{ "booted", offsetof(struct bootstate, booted) },
		{ "failed", offsetof(struct bootstate, failed) },
	};
	struct bootstate state = { BOOTSTATE_NONE, BOOTSTATE_NONE, BOOTSTATE_NONE };
	size_t p = SIGNATURE_SIZE;

	if (len != BOOTSTATE_SIZE || memcmp(buf, SIGNATURE, SIGNATURE_SIZE) != 0)
		return -EINVAL;
	while (p < len) {
		if (buf[p] != '#') {
			size_t name = p, name_len, value, i;

			while (p < len && buf[p] != '=')
				p++;
			if (p == len)
				break;
			name_len = p - name;
			value = p + 1;
			p = line_end(buf, len, value);
			if (p >= len)
				break;
			for (i = 0; i < sizeof(vars) / sizeof(vars[0]); i++) {
				if (name_len == strlen(vars[i].name) &&
				    memcmp(buf + name, vars[i].name, name_len) == 0)
					*(enum bootstate_slot *)(void *)((char *)&state +
									 vars[i].offset) =
						value_of(buf + value, p - value);
			}
		}
		p = line_end(buf, len, p) + 1;
	}
	*ret_state = state;
	return 0;
}

void bootstate_format(const struct bootstate *state, uint8_t ret_buf[static BOOTSTATE_SIZE])
{
	char text[128];
	int n = snprintf(text, sizeof(text), SIGNATURE "slot=%s\nbooted=%s\nfailed=%s\n",
			 bootstate_name(state->slot), bootstate_name(state->booted),
			 bootstate_name(state->failed));

	memset(ret_buf, '#', BOOTSTATE_SIZE);
	memcpy(ret_buf, text, (size_t)n);
}

static enum bootstate_slot other(enum bootstate_slot slot)
{
	return slot == BOOTSTATE_A ? BOOTSTATE_B : BOOTSTATE_A;
}

/* One attempt: GRUB notes the slot first, because a kernel that runs does not come back. */
static bool start(const struct bootstate_machine *m, struct bootstate_boot *boot,
		  enum bootstate_slot slot)
{
	boot->tried[boot->tried[0] == BOOTSTATE_NONE ? 0 : 1] = slot;
	if (m->readable && m->writable)
		boot->state.booted = slot;
	if (slot == BOOTSTATE_A ? m->loads_a : m->loads_b)
		boot->started = slot;
	return boot->started != BOOTSTATE_NONE;
}

struct bootstate_boot bootstate_next(const struct bootstate_machine *m)
{
	static const struct bootstate empty = { BOOTSTATE_NONE, BOOTSTATE_NONE, BOOTSTATE_NONE };
	struct bootstate_boot boot = { { BOOTSTATE_NONE, BOOTSTATE_NONE }, BOOTSTATE_NONE, empty };
	enum bootstate_slot pick, spare;

	if (m->readable)
		boot.state = m->state;
	pick = boot.state.slot == BOOTSTATE_B ? BOOTSTATE_B : BOOTSTATE_A;
	if (boot.state.failed == pick)
		pick = other(pick);
	spare = other(pick);
	if (start(m, &boot, pick))
		return boot;
	/* A block that cannot be read cannot be written either: save_env changes what is there. */
	if (m->readable && m->writable) {
		boot.state.failed = boot.state.failed == spare ? BOOTSTATE_NONE : pick;
		return boot;
	}
	(void)start(m, &boot, spare);
	return boot;
}

/* The geometry is fat.c's to choose; the test holds the offsets of bootstate.h against it. */
void bootstate_mkfs(const struct bootstate *state, uint8_t ret_head[static BOOTSTATE_HEAD_BYTES])
{
	static const struct fat_spec spec = {
		.size_bytes = BOOTSTATE_PART_BYTES,
		.bits = 12,
		.cluster_bytes = 4096,
		.align_bytes = 4096,
		.volume_id = 0x63616902,
		.label = "CAIRNSTATE",
	};
	struct fat_file files[] = { { "S0.ENV", BOOTSTATE_SIZE, 0 },
				    { "S1.ENV", BOOTSTATE_SIZE, 0 } };
	struct fat_plan plan;

	memset(ret_head, 0, BOOTSTATE_HEAD_BYTES);
	/* Constant arguments: whether they fit is decided once, by the test. */
	if (fat_plan_make(&spec, files, 2, &plan, NULL) != 0 ||
	    plan.metadata_bytes > BOOTSTATE_S0_OFFSET)
		return;
	fat_format(&plan, ret_head);
	bootstate_format(state, ret_head + BOOTSTATE_S0_OFFSET);
	bootstate_format(state, ret_head + BOOTSTATE_S1_OFFSET);
}

bool bootstate_check_fs(const uint8_t *head, size_t len)
{
	static const struct bootstate any = { BOOTSTATE_A, BOOTSTATE_NONE, BOOTSTATE_NONE };
	uint8_t want[BOOTSTATE_HEAD_BYTES];

	if (len < BOOTSTATE_S0_OFFSET)
		return false;
	bootstate_mkfs(&any, want);
	return memcmp(head, want, BOOTSTATE_S0_OFFSET) == 0;
}
